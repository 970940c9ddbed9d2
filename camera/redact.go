package camera

import (
	"regexp"
	"strings"
	"unicode"
)

// hidden stands where a secret stood.
const hidden = "***"

// secretValue finds the values of what is called like a secret, wherever cameras
// have it: in a query (?user=admin&pwd=…), in a path (/user=admin&password=…).
var secretValue = regexp.MustCompile(`(?i)([a-z0-9_.-]*` +
	`(?:pass|password|passwd|passphrase|passcode|pwd|psw|secret|token|key|auth|sig|signature|sid|session|credentials?)[0-9]*=)[^&]*`)

// Redact returns a source's URI as it may stand in a log or an error: without the
// user and password before a host, without the values of what is called password,
// token and the like, in printable characters.
//
// Where it is not clear how far a password goes, because it may hold an unescaped
// slash or @, more is left out rather than less. What Redact returns is for people:
// it cannot be opened.
func Redact(uri string) string {
	uri = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, uri)
	return secretValue.ReplaceAllString(withoutUser(uri), "${1}"+hidden)
}

// withoutUser cuts the user and password out of uri.
func withoutUser(uri string) string {
	start := strings.IndexByte(uri, ':') + 1
	if strings.HasPrefix(uri, "/") || strings.HasPrefix(uri, ".") || strings.HasPrefix(uri, "file:") {
		return uri // a path
	}
	// One slash, or three, is how people in a hurry write it.
	for start < len(uri) && uri[start] == '/' {
		start++
	}
	rest := uri[start:]
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	// A host alone, and an @ somewhere behind it, is nobody's password.
	if !strings.ContainsAny(authority, ":@") {
		return uri
	}
	return uri[:start] + rest[strings.LastIndexByte(rest, '@')+1:]
}
