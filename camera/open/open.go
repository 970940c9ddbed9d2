// Package open opens a source by its URI: it is where the drivers meet.
//
//	/dev/video0, v4l2:///dev/video0         a camera device
//	csi://0                                 a camera on the board's own connector
//	rtsp://HOST/PATH, rtsps://…             a network camera
//	http://HOST/PATH, https://…             MJPEG, or a single picture again and again
//	./FOLDER, /FOLDER, file:///FOLDER       a folder into which pictures come
//	pipe:?format=mjpeg                      frames on standard input
//	test://                                 made-up pictures, or a folder played as a camera
//
// Options stand behind a question mark (?width=640&height=480); in the address of a
// network camera, where that belongs to the camera, behind a # (#rate=2).
package open

import (
	"context"
	"crypto/tls"
	"io"
	"os"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pipe"
	"github.com/edge-adapt/edge/camera/pixel"
)

// Options are for all URIs; what a URI says itself comes first. The zero value will
// do.
type Options struct {
	// Width, Height and Rate are wished for from devices and streams. Made-up
	// pictures and frames on standard input have what their URI says.
	Width, Height int
	Rate          float64
	// Controls are set on camera devices, by their names.
	Controls map[string]int
	// After is what happens to the files of a folder: "keep", "move:DIR" or
	// "delete". Empty means "keep".
	After string
	// Limits are for a picture.
	Limits pixel.Limits
	// Stall is how long a live source may be silent. Zero means 10 s.
	Stall time.Duration
	// Stdin is what pipe: reads. Of a file, which is not closed, one source is
	// opened after the other; what else is an io.Closer is closed with the source.
	// Nil means that there is none.
	Stdin io.Reader
	// FFmpeg is the program's name or path. Empty means ffmpeg, from PATH.
	FFmpeg string
	// TLS says which certificates are believed, for https and rtsps. Nil means
	// those that the system believes.
	TLS *tls.Config
}

// Opener opens sources.
type Opener struct {
	options Options
	input   *pipe.Input // Stdin, if it is a file
}

// New returns an Opener. Whoever opens sources again and again keeps one, so that
// standard input goes on with the next whole frame.
func New(o Options) *Opener {
	opener := &Opener{options: o}
	if file, ok := o.Stdin.(*os.File); ok && file != nil {
		opener.input = pipe.NewInput(file)
	}
	return opener
}

// Open opens the source that uri names. ctx bounds the opening alone.
//
// The error is camera.ErrBadURI where uri cannot be understood, and
// camera.ErrUnsupported where this machine cannot do it; otherwise trying again
// may be of use. What it says holds no password.
func (o *Opener) Open(ctx context.Context, uri string) (camera.Source, error) {
	open, err := o.parse(uri)
	if err != nil {
		return nil, err
	}
	return open(ctx)
}

// Open opens one source.
func Open(ctx context.Context, uri string, o Options) (camera.Source, error) {
	return New(o).Open(ctx, uri)
}

// Check reports whether uri can be understood, without opening it. Its errors are
// camera.ErrBadURI and hold no password.
func Check(uri string) error {
	_, err := New(Options{}).parse(uri)
	return err
}

// Redact returns uri as it may stand in a log; see camera.Redact.
func Redact(uri string) string { return camera.Redact(uri) }
