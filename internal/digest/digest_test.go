package digest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The digest of no bytes, from FIPS 180-4's examples.
const empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestOf(t *testing.T) {
	if got := Of(nil); got != empty {
		t.Errorf("Of(nil) = %s, want %s", got, empty)
	}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("pixels"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, n, err := OfFile(path)
	if err != nil || n != 6 || got != Of([]byte("pixels")) {
		t.Errorf("OfFile = %s, %d, %v", got, n, err)
	}
	if got.Short() != got.Hex()[:12] {
		t.Errorf("Short = %s", got.Short())
	}
}

func TestParseRefuses(t *testing.T) {
	if d, err := Parse(empty); err != nil || d != empty {
		t.Fatalf("Parse refused a digest: %v", err)
	}
	for _, s := range []string{
		"", "sha256:", empty[7:], empty + "0", empty[:70], strings.ToUpper(empty),
		"sha256:" + strings.Repeat("../", 21) + "x", "md5:" + empty[7:],
	} {
		if _, err := Parse(s); err == nil {
			t.Errorf("Parse accepted %q", s)
		}
	}
}
