// Command unknowns measures how well ways of telling unknown pictures do, and
// what a temperature makes of the scores, on the photos in ../shared/data. It
// writes its tables into docs/unknowns.md:
//
//	go run ./bench/unknowns --data ../shared/data --doc docs/unknowns.md
//
// Of each set three of the ten classes are left out, in three ways; a head is
// trained on the other seven, as `edge adapt` does. The test pictures of the
// seven are known, those of the three are near unknowns, and the test pictures of
// the other sets are far ones.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/internal/insert"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/tflite"
)

func main() {
	data := flag.String("data", "../shared/data", "folder of the sets and weights")
	doc := flag.String("doc", "docs/unknowns.md", "file that gets the tables")
	seeds := flag.Uint64("seeds", 3, "seeds, each with its own split")
	flag.Parse()
	if err := run(context.Background(), *data, *doc, *seeds); err != nil {
		fmt.Fprintln(os.Stderr, "unknowns:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, data, doc string, seeds uint64) error {
	var all []*outcome
	for _, b := range []struct{ name, ref string }{
		{"embedded base", ""},
		{"MobileNetV2 1.0", filepath.Join(data, "weights", "mobilenet_v2_1.0_128in_no_top_float32.tflite")},
	} {
		sets, err := extract(ctx, data, b.ref)
		if err != nil {
			return err
		}
		for seed := uint64(1); seed <= seeds; seed++ {
			for i := range sets {
				outcomes, err := measure(ctx, sets, i, seed)
				if err != nil {
					return err
				}
				for _, o := range outcomes {
					o.base = b.name
					all = append(all, o)
				}
				fmt.Fprintf(os.Stderr, "%s, %s, seed %d\n", b.name, sets[i].name, seed)
			}
		}
	}
	return insert.Between(doc, "bench/unknowns", tables(all, seeds))
}

// openBase opens the base that ref names.
func openBase(ctx context.Context, ref string) (base.Source, *tflite.Base, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return base.Source{}, nil, err
	}
	source, err := base.Prepare(ctx, ref, filepath.Join(dir, "edge", "bases"))
	if err != nil {
		return source, nil, err
	}
	b, err := tflite.OpenBase(source.Path, tflite.Options{})
	return source, b, err
}
