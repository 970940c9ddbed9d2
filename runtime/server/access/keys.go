package access

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

// Reasons for which Keys.Check refuses.
var (
	ErrUnknownToken = errors.New("the token is not known")
	ErrExpiredToken = errors.New("the token has expired")
)

// look is how often the file is looked at for changes, at most.
const look = time.Second

// Keys checks tokens against a file. What `edge token` changes in the file holds
// within a second, without a restart. Its methods may be called concurrently.
type Keys struct {
	path string
	log  *slog.Logger

	mu     sync.Mutex
	tokens map[string]Token // by ID
	exists bool             // the file is there, or was once
	seen   state
	next   time.Time // when to look again
}

// state tells one content of a file from another.
type state struct {
	modified time.Time
	size     int64
	mode     fs.FileMode
}

// OpenKeys returns the tokens in the file at path, which need not be there yet.
// A file that is damaged or open to others is an error.
func OpenKeys(path string, log *slog.Logger) (*Keys, error) {
	k := &Keys{path: path, log: log}
	if err := k.load(); err != nil {
		return nil, err
	}
	return k, nil
}

// Exist reports whether there is a file of tokens, or was at any time since
// OpenKeys: whether tokens are asked for at all. A file without tokens counts.
func (k *Keys) Exist() bool {
	if k == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refresh()
	return k.exists
}

// Check returns the token of that text, or ErrUnknownToken or ErrExpiredToken.
func (k *Keys) Check(text string) (Token, error) {
	if k == nil {
		return Token{}, ErrUnknownToken
	}
	id, sum := idOf(text), digest(text)
	k.mu.Lock()
	k.refresh()
	t, known := k.tokens[id]
	k.mu.Unlock()
	if !known { // compare all the same
		t.Digest = strings.Repeat("0", len(sum))
	}
	if subtle.ConstantTimeCompare([]byte(sum), []byte(t.Digest)) != 1 || !known {
		return Token{}, hint.Wrap(ErrUnknownToken, "edge token list shows which tokens there are, edge token add makes one")
	}
	if t.Expired(time.Now()) {
		return Token{}, hint.Wrap(fmt.Errorf("%w: %s", ErrExpiredToken, t.Expires.Format(time.RFC3339)), "make a new one: edge token rotate "+t.ID)
	}
	return t, nil
}

// refresh reads the file again if it has changed. What cannot be read changes
// nothing, but a file that is gone lets nobody in. The caller holds mu.
func (k *Keys) refresh() {
	now := time.Now()
	if now.Before(k.next) {
		return
	}
	if err := k.load(); err != nil {
		k.log.Error("tokens could not be read again; those read before still hold", "error", err, "hint", hint.Of(err))
	}
	k.next = time.Now().Add(look)
}

func (k *Keys) load() error {
	info, err := os.Stat(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		if k.exists && len(k.tokens) > 0 {
			k.log.Warn("the file of tokens is gone: nobody is let in", "file", k.path)
		}
		k.tokens, k.seen = nil, state{}
		return nil
	}
	if err != nil {
		return err
	}
	now := state{info.ModTime(), info.Size(), info.Mode()}
	if now == k.seen {
		return nil
	}
	k.seen, k.exists = now, true // also of what cannot be read: told of once, and nobody is let in
	tokens, err := read(k.path)
	if err != nil {
		return err
	}
	if k.tokens != nil {
		k.log.Info("tokens read again", "file", k.path, "tokens", len(tokens))
	}
	k.tokens = make(map[string]Token, len(tokens))
	for _, t := range tokens {
		k.tokens[t.ID] = t
	}
	return nil
}
