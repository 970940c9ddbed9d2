package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models/foreign"
)

// samplesFolder returns the folder of labelled images that --dir names, and what
// ends with it: a project of Teachable Machine is unpacked for as long. Whatever
// is neither is left to whoever reads the folder.
func (a *app) samplesFolder(ctx context.Context, dir string) (string, func(), error) {
	none := func() {}
	if info, err := os.Stat(dir); err != nil || !info.Mode().IsRegular() {
		return dir, none, nil
	}
	if kind, err := foreign.Detect(dir); err != nil || kind != foreign.KindProject {
		return dir, none, nil
	}
	p, err := foreign.OpenProject(dir)
	if err != nil {
		return "", nil, device.InputError{Err: err}
	}
	defer p.Close()
	within, err := os.MkdirTemp("", "edge-samples-")
	if err != nil {
		return "", nil, err
	}
	done := func() {
		if err := os.RemoveAll(within); err != nil {
			a.warn("%v", err)
		}
	}
	to := filepath.Join(within, "photos")
	u, err := p.Unpack(ctx, to, foreign.Limits{})
	if err != nil {
		done()
		return "", nil, device.InputOr(err)
	}
	a.warnSkipped(u)
	return to, done, nil
}
