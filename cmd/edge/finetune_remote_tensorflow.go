//go:build tensorflow

package main

import (
	"context"

	"github.com/edge-adapt/edge/adapt/finetune/remote"
)

// remoteFolder is a mirror in an S3-compatible store.
type remoteFolder struct{ *remote.Folder }

// openMirror prepares to use the folder that url names, s3://BUCKET/FOLDER, with
// the environment's credentials.
func openMirror(url string) (mirror, error) {
	u, err := remote.Parse(url)
	if err != nil {
		return nil, err
	}
	f, err := remote.Open(u, remote.Environment())
	return remoteFolder{f}, err
}

func (f remoteFolder) fetch(ctx context.Context, dir string, progress func(done, total int64)) (int, error) {
	s, err := f.Download(ctx, dir, remote.Options{Progress: progress})
	return s.Files, err
}

func (f remoteFolder) read(ctx context.Context, name string, limit int64) ([]byte, error) {
	return f.ReadFile(ctx, name, limit)
}

func (f remoteFolder) send(ctx context.Context, dir string) error {
	_, err := f.Upload(ctx, dir, remote.Options{})
	return err
}
