package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
)

// Folder is a folder in an object store. Its methods are not to be called
// concurrently.
type Folder struct {
	url    URL
	config Config
	client minio.Core

	// seen is the ETag of the manifest as Download or Upload left it, known once
	// one of them ended well; "" if there was none.
	seen  string
	known bool
}

// Options are what Download and Upload take besides the folder.
type Options struct {
	// Progress is told the bytes that are through and those that there are to
	// move, from one goroutine at a time. nil: nobody asks.
	Progress func(done, total int64)
}

// Summary says what Download or Upload did.
type Summary struct {
	Files   int   // in the folder now
	Moved   int   // of them, those that were new or changed
	Bytes   int64 // of the moved ones
	Removed int   // that are no longer in the folder
}

// object is what a listing says of a file.
type object struct {
	etag     string
	modified time.Time
}

// maxObjects is how many objects a folder may hold.
const maxObjects = 2_000_000

// attempts is how often a transfer that was cut off is made in all.
const attempts = 4

// contents returns the files of the folder, and the ETag of the manifest that
// names them, or "" if it was listed.
func (f *Folder) contents(ctx context.Context) (files []file, etag string, err error) {
	m, etag, err := f.readManifest(ctx)
	if err != nil || etag != "" {
		return m.Files, etag, err
	}
	files, err = f.list(ctx)
	return files, "", err
}

// list asks the store for all objects of the folder.
func (f *Folder) list(ctx context.Context) ([]file, error) {
	ctx, cancel := context.WithCancel(ctx) // ends the listing when it is left early
	defer cancel()
	var files []file
	prefix := f.url.key("")
	for o := range f.client.ListObjectsIter(ctx, f.url.Bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if o.Err != nil {
			return nil, o.Err
		}
		name, ok := strings.CutPrefix(o.Key, prefix)
		if !ok {
			return nil, fmt.Errorf("the store lists %.200q, which nobody asked for", o.Key)
		}
		if strings.HasSuffix(o.Key, "/") && o.Size == 0 {
			continue // how some tools note that there is a folder
		}
		if o.Size < 0 {
			return nil, fmt.Errorf("%.200q: the store gives it a size of %d bytes", o.Key, o.Size)
		}
		if len(files) == maxObjects {
			return nil, fmt.Errorf("the folder holds more than %d objects", maxObjects)
		}
		files = append(files, file{Name: name, Size: o.Size, object: object{o.ETag, o.LastModified}})
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sortFiles(files)
	return files, checkTree(files)
}

// readManifest returns the manifest and its ETag, "" if there is none.
func (f *Folder) readManifest(ctx context.Context) (manifest, string, error) {
	var data []byte
	var etag string
	err := retry(ctx, func() error {
		body, info, _, err := f.client.GetObject(ctx, f.url.Bucket, f.url.key(manifestName), minio.GetObjectOptions{})
		if err != nil {
			return err
		}
		defer body.Close()
		etag = info.ETag
		data, err = io.ReadAll(io.LimitReader(body, maxManifest+1))
		if err == nil && int64(len(data)) < info.Size {
			err = io.ErrUnexpectedEOF
		}
		return err
	})
	switch {
	case code(err) == minio.NoSuchKey:
		return manifest{}, "", nil
	case err != nil:
		return manifest{}, "", err
	case len(data) > maxManifest:
		return manifest{}, "", fmt.Errorf("%s is larger than %d bytes", manifestName, maxManifest)
	case etag == "":
		return manifest{}, "", errors.New("the store gives no ETag")
	}
	m, err := parseManifest(data)
	if err != nil {
		return manifest{}, "", fmt.Errorf("%s: %w", manifestName, err)
	}
	return m, etag, nil
}

// writeManifest puts a manifest and returns its ETag.
func (f *Folder) writeManifest(ctx context.Context, files []file) (string, error) {
	data, err := manifest{Files: files}.bytes()
	if err != nil {
		return "", err
	}
	return f.put(ctx, manifestName, bytes.NewReader(data), int64(len(data)))
}

// put writes one object whole: a reader sees the one from before or this one.
// It returns the ETag.
func (f *Folder) put(ctx context.Context, name string, r io.ReadSeeker, size int64) (string, error) {
	// In one request, because the parts of an upload that was cut off stay, and are
	// paid for, until somebody removes them.
	info, err := f.client.Client.PutObject(ctx, f.url.Bucket, f.url.key(name), r, size, minio.PutObjectOptions{
		DisableMultipart: true,
		ContentType:      "application/octet-stream",
	})
	return info.ETag, err
}
