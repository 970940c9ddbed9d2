package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// percent writes a share from 0 to 1 with one decimal. Only a whole share reads
// 100.0 %, and only an empty one 0.0 %: rounding must not hide the last mistake.
func percent(share float64) string {
	if math.IsNaN(share) {
		return "n/a"
	}
	return percentNumber(share) + " %"
}

func percentNumber(share float64) string {
	switch {
	case share < 1 && share >= 0.9995:
		return "99.9"
	case share > 0 && share < 0.0005:
		return "0.1"
	}
	return fmt.Sprintf("%.1f", 100*share)
}

// loss writes a cross-entropy in nats.
func loss(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "n/a"
	}
	return fmt.Sprintf("%.4f", v)
}

// duration writes seconds the way a person says them.
func duration(seconds float64) string {
	switch {
	case seconds < 0.1:
		return fmt.Sprintf("%.0f ms", 1000*seconds)
	case seconds < 10:
		return fmt.Sprintf("%.2f s", seconds)
	case seconds < 99.95:
		return fmt.Sprintf("%.1f s", seconds)
	}
	s := int(math.Round(seconds))
	if s < 3600 {
		return fmt.Sprintf("%d min %02d s", s/60, s%60)
	}
	return fmt.Sprintf("%d h %02d min", s/3600, s/60%60)
}

// plural writes a count with its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// clean makes a name from the file system fit to show: what would move the
// cursor, change colours, turn the writing direction or break a line is written
// as an escape sequence, and so are bytes that are not UTF-8.
func clean(name string) string {
	plain := true
	for _, r := range name {
		if !shown(r) {
			plain = false
			break
		}
	}
	if plain {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, name[i])
		case shown(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
		i += size
	}
	return b.String()
}

// shown allows what prints, and the two joiners that some scripts need.
func shown(r rune) bool {
	return r != utf8.RuneError && (unicode.IsPrint(r) || r == '\u200c' || r == '\u200d')
}
