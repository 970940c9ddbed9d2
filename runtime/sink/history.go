package sink

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime"
)

// HistoryOptions says where past events are kept, and how many.
type HistoryOptions struct {
	// Path is the SQLite file. It must be given; its folder is made when it is
	// missing.
	Path string
	// MaxAge is when events go. Zero: never.
	MaxAge time.Duration
	// MaxRows is how many events are kept. Zero: without bound.
	MaxRows int
	// Warn gets what went wrong without losing an event now. Zero: nobody asks.
	Warn func(error)
}

// History keeps events in a SQLite file that other programs may read meanwhile.
//
//	SELECT datetime(time/1000, 'unixepoch', 'localtime'), kind, task, label,
//	       json_extract(event, '$.score') FROM events ORDER BY time DESC LIMIT 20;
//
// A process killed at any instant loses no event that was delivered; a power cut
// may lose the last few, and leaves the file whole. A file that is damaged
// nevertheless is renamed, never deleted, and a new one begun.
//
// Deliver and Close are called by one goroutine at a time; Read may be called
// concurrently.
type History struct {
	o   HistoryOptions
	now func() time.Time
	db  *sql.DB // nil: not open
	// due is how many events there are to go until the old ones are removed.
	due int
}

// pruneEvery is how many events come between two removals of old ones.
const pruneEvery = 256

// layout is raised whenever older programs cannot read the file any more.
const layout = 1

const schema = `
CREATE TABLE IF NOT EXISTS events (
	row        INTEGER PRIMARY KEY,
	time       INTEGER NOT NULL, -- milliseconds since 1970
	kind       TEXT NOT NULL,
	task       TEXT NOT NULL,    -- '' for the daemon itself
	label      TEXT NOT NULL,    -- '' for unknown, and where there is none
	generation INTEGER NOT NULL, -- 0 for none
	event      TEXT NOT NULL     -- all of it, as JSON
);
CREATE INDEX IF NOT EXISTS events_time ON events (time);
CREATE INDEX IF NOT EXISTS events_task ON events (task, time);
PRAGMA user_version = 1;`

// NewHistory checks o. The file is opened with the first event.
func NewHistory(o HistoryOptions) (*History, error) {
	if o.Path == "" || o.MaxAge < 0 || o.MaxRows < 0 {
		return nil, errors.New("history: want a path, and no number below zero")
	}
	return &History{o: o, now: time.Now}, nil
}

// Deliver implements runtime.Sink.
func (h *History) Deliver(ctx context.Context, e runtime.Event) error {
	data, err := line(e)
	if err != nil {
		return err
	}
	if err := h.insert(ctx, e, string(data)); err != nil {
		return hint.Wrap(fmt.Errorf("history: %w", err), "make room or permission for "+h.o.Path+"; edge tries again with the next event")
	}
	if h.due--; h.due <= 0 {
		h.due = pruneEvery
		if err := h.prune(ctx); err != nil && h.o.Warn != nil {
			h.o.Warn(fmt.Errorf("history: remove old events: %w", err))
		}
	}
	return nil
}

func (h *History) insert(ctx context.Context, e runtime.Event, data string) error {
	if err := h.open(ctx); err != nil {
		return err
	}
	_, err := h.db.ExecContext(ctx, "INSERT INTO events (time, kind, task, label, generation, event) VALUES (?, ?, ?, ?, ?, ?)",
		e.Time.UnixMilli(), string(e.Kind), e.Task, e.Label, e.Generation, data)
	if err == nil {
		return nil
	}
	// Opened afresh for the next event: the disk may have been mounted anew, the
	// file may have been removed or may be damaged.
	h.shut()
	if damaged(err) {
		return errors.Join(err, h.setAside())
	}
	return err
}

// open opens the file if it is not open, or if the path means another one now.
func (h *History) open(ctx context.Context) error {
	if h.db != nil {
		if _, err := os.Stat(h.o.Path); err == nil {
			return nil
		}
		h.shut() // removed under us: what is written there would be lost
	}
	if err := os.MkdirAll(filepath.Dir(h.o.Path), 0o700); err != nil {
		return err
	}
	err := h.connect(ctx)
	if err != nil && damaged(err) {
		if err := h.setAside(); err != nil {
			return err
		}
		err = h.connect(ctx)
	}
	return err
}

func (h *History) connect(ctx context.Context) error {
	if f, err := os.OpenFile(h.o.Path, os.O_RDWR|os.O_CREATE, 0o640); err != nil {
		return err // clearer than SQLite's, and with our mode
	} else if err := f.Close(); err != nil {
		return err
	}
	// auto_vacuum counts only before there is a table, so it comes with the
	// connection; the log must not stay as large as it once was.
	db, err := sql.Open("sqlite3", address(h.o.Path)+"?_auto_vacuum=incremental&_journal_mode=WAL&_synchronous=NORMAL&_busy_timeout=5000")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(2) // one for a reader
	db.SetMaxIdleConns(1)
	var version int
	err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	if err == nil && version > layout {
		err = hint.Wrap(errors.New(h.o.Path+" was made by a newer edge"), "install that edge again, or set events.history.path to another file")
	}
	if err == nil {
		_, err = db.ExecContext(ctx, schema)
	}
	if err == nil {
		_, err = db.ExecContext(ctx, "PRAGMA journal_size_limit = 4194304")
	}
	if err != nil {
		db.Close()
		return err
	}
	h.db = db
	return nil
}

func (h *History) shut() {
	if h.db != nil {
		h.db.Close() //nolint:errcheck // what was delivered is in the file
		h.db = nil
	}
}

// damaged tells a file that is of no use from one that is only out of reach.
func damaged(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrNotADB || e.Code == sqlite3.ErrCorrupt)
}

// setAside renames a damaged file, so that somebody can save what is in it.
func (h *History) setAside() error {
	aside := fmt.Sprintf("%s.damaged-%s", h.o.Path, h.now().UTC().Format("20060102T150405.000"))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(h.o.Path+suffix, aside+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("set the damaged file aside: %w", err)
		}
	}
	if h.o.Warn != nil {
		h.o.Warn(hint.Wrap(fmt.Errorf("history: %s is damaged and now called %s; a new one was begun", h.o.Path, filepath.Base(aside)),
			"sqlite3 "+aside+" .recover saves what can be read"))
	}
	return nil
}

// pruneBatch bounds how long one removal keeps readers and the disk busy.
const pruneBatch = 10_000

// prune removes what is too old or too much, and gives its pages back.
func (h *History) prune(ctx context.Context) error {
	oldest := int64(-1 << 62)
	if h.o.MaxAge > 0 {
		oldest = h.now().Add(-h.o.MaxAge).UnixMilli()
	}
	above := int64(-1) // rows are numbered without gaps but at the old end
	if h.o.MaxRows > 0 {
		if err := h.db.QueryRowContext(ctx, "SELECT coalesce(max(row), 0) - ? FROM events", h.o.MaxRows).Scan(&above); err != nil {
			return err
		}
	}
	for {
		result, err := h.db.ExecContext(ctx,
			"DELETE FROM events WHERE row IN (SELECT row FROM events WHERE time < ? OR row <= ? LIMIT ?)", oldest, above, pruneBatch)
		if err != nil {
			return err
		}
		gone, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if gone < pruneBatch {
			if gone > 0 {
				err = h.vacuum(ctx)
			}
			return err
		}
	}
}

// vacuum gives free pages back to the disk, one each time a row is asked for.
func (h *History) vacuum(ctx context.Context) error {
	rows, err := h.db.QueryContext(ctx, "PRAGMA incremental_vacuum")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}

// Close implements runtime.Sink.
func (h *History) Close() error {
	if h.db == nil {
		return nil
	}
	err := h.db.Close()
	h.db = nil
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}

// address is a path as SQLite's file: addresses have it.
func address(path string) string {
	return "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}
