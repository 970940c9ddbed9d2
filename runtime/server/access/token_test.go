package access

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func TestScopes(t *testing.T) {
	for i, have := range Scopes() {
		for j, needed := range Scopes() {
			if have.Allows(needed) != (i >= j) {
				t.Errorf("%s allows %s: %v", have, needed, have.Allows(needed))
			}
		}
		if have.Allows("") || Scope("").Allows(have) || have.Allows("root") || Scope("root").Allows(have) {
			t.Errorf("unknown scopes beside %s", have)
		}
		if s, err := ParseScope(string(have)); s != have || err != nil {
			t.Errorf("%s: %s %v", have, s, err)
		}
	}
	if Scope("").Allows("") {
		t.Error("nothing allows nothing")
	}
	if _, err := ParseScope("Admin"); err == nil {
		t.Error("no error")
	}
}

func TestTokens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "tokens.json")
	if list, err := List(path); err != nil || list != nil {
		t.Fatal(list, err)
	}
	added, text, err := Add(path, "camera wall", Label, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, "edge_"+added.ID+"_") || len(text) != len("edge_12345678_")+43 {
		t.Errorf("%q", text)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	data, _ := os.ReadFile(path)
	if strings.Contains(string(data), text) || strings.Contains(string(data), text[len("edge_12345678_"):]) {
		t.Errorf("the token stands in the file: %s", data)
	}
	list, err := List(path)
	if err != nil || len(list) != 1 || list[0] != added {
		t.Errorf("%+v %v, want %+v", list, err, added)
	}
	if _, _, err := Add(path, "camera wall", Read, time.Time{}); err == nil || hint.Of(err) == "" {
		t.Errorf("the same name again: %v", err)
	}
	for _, name := range []string{"", " a", "a\nb", "a\x00", "\xff", strings.Repeat("a", maxName+1)} {
		if _, _, err := Add(path, name, Read, time.Time{}); err == nil {
			t.Errorf("the name %q is taken", name)
		}
	}
	if _, _, err := Add(path, "x", "root", time.Time{}); err == nil {
		t.Error("an unknown scope is taken")
	}
	if removed, err := Remove(path, "camera wall"); err != nil || removed != added {
		t.Errorf("%+v %v", removed, err)
	}
	if _, err := Remove(path, added.ID); !errors.Is(err, ErrNoSuchToken) {
		t.Errorf("%v", err)
	}
	if list, err := List(path); err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
}

func TestTokensAddedAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if _, _, err := Add(path, fmt.Sprint(i), Read, time.Time{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if list, err := List(path); err != nil || len(list) != 20 {
		t.Errorf("%d tokens, %v", len(list), err)
	}
}

func TestKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	keys, err := OpenKeys(path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	again := func() { // as if a second had passed
		keys.mu.Lock()
		keys.next = time.Time{}
		keys.mu.Unlock()
	}
	if keys.Exist() {
		t.Error("there are tokens without a file")
	}
	added, text, err := Add(path, "a", Read, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	again()
	if got, err := keys.Check(text); err != nil || got != added || !keys.Exist() {
		t.Errorf("%+v %v", got, err)
	}
	other, _ := newToken("b", Admin, time.Now())
	for name, wrong := range map[string]string{
		"nothing": "", "no prefix": strings.TrimPrefix(text, "edge_"), "only the ID": "edge_" + added.ID, "no secret": "edge_" + added.ID + "_",
		"cut": text[:len(text)-1], "longer": text + "A", "other case": strings.ToUpper(text), "the digest": added.Digest,
		"another ID": strings.Replace(text, added.ID, other.ID, 1), "space": text + " ", "huge": strings.Repeat("a", 1<<20),
	} {
		if got, err := keys.Check(wrong); !errors.Is(err, ErrUnknownToken) || got != (Token{}) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}

	_, next, err := Rotate(path, "a", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	again()
	if got, err := keys.Check(text); err != nil || got.Expires.IsZero() {
		t.Errorf("within the grace: %+v %v", got, err)
	}
	if got, err := keys.Check(next); err != nil || got.Scope != Read || got.Name != "a" || !got.Expires.IsZero() {
		t.Errorf("rotated: %+v %v", got, err)
	}
	if _, err := Remove(path, "a"); err == nil || !strings.Contains(hint.Of(err), added.ID) {
		t.Errorf("two of one name: %v, %q", err, hint.Of(err))
	}
	if _, _, err := Rotate(path, added.ID, -time.Minute); err != nil {
		t.Fatal(err)
	}
	again()
	if _, err := keys.Check(text); !errors.Is(err, ErrExpiredToken) {
		t.Errorf("after the grace: %v", err)
	}

	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	again()
	if _, err := keys.Check(next); err != nil {
		t.Errorf("a damaged file took the tokens away: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	again()
	if _, err := keys.Check(next); err == nil || !keys.Exist() {
		t.Errorf("%v: without the file nobody is to be let in, and tokens are to be asked for", err)
	}
	if _, err := (*Keys)(nil).Check(next); err == nil || (*Keys)(nil).Exist() {
		t.Error("no keys let someone in")
	}
}

func TestTokenFileRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	if _, _, err := Add(path, "a", Read, time.Time{}); err != nil {
		t.Fatal(err)
	}
	good, _ := os.ReadFile(path)
	tokens, _ := List(path)
	for name, c := range map[string]struct {
		data string
		mode os.FileMode
		want string
	}{
		"open to others": {string(good), 0o644, "open to others"},
		"to the group":   {string(good), 0o660, "open to others"},
		"empty":          {"", 0o600, "unexpected end"},
		"newer":          {`{"format":2,"tokens":[{"more":1}]}`, 0o600, "newer edge"},
		"no format":      {`{"tokens":[]}`, 0o600, "format 0"},
		"unknown field":  {strings.Replace(string(good), `"scope"`, `"only_from": "192.0.2.1", "scope"`, 1), 0o600, "unknown field"},
		"unknown scope":  {strings.Replace(string(good), `"read"`, `"root"`, 1), 0o600, "unknown scope"},
		"no digest":      {strings.Replace(string(good), tokens[0].Digest, "", 1), 0o600, "digest"},
		"bad ID":         {strings.Replace(string(good), tokens[0].ID, "A_______", 1), 0o600, "no token's ID"},
		"twice":          {strings.Replace(string(good), "[\n", "[\n"+string(good[strings.Index(string(good), "    {"):strings.LastIndex(string(good), "\n  ]")])+",\n", 1), 0o600, "stands twice"},
		"huge":           {strings.Repeat(" ", maxFile+1), 0o600, "longer than"},
	} {
		os.Remove(path)
		if err := os.WriteFile(path, []byte(c.data), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := OpenKeys(path, quiet)
		if err == nil || !strings.Contains(err.Error(), c.want) || hint.Of(err) == "" && name != "huge" {
			t.Errorf("%s: %v, hint %q", name, err, hint.Of(err))
		}
		if _, _, err := Add(path, "b", Read, time.Time{}); err == nil {
			t.Errorf("%s: a token was added", name)
		}
	}
}

func FuzzTokens(f *testing.F) {
	f.Add([]byte(`{"format":1,"tokens":[{"id":"abcdefgh","name":"a","scope":"read","sha256":"` + strings.Repeat("0", 64) + `","created":"2026-01-01T00:00:00Z"}]}`))
	f.Add([]byte(`{"format":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tokens, err := parse(data)
		if err != nil {
			return
		}
		for _, token := range tokens {
			if err := token.check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
