package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/report"
)

// sweepName is the comparison of a sweep, for programs.
const sweepName = "sweep.json"

// maxResult is how long a run's account of itself in an object store may be.
const maxResult = 64 << 20

// under returns a folder or file below a place that a flag names.
func under(place string, names ...string) string {
	if inStore(place) {
		return strings.TrimRight(place, "/") + "/" + strings.Join(names, "/")
	}
	return filepath.Join(append([]string{place}, names...)...)
}

// result reads what the run wrote about itself, wherever that is; nil where the
// run has not ended. In an object store nothing else of the run is fetched.
func (r sweepRun) result(ctx context.Context) (*report.FineTune, error) {
	p, err := placeOf(r.out)
	if err != nil {
		return nil, err
	}
	if p.mirror == nil {
		done, err := readResult(r.out)
		if err != nil { // half written is not written: the run repeats it
			return nil, nil //nolint:nilerr // as the comment says
		}
		return done, nil
	}
	data, err := p.mirror.read(ctx, resultName, maxResult)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var done report.FineTune
	return &done, json.Unmarshal(data, &done)
}

// ownStore returns the store of one run, and what sweeps up when the run has
// ended: a generation that only a sweep made is not to be in use. Where the
// run's folder is in an object store, everything that the run made is there by
// then, the generations as bundles.
func (r sweepRun) ownStore() (dir string, sweepUp func(), err error) {
	if !inStore(r.out) {
		return filepath.Join(r.out, "store"), func() {}, nil
	}
	dir, err = os.MkdirTemp("", "edge-sweep-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

// forget removes the copy here of a run's folder in an object store.
func (r sweepRun) forget() error {
	p, err := placeOf(r.out)
	if err != nil || p.mirror == nil {
		return err
	}
	return os.RemoveAll(p.dir)
}

// putSweep writes the comparison into the folder of a sweep.
func putSweep(ctx context.Context, out string, page, data []byte) error {
	dir := out
	p, err := placeOf(out)
	if err != nil {
		return err
	}
	if p.mirror != nil {
		if dir, err = os.MkdirTemp("", "edge-sweep-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	if err := errors.Join(
		renameio.WriteFile(filepath.Join(dir, device.ReportName), page, 0o644, renameio.WithTempDir(dir)),
		renameio.WriteFile(filepath.Join(dir, sweepName), data, 0o644, renameio.WithTempDir(dir)),
	); err != nil || p.mirror == nil {
		return err
	}
	// The runs lie in folders of their own below, which this does not touch.
	return p.mirror.send(ctx, dir)
}
