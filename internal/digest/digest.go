// Package digest names bytes by their SHA-256.
package digest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
)

// Digest is "sha256:" and 64 lower-case hexadecimal digits.
type Digest string

const prefix = "sha256:"

// Of returns the digest of b.
func Of(b []byte) Digest {
	sum := sha256.Sum256(b)
	return Digest(prefix + hex.EncodeToString(sum[:]))
}

// OfFile returns the digest and the length in bytes of the file at path.
// It reads through a small buffer, so the file may be larger than memory.
func OfFile(path string) (Digest, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	return OfReader(f)
}

// OfReader returns the digest and the length in bytes of what r still holds.
func OfReader(r io.Reader) (Digest, int64, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return "", n, err
	}
	return Digest(prefix + hex.EncodeToString(h.Sum(nil))), n, nil
}

// Parse accepts exactly the form that Of returns. A digest becomes part of
// file names, so anything else is refused.
func Parse(s string) (Digest, error) {
	digits, ok := strings.CutPrefix(s, prefix)
	if !ok || len(digits) != 2*sha256.Size || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%q is no digest: want sha256: and 64 lower-case hexadecimal digits", s)
	}
	return Digest(s), nil
}

// Hex returns the 64 digits without the prefix.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), prefix) }

// Short returns the first 12 digits, for people.
func (d Digest) Short() string {
	if h := d.Hex(); len(h) > 12 {
		return h[:12]
	}
	return d.Hex()
}
