package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/tflite/delta"
)

// Limits of the deltas of a release.
const (
	maxDeltas = 8       // from bases in the channels, the newest first
	worthIt   = 0.75    // of the whole file: a longer delta is not kept
	maxParent = 2 << 30 // bytes of a base; flatbuffers end there
)

// deltas writes the deltas that lead to the base, and returns them: from the
// parents that o names, and from bases in the channels that differ from it in
// values alone.
func (r *Repository) deltas(ctx context.Context, s *state, w *work, o AddOptions) ([]release.Delta, error) {
	var from []parent
	seen := map[digest.Digest]bool{w.base.Digest: true}
	for i, path := range slices.Concat(o.Parents, o.Known) {
		d, _, err := digest.OfFile(path)
		if err != nil {
			return nil, fmt.Errorf("parent: %w", err)
		}
		if !seen[d] {
			seen[d] = true
			from = append(from, parent{d, path, i < len(o.Parents)})
		}
	}
	known := 0
	for _, f := range s.bases() {
		if !seen[f.Digest] && known < maxDeltas {
			seen[f.Digest] = true
			known++
			from = append(from, parent{f.Digest, r.targetPath(f), false})
		}
	}
	if len(from) == 0 {
		return nil, nil
	}
	child, err := readBase(w.basePath)
	if err != nil {
		return nil, err
	}
	var all []release.Delta
	for i, p := range from {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		o.Progress("make deltas", int64(i), int64(len(from)))
		d, ok, err := r.delta(ctx, s, p, child, w.base.Digest)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, d)
		}
	}
	o.Progress("make deltas", int64(len(from)), int64(len(from)))
	return all, nil
}

// parent is a base from which a delta leads.
type parent struct {
	digest digest.Digest
	path   string
	asked  bool // by the caller, who wants to know if there is none
}

// delta writes the delta from a parent to a child. ok is false if it would be no
// shorter way.
func (r *Repository) delta(ctx context.Context, s *state, p parent, child []byte, to digest.Digest) (d release.Delta, ok bool, err error) {
	target := "deltas/" + p.digest.Hex() + "-" + to.Hex() + ".delta"
	if info := s.targets.Signed.Targets[target]; info != nil {
		return release.Delta{From: p.digest, File: fileOf(target, info)}, true, nil
	}
	data, err := readBase(p.path)
	if err != nil {
		return release.Delta{}, false, fmt.Errorf("parent: %w", err)
	}
	if digest.Of(data) != p.digest {
		return release.Delta{}, false, fmt.Errorf("parent %s is %w", p.path, ErrDamaged)
	}
	changes, err := delta.Diff(data, child)
	if err == nil && float64(len(changes)) > worthIt*float64(len(child)) {
		err = fmt.Errorf("%w: a delta of %d bytes to a base of %d is no shorter way", delta.ErrStructure, len(changes), len(child))
	}
	switch {
	case errors.Is(err, delta.ErrStructure) && !p.asked:
		return release.Delta{}, false, nil
	case errors.Is(err, delta.ErrStructure):
		return release.Delta{}, false, hint.Wrap(fmt.Errorf("parent %s: %w", p.path, err), "leave that parent out: its devices fetch the whole base")
	case err != nil:
		return release.Delta{}, false, fmt.Errorf("parent %s: %w", p.path, err)
	}
	if again, err := delta.Apply(data, changes, delta.Limits{}); err != nil || !bytes.Equal(again, child) {
		return release.Delta{}, false, fmt.Errorf("parent %s: the delta does not lead to the base: %w", p.path, errors.Join(err, ErrDamaged))
	}
	f := release.File{Target: target, Digest: digest.Of(changes), Bytes: int64(len(changes))}
	return release.Delta{From: p.digest, File: f}, true, r.put(ctx, f, bytes.NewReader(changes))
}

func readBase(path string) ([]byte, error) { return readAtMost(path, maxParent) }

func readAtMost(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > limit {
		err = fmt.Errorf("%s: %d bytes: at most %d", path, info.Size(), limit)
	}
	if err != nil {
		return nil, err
	}
	return readLimited(path, limit)
}
