// Command guard compares ratios that were measured anew with those recorded
// before, and prints what moved:
//
//	go run ./bench/guard [--share 0.15] [--points 1] RECORDED NEW
//
// RECORDED and NEW are files of results, as bench/table writes them, or folders of
// such (*.json). It compares ratios alone, since a time says as much about the
// machine as about the program, and never fails because of what moved.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	var l limits
	flag.Float64Var(&l.share, "share", 0.15, "print ratios that moved by more than this share of the recorded one")
	flag.Float64Var(&l.points, "points", 1, "print differences of accuracy that moved by more than this")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: guard [--share 0.15] [--points 1] RECORDED NEW")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 2 || l.share < 0 || l.points < 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(flag.Arg(0), flag.Arg(1), l); err != nil {
		fmt.Fprintln(os.Stderr, "guard:", err)
		os.Exit(1)
	}
}

func run(recorded, fresh string, l limits) error {
	before, err := read(recorded)
	if err != nil {
		return err
	}
	after, err := read(fresh)
	if err != nil {
		return err
	}
	fmt.Print(report(compare(before, after, l), len(after), l))
	return nil
}
