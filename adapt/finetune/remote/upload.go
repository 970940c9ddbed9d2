package remote

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"
)

// Upload makes the folder in the store a copy of dir, which nobody else changes
// meanwhile: what is new or changed is sent, and what an earlier Upload sent and
// dir no longer has is removed. Other objects in the bucket are left alone.
//
// Readers see the state from before or the new one. So does whoever comes after
// an Upload that was cut off, but for folders of dir in which files were to be
// replaced: these are missing whole. Files that must survive an interruption
// therefore stay as they are and newer ones get names, in a folder, of their own.
//
// Errors: ErrName, ErrOtherWriter, those of the disk, the store and the context.
func (f *Folder) Upload(ctx context.Context, dir string, o Options) (Summary, error) {
	s, err := f.upload(ctx, dir, o)
	return s, f.explain(err)
}

func (f *Folder) upload(ctx context.Context, dir string, o Options) (Summary, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Summary{}, err
	}
	defer root.Close()
	files, err := localFiles(root)
	if err != nil {
		return Summary{}, err
	}
	now, etag, err := f.readManifest(ctx)
	if err != nil {
		return Summary{}, err
	}
	if f.known && etag != f.seen {
		return Summary{}, ErrOtherWriter
	}
	f.seen, f.known = etag, true
	there := map[string]file{}
	for _, e := range now.Files {
		there[e.Name] = e
	}
	s := Summary{Files: len(files)}
	var changed []file
	for _, e := range files {
		if e != there[e.Name] {
			changed = append(changed, e)
			s.Bytes += e.Size
		}
	}
	s.Moved = len(changed)
	if err := f.publish(ctx, untouched(now.Files, changed), now.Files); err != nil {
		return s, err
	}
	if err := f.send(ctx, root, changed, newMeter(o.Progress, s.Bytes)); err != nil {
		return s, err
	}
	if err := f.publish(ctx, files, untouched(now.Files, changed)); err != nil {
		return s, err
	}
	for _, e := range files {
		delete(there, e.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if err := f.client.RemoveObject(ctx, f.url.Bucket, f.url.key(name), minio.RemoveObjectOptions{}); err != nil {
			return s, fmt.Errorf("remove %s: %w", name, err)
		}
		s.Removed++
	}
	return s, nil
}

// untouched returns those of files that lie in folders where none of changed
// replaces another.
func untouched(files, changed []file) []file {
	there := map[string]bool{}
	for _, e := range files {
		there[e.Name] = true
	}
	touched := map[string]bool{}
	for _, e := range changed {
		if there[e.Name] {
			touched[path.Dir(e.Name)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(files), func(e file) bool { return touched[path.Dir(e.Name)] })
}

// publish makes files the content of the folder, unless they are already.
func (f *Folder) publish(ctx context.Context, files, now []file) error {
	if slices.Equal(files, now) {
		return nil
	}
	etag, err := f.writeManifest(ctx, files)
	if err == nil {
		f.seen = etag
	}
	return err
}

// send puts these files of the folder here into the store.
func (f *Folder) send(ctx context.Context, root *os.Root, files []file, m *meter) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(transfers)
	for _, e := range files {
		group.Go(func() error {
			in, err := root.Open(e.Name)
			if err != nil {
				return err
			}
			defer in.Close()
			if _, err := f.put(ctx, e.Name, in, e.Size); err != nil {
				return fmt.Errorf("%s: %w", e.Name, err)
			}
			m.add(e.Size)
			return nil
		})
	}
	return group.Wait()
}
