package server

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/server/access"
)

func (s *Server) imageRoutes() []route {
	return []route{{method: http.MethodPost, path: "/api/image", scope: access.Read, kind: heavy, handle: s.image}}
}

// image says what a picture shows.
func (s *Server) image(c *call) error {
	t, err := s.chosen(c.r.URL.Query().Get("task"))
	if err != nil {
		return err
	}
	if _, err := t.Model(); err != nil {
		return err // before the body is read
	}
	img, done := s.canvas()
	defer done()
	var answers []any
	many, err := c.pictures(func(_ string, data []byte) error {
		if err := s.decode(c.r.Context(), img, data); err != nil {
			return err
		}
		a, err := t.Classify(c.r.Context(), img)
		answers = append(answers, a)
		return err
	}, func(name string, err error) {
		answers = append(answers, fileError{File: name, Error: err.Error(), Hint: hint.Of(err)})
	})
	if err != nil {
		return err
	}
	if !many {
		return c.json(http.StatusOK, answers[0])
	}
	return c.json(http.StatusOK, map[string]any{"answers": answers})
}

// fileError is the answer to one file among several.
type fileError struct {
	File  string `json:"file"`
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

// chosen returns the task of that name, or the only one there is.
func (s *Server) chosen(name string) (*runtime.Task, error) {
	if name != "" {
		return s.rt.Task(name)
	}
	all := s.rt.Tasks()
	if len(all) == 1 {
		return all[0], nil
	}
	if len(all) == 0 {
		return nil, refuse(http.StatusNotFound, "name a task in the configuration", "there is no task")
	}
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = t.Name()
	}
	return nil, refuse(http.StatusBadRequest, "add ?task=NAME: "+strings.Join(names, ", "), "there are %d tasks, and none is named", len(all))
}

// decode decodes a picture into img when it is its turn.
func (s *Server) decode(ctx context.Context, img *pixel.RGB, data []byte) error {
	select {
	case s.decoding <- struct{}{}:
		defer func() { <-s.decoding }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return pixel.DecodeInto(img, data, s.limits.Picture)
}

// canvas returns a picture to decode into, and what gives it back.
func (s *Server) canvas() (img *pixel.RGB, done func()) {
	img, _ = s.canvases.Get().(*pixel.RGB)
	if img == nil {
		img = &pixel.RGB{}
	}
	return img, func() {
		if cap(img.Pix) <= maxKept {
			s.canvases.Put(img)
		}
	}
}

// pictures calls use for the picture in the body, or for each file of a form,
// one after the other. data is valid until use returns.
//
// If there is one, its error is returned. If there are more, many is set, and
// failed is told which of them failed by a fault of their own; any other error
// ends it.
func (c *call) pictures(use func(name string, data []byte) error, failed func(name string, err error)) (many bool, err error) {
	kind, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "multipart/form-data":
		return c.files(params["boundary"], use, failed)
	case err == nil && strings.HasPrefix(kind, "image/"), err == nil && kind == "application/octet-stream":
		if c.r.ContentLength > c.s.limits.Picture.Bytes {
			return false, c.tooLarge()
		}
		data, err := c.readAll(nil, 1)
		if err == nil {
			err = use("", data)
		}
		return false, err
	}
	return false, refuse(http.StatusUnsupportedMediaType, "curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg', or -F file=@photo.jpg",
		"a body of type %.60q is no picture", c.r.Header.Get("Content-Type"))
}

// files walks through a form. Of its fields, those called file count.
func (c *call) files(boundary string, use func(string, []byte) error, failed func(string, error)) (many bool, err error) {
	if _, err := c.length(); err != nil {
		return false, err
	}
	form := multipart.NewReader(http.MaxBytesReader(c, c.r.Body, c.s.limits.Body), boundary)
	var held error // of the first file, until there is a second one
	var first string
	n := 0
	var buf []byte
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return many, formError(err)
		}
		if part.FormName() != "file" {
			continue
		}
		name := part.FileName()
		if n++; n > c.s.limits.Pictures {
			return true, refuse(http.StatusRequestEntityTooLarge, "send several requests", "more than %d files in one request", c.s.limits.Pictures)
		}
		if many = n > 1; many && held != nil {
			failed(first, held)
			held = nil
		}
		if buf, err = c.picture(part, buf); err == nil {
			err = use(name, buf)
		}
		switch {
		case err == nil:
		case !isPictures(err):
			return many, err
		case many:
			failed(name, err)
		default:
			first, held = name, err
		}
	}
	if n == 0 {
		return false, refuse(http.StatusBadRequest, "curl -F file=@photo.jpg", "the form has no field called file")
	}
	return many, held
}

// isPictures reports whether an error is a picture's own fault.
func isPictures(err error) bool {
	for _, own := range []error{pixel.ErrEmpty, pixel.ErrFormat, pixel.ErrTruncated, pixel.ErrCorrupt, pixel.ErrTooLarge} {
		if errors.Is(err, own) {
			return true
		}
	}
	return false
}

func formError(err error) error {
	if statusOf(err) == http.StatusRequestEntityTooLarge {
		return err
	}
	return refuse(http.StatusBadRequest, "curl -F file=@photo.jpg", "the form: %v", err)
}

// picture reads one file of a form into buf, which it may replace by a larger
// one. What is reserved stays so until the request ends: the next file has it.
func (c *call) picture(part io.Reader, buf []byte) ([]byte, error) {
	const step = 64 << 10
	buf = buf[:0]
	for {
		if room := int64(len(buf) + step); room > c.reserved {
			if err := c.reserve(room - c.reserved); err != nil {
				return buf, err
			}
		}
		start := len(buf)
		buf = slices.Grow(buf, step)[:start+step]
		n, err := io.ReadFull(part, buf[start:])
		buf = buf[:start+n]
		switch {
		case int64(len(buf)) > c.s.limits.Picture.Bytes:
			return buf, c.tooLarge()
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return buf, nil
		case err != nil:
			return buf, formError(err)
		}
	}
}

func (c *call) tooLarge() error {
	return refuse(http.StatusRequestEntityTooLarge, "send a smaller picture", "a file of more than %d bytes is %w", c.s.limits.Picture.Bytes, pixel.ErrTooLarge)
}
