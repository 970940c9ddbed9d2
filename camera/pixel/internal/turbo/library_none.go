//go:build !linux || !cgo

package turbo

// Library cannot be opened in a build without cgo.
type Library struct{}

// Open returns ErrMissing.
func Open() (*Library, error) { return nil, ErrMissing }

// Path returns nothing.
func (*Library) Path() string { return "" }

// Decode refuses.
func (*Library) Decode(_, _ []byte, _ Header, _ int) bool { return false }
