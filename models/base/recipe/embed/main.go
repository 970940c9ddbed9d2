// Command embed makes the files that package base puts into the program: the
// float base, its int8 twin, and the digest of each.
//
//	go run ./models/base/recipe/embed --float distilled.tflite
//
// Without --float the float base stays and its twin is made anew. Nothing is
// written unless all of it is sound: the float base takes 128x128 pixels and gives
// a vector of features, the twin's features are near its own, and both files
// together have at most 2.5 MB. The same files give the same twin, to the last bit
// on processors for which TensorFlow Lite has the same kernels.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/edge-adapt/edge/internal/digest"
)

// name is the embedded base's; its twin has "_int8" behind it.
const name = "mobilenet_v2_0.35_128"

// limit is how many bytes both files may have.
const limit = 2_500_000

// options are the command's flags.
type options struct {
	float  string // a .tflite file; "" for the one in dir
	photos string // folder of pictures, a folder a class, for the ranges
	dir    string // where the files go
}

func main() {
	var o options
	flag.StringVar(&o.float, "float", "", "the float base, a .tflite file; default: the one in --dir")
	flag.StringVar(&o.photos, "photos", "samples", "pictures that the ranges of int8 are measured on, a folder a class")
	flag.StringVar(&o.dir, "dir", filepath.FromSlash("models/base"), "folder that the files go to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func run(ctx context.Context, w io.Writer, o options) error {
	if o.float == "" {
		o.float = filepath.Join(o.dir, name+".tflite")
	}
	float, err := os.ReadFile(o.float)
	if err != nil {
		return err
	}
	m, err := readBase(float)
	if err != nil {
		return fmt.Errorf("%s: %w", o.float, err)
	}
	pictures, err := readPictures(ctx, o.photos)
	if err != nil {
		return err
	}
	made, err := makeTwin(ctx, m, float, pictures)
	if err != nil {
		return fmt.Errorf("%s: %w", o.float, err)
	}
	if n := len(float) + len(made.model); n > limit {
		return fmt.Errorf("%d bytes of float and %d of int8 are %d together: at most %d may be embedded", len(float), len(made.model), n, limit)
	}
	fmt.Fprintf(w, "%d operators; the twin's errors lie %.1f dB below what the features vary\n", made.operators, made.decibels)
	for _, f := range []struct {
		name string
		data []byte
	}{{name, float}, {name + "_int8", made.model}} {
		if err := write(o.dir, f.name, f.data); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s.tflite: %d bytes, %s\n", f.name, len(f.data), digest.Of(f.data))
	}
	return nil
}

// write puts a model and its digest, in the form of sha256sum, into dir.
func write(dir, name string, data []byte) error {
	sum := fmt.Sprintf("%s  %s.tflite\n", digest.Of(data).Hex(), name)
	if err := renameio.WriteFile(filepath.Join(dir, name+".tflite"), data, 0o644, renameio.WithTempDir(dir)); err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(dir, name+".sha256"), []byte(sum), 0o644, renameio.WithTempDir(dir))
}
