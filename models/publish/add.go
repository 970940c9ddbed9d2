package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/release"
)

// AddOptions say what to publish, for whom, and how fast. One of Bundle,
// Generation and Base is set.
type AddOptions struct {
	// Bundle is the path of a bundle, such as the bundle.tar of edge finetune.
	Bundle string
	// Generation is a generation of a store.
	Generation *models.Generation
	// Base is a base without a head: devices fit their own.
	Base *BaseFile

	// Part says what of a bundle or generation is published.
	Part Part
	// AllFiles publishes every file of the generation. Without it reports and lists
	// of samples, which may show or name pictures, stay here.
	AllFiles bool

	// Task that takes it. "": the one of the bundle; for a base, every task that
	// Requires lets through.
	Task     string
	Requires release.Requires
	Notes    string

	// Channel to publish in; "": stable.
	Channel string
	// Percent of the devices that take it at first.
	Percent float64
	// Salt of the roll-out; "": one that no other release has.
	Salt string

	// Parents are the files of bases that devices have, from which deltas are made
	// too. Those from bases in the channels are made in any case.
	Parents []string
	// Known are the files of bases that devices may have, tried in the same way: one
	// that differs in more than values is passed over.
	Known []string

	// Gate is what the measures must pass. Nil: anything goes.
	Gate *Gate
	// Fresh refuses, with ErrSame, what a channel has already: the same task, base and
	// measures.
	Fresh bool

	// Score makes the scores of a self-test. Nil: no self-test is added to the head.
	Score Score
	// Progress is told how far the work is, in bytes; it may be nil.
	Progress func(stage string, done, total int64)
}

// Part is what of a generation is published.
type Part int

// The parts.
const (
	Both     Part = iota // base and head
	HeadOnly             // for devices that have the base
	BaseOnly             // each device fits its own head
)

// BaseFile is a base in a file.
type BaseFile struct {
	Path          string // a .tflite file
	Name          string // for people
	Preprocessing pixel.Preprocessing
	Features      int
}

// Score returns the scores that the head in the file head gives, on the base in
// the file base, for each of the pictures, which are as the base takes them.
type Score func(ctx context.Context, base, head string, pictures [][]float32) ([][]float32, error)

// Add publishes a release in a channel, and returns it with its number.
//
// The files are there before any metadata names them. After an error devices see
// what they saw before; after a Pending they will see it once it is signed.
func (r *Repository) Add(ctx context.Context, o AddOptions) (release.Release, error) {
	if o.Channel == "" {
		o.Channel = "stable"
	}
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	var added release.Release
	err := r.change(ctx, "publish", func(_ Settings, s *state) (*proposal, error) {
		c, err := s.channel(o.Channel)
		if err != nil {
			return nil, err
		}
		w, err := r.openWork(ctx, o)
		if err != nil {
			return nil, err
		}
		defer w.close()
		if err := s.admit(w, c, o); err != nil {
			return nil, err
		}
		if added, err = r.release(ctx, s, w, o); err != nil {
			return nil, err
		}
		if c.Releases, err = withRoom(c.Releases); err != nil {
			return nil, err
		}
		c.Releases = append(c.Releases, added)
		r.touch(s, c)
		return &proposal{}, nil
	})
	if err != nil && !errors.Is(err, ErrWaiting) {
		return release.Release{}, err
	}
	return added, err
}

// admit reports whether what is to be published is new and good enough.
func (s *state) admit(w *work, c release.Channel, o AddOptions) error {
	if o.Fresh {
		for _, other := range s.channels {
			for _, rel := range other.Releases {
				if rel.Task == w.task && rel.Base.Digest == w.base.Digest && sameJSON(rel.Measures, shown(w.measures)) {
					return fmt.Errorf("release %d of channel %q: %w", rel.Number, other.Name, ErrSame)
				}
			}
		}
	}
	if o.Gate != nil {
		return o.Gate.Check(w.measures, before(c, w.task))
	}
	return nil
}

// maxMeasures is how many bytes of measures a channel takes along: every device
// reads all of its releases.
const maxMeasures = 8 << 10

// shown returns the measures that a channel takes along: longer ones stay in the
// head's manifest alone.
func shown(measures json.RawMessage) json.RawMessage {
	if len(measures) > maxMeasures {
		return nil
	}
	return measures
}

// sameJSON compares two documents but for their spaces.
func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// release writes the files of a release, and returns it.
func (r *Repository) release(ctx context.Context, s *state, w *work, o AddOptions) (release.Release, error) {
	n := s.nextNumber()
	rel := release.Release{
		Number: n, Created: r.time(), Task: w.task, Requires: o.Requires, Notes: o.Notes, Measures: shown(w.measures),
		Rollout: release.Rollout{Percent: o.Percent, Salt: o.Salt},
		Base:    release.Base{Base: w.base, Parent: w.parent, Preprocessing: w.preprocessing, Features: w.features},
	}
	if rel.Rollout.Salt == "" {
		rel.Rollout.Salt = fmt.Sprintf("release %d", n)
	}
	if o.Part != HeadOnly {
		full, err := r.putBase(ctx, w, o)
		if err != nil {
			return release.Release{}, err
		}
		rel.Base.Full = &full
		if rel.Base.Deltas, err = r.deltas(ctx, s, w, o); err != nil {
			return release.Release{}, err
		}
	}
	if o.Part != BaseOnly && w.generation != nil {
		head, err := r.putHead(ctx, w, o)
		if err != nil {
			return release.Release{}, err
		}
		rel.Head = &head
	}
	// The whole document is checked when it is encoded: say here what is wrong with
	// what the caller gave.
	one := release.Channel{Name: "check", Updated: rel.Created, Releases: []release.Release{rel}}
	if _, err := one.Encode(); err != nil {
		return release.Release{}, err
	}
	return rel, nil
}

// channel returns a channel of the repository.
func (s *state) channel(name string) (release.Channel, error) {
	if err := release.CheckChannel(name); err != nil {
		return release.Channel{}, err
	}
	c, ok := s.channels[name]
	if !ok {
		return release.Channel{}, hint.Wrap(fmt.Errorf("channel %q is %w", name, ErrNotFound), "edge publish status lists them; edge publish channel NAME makes one")
	}
	c.Releases = slices.Clone(c.Releases)
	return c, nil
}

// nextNumber is a number that no release has. The newest release of a channel is
// never dropped from it, so none is given twice.
func (s *state) nextNumber() int {
	n := 0
	for _, c := range s.channels {
		for _, rel := range c.Releases {
			n = max(n, rel.Number)
		}
	}
	return n + 1
}

// withRoom drops the oldest release that nobody needs if the channel is full: one
// that was revoked, or that all its devices have got a newer one for.
func withRoom(releases []release.Release) ([]release.Release, error) {
	if len(releases) < release.MaxReleases {
		return releases, nil
	}
	for i, rel := range releases[:len(releases)-1] {
		if rel.Revoked != "" || slices.ContainsFunc(releases[i+1:], func(newer release.Release) bool { return replaces(newer, rel) }) {
			return slices.Delete(releases, i, i+1), nil
		}
	}
	return nil, hint.Wrap(fmt.Errorf("the channel has %d releases, and every one may still be needed", len(releases)), "revoke one: edge publish revoke N, or roll newer ones out to 100 %")
}

// replaces reports whether every device that could take old takes newer instead.
func replaces(newer, old release.Release) bool {
	q := newer.Requires
	open := len(q.Bases) == 0 && q.Width == 0 && q.Edge == "" && q.MemoryMiB == 0 && len(q.Architectures) == 0
	return newer.Task == old.Task && newer.Revoked == "" && newer.Rollout.Halted == "" && newer.Rollout.Percent == 100 && open &&
		newer.Base.Full != nil && (newer.Head != nil || old.Head == nil)
}

// bases returns the bases that the channels carry, the newest first, none twice.
func (s *state) bases() []release.File {
	type numbered struct {
		release.File
		number int
	}
	var all []numbered
	for _, c := range s.channels {
		for _, rel := range c.Releases {
			if rel.Base.Full != nil && rel.Revoked == "" {
				all = append(all, numbered{*rel.Base.Full, rel.Number})
			}
		}
	}
	slices.SortFunc(all, func(a, b numbered) int { return b.number - a.number })
	var files []release.File
	seen := map[digest.Digest]bool{}
	for _, n := range all {
		if !seen[n.Digest] {
			seen[n.Digest] = true
			files = append(files, n.File)
		}
	}
	return files
}
