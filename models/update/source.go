package update

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
)

// Source is where a repository's files come from. What comes is verified by
// whoever asks, so a Source need not be trusted.
type Source interface {
	// Open opens a file from offset on. name is relative to the folder that has
	// metadata/ and targets/ in it. size is that of the whole file, -1 if it is not
	// known before the end. The error is ErrNotThere if there is no such file, and
	// ErrNetwork if asking again may help; so is that of a later Read.
	Open(ctx context.Context, name string, offset int64) (body io.ReadCloser, size int64, err error)
	// Close gives back what the source holds.
	Close() error
}

// checkName refuses names that are none of a repository's.
func checkName(name string) error {
	inside := strings.HasPrefix(name, "metadata/") || strings.HasPrefix(name, "targets/")
	if !fs.ValidPath(name) || !inside || len(name) > maxName || strings.ContainsAny(name, "\\\x00") {
		return fmt.Errorf("%.200q cannot name a file of a repository: %w", name, ErrForm)
	}
	return nil
}

// maxName is the longest name of a file, in bytes.
const maxName = 1024

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
