package stream

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/live"
	"github.com/edge-adapt/edge/camera/pipe"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// openHTTP asks for the address and decides by the answer.
func openHTTP(ctx context.Context, u *url.URL, o Options) (camera.Source, error) {
	c := newClient(u, o)
	// The request lives as long as the source, and ends with ctx only until then.
	life, end := context.WithCancel(context.Background())
	opened := context.AfterFunc(ctx, end)
	give := func(err error) (camera.Source, error) {
		end()
		c.close()
		return nil, err
	}
	response, err := c.get(life) //nolint:bodyclose // whoever produces pictures closes it
	if err != nil {
		return give(err)
	}
	body := bufio.NewReaderSize(response.Body, 64<<10)
	endless, err := isStream(response, body)
	if err == nil && !opened() {
		err = ctx.Err()
	}
	if err != nil {
		response.Body.Close()
		return give(err)
	}
	options := live.Options{
		Info:   camera.Info{Driver: "stream", Device: camera.Redact(u.String())},
		Decode: func(dst *pixel.RGB, picture []byte) error { return pixel.DecodeInto(dst, picture, o.Limits) },
		Stall:  o.Stall,
		Stop:   func() error { end(); c.close(); return nil },
	}
	if endless {
		options.Info.Format = "MJPG"
		options.Produce = func(_ context.Context, put func([]byte) []byte) error {
			defer response.Body.Close()
			return splitPictures(body, o.Limits, put)
		}
		return live.New(options), nil
	}
	rate := o.Rate
	if rate <= 0 {
		rate = 1
	}
	options.Info.Format, options.Info.Rate = "image", rate
	if every := time.Duration(float64(time.Second) / rate); o.Stall <= 0 && every > time.Second {
		options.Stall = 10 * every
	}
	p := &poller{client: c, every: time.Duration(float64(time.Second) / rate), limits: o.Limits}
	options.Produce = func(_ context.Context, put func([]byte) []byte) error {
		return p.run(life, response.Body, body, put)
	}
	return live.New(options), nil
}

// isStream reports whether an answer is a stream of pictures or one picture. What
// the server calls it decides; where that says nothing, the first bytes do.
func isStream(response *http.Response, body *bufio.Reader) (bool, error) {
	kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil {
		// A boundary may be written in ways that the parser does not take.
		kind, _, _ = strings.Cut(strings.ToLower(response.Header.Get("Content-Type")), ";")
		kind = strings.TrimSpace(kind)
	}
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		return true, nil
	case strings.HasPrefix(kind, "image/"):
		return false, nil
	case strings.HasPrefix(kind, "text/"), strings.HasPrefix(kind, "audio/"), strings.Contains(kind, "mpegurl"), kind == "application/json":
		return false, notPictures(kind)
	}
	head, err := body.Peek(pixel.SniffLen)
	if err != nil && len(head) == 0 {
		return false, fmt.Errorf("no picture arrives: %w", connectionError(err))
	}
	switch format := pixel.Sniff(head); {
	case format == "jpeg":
		return response.ContentLength < 0, nil
	case format != "":
		return false, nil
	case bytes.HasPrefix(bytes.TrimLeft(head, "\r\n"), []byte("--")):
		return true, nil
	}
	return false, notPictures(kind)
}

func notPictures(kind string) error {
	what := "without saying what it is"
	if kind != "" {
		what = "with " + kind
	}
	next := "look into the camera's manual for the address of its MJPEG stream or of its snapshot"
	if strings.Contains(kind, "mpegurl") || strings.HasPrefix(kind, "video/") {
		next = "use the camera's rtsp:// address"
	}
	return hint.Wrap(fmt.Errorf("the server answers %s, not with pictures", what), next)
}

// splitPictures puts one JPEG after the other. It goes by the pictures' own structure
// and not by the multipart framing around them: many cameras announce one boundary
// and send another, or give lengths that are wrong; and a picture is complete with
// its last byte, while a multipart reader waits for the boundary behind it.
func splitPictures(body io.Reader, limits pixel.Limits, put func([]byte) []byte) error {
	splitter := pipe.NewSplitter(body, limits)
	var memory []byte
	for {
		picture, err := splitter.Next(memory[:0])
		if err != nil {
			return connectionError(err)
		}
		memory = put(picture)
	}
}

// poller fetches one picture again and again.
type poller struct {
	client *client
	every  time.Duration
	limits pixel.Limits
}

// run puts the picture in first, which was fetched already, and then fetches more
// until ctx ends.
func (p *poller) run(ctx context.Context, first io.Closer, body io.Reader, put func([]byte) []byte) error {
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	for {
		picture, err := pixel.ReadAll(body, p.limits)
		first.Close()
		if err != nil {
			return fmt.Errorf("a picture: %w", connectionError(err))
		}
		put(picture)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		response, err := p.client.get(ctx) //nolint:bodyclose // closed with the next round
		if err != nil {
			return err
		}
		first, body = response.Body, response.Body
	}
}
