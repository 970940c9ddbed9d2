//go:build tensorflow

package graph

import (
	"fmt"
	"strconv"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"
)

// Served is a graph of [Serve] that runs. It serves one goroutine at a time, and
// holds C memory until Close.
type Served struct {
	session *session
	in, out tf.Output
	shape   []int // of the input, for one picture
}

// Open reads the graph s.Def and prepares it to run on one picture of shape
// [height, width, channels] at a time. s may come from anywhere.
func Open(s *Serving, shape []int) (*Served, error) {
	g := tf.NewGraph()
	if err := g.Import(s.Def, ""); err != nil {
		return nil, fmt.Errorf("read the graph: %w", err)
	}
	o := &Served{shape: append([]int{1}, shape...)}
	var err error
	if o.in, err = tensorNamed(g, s.Input); err != nil {
		return nil, err
	}
	if o.out, err = tensorNamed(g, s.Output); err != nil {
		return nil, err
	}
	o.session, err = newSession(g, 1, false)
	return o, err
}

// tensorNamed finds what tensorName names.
func tensorNamed(g *tf.Graph, name string) (tf.Output, error) {
	operation, index, _ := strings.Cut(name, ":")
	i, err := strconv.Atoi(index)
	o := g.Operation(operation)
	if err != nil || o == nil || i < 0 || i >= o.NumOutputs() {
		return tf.Output{}, fmt.Errorf("the graph has no tensor %q", name)
	}
	return o.Output(i), nil
}

// Run writes what the graph gives for one picture into dst, whose length must fit.
func (o *Served) Run(dst, picture []float32) error {
	feeds := map[tf.Output]*tf.Tensor{}
	if err := feed(feeds, o.in, "a picture", picture, o.shape...); err != nil {
		return err
	}
	results, err := o.session.run(feeds, []tf.Output{o.out})
	if err != nil {
		return err
	}
	values, err := valuesOf(results[0])
	if err != nil {
		return err
	}
	if len(values) != len(dst) {
		return fmt.Errorf("the graph gives %d values, want %d", len(values), len(dst))
	}
	copy(dst, values)
	return nil
}

// Close frees the session. The graph cannot be used after it.
func (o *Served) Close() error { return o.session.Close() }
