package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/open"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/camera/v4l2"
	"github.com/edge-adapt/edge/internal/hint"
)

func (a *app) cameraCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "camera",
		Short: "List the camera devices of this machine, look through any camera",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.cameraListCommand(), a.cameraShowCommand())
	return cmd
}

func (a *app) cameraListCommand() *cobra.Command {
	var controls bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List camera devices with their formats, sizes and controls",
		Long: `List the camera devices of this machine (USB cameras, capture cards): their formats
and sizes with the highest rate of each. A name in /dev/v4l/by-id stays the same
when cameras are plugged in in another order; a number does not.

Cameras on the board's own connector are not devices that can be read; open them as
csi://0, csi://1.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			devices, err := v4l2.List()
			if err != nil {
				return device.InputOr(err)
			}
			if a.json {
				for _, d := range devices {
					if err := a.print(d); err != nil {
						return err
					}
				}
				return nil
			}
			_, err = fmt.Fprintln(a.stdout, deviceTable(devices, controls))
			return err
		},
	}
	cmd.Flags().BoolVar(&controls, "controls", false, "show what can be set, too")
	return cmd
}

// deviceTable is the list for people.
func deviceTable(devices []v4l2.Device, controls bool) string {
	if len(devices) == 0 {
		return "no camera devices; a camera on the board's own connector is csi://0, a network camera has an address"
	}
	t := newTable("device", "name", "format", "sizes, and frames a second")
	for _, d := range devices {
		path, name := d.Path, d.Name
		for _, f := range d.Formats {
			sizes := sizeList(f.Sizes)
			if !f.Readable {
				sizes = "not read by edge"
			}
			t.AppendRow(table.Row{path, name, f.Code, sizes})
			path, name = "", ""
		}
		if len(d.Formats) == 0 {
			t.AppendRow(table.Row{path, name, "none"})
		}
		for _, link := range d.Links {
			t.AppendRow(table.Row{"", link})
		}
		for _, c := range d.Controls {
			if controls {
				t.AppendRow(table.Row{"", "  " + c.Name, c.Value, controlRange(c)})
			}
		}
	}
	return t.Render()
}

func sizeList(sizes []v4l2.Size) string {
	var all []string
	for _, s := range sizes {
		text := fmt.Sprintf("%dx%d", s.Width, s.Height)
		if s.MaxWidth > 0 {
			text += fmt.Sprintf(" to %dx%d", s.MaxWidth, s.MaxHeight)
		}
		if len(s.Rates) > 0 {
			text += fmt.Sprintf(" (%g)", s.Rates[0])
		}
		all = append(all, text)
	}
	const most = 8
	if n := len(all) - most; n > 0 {
		all = append(all[:most], fmt.Sprintf("and %d more", n))
	}
	return strings.Join(all, ", ")
}

func controlRange(c v4l2.Control) string {
	var text string
	if c.Choices == nil {
		text = fmt.Sprintf("%d to %d", c.Min, c.Max)
	} else {
		var names []string
		for _, v := range slices.Sorted(maps.Keys(c.Choices)) {
			names = append(names, fmt.Sprintf("%d %s", v, c.Choices[v]))
		}
		text = strings.Join(names, ", ")
	}
	if c.Inactive {
		text += " (of no effect now)"
	}
	return text
}

// shownCamera is what `edge camera show` prints.
type shownCamera struct {
	camera.Info
	Skipped int     `json:"skipped,omitempty"` // pictures that could not be read before the first that could
	Seconds float64 `json:"seconds"`           // from opening to the frame
	File    string  `json:"file,omitempty"`
}

func (a *app) cameraShowCommand() *cobra.Command {
	var o open.Options
	var out string
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "show URI",
		Short: "Open a camera, print what was negotiated, save one frame",
		Long: `Open a source as edge run does, take one frame, and print what is really
delivered: the format, the size, the rate.

` + sourceHelp,
		Example: `  edge camera show /dev/video0 --out frame.jpg
  edge camera show rtsp://camera/stream --out frame.png
  edge camera show csi://0 --width 1280 --height 960
  edge camera show 'test://?pattern=bars' --out bars.png`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := encoderOf(out); err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			o.Stdin = a.stdin
			shown, frame, err := firstFrame(cmd.Context(), args[0], o, wait)
			switch {
			case errors.Is(err, camera.ErrBadURI):
				return usageError{err, cmd.CommandPath()}
			case errors.Is(err, camera.ErrUnsupported):
				return device.InputError{Err: err}
			case err != nil:
				return err
			}
			if out != "" {
				if err := savePicture(out, &frame.Image); err != nil {
					return err
				}
				shown.File = out
			}
			return a.printShown(shown)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&out, "out", "", "write the frame to this file, .jpg or .png")
	flags.IntVar(&o.Width, "width", 0, "wished for width, where the source can choose")
	flags.IntVar(&o.Height, "height", 0, "wished for height")
	flags.Float64Var(&o.Rate, "rate", 0, "wished for frames a second")
	flags.StringToIntVar(&o.Controls, "control", nil, "set a control of a camera device, NAME=VALUE (edge camera list --controls)")
	flags.StringVar(&o.FFmpeg, "ffmpeg", "", "name or path of ffmpeg, which decodes H.264 and H.265")
	flags.DurationVar(&wait, "wait", 30*time.Second, "how long to wait for the frame")
	return cmd
}

const sourceHelp = `Sources: /dev/video0, csi://0, rtsp://… and rtsps://…, http://… and https://…
(MJPEG, or one picture again and again), a folder, pipe:?format=mjpeg, test://.`

// firstFrame opens a source, takes a frame and closes it.
func firstFrame(ctx context.Context, uri string, o open.Options, wait time.Duration) (shown shownCamera, frame camera.Frame, err error) {
	within, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	began := time.Now()
	var unread *camera.Skipped
	source, err := open.Open(within, uri, o)
	if err == nil {
		defer func() { err = errors.Join(err, source.Close()) }()
		err = source.Read(within, &frame)
		for errors.As(err, &unread) {
			shown.Skipped++
			err = source.Read(within, &frame)
		}
		shown.Info = source.Info()
		if err == nil { // a folder's pictures may each have a size of their own
			shown.Width, shown.Height = frame.Image.Width, frame.Image.Height
		}
		switch {
		case err == io.EOF: //nolint:errorlint // the source's own end is never wrapped
			err = fmt.Errorf("%s: it came to its end without a frame", open.Redact(uri))
		case err != nil:
			err = fmt.Errorf("%s: %w", open.Redact(uri), err)
		}
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		what := "no frame came"
		if unread != nil {
			what = fmt.Sprintf("no frame could be read, of %d that came (%v),", shown.Skipped, unread)
		}
		err = hint.Wrap(fmt.Errorf("%s: %s in %v", open.Redact(uri), what, wait), "give it longer with --wait, or see whether the camera works elsewhere")
	}
	shown.Seconds = float64(time.Since(began).Milliseconds()) / 1000
	return shown, frame, err
}

func (a *app) printShown(s shownCamera) error {
	if a.json {
		return a.print(s)
	}
	t := newTable()
	t.AppendRow(table.Row{"device", s.Device})
	t.AppendRow(table.Row{"driver", s.Driver})
	t.AppendRow(table.Row{"format", s.Format})
	t.AppendRow(table.Row{"size", fmt.Sprintf("%dx%d", s.Width, s.Height)})
	if s.Rate > 0 {
		t.AppendRow(table.Row{"rate", fmt.Sprintf("%g a second", s.Rate)})
	}
	if s.Skipped > 0 {
		t.AppendRow(table.Row{"skipped", fmt.Sprintf("%d pictures could not be read", s.Skipped)})
	}
	t.AppendRow(table.Row{"first frame", fmt.Sprintf("after %.2f s", s.Seconds)})
	if s.File != "" {
		t.AppendRow(table.Row{"written to", s.File})
	}
	_, err := fmt.Fprintln(a.stdout, t.Render())
	return err
}

// encoderOf chooses by the ending of a file's name.
func encoderOf(path string) (func(*bytes.Buffer, image.Image) error, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png":
		return func(b *bytes.Buffer, img image.Image) error { return png.Encode(b, img) }, nil
	case ".jpg", ".jpeg":
		return func(b *bytes.Buffer, img image.Image) error { return jpeg.Encode(b, img, &jpeg.Options{Quality: 95}) }, nil
	}
	if path == "" {
		return nil, nil
	}
	return nil, fmt.Errorf("%s: the name must end in .jpg or .png", path)
}

// savePicture writes a whole file or none.
func savePicture(path string, p *pixel.RGB) error {
	encode, err := encoderOf(path)
	if err != nil {
		return err
	}
	img := image.NewNRGBA(image.Rect(0, 0, p.Width, p.Height))
	for i := range p.Width * p.Height {
		copy(img.Pix[4*i:4*i+3], p.Pix[3*i:3*i+3])
		img.Pix[4*i+3] = 255
	}
	var b bytes.Buffer
	if err := encode(&b, img); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return renameio.WriteFile(path, b.Bytes(), 0o644)
}
