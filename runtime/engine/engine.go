// Package engine opens bases on TensorFlow Lite, for the runtime and for every
// other program that runs generations.
//
// A base that nobody knows may be damaged, or made to do harm, and native code
// that crashes takes its process along. So a base runs in a child process first
// (tflite.Trial), unless it came with this program or ran here before. What ran
// is remembered by digest, library version and processor: whatever is opened must
// have been compared with its digest.
package engine

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/tflite"
)

// Options says how bases are opened and run.
type Options struct {
	// Threads is how many threads one call of a base takes. Zero: 1, which with
	// one interpreter a processor gives the most images a second.
	Threads int
	// NoXNNPACK runs bases without XNNPACK, several times slower.
	NoXNNPACK bool
	// Tried is the folder that remembers which bases ran here; it is made when
	// needed. Zero: they are remembered as long as the Engine.
	Tried string
	// Trial runs the model at path where it can do no harm. Zero: tflite.Trial,
	// for which main must begin with tflite.TrialChild(). A program whose main is
	// not its own gives another one.
	Trial func(ctx context.Context, path string) error
	// Log hears of what makes a base slow. Zero: nobody does.
	Log *slog.Logger
}

// Engine opens bases. It holds none: who opens one closes it. It may be used
// concurrently; unknown bases are tried one after the other.
type Engine struct {
	options Options
	tried   *tried
	trial   chan struct{} // holds one token, which the trial that runs takes out
}

// New returns an Engine. It opens nothing.
func New(o Options) (*Engine, error) {
	if o.Threads < 0 || o.Threads > 1024 {
		return nil, fmt.Errorf("new engine: %d threads: want 1 to 1024, or 0 for 1", o.Threads)
	}
	o.Threads = cmp.Or(o.Threads, 1)
	if o.Trial == nil {
		trial := tflite.TrialOptions{Options: tflite.Options{Threads: o.Threads, NoXNNPACK: o.NoXNNPACK}}
		o.Trial = func(ctx context.Context, path string) error { return tflite.Trial(ctx, path, trial) }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{options: o, tried: newTried(o.Tried), trial: make(chan struct{}, 1)}
	e.trial <- struct{}{}
	return e, nil
}

// Open opens the base of a generation that was verified, and tries it first if
// it is not known. It implements runtime.Engine.
func (e *Engine) Open(ctx context.Context, g models.Generation) (runtime.Base, error) {
	b, err := e.OpenBase(ctx, g.BasePath(), g.Base.Digest)
	if err != nil {
		return nil, err
	}
	p := g.Preprocessing
	if b.Features() != g.Features || b.InputWidth() != p.Width || b.InputHeight() != p.Height {
		_ = b.Close()
		return nil, hint.Wrap(fmt.Errorf("base %s takes pictures of %dx%d and gives %d features, the generation wants %dx%d and %d",
			g.Base.Digest.Short(), b.InputWidth(), b.InputHeight(), b.Features(), p.Width, p.Height, g.Features),
			"activate another generation, or train a new one: edge adapt")
	}
	return trimming{b}, nil
}

// trimming is a base that gives its memory back to the system when it is closed.
// A daemon swaps bases for years.
type trimming struct{ *tflite.Base }

func (b trimming) Close() error {
	err := b.Base.Close()
	tflite.Trim()
	return err
}

// OpenBase opens the base at path, whose bytes have the digest d, and tries it
// first if it is not known.
func (e *Engine) OpenBase(ctx context.Context, path string, d digest.Digest) (*tflite.Base, error) {
	if err := e.Try(ctx, path, d); err != nil {
		return nil, err
	}
	b, err := tflite.OpenBase(path, tflite.Options{Threads: e.options.Threads, NoXNNPACK: e.options.NoXNNPACK})
	if err != nil {
		return nil, err
	}
	if w := b.Warning(); w != "" {
		e.options.Log.Warn(w, "base", d.Short())
	}
	return b, nil
}

// Try runs the base at path, whose bytes have the digest d, in a child process,
// unless it is known: then Try does nothing.
func (e *Engine) Try(ctx context.Context, path string, d digest.Digest) error {
	if e.known(d) {
		return nil
	}
	select {
	case <-e.trial:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { e.trial <- struct{}{} }()
	if e.known(d) { // meanwhile
		return nil
	}
	if err := e.options.Trial(ctx, path); err != nil {
		return err
	}
	if err := e.tried.add(d); err != nil {
		e.options.Log.Debug("that a base ran is not remembered", "base", d.Short(), "error", err)
	}
	return nil
}

// known reports whether the base of that digest came with the program or ran
// here before.
func (e *Engine) known(d digest.Digest) bool { return base.IsEmbedded(d) || e.tried.has(d) }
