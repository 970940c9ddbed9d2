package open

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/csi"
	"github.com/edge-adapt/edge/camera/dir"
	"github.com/edge-adapt/edge/camera/pattern"
	"github.com/edge-adapt/edge/camera/pipe"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/camera/stream"
	"github.com/edge-adapt/edge/camera/v4l2"
	"github.com/edge-adapt/edge/internal/hint"
)

// patternRate is how many made-up pictures there are a second if nobody says.
const patternRate = 10

// pattern understands test://?….
func (o *Opener) pattern(rest string) (opening, error) {
	path, f, err := parts(rest)
	if err != nil {
		return nil, err
	}
	if path != "" {
		return nil, wrong("what is shown is an option", "write test://?pattern="+pattern.Bars)
	}
	p := pattern.Options{
		Pattern: f.text("pattern", ""), Width: f.count("width", 0), Height: f.count("height", 0),
		Rate: f.number("rate", patternRate), Frames: uint64(f.count("frames", 0)), Hold: f.count("hold", 0), Dir: f.text("dir", ""),
		Limits: o.options.Limits,
	}
	if err := f.end(); err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (camera.Source, error) { return pattern.Open(ctx, p) }, nil
}

// matrices are what the colours of raw frames may mean.
var matrices = map[string]pixel.Matrix{"bt601": pixel.BT601, "bt709": pixel.BT709, "jfif": pixel.JFIF}

// pipe understands pipe:?….
func (o *Opener) pipe(rest string) (opening, error) {
	path, f, err := parts(rest)
	if err != nil {
		return nil, err
	}
	if path != "" && path != "-" {
		return nil, wrong("pipe: reads standard input and nothing else", "write pipe:?format=mjpeg, and let the program write to standard output")
	}
	p := pipe.Options{
		Format: f.text("format", ""), Width: f.count("width", 0), Height: f.count("height", 0), Live: f.yes("live", false),
		Limits: o.options.Limits, Stall: o.options.Stall, Info: camera.Info{Driver: "pipe", Device: "standard input"},
	}
	name := f.text("matrix", "bt601")
	matrix, ok := matrices[name]
	if !ok {
		f.refuse(fmt.Sprintf("matrix is %q", name), "write matrix=bt601, bt709 or jfif")
	}
	p.Matrix = matrix
	if err := f.end(); err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return func(context.Context) (camera.Source, error) {
		in, err := o.stdin()
		if err != nil {
			return nil, err
		}
		return pipe.New(in, p)
	}, nil
}

// stdin returns standard input for one source.
func (o *Opener) stdin() (io.Reader, error) {
	const next = "pipe frames into it: rpicam-vid --codec mjpeg -t 0 -o - | edge run --source 'pipe:?format=mjpeg'"
	switch file, ok := o.options.Stdin.(*os.File); {
	case o.options.Stdin == nil, ok && file == nil:
		return nil, hint.Wrap(fmt.Errorf("pipe: there is no standard input: %w", camera.ErrUnsupported), next)
	case !ok:
		return o.options.Stdin, nil
	case term.IsTerminal(int(file.Fd())):
		return nil, hint.Wrap(fmt.Errorf("pipe: standard input is a terminal: %w", camera.ErrUnsupported), next)
	}
	session, err := o.input.Open()
	if err != nil {
		return nil, err // not a nil *Session in an io.Reader
	}
	return session, nil
}

// folder understands file://….
func (o *Opener) folder(rest string) (opening, error) {
	if strings.HasPrefix(rest, "//localhost/") { // as RFC 8089 has it
		rest = "//" + strings.TrimPrefix(rest, "//localhost")
	}
	path, f, err := parts(rest)
	if err != nil {
		return nil, err
	}
	return o.watch(path, f)
}

// watch watches a folder, with the options of a URI if it had any.
func (o *Opener) watch(path string, f *fields) (opening, error) {
	d := dir.Options{Path: path, After: o.options.After, Limits: o.options.Limits}
	if f != nil {
		d.After = f.text("after", d.After)
		d.New = !f.yes("existing", true)
		d.Subfolders = f.yes("subfolders", false)
		d.Settle, d.Patience, d.Poll = f.span("settle", 0), f.span("patience", 0), f.span("poll", 0)
		d.Unwatched = !f.yes("watched", true)
		if err := f.end(); err != nil {
			return nil, err
		}
	}
	if err := d.Validate(); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (camera.Source, error) { return dir.Open(ctx, d) }, nil
}

// device understands v4l2:///dev/….
func (o *Opener) device(rest string) (opening, error) {
	path, f, err := parts(rest)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(path, "/") {
		return nil, wrong("a camera device is named by its path", "write /dev/video0; `edge camera list` lists what is there")
	}
	d := v4l2.Options{
		Width: f.count("width", o.options.Width), Height: f.count("height", o.options.Height), Rate: f.number("rate", o.options.Rate),
		Format: f.text("format", ""), Controls: f.with("control.", o.options.Controls),
		Limits: o.options.Limits, Stall: o.options.Stall,
	}
	if err := f.end(); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (camera.Source, error) { return v4l2.Open(ctx, path, d) }, nil
}

// board understands csi://NUMBER.
func (o *Opener) board(rest string) (opening, error) {
	path, f, err := parts(rest)
	if err != nil {
		return nil, err
	}
	uri := "csi://" + path
	if err := csi.Check(uri); err != nil {
		return nil, err
	}
	c := csi.Options{
		Width: f.count("width", o.options.Width), Height: f.count("height", o.options.Height), Rate: f.number("rate", o.options.Rate),
		Codec:  f.text("codec", ""),
		Limits: o.options.Limits, Stall: o.options.Stall,
	}
	if err := f.end(); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (camera.Source, error) { return csi.Open(ctx, uri, c) }, nil
}

// network understands the address of a network camera. Its query is the camera's;
// options of ours stand behind a #, which is never sent.
func (o *Opener) network(uri string) (opening, error) {
	address, fragment, _ := strings.Cut(uri, "#")
	s := stream.Options{
		Width: o.options.Width, Height: o.options.Height, Rate: o.options.Rate, Limits: o.options.Limits, Stall: o.options.Stall,
		FFmpeg: o.options.FFmpeg, TLS: o.options.TLS,
	}
	if fragment != "" {
		f, err := parseFields(fragment)
		if err == nil {
			s.Width, s.Height, s.Rate = f.count("width", s.Width), f.count("height", s.Height), f.number("rate", s.Rate)
			s.UDP = f.yes("udp", false)
			err = f.end()
		}
		if err != nil {
			// Not what it is: it may be the rest of a password.
			return nil, wrong("what stands behind the # is not understood",
				"behind a # stand width, height, rate and udp, as in #width=640&udp=true; in a password write %23 for #")
		}
	}
	if err := stream.Check(address); err != nil {
		return nil, hint.Wrap(err, "write scheme://USER:PASSWORD@HOST:PORT/PATH, the user and the port where there are any")
	}
	return func(ctx context.Context) (camera.Source, error) { return stream.Open(ctx, address, s) }, nil
}
