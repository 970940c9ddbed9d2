package records

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/mattn/go-sqlite3" // registers "sqlite3"

	"github.com/edge-adapt/edge/internal/hint"
)

// OpenSQLite opens the records in the file at path, which is made, with its folder,
// if it is not there. Others cannot read it. It needs no server and is the right one
// for some ten thousand devices on one machine.
//
// A process killed at any instant loses no report that was answered; a power cut may
// lose the last few, which devices send again with what they send next.
func OpenSQLite(ctx context.Context, path string) (*Records, error) {
	r, err := openSQLite(ctx, path)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("records in %s: %w", path, err), "make room or permission for the file; if it is damaged, sqlite3 FILE .recover saves what can be read")
	}
	return r, nil
}

func openSQLite(ctx context.Context, path string) (*Records, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // clearer than SQLite's errors, and with our mode
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	address := "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	// Every transaction writes, and one that began as a reader could not become a
	// writer beside another one: so all take their turn at the start.
	db, err := sql.Open("sqlite3", address+"?_journal_mode=WAL&_synchronous=NORMAL&_busy_timeout=10000&_txlock=immediate&_foreign_keys=on")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	return begin(ctx, db, dialect{name: "SQLite", rewrite: func(query string) string { return strings.ReplaceAll(query, "$", "?") }})
}
