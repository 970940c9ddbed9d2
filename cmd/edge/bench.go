package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/speed"
	"github.com/edge-adapt/edge/camera/pixel"
)

// benchFlags are the flags of `edge bench`.
type benchFlags struct {
	base    baseFlags // of its fields, the base and whether XNNPACK runs it
	dir     string
	threads []int
	batches []int
	images  int
	classes int
	epochs  int
	rounds  int
}

// benchTurn is how long a turn lasts at least, and benchMost how many pictures one takes.
const (
	benchTurn = 50 * time.Millisecond
	benchMost = 128
)

// benchSizes are the pictures that are made: of a thumbnail, a camera's frame and
// a telephone's photo, and how many of each. The frames go through the whole way.
var benchSizes = []struct{ width, height, pictures int }{{250, 250, 16}, {640, 480, 64}, {4000, 3000, 2}}

const benchFrames = 1 // index into benchSizes

func (a *app) benchCommand() *cobra.Command {
	f := &benchFlags{epochs: adapt.SeedRecipe().Epochs}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this device adapts and classifies with a base",
		Long: `Measure on this device, with the base that it would use: how long the base takes
for a picture, by threads and by pictures that go through together; how long it
takes to read, decode and resize one; how many pictures a second go all the way
as edge adapt takes them; how long a head's training takes; and the most memory
that this took.

The pictures are made up. With --dir they are your own.

Every figure is the median of --rounds turns, with the middle half of them behind
it: where the two ends are far apart, something else kept the device busy.
Nothing is kept, and neither the store nor the cache of features is touched.`,
		Example: `  edge bench
  edge bench --base mobilenet_v2.tflite --dir ./samples --json
  edge bench --base current --threads 4 --images 5000 --classes 40`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.validate(); err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			r, err := a.bench(cmd.Context(), f)
			if err != nil {
				return err
			}
			if a.json {
				return a.print(r)
			}
			return r.text(a.stdout)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.base.ref, "base", "", "the name of a base (edge base list), a .tflite file, or current: that of the generation in use; default: the base that edge brings along")
	flags.BoolVar(&f.base.noXNNPACK, "no-xnnpack", false, "run the base without XNNPACK, several times slower")
	flags.StringVar(&f.dir, "dir", "", "folder of your own images, a folder a class")
	flags.IntSliceVar(&f.threads, "threads", benchThreads(runtime.GOMAXPROCS(0)), "threads of the base that are tried")
	flags.IntSliceVar(&f.batches, "batch", []int{1, 8}, "pictures that go through the base together, tried with all threads")
	flags.IntVar(&f.images, "images", 1000, "images that the head is trained on")
	flags.IntVar(&f.classes, "classes", 10, "classes that the head is trained for")
	flags.IntVar(&f.epochs, "epochs", f.epochs, "epochs that the head is trained for")
	flags.IntVar(&f.rounds, "rounds", 7, "turns that each measurement gets")
	cobra.CheckErr(cmd.MarkFlagDirname("dir"))
	return cmd
}

// benchThreads are 1, 2, 4 and so on, up to all processors.
func benchThreads(processors int) []int {
	var threads []int
	for n := 1; n < processors; n *= 2 {
		threads = append(threads, n)
	}
	return append(threads, processors)
}

func (f *benchFlags) validate() error {
	for _, n := range f.threads {
		if n < 1 || n > 1024 {
			return fmt.Errorf("--threads %d: want 1 to 1024", n)
		}
	}
	for _, n := range f.batches {
		if n < 1 || n > 256 {
			return fmt.Errorf("--batch %d: want 1 to 256", n)
		}
	}
	switch {
	case len(f.threads) == 0 || len(f.batches) == 0:
		return errors.New("--threads and --batch: want a number at least")
	case f.images < 5 || f.images > 1_000_000:
		return fmt.Errorf("--images %d: want 5 to 1000000", f.images)
	case f.classes < 2 || f.classes > 10_000:
		return fmt.Errorf("--classes %d: want 2 to 10000", f.classes)
	case f.rounds < 1 || f.rounds > 1000:
		return fmt.Errorf("--rounds %d: want 1 to 1000", f.rounds)
	}
	return f.recipe().Validate()
}

// recipe ends after its epochs, whatever it is trained on.
func (f *benchFlags) recipe() adapt.TrainConfig {
	c := adapt.SeedRecipe()
	c.Epochs = f.epochs
	return c
}

// bench measures. What takes memory besides the work itself comes after the
// memory was looked at.
func (a *app) bench(ctx context.Context, f *benchFlags) (_ *benchReport, err error) {
	bar := newProgress(a.stderr, a.quiet)
	defer bar.close()
	step := func(done int, what string) { bar.update("bench", what, done, 4) }

	base, err := a.benchBase(ctx, f)
	if err != nil {
		return nil, err
	}
	defer base.Close() //nolint:errcheck // only read from
	scratch, err := os.MkdirTemp("", "edge-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	p := base.Source.Preprocessing
	effort := speed.Effort{Rounds: f.rounds, Least: benchTurn}
	r := newBenchReport(base, f)

	step(0, "the whole way")
	dir, err := benchPictures(ctx, scratch, benchFrames)
	if err != nil {
		return nil, err
	}
	if f.dir != "" {
		dir = f.dir
	}
	whole, err := speed.Extracts(ctx, base.Extractor(), []string{dir}, benchMost, effort)
	if err != nil {
		return nil, device.InputOr(err)
	}
	r.Extract = benchExtract{Of: benchName(f.dir, benchFrames), Extract: whole[0]}

	step(1, "training")
	if r.Train, err = speed.Trains(ctx, f.recipe(), f.images, f.classes, base.Source.Features, effort); err != nil {
		return nil, err
	}
	r.PeakRSSMiB = device.PeakRSS()

	step(2, "the base")
	bases := speed.Bases{
		Open: func(ctx context.Context, threads int) (speed.Base, error) {
			own := f.base
			own.threads = threads
			e, err := own.engine()
			if err != nil {
				return nil, err
			}
			return e.OpenBase(ctx, base.Source.Path, base.Source.Digest)
		},
		Preprocessing: p, Features: base.Source.Features, Threads: f.threads, Batches: f.batches,
	}
	if r.Forward, err = bases.Forwards(ctx, effort); err != nil {
		return nil, err
	}

	step(3, "decoding")
	if r.Decode, err = benchDecode(ctx, scratch, f.dir, p, effort); err != nil {
		return nil, err
	}
	step(4, "done")
	r.Machine.LoadAfter = loadAverage()
	return r, nil
}

// benchBase opens the base as edge adapt does, but without a cache.
func (a *app) benchBase(ctx context.Context, f *benchFlags) (*device.Base, error) {
	own := f.base
	own.noCache = true
	if own.ref != currentBase {
		return a.openBase(ctx, own)
	}
	store, err := a.openStore()
	if err != nil {
		return nil, err
	}
	return a.openBaseOrCurrent(ctx, store, own)
}

// benchDecode measures how pictures of all sizes, and those of dir unless that is
// "", become a base's input.
func benchDecode(ctx context.Context, scratch, dir string, p pixel.Preprocessing, e speed.Effort) ([]benchExtract, error) {
	var dirs, names []string
	for i := range benchSizes {
		made, err := benchPictures(ctx, scratch, i)
		if err != nil {
			return nil, err
		}
		dirs, names = append(dirs, made), append(names, benchName("", i))
	}
	if dir != "" {
		dirs, names = append(dirs, dir), append(names, dir)
	}
	timed, err := speed.Extracts(ctx, speed.Decoding(p, pixel.Limits{}), dirs, benchMost, e)
	if err != nil {
		return nil, device.InputOr(err)
	}
	decode := make([]benchExtract, len(timed))
	for i := range timed {
		decode[i] = benchExtract{Of: names[i], Extract: timed[i]}
	}
	return decode, nil
}

// benchPictures makes the pictures of a size, unless they are there.
func benchPictures(ctx context.Context, scratch string, i int) (dir string, err error) {
	dir = filepath.Join(scratch, benchName("", i))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	s := benchSizes[i]
	return dir, speed.WritePictures(ctx, dir, s.width, s.height, s.pictures)
}

// benchName says which pictures were taken.
func benchName(dir string, i int) string {
	if dir != "" {
		return dir
	}
	return fmt.Sprintf("%dx%d", benchSizes[i].width, benchSizes[i].height)
}
