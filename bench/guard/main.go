// Command guard compares ratios that were measured anew with those recorded
// before, and prints what moved:
//
//	go run ./bench/guard [--share 0.15] RECORDED NEW
//
// RECORDED and NEW are files of results, or folders of them (*.json). It compares
// ratios alone, since a time says as much about the machine as about the program,
// and never fails because of what moved. Which numbers are ratios, collect says.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	share := flag.Float64("share", 0.15, "print ratios that moved by more than this share of the recorded one")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: guard [--share 0.15] RECORDED NEW")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 2 || *share < 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(flag.Arg(0), flag.Arg(1), *share); err != nil {
		fmt.Fprintln(os.Stderr, "guard:", err)
		os.Exit(1)
	}
}

func run(recorded, fresh string, share float64) error {
	before, err := read(recorded)
	if err != nil {
		return err
	}
	after, err := read(fresh)
	if err != nil {
		return err
	}
	fmt.Print(report(compare(before, after, share), len(after), share))
	return nil
}
