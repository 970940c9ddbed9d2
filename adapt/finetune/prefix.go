package finetune

import (
	"fmt"

	"github.com/edge-adapt/edge/adapt/finetune/network"
)

// prefix is the frozen part of a base: pictures in, the tensors of the frontier
// out.
type prefix struct {
	model Model // nil where the frontier is the picture itself
}

func openPrefix(e Engine, n *network.Network, s network.Selection) (*prefix, error) {
	m, err := n.Prefix(s)
	if err != nil {
		return nil, fmt.Errorf("cut the base at its frontier: %w", err)
	}
	if m == nil {
		return &prefix{}, nil
	}
	data, err := m.Encode()
	if err != nil {
		return nil, fmt.Errorf("write the frozen part of the base: %w", err)
	}
	model, err := e.Open(data)
	if err != nil {
		return nil, fmt.Errorf("open the frozen part of the base: %w", err)
	}
	return &prefix{model}, nil
}

// run computes the frontier of some pictures. It is for one goroutine.
func (p *prefix) run(dst [][]float32, pixels []float32) error {
	if p.model == nil {
		copy(dst[0], pixels)
		return nil
	}
	return p.model.RunAll(dst, pixels)
}

func (p *prefix) close() {
	if p.model != nil {
		_ = p.model.Close() // only read from
	}
}
