package rebase

import (
	"fmt"
	"strings"
	"testing"
)

func TestMergeClasses(t *testing.T) {
	all := func(int) bool { return true }
	for _, c := range []struct {
		local, used, server string
		has                 func(int) bool
		want                string
	}{
		{"a b", "a b", "b c", all, "[a b c] [b c] []"},
		{"b a", "", "", all, "[a b] [] []"},
		{"", "", "b a", all, "[a b] [b a] []"},
		{"a", "", "b", func(int) bool { return false }, "[a] [b] []"},
		{"lamp_red", "", "Lamp-Red", all, "[lamp_red] [lamp_red] [{spelling lamp_red Lamp-Red false 0 0}]"},
		// The head in use knows a class that there are no samples of any more.
		{"a", "lamp_red", "Lamp-Red", all, "[a lamp_red] [lamp_red] [{spelling lamp_red Lamp-Red false 0 0}]"},
		{"Lamp", "lamp", "LAMP", all, "[Lamp] [Lamp] [{spelling Lamp LAMP false 0 0}]"},
		// Who tells spellings apart goes on doing so.
		{"a-b a_b", "", "a.b", all, "[a-b a.b a_b] [a.b] []"},
		{"a_b", "", "a.b a_b", all, "[a.b a_b] [a.b a_b] [{spelling a_b a.b true 0 0}]"},
		{"a_b", "", "a.b a:b", all, "[a:b a_b] [a_b a:b] [{spelling a_b a.b false 0 0} {spelling a_b a:b true 0 0}]"},
		// One character, two ways to write it; names without a letter; other alphabets.
		{"ca\u0301fe", "", "c\u00e1fe", all, "[ca\u0301fe] [ca\u0301fe] [{spelling ca\u0301fe c\u00e1fe false 0 0}]"},
		{"- _", "", "+", all, "[+ - _] [+] []"},
		{"\u042f\u0431\u043b\u043e\u043a\u043e", "", "\u044f\u0431\u043b\u043e\u043a\u043e", all,
			"[\u042f\u0431\u043b\u043e\u043a\u043e] [\u042f\u0431\u043b\u043e\u043a\u043e] [{spelling \u042f\u0431\u043b\u043e\u043a\u043e \u044f\u0431\u043b\u043e\u043a\u043e false 0 0}]"},
	} {
		m := mergeClasses(strings.Fields(c.local), strings.Fields(c.used), strings.Fields(c.server), c.has)
		type plain Conflict // without its sentence
		conflicts := []plain{}
		for _, x := range m.conflicts {
			conflicts = append(conflicts, plain(x))
		}
		if got := fmt.Sprint(m.labels, m.server, conflicts); got != c.want {
			t.Errorf("%q, used %q, server %q:\n%s, want\n%s", c.local, c.used, c.server, got, c.want)
		}
	}
}
