package featurecache

import (
	"slices"
	"sync"

	"github.com/edge-adapt/edge/internal/digest"
)

// Memory remembers the features of one base as long as the program runs. The
// zero value is empty. It may be used concurrently.
type Memory struct {
	mu   sync.Mutex
	rows map[digest.Digest][]float32
}

// Get implements adapt.FeatureCache.
func (m *Memory) Get(image digest.Digest, dst []float32) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row, ok := m.rows[image]
	copy(dst, row)
	return ok, nil
}

// Put implements adapt.FeatureCache.
func (m *Memory) Put(image digest.Digest, features []float32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows == nil {
		m.rows = map[digest.Digest][]float32{}
	}
	m.rows[image] = slices.Clone(features)
	return nil
}
