package tflite

import (
	"strings"
	"testing"
)

func TestLastWords(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"INFO: delegate created\n\n", ""},
		{"INFO: a\nERROR: node 3 failed\n\nINFO: bye\n", "node 3 failed"},
		{"one\ntwo", "two"},
		{"WARNING: odd\nfatal error: out of memory\n\ngoroutine 1:\nmain.go:7\npanic: again\n", "fatal error: out of memory"},
		{"terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n", "terminate called after throwing an instance of 'std::bad_alloc'"},
		{strings.Repeat("x", 10000) + "\n", strings.Repeat("x", lastWordsRoom)},
		{"\xff\xfe broken\n", "? broken"},
	} {
		for _, step := range []int{1, 7, 1 << 20} {
			var w lastWords
			for text := test.text; text != ""; {
				n := min(step, len(text))
				if k, err := w.Write([]byte(text[:n])); k != n || err != nil {
					t.Fatalf("Write = %d, %v", k, err)
				}
				text = text[n:]
			}
			if got := w.String(); got != test.want {
				t.Errorf("%.60q in steps of %d gives %q, want %q", test.text, step, got, test.want)
			}
			if len(w.partial) > lastWordsRoom {
				t.Errorf("%d bytes kept", len(w.partial))
			}
		}
	}
}
