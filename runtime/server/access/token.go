package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Token is what is kept of a token: everything but the token itself.
type Token struct {
	ID      string    `json:"id"` // public: the token begins with edge_ID_
	Name    string    `json:"name"`
	Scope   Scope     `json:"scope"`
	Digest  string    `json:"sha256"` // of the token's text, hexadecimal
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
}

// Expired reports whether the token is past its time.
func (t Token) Expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

const (
	prefix      = "edge_"
	idBytes     = 5  // 8 letters
	secretBytes = 32 // 43 letters
	maxName     = 64
)

var (
	idForm     = regexp.MustCompile(`^[a-z2-7]{8}$`)
	digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// newToken makes a token, and its text, which exists here only.
func newToken(name string, scope Scope, now time.Time) (Token, string) {
	random := make([]byte, idBytes+secretBytes)
	rand.Read(random) //nolint:errcheck // never fails: crypto/rand ends the program first
	id := strings.ToLower(base32.StdEncoding.EncodeToString(random[:idBytes]))
	text := prefix + id + "_" + base64.RawURLEncoding.EncodeToString(random[idBytes:])
	return Token{ID: id, Name: name, Scope: scope, Digest: digest(text), Created: now.UTC().Truncate(time.Second)}, text
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// idOf returns the ID of a token's text, or "".
func idOf(text string) string {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return ""
	}
	id, _, ok := strings.Cut(rest, "_")
	if !ok {
		return ""
	}
	return id
}

// CheckName reports whether name can name a token: 1 to 64 bytes that print on
// one line.
func CheckName(name string) error {
	switch {
	case strings.TrimSpace(name) != name || name == "":
		return fmt.Errorf("%q cannot name a token: it is empty or has space around it", name)
	case len(name) > maxName:
		return fmt.Errorf("the name of a token is longer than %d bytes", maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("%q cannot name a token: not all of it prints", name)
	}
	return nil
}

// check reports what is wrong with a token that was read.
func (t Token) check() error {
	switch {
	case !idForm.MatchString(t.ID):
		return fmt.Errorf("%q is no token's ID", t.ID)
	case !digestForm.MatchString(t.Digest):
		return fmt.Errorf("the digest of token %s is none", t.ID)
	case t.Scope.rank() == 0:
		return fmt.Errorf("token %s has the unknown scope %q", t.ID, t.Scope)
	case t.Created.IsZero():
		return errors.New("a token has no time")
	}
	return CheckName(t.Name)
}
