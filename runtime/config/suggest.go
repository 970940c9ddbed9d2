package config

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// nearest is the one of known that written was most likely meant to be, or "".
func nearest(written string, known []string) string {
	best, least := "", 1+len(written)/3
	for _, k := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(written), strings.ToLower(k)); d <= least && (best == "" || d < least) {
			best, least = k, d
		}
	}
	return best
}

// unknown is the reason why key is refused among known. paths are all keys
// there are, for one that stands at the wrong place.
func unknown(key string, known, paths []string) string {
	if len(key) > 100 {
		key = key[:100]
	}
	reason := "there is no key " + quote(key)
	for _, p := range paths {
		if last := p[strings.LastIndex(p, ".")+1:]; last == key {
			return reason + " here; it belongs at " + strings.ReplaceAll(p, "*", "NAME")
		}
	}
	if near := nearest(key, known); near != "" {
		return reason + "; did you mean " + near + "?"
	}
	return reason + "; there are " + strings.Join(known, ", ")
}
