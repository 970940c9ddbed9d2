package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/minio/minio-go/v7"

	"github.com/edge-adapt/edge/internal/digest"
)

// ReadFile returns one file of a folder that Upload wrote, of at most limit
// bytes, without fetching the others. Where the folder or the file is not there,
// the error is fs.ErrNotExist; else the errors are those of Download.
func (f *Folder) ReadFile(ctx context.Context, name string, limit int64) ([]byte, error) {
	var data []byte
	var err error
	for range attempts {
		if data, err = f.readFile(ctx, name, limit); !errors.Is(err, errChanged) {
			break
		}
	}
	return data, f.explain(err)
}

func (f *Folder) readFile(ctx context.Context, name string, limit int64) ([]byte, error) {
	m, _, err := f.readManifest(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range m.Files {
		switch {
		case e.Name != name:
			continue
		case e.Size > limit:
			return nil, fmt.Errorf("%s has %d bytes, at most %d are read", name, e.Size, limit)
		}
		var data []byte
		err := retry(ctx, func() error {
			data, err = f.readOnce(ctx, e)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return data, nil
	}
	return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

func (f *Folder) readOnce(ctx context.Context, e file) ([]byte, error) {
	body, _, _, err := f.client.GetObject(ctx, f.url.Bucket, f.url.key(e.Name), minio.GetObjectOptions{})
	if code(err) == minio.NoSuchKey {
		return nil, errChanged
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, e.Size+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(data)) < e.Size:
		return nil, io.ErrUnexpectedEOF
	case digest.Of(data) != e.Digest:
		return nil, errChanged
	}
	return data, nil
}
