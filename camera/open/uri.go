package open

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/internal/hint"
)

// opening is a URI that has been understood.
type opening func(context.Context) (camera.Source, error)

// maxLength is how long a URI may be, in bytes.
const maxLength = 4096

const forms = "a source is /dev/video0, csi://0, rtsp://HOST/PATH, http://HOST/PATH, ./FOLDER, file:///FOLDER, pipe:?format=mjpeg or test://"

// schemePattern finds what stands before the first colon, if it looks like a scheme.
var schemePattern = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*):`)

// parse understands a URI.
func (o *Opener) parse(uri string) (opening, error) {
	switch {
	case uri == "":
		return nil, wrong("no source is given", forms)
	case len(uri) > maxLength:
		return nil, wrong(fmt.Sprintf("%d bytes, at most %d are read", len(uri), maxLength), forms)
	case strings.ContainsRune(uri, 0):
		return nil, wrong(fmt.Sprintf("%q holds a zero byte", camera.Redact(uri)), forms)
	}
	open, err := o.byScheme(uri)
	if redacted := camera.Redact(uri); err != nil && !strings.HasPrefix(err.Error(), redacted) {
		err = fmt.Errorf("source %s: %w", redacted, err)
	}
	return open, err
}

func (o *Opener) byScheme(uri string) (opening, error) {
	match := schemePattern.FindStringSubmatch(uri)
	if match == nil {
		return o.path(uri)
	}
	rest := uri[len(match[0]):]
	switch scheme := strings.ToLower(match[1]); scheme {
	case "rtsp", "rtsps", "http", "https":
		return o.network(scheme + ":" + rest)
	case "v4l2":
		return o.device(rest)
	case "csi":
		return o.board(rest)
	case "file":
		return o.folder(rest)
	case "pipe":
		return o.pipe(rest)
	case "test":
		return o.pattern(rest)
	}
	if !strings.HasPrefix(rest, "//") {
		return nil, wrong("it is neither an address nor a path", "a folder with a colon in its name is written ./NAME; else "+forms)
	}
	return nil, wrong("no kind of source has this name", forms)
}

// path understands what has no scheme.
func (o *Opener) path(path string) (opening, error) {
	switch {
	case strings.HasPrefix(path, "/dev/"):
		return o.device("//" + path)
	case strings.HasPrefix(path, "~"):
		return nil, wrong("nobody but a shell knows what ~ stands for", "write the whole path")
	case path == "." || path == ".." || strings.ContainsRune(path, '/'):
		return o.watch(path, nil)
	}
	return nil, wrong("it is neither an address nor a path", "a folder is written ./NAME; else "+forms)
}

// parts returns the path and the options of what follows a scheme, such as
// //PATH?KEY=VALUE. The path is decoded.
func parts(rest string) (path string, options *fields, err error) {
	path, query, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "?")
	path, err = url.PathUnescape(path)
	if err == nil {
		options, err = parseFields(query)
	}
	if err != nil || strings.ContainsRune(path, 0) {
		return "", nil, wrong("a % is not followed by two digits of a letter's code", "write %25 for a % that means itself")
	}
	return path, options, nil
}

// wrong returns what is wrong with a URI and how it is put right.
func wrong(what, next string) error {
	return hint.Wrap(fmt.Errorf("%s: %w", what, camera.ErrBadURI), next)
}
