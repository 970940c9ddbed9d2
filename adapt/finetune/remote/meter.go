package remote

import "sync"

// meter adds up what several transfers have moved, and tells.
type meter struct {
	mu    sync.Mutex
	tell  func(done, total int64)
	done  int64
	total int64
}

func newMeter(tell func(done, total int64), total int64) *meter {
	if tell == nil {
		tell = func(int64, int64) {}
	}
	return &meter{tell: tell, total: total}
}

// add counts n more bytes, or fewer where a transfer starts again.
func (m *meter) add(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += n
	m.tell(m.done, m.total)
}

// Write counts the bytes of p.
func (m *meter) Write(p []byte) (int, error) {
	m.add(int64(len(p)))
	return len(p), nil
}
