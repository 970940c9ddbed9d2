// Package shareddata finds the data folder that lies beside a checkout, which
// holds weights and photos that are not ours to commit.
package shareddata

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Path returns the path of name inside ../shared/data, seen from the
// repository's root, and skips the test when it is not there.
func Path(t testing.TB, name string) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	path := filepath.Join(filepath.Dir(here), "..", "..", "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no ../shared/data/%s beside this checkout", name)
	}
	return path
}
