package child

import (
	"strings"
	"sync"
	"unicode"
)

// tail keeps the end of what is written to it.
type tail struct {
	hide []string

	mu   sync.Mutex
	kept []byte
}

// How much of a program's standard error is kept, and how much an error shows.
const (
	tailBytes = 4096
	tailLines = 3
)

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b...)
	if n := len(t.kept) - tailBytes; n > 0 {
		t.kept = append(t.kept[:0], t.kept[n:]...)
	}
	return len(b), nil
}

// String returns the last lines in one, each once, without control characters and
// without what is to be hidden.
func (t *tail) String() string {
	t.mu.Lock()
	text := string(t.kept)
	t.mu.Unlock()
	for _, secret := range t.hide {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	var lines []string
	// A carriage return begins a line anew, as progress displays do it.
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.TrimSpace(strings.Map(printable, line))
		if line != "" && (len(lines) == 0 || lines[len(lines)-1] != line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-tailLines):], "; ")
}

func printable(r rune) rune {
	if unicode.IsPrint(r) || r == '\t' {
		return r
	}
	return -1
}
