package remote

import (
	"fmt"
	"strings"

	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/edge-adapt/edge/internal/hint"
)

// URL names a folder in an object store, s3://BUCKET/PREFIX. A key belongs to
// the folder if it begins with the prefix and a slash.
type URL struct {
	Bucket string
	Prefix string // without slashes at its ends; "": the whole bucket
}

const scheme = "s3://"

// Is reports whether s means a folder in an object store rather than a path.
func Is(s string) bool { return strings.HasPrefix(s, scheme) }

// Parse reads s3://BUCKET or s3://BUCKET/PREFIX; slashes at the end are ignored.
func Parse(s string) (URL, error) {
	rest, ok := strings.CutPrefix(s, scheme)
	bucket, prefix, _ := strings.Cut(rest, "/")
	u := URL{bucket, strings.TrimRight(prefix, "/")}
	err := s3utils.CheckValidBucketName(u.Bucket)
	if err == nil && u.Prefix != "" {
		err = checkName(u.Prefix)
	}
	if !ok {
		err = fmt.Errorf("it does not begin with %s", scheme)
	}
	if err != nil {
		return URL{}, hint.Wrap(fmt.Errorf("%q names no folder in an object store: %w", s, err), "write it as s3://BUCKET/FOLDER")
	}
	return u, nil
}

// Join returns the folder called name in this one.
func (u URL) Join(name string) URL { return URL{u.Bucket, u.key(name)} }

// String returns the form that Parse reads.
func (u URL) String() string { return strings.TrimSuffix(scheme+u.Bucket+"/"+u.Prefix, "/") }

// key returns the key of the file called name in the folder.
func (u URL) key(name string) string {
	if u.Prefix == "" {
		return name
	}
	return u.Prefix + "/" + name
}
