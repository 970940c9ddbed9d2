// Package insert puts what a program has measured into a document that people
// write.
package insert

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// Between replaces what stands in the file between the two marks of writer, which
// are lines of their own that Markdown does not show:
//
//	<!-- WRITER writes from here -->
//	<!-- WRITER writes to here -->
//
// text ends with a new line. The rest stays, and so does the whole file after an
// error.
func Between(path, writer string, text []byte) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin := fmt.Appendf(nil, "<!-- %s writes from here -->\n", writer)
	end := fmt.Appendf(nil, "<!-- %s writes to here -->\n", writer)
	before, rest, found := bytes.Cut(document, begin)
	_, after, ended := bytes.Cut(rest, end)
	if !found || !ended {
		return fmt.Errorf("%s has no lines %q and %q", path, begin, end)
	}
	whole := bytes.Join([][]byte{before, begin, text, end, after}, nil)
	return renameio.WriteFile(path, whole, 0o644, renameio.WithTempDir(filepath.Dir(path)))
}
