package server

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/server/access"
	"github.com/edge-adapt/edge/runtime/server/wire"
)

// headerLength is the header that says how long the JSON part of a body is, of
// which binary tensors follow.
const headerLength = "Inference-Header-Content-Length"

// maxHeader is the longest JSON part that binary tensors may follow.
const maxHeader = 1 << 20

// inferWork is the memory of one inference request.
type inferWork struct {
	batch
	wire.Infer
}

// inferRoutes are the Open Inference Protocol, version 2.
func (s *Server) inferRoutes() []route {
	const (
		model   = "/v2/models/{task}"
		version = model + "/versions/{version}"
	)
	get := func(path string, handle func(*call) error) route {
		return route{method: http.MethodGet, path: path, scope: access.Read, style: stylePlain, handle: handle}
	}
	health := func(path string, handle func(*call) error) route {
		return route{method: http.MethodGet, path: path, style: stylePlain, kind: probe, handle: handle}
	}
	post := func(path string) route {
		return route{method: http.MethodPost, path: path, scope: access.Read, style: stylePlain, kind: heavy, handle: s.infer}
	}
	return []route{
		get("/v2", s.inferServer), health("/v2/health/live", s.health), health("/v2/health/ready", s.inferReady),
		get(model, s.inferModel), get(version, s.inferModel),
		get(model+"/ready", s.inferModelReady), get(version+"/ready", s.inferModelReady),
		post(model + "/infer"), post(version + "/infer"),
	}
}

func (s *Server) inferServer(c *call) error {
	return c.json(http.StatusOK, map[string]any{
		"name": "edge", "version": s.options.Version, "extensions": []string{"binary_tensor_data", "classification"},
	})
}

func (s *Server) inferReady(c *call) error {
	ready := s.readiness(false).Ready
	status := http.StatusOK
	if !ready {
		status = http.StatusServiceUnavailable
	}
	return c.json(status, map[string]bool{"ready": ready})
}

func (s *Server) inferModelReady(c *call) error {
	task := c.r.PathValue("task")
	status, ready := http.StatusOK, true
	if _, _, err := c.model(task, c.r.PathValue("version")); errors.Is(err, runtime.ErrNotServing) {
		status, ready = http.StatusServiceUnavailable, false
	} else if err != nil {
		return err
	}
	return c.json(status, map[string]any{"name": task, "ready": ready})
}

// tensorMetadata describes a tensor.
type tensorMetadata struct {
	Name       string         `json:"name"`
	Datatype   string         `json:"datatype"`
	Shape      []int          `json:"shape"`
	Parameters map[string]any `json:"parameters,omitempty"`
}

// inferModel describes the model. There are three inputs, of which a request
// gives one.
func (s *Server) inferModel(c *call) error {
	task := c.r.PathValue("task")
	_, m, err := c.model(task, c.r.PathValue("version"))
	if err != nil {
		return err
	}
	p := m.Preprocessing
	return c.json(http.StatusOK, map[string]any{
		"name": task, "versions": []string{strconv.Itoa(m.Generation)}, "platform": "edge_tflite",
		"inputs": []tensorMetadata{
			{wire.Pixels, "FP32", []int{-1, p.Height, p.Width, 3}, map[string]any{"scale": p.Scale, "offset": p.Offset, "resize": p.Resize}},
			{wire.Image, "UINT8", []int{-1, -1, -1, 3}, nil},
			{wire.Encoded, "BYTES", []int{-1}, nil},
		},
		"outputs": []tensorMetadata{
			{wire.Scores, "FP32", []int{-1, len(m.Labels)}, map[string]any{"labels": m.Labels}},
			{wire.Label, "BYTES", []int{-1}, nil},
		},
	})
}

// infer answers an inference request.
func (s *Server) infer(c *call) error {
	t, m, err := c.model(c.r.PathValue("task"), c.r.PathValue("version"))
	if err != nil {
		return err
	}
	w, _ := s.infers.Get().(*inferWork)
	if w == nil {
		w = &inferWork{}
	}
	defer func() {
		if w.size()+w.Size() <= maxKept {
			s.infers.Put(w)
		}
	}()
	if err := s.readInfer(c, m, w); err != nil {
		return err
	}
	if m, err = s.classify(c, t, m, &w.Pictures, &w.batch); err != nil {
		return err
	}
	var header int
	w.out, header = w.Append(w.out[:0], wire.Reply{Model: t.Name(), Version: strconv.Itoa(m.Generation), Labels: m.Labels, Scores: w.scores})
	if header == 0 {
		return c.body(http.StatusOK, typeJSON, w.out)
	}
	c.Header()[headerLength] = []string{strconv.Itoa(header)}
	return c.body(http.StatusOK, typeBinary, w.out)
}

// readInfer reads a request. Binary tensors go from the connection straight into
// the memory that the base reads.
func (s *Server) readInfer(c *call, m runtime.Model, w *inferWork) error {
	text := c.r.Header.Get(headerLength)
	length, err := c.length()
	if err != nil {
		return err
	}
	if text == "" { // JSON alone
		if w.body, err = c.readAll(w.body, 3); err != nil {
			return err
		}
		if err := w.Decode(w.body, 0, shapeOf(m), s.limits.wire()); err != nil {
			return malformed(err)
		}
		return nil
	}
	header, err := strconv.Atoi(text)
	if err != nil || header < 0 || header > maxHeader || length >= 0 && int64(header) > length {
		return refuse(http.StatusBadRequest, "it is the length of the JSON part in bytes", "%s %.20q is no number from 0 to the length of the body, or to %d", headerLength, text, maxHeader)
	}
	var rest io.Reader = c.r.Body
	if length < 0 {
		if w.body, err = c.readAll(w.body, 2); err != nil {
			return err
		}
		if header > len(w.body) {
			return refuse(http.StatusBadRequest, "it is the length of the JSON part in bytes", "%s is %d, and the body has %d bytes", headerLength, header, len(w.body))
		}
		rest, length = bytes.NewReader(w.body[header:]), int64(len(w.body))
	} else {
		if err := c.reserve(length); err != nil {
			return err
		}
		w.body = slices.Grow(w.body[:0], header)[:header]
		if _, err := io.ReadFull(rest, w.body); err != nil {
			return bodyError(err)
		}
	}
	if err := w.Decode(w.body[:header], length-int64(header), shapeOf(m), s.limits.wire()); err != nil {
		return malformed(err)
	}
	if err := w.ReadBinary(rest); err != nil {
		return malformed(err)
	}
	return nil
}
