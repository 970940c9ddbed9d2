package access

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// fileFormat is the format that this program writes, and the newest it reads.
const fileFormat = 1

const (
	maxFile   = 1 << 20
	maxTokens = 1000
)

// ErrNoSuchToken is what errors.Is finds when a token that was named is not in
// the file.
var ErrNoSuchToken = errors.New("no such token")

// contents is what a file of tokens holds, as JSON.
type contents struct {
	Format int     `json:"format"`
	Tokens []Token `json:"tokens"`
}

// parse reads a file of tokens. Unknown fields are refused: one may restrict a
// token in a way that this program does not know.
func parse(data []byte) ([]Token, error) {
	var c contents
	dec := json.NewDecoder(bytes.NewReader(data))
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, err
	}
	if version.Format > fileFormat {
		return nil, errors.New("made by a newer edge")
	}
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return nil, err
	}
	if c.Format < 1 || len(c.Tokens) > maxTokens {
		return nil, fmt.Errorf("format %d, %d tokens", c.Format, len(c.Tokens))
	}
	seen := map[string]bool{}
	for _, t := range c.Tokens {
		if err := t.check(); err != nil {
			return nil, err
		}
		if seen[t.ID] {
			return nil, fmt.Errorf("token %s stands twice", t.ID)
		}
		seen[t.ID] = true
	}
	return c.Tokens, nil
}

// read returns the tokens in the file at path, which others must not be able to
// read or write.
func read(path string) ([]Token, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, hint.Wrap(fmt.Errorf("%s is open to others (mode %04o)", path, info.Mode().Perm()), "chmod 600 "+path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, maxFile)
	}
	tokens, err := parse(data)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("tokens in %s: %w", path, err), "restore the file, or move it away and make new tokens: edge token add")
	}
	return tokens, nil
}

// List returns the tokens in the file at path, in the order they were added. A
// file that is not there holds none.
func List(path string) ([]Token, error) {
	tokens, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return tokens, err
}

// Add adds a token to the file at path, which it makes if need be, and returns
// what is kept of it and its text. The text is kept nowhere: it is shown once.
// Zero expires means never.
func Add(path, name string, scope Scope, expires time.Time) (t Token, text string, err error) {
	if err := CheckName(name); err != nil {
		return Token{}, "", err
	}
	if scope.rank() == 0 {
		return Token{}, "", fmt.Errorf("%q is no scope: there are read, label and admin", scope)
	}
	err = change(path, func(tokens []Token) ([]Token, error) {
		for _, other := range tokens {
			if other.Name == name && !other.Expired(time.Now()) {
				return nil, hint.Wrap(fmt.Errorf("there is a token called %q already: %s", name, other.ID),
					"choose another name, or replace it: edge token rotate "+other.ID)
			}
		}
		t, text = newToken(name, scope, time.Now())
		t.Expires = expires
		return append(tokens, t), nil
	})
	return t, text, err
}

// Remove removes the token of that ID or name from the file at path. The file
// stays when no token is left: it then lets nobody in.
func Remove(path, which string) (t Token, err error) {
	err = change(path, func(tokens []Token) ([]Token, error) {
		i, err := find(tokens, which, path)
		if err != nil {
			return nil, err
		}
		t = tokens[i]
		return append(tokens[:i], tokens[i+1:]...), nil
	})
	return t, err
}

// Rotate adds a token with the name and scope of the one of that ID or name, and
// lets that one expire after grace, in which clients are given the new one.
func Rotate(path, which string, grace time.Duration) (t Token, text string, err error) {
	err = change(path, func(tokens []Token) ([]Token, error) {
		i, err := find(tokens, which, path)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		t, text = newToken(tokens[i].Name, tokens[i].Scope, now)
		if end := now.Add(grace).UTC().Truncate(time.Second); tokens[i].Expires.IsZero() || end.Before(tokens[i].Expires) {
			tokens[i].Expires = end
		}
		return append(tokens, t), nil
	})
	return t, text, err
}

// find returns the token of that ID, or else the only one of that name.
func find(tokens []Token, which, path string) (int, error) {
	found := -1
	for i, t := range tokens {
		if t.ID == which {
			return i, nil
		}
		if t.Name == which {
			if found >= 0 {
				return 0, hint.Wrap(fmt.Errorf("two tokens are called %q", which), "name it by its ID: "+tokens[found].ID+" or "+t.ID)
			}
			found = i
		}
	}
	if found < 0 {
		return 0, hint.Wrap(fmt.Errorf("%s: %w: %q", path, ErrNoSuchToken, which), "edge token list shows which there are")
	}
	return found, nil
}

// change replaces the tokens in the file at path by what fn makes of them, while
// no other process does.
func change(path string, fn func([]Token) ([]Token, error)) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close() // which gives the lock back
	for err = unix.EINTR; errors.Is(err, unix.EINTR); {
		err = unix.Flock(int(d.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		return &fs.PathError{Op: "flock", Path: dir, Err: err}
	}
	tokens, err := List(path)
	if err != nil {
		return err
	}
	if tokens, err = fn(tokens); err != nil {
		return err
	}
	if len(tokens) > maxTokens {
		return hint.Wrap(fmt.Errorf("%s holds %d tokens", path, len(tokens)-1), "remove some: edge token remove ID")
	}
	if tokens == nil {
		tokens = []Token{}
	}
	data, err := json.MarshalIndent(contents{fileFormat, tokens}, "", "  ")
	if err != nil {
		return err
	}
	return renameio.WriteFile(path, append(data, '\n'), 0o600)
}
