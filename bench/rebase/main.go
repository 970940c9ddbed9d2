// Command rebase measures what package rebase decides, and how well a head keeps
// a release's classes, on the photos in ../shared/data:
//
//	go run ./bench/rebase --server DIR          # what the server has, to be fine-tuned on
//	bin/edge-trainer finetune --dir DIR/grocery10 --base default --unfreeze 0.2 --epochs 10,5 --out tuned-grocery
//	bin/edge-trainer finetune --dir DIR/sign_digits10 --base default --unfreeze 0.2 --epochs 10,5 --out tuned-signs
//	go run ./bench/rebase --bases tuned-grocery/base.tflite,tuned-signs/base.tflite
//
// The training photos of a set are divided between the server and the devices;
// the rest, and the test photos, tell what is true.
package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sets are the sets of photos, with how many of each class the server has.
var sets = map[string]int{"grocery10": 40, "sign_digits10": 60}

func main() {
	data := flag.String("data", "../shared/data", "folder of the sets")
	server := flag.String("server", "", "folder that gets links to the server's photos; nothing is measured then")
	bases := flag.String("bases", "", "bases fine-tuned on the server's grocery10 and sign_digits10, with a comma between")
	only := flag.String("only", "", "gates or keeping: measure that alone")
	seeds := flag.Uint64("seeds", 12, "seeds, each with its own devices")
	flag.Parse()
	if err := run(context.Background(), *data, *server, *bases, *only, *seeds); err != nil {
		fmt.Fprintln(os.Stderr, "rebase:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, data, server, bases, only string, seeds uint64) error {
	if server != "" {
		for name := range sets {
			s, err := open(data, name)
			if err != nil {
				return err
			}
			if err := link(filepath.Join(server, name), s.server); err != nil {
				return err
			}
		}
		return nil
	}
	grocery, signs, ok := strings.Cut(bases, ",")
	if !ok {
		return fmt.Errorf("--bases wants two files")
	}
	var all []*fitted
	for _, ref := range []string{"", grocery, signs} {
		f, err := openBase(ctx, ref)
		if err != nil {
			return err
		}
		defer f.base.Close()
		all = append(all, f)
	}
	if only != "keeping" {
		if err := gates(ctx, data, all, seeds); err != nil {
			return err
		}
	}
	if only != "gates" {
		return keeping(ctx, data, all, seeds)
	}
	return nil
}

// photos are files by class.
type photos map[string][]string

// set is a set of photos, divided. pool is what devices draw from.
type set struct{ server, pool, test photos }

func open(data, name string) (set, error) {
	s := set{photos{}, photos{}, photos{}}
	for _, side := range []string{"train", "test"} {
		files, err := filepath.Glob(filepath.Join(data, name, side, "*", "*"))
		if err != nil {
			return s, err
		}
		for _, f := range files {
			path, err := filepath.Abs(f)
			if err != nil {
				return s, err
			}
			class := filepath.Base(filepath.Dir(path))
			if side == "test" {
				s.test[class] = append(s.test[class], path)
			} else {
				s.pool[class] = append(s.pool[class], path)
			}
		}
	}
	for class, files := range s.pool {
		slices.SortFunc(files, func(a, b string) int { return strings.Compare(shuffled(a), shuffled(b)) })
		s.server[class], s.pool[class] = files[:sets[name]], files[sets[name]:]
	}
	if len(s.pool) == 0 {
		return s, fmt.Errorf("no photos in %s", filepath.Join(data, name))
	}
	return s, nil
}

// shuffled is what files are sorted by.
func shuffled(path string) string {
	sum := sha256.Sum256([]byte(filepath.Base(filepath.Dir(path)) + filepath.Base(path)))
	return string(sum[:])
}

// link makes a folder a class with links to its photos.
func link(dir string, p photos) error {
	for class, files := range p {
		if err := os.MkdirAll(filepath.Join(dir, class), 0o750); err != nil {
			return err
		}
		for i, f := range files { // names of train and test photos may be the same
			if err := os.Symlink(f, filepath.Join(dir, class, fmt.Sprintf("%04d-%s", i, filepath.Base(f)))); err != nil {
				return err
			}
		}
	}
	return nil
}
