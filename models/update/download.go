package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

// Download is one file whose digest and length are known beforehand, so that it
// does not matter who sends it.
type Download struct {
	Dir    string        // what is here of it lies in Dir/parts and Dir/files; made when needed
	Name   string        // the file's, without folders
	Digest digest.Digest // of the whole file
	Bytes  int64         // of the whole file
	// From are the places where it may be had, from FileAt and FileIn, the best first.
	// The caller closes them.
	From  []Source
	Retry Retry // how often each place is asked again
}

// Fetch returns where the file lies, whole and verified: in Dir/files, under its
// digest, where it stays until Remove. It goes on where it, or another process,
// was interrupted, and asks the next place when one fails. Bytes that are not the
// file's are thrown away: ErrDamaged. progress is called now and then with the
// bytes that are here and those there will be; nil: nobody asks. Memory does not
// depend on the file's size.
func (d Download) Fetch(ctx context.Context, progress func(done, total int64)) (string, error) {
	path, err := d.fetch(ctx, progress)
	if err != nil {
		return "", fmt.Errorf("download %s: %w", d.Name, d.explain(err))
	}
	return path, nil
}

// errOther is the ErrDamaged of a file that nobody signed.
var errOther = otherBytes{}

type otherBytes struct{}

func (otherBytes) Error() string        { return "not the file that is wanted" }
func (otherBytes) Is(target error) bool { return target == ErrDamaged }

func (d Download) fetch(ctx context.Context, progress func(done, total int64)) (string, error) {
	if _, err := digest.Parse(string(d.Digest)); err != nil {
		return "", err
	}
	if d.Dir == "" || len(d.From) == 0 || d.Bytes < 1 || !plainName(d.Name) {
		return "", fmt.Errorf("no folder, no place, no name or no length given: %w", ErrForm)
	}
	at, err := d.at()
	if err != nil {
		return "", err
	}
	var failed []error
	for _, from := range d.From {
		f := fetcher{at: at, source: from, retry: d.Retry.orDefault(), reserve: 32 << 20, other: errOther}
		path, err := f.fetch(ctx, d.Name, d.Digest, d.Bytes, progress)
		if err == nil {
			return path, nil
		}
		failed = append(failed, err)
		if cause := context.Cause(ctx); cause != nil {
			return "", cause
		}
		if errors.Is(err, ErrSpace) {
			break
		}
	}
	return "", errors.Join(failed...)
}

func (d Download) at() (folder, error) {
	dir, err := filepath.Abs(d.Dir)
	return folder{dir: dir}, err
}

// explain adds the next step.
func (d Download) explain(err error) error {
	switch {
	case errors.Is(err, ErrSpace):
		return err
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrTooLong):
		return hint.Wrap(err, "nothing was kept of it: the file at that address has changed, or somebody put another in its place; get the right one elsewhere and give its folder as --mirror")
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return hint.Wrap(err, fmt.Sprintf("the disk that holds %s is full: free some space; what was fetched is kept", d.Dir))
	case errors.Is(err, unix.EROFS), errors.Is(err, fs.ErrPermission):
		return hint.Wrap(err, fmt.Sprintf("%s cannot be written here: run as the user it belongs to", d.Dir))
	case errors.Is(err, ErrNetwork):
		return hint.Wrap(err, "see that the network is up; the same command goes on with what was fetched. Without a network: --mirror DIR")
	case errors.Is(err, ErrNotThere):
		return hint.Wrap(err, "get the file elsewhere, and give its folder or address as --mirror")
	}
	return err
}

// Remove removes what was fetched, whole or not, unless another process fetches
// it just now.
func (d Download) Remove() error {
	at, err := d.at()
	if err == nil {
		err = errors.Join(
			at.cleanParts(func(hex string) bool { return hex == d.Digest.Hex() }),
			at.remove(filepath.Join("files", d.Digest.Hex())))
	}
	if err != nil {
		return fmt.Errorf("remove the download of %s: %w", d.Name, err)
	}
	return nil
}

// plainName reports whether name names a file within a folder.
func plainName(name string) bool {
	return len(name) <= maxName && fs.ValidPath(name) && name != "." && name == filepath.Base(name)
}

// urlSource is one file of a server, by its own address.
type urlSource struct{ *httpSource }

// FileAt returns the place of one file at an address that begins with http or
// https. It is asked as HTTP asks; certificates and redirects are as there.
func FileAt(cfg HTTPConfig) (Source, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, errors.New("the address cannot be read") // err may show a password
	}
	switch {
	case u.User != nil:
		return nil, errors.New("an address with a user or a password in it")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.Fragment != "":
		return nil, fmt.Errorf("%q is no address of a file: want https://SERVER/PATH", cfg.URL)
	}
	s, err := newHTTP(u, cfg)
	if err != nil {
		return nil, err
	}
	return urlSource{s}, nil
}

func (s urlSource) Open(ctx context.Context, name string, offset int64) (io.ReadCloser, int64, error) {
	return s.get(ctx, s.base, name, offset)
}

// fileDir is a folder of files.
type fileDir struct{ path string }

// FileIn returns the place of a file in a folder, whose links it does not follow
// out of it. The folder is looked at when the file is fetched.
func FileIn(dir string) Source { return fileDir{dir} }

func (d fileDir) Open(_ context.Context, name string, offset int64) (io.ReadCloser, int64, error) {
	if !plainName(name) {
		return nil, 0, fmt.Errorf("%.200q: %w", name, ErrForm)
	}
	return openIn(d.path, name, offset)
}

func (fileDir) Close() error { return nil }
