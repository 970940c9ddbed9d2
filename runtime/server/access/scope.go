// Package access says who may do what on a device's interface: tokens with
// scopes, and the certificate that the device shows.
//
// # Tokens
//
// A token is 256 random bits. The file keeps a SHA-256 of each: that is right
// here, and would be wrong for passwords. A slow hash makes guesses expensive,
// and 2^256 guesses are out of reach at any price; a fast one lets a request be
// checked in a microsecond, so that nobody can tie up a small processor with
// wrong tokens. Who reads the file learns no token.
//
// A token's first part, its ID, is public. It finds the record; the digests are
// then compared in constant time, so that how long a refusal takes tells nothing.
package access

import "fmt"

// Scope is what a token allows. Each allows what the ones before it do.
type Scope string

// The scopes.
const (
	Read  Scope = "read"  // ask what an image shows, see tasks, events, metrics
	Label Scope = "label" // see and change samples and labels
	Admin Scope = "admin" // change what runs: generations, adapting, profiles
)

// Scopes lists all scopes, the least first.
func Scopes() []Scope { return []Scope{Read, Label, Admin} }

// ParseScope returns the scope of that name.
func ParseScope(name string) (Scope, error) {
	for _, s := range Scopes() {
		if string(s) == name {
			return s, nil
		}
	}
	return "", fmt.Errorf("%q is no scope: there are read, label and admin", name)
}

// Allows reports whether who has s may do what needs the scope needed. An
// unknown scope allows nothing, and nothing allows it.
func (s Scope) Allows(needed Scope) bool { return needed.rank() > 0 && s.rank() >= needed.rank() }

func (s Scope) rank() int {
	switch s {
	case Read:
		return 1
	case Label:
		return 2
	case Admin:
		return 3
	}
	return 0
}
