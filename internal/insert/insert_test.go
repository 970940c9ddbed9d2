package insert

import (
	"os"
	"path/filepath"
	"testing"
)

func TestBetween(t *testing.T) {
	const from, to = "<!-- bench/x writes from here -->\n", "<!-- bench/x writes to here -->\n"
	for _, test := range []struct{ name, before, after string }{
		{"replaced", "a\n" + from + "old\n" + to + "b\n", "a\n" + from + "new\n" + to + "b\n"},
		{"nothing there yet", from + to, from + "new\n" + to},
		{"no marks", "a\nb\n", ""},
		{"no end", "a\n" + from + "b\n", ""},
		{"the wrong way round", to + from, ""},
		{"another's marks", "<!-- bench/y writes from here -->\n<!-- bench/y writes to here -->\n", ""},
	} {
		path := filepath.Join(t.TempDir(), "doc.md")
		if err := os.WriteFile(path, []byte(test.before), 0o644); err != nil {
			t.Fatal(err)
		}
		err := Between(path, "bench/x", []byte("new\n"))
		want := test.after
		if want == "" {
			want = test.before
			if err == nil {
				t.Errorf("%s: no error", test.name)
			}
		} else if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got, _ := os.ReadFile(path); string(got) != want {
			t.Errorf("%s: got %q, want %q", test.name, got, want)
		}
	}
	if err := Between(filepath.Join(t.TempDir(), "none.md"), "bench/x", nil); err == nil {
		t.Error("no file is no error")
	}
}
