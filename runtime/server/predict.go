package server

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/server/access"
	"github.com/edge-adapt/edge/runtime/server/wire"
)

// signature is the only signature there is.
const signature = "serving_default"

// predictWork is the memory of one predict request.
type predictWork struct {
	batch
	wire.Predict
}

// predictRoutes are TensorFlow Serving's REST API.
func (s *Server) predictRoutes() []route {
	const (
		model   = "/v1/models/{task}"
		version = model + "/versions/{version}"
	)
	get := func(path string, handle func(*call) error) route {
		return route{method: http.MethodGet, path: path, scope: access.Read, style: stylePlain, handle: handle}
	}
	// http.ServeMux has no patterns that end in the middle of a part.
	post := func(path, pattern string) route {
		return route{method: http.MethodPost, path: path, pattern: pattern, scope: access.Read, style: stylePlain, kind: heavy, handle: s.predict}
	}
	return []route{
		get(model, s.modelStatus), get(version, s.modelStatus),
		get(model+"/metadata", s.modelMetadata), get(version+"/metadata", s.modelMetadata),
		post(model+":predict", model), post(version+":predict", version),
	}
}

// model returns the task that the path names, and the generation that serves. A
// version in the path must be that generation's.
func (c *call) model(task, version string) (*runtime.Task, runtime.Model, error) {
	t, err := c.s.rt.Task(task)
	if err != nil {
		return nil, runtime.Model{}, err
	}
	m, err := t.Model()
	if err != nil {
		return nil, runtime.Model{}, err
	}
	if version != "" && version != strconv.Itoa(m.Generation) {
		return nil, runtime.Model{}, refuse(http.StatusNotFound, fmt.Sprintf("version %d serves", m.Generation),
			"Could not find version %.20s of model %s", version, task)
	}
	return t, m, nil
}

func (s *Server) modelStatus(c *call) error {
	_, m, err := c.model(c.r.PathValue("task"), c.r.PathValue("version"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]any{"model_version_status": []any{map[string]any{
		"version": strconv.Itoa(m.Generation), "state": "AVAILABLE",
		"status": map[string]string{"error_code": "OK", "error_message": ""},
	}}})
}

// modelMetadata describes the signature. There are two inputs, of which a
// request gives one.
func (s *Server) modelMetadata(c *call) error {
	task := c.r.PathValue("task")
	_, m, err := c.model(task, c.r.PathValue("version"))
	if err != nil {
		return err
	}
	tensor := func(name, dtype string, sizes ...int) map[string]any {
		dims := []any{}
		for _, size := range sizes {
			dims = append(dims, map[string]string{"size": strconv.Itoa(size), "name": ""})
		}
		return map[string]any{"name": name, "dtype": dtype, "tensor_shape": map[string]any{"dim": dims, "unknown_rank": false}}
	}
	return c.json(http.StatusOK, map[string]any{
		"model_spec": map[string]string{"name": task, "signature_name": "", "version": strconv.Itoa(m.Generation)},
		"metadata": map[string]any{"signature_def": map[string]any{"signature_def": map[string]any{signature: map[string]any{
			"inputs": map[string]any{
				wire.Pixels:  tensor(wire.Pixels, "DT_FLOAT", -1, m.Preprocessing.Height, m.Preprocessing.Width, 3),
				wire.Encoded: tensor(wire.Encoded, "DT_STRING", -1),
			},
			"outputs":     map[string]any{wire.Scores: tensor(wire.Scores, "DT_FLOAT", -1, len(m.Labels))},
			"method_name": "tensorflow/serving/predict",
		}}}, "labels": m.Labels, "preprocessing": m.Preprocessing},
	})
}

// predict answers a predict request.
func (s *Server) predict(c *call) error {
	last := c.r.PathValue("task")
	version := c.r.PathValue("version")
	where := &last
	if version != "" {
		where = &version
	}
	name, verb, found := strings.Cut(*where, ":")
	if !found || verb != "predict" {
		return refuse(http.StatusNotFound, "POST /v1/models/{task}:predict", "Malformed request: POST %s", c.r.URL.Path)
	}
	*where = name
	t, m, err := c.model(last, version)
	if err != nil {
		return err
	}
	w, _ := s.predicts.Get().(*predictWork)
	if w == nil {
		w = &predictWork{}
	}
	defer func() {
		if w.size()+w.Size() <= maxKept {
			s.predicts.Put(w)
		}
	}()
	// A body of JSON becomes float32 of at most twice its length.
	if w.body, err = c.readAll(w.body, 3); err != nil {
		return err
	}
	if err := w.Decode(w.body, shapeOf(m), s.limits.wire()); err != nil {
		return malformed(err)
	}
	if w.Signature != "" && w.Signature != signature {
		return refuse(http.StatusBadRequest, "leave it out", "Serving signature %.60q is none of this model: there is %q", w.Signature, signature)
	}
	if m, err = s.classify(c, t, m, &w.Pictures, &w.batch); err != nil {
		return err
	}
	w.out = wire.AppendPredictions(w.out[:0], w.Column, w.scores, len(m.Labels))
	return c.body(http.StatusOK, typeJSON, w.out)
}

// malformed makes an error of wire one of the request.
func malformed(err error) error {
	if status := statusOf(err); status != http.StatusInternalServerError {
		return &refusal{error: err, status: status}
	}
	return &refusal{error: err, status: http.StatusBadRequest}
}
