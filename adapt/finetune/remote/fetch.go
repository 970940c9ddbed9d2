package remote

import (
	"context"
	"io"
	"os"
	"path"

	"github.com/minio/minio-go/v7"

	"github.com/edge-adapt/edge/internal/digest"
)

// partial begins the name of a file that is being fetched.
const partial = ".remote-"

// fetch brings one file to its place, by way of the file part.
func (f *Folder) fetch(ctx context.Context, root *os.Root, e file, part string, m *meter) error {
	defer func() { _ = root.Remove(part) }() // gone, if all went well
	err := retry(ctx, func() error {
		n, err := f.fetchOnce(ctx, root, e, part, m)
		if err != nil {
			m.add(-n)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := root.MkdirAll(path.Dir(e.Name), 0o755); err != nil {
		return err
	}
	return root.Rename(part, e.Name)
}

// fetchOnce writes one file to part, and returns how many bytes came.
func (f *Folder) fetchOnce(ctx context.Context, root *os.Root, e file, part string, m *meter) (n int64, err error) {
	var o minio.GetObjectOptions
	if e.object.etag != "" {
		if err := o.SetMatchETag(e.object.etag); err != nil {
			return 0, err
		}
	}
	body, _, _, err := f.client.GetObject(ctx, f.url.Bucket, f.url.key(e.Name), o)
	if c := code(err); c == minio.NoSuchKey || c == minio.PreconditionFailed {
		return 0, errChanged
	}
	if err != nil {
		return 0, err
	}
	defer body.Close()
	out, err := root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return 0, err
	}
	defer func() {
		if closeErr := out.Close(); err == nil {
			err = closeErr
		}
		if err == nil && !e.object.modified.IsZero() {
			err = root.Chtimes(part, e.object.modified, e.object.modified)
		}
	}()
	got, n, err := digest.OfReader(io.TeeReader(io.LimitReader(body, e.Size+1), io.MultiWriter(out, m)))
	switch {
	case err != nil:
		return n, err
	case n < e.Size:
		return n, io.ErrUnexpectedEOF
	case n > e.Size, e.Digest != "" && e.Digest != got:
		return n, errChanged
	}
	return n, nil
}
