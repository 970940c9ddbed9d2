// Package records keeps what a fleet's devices have reported: who they are, their
// last report, which releases they took, refused and went back from. In SQLite for
// one machine, in PostgreSQL for more; the same statements run on both.
//
// Of reports only the last of each device is kept. What can be counted from it
// (releases, rollbacks) is kept beside it, bounded a device, so that a device that
// lies fills no disk and counts once.
package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

// Reasons that errors.Is finds in what is returned.
var (
	ErrUnknown  = errors.New("the device is not known")
	ErrBlocked  = errors.New("the device is blocked")
	ErrSequence = errors.New("the sequence is not above the last one")
	ErrNewer    = errors.New("made by a newer edge")
)

// Records are the records of a fleet. Its methods may be called concurrently, in
// several processes too. Times are kept to the millisecond.
type Records struct {
	db      *sql.DB
	dialect dialect
}

// dialect is where the two databases differ.
type dialect struct {
	name string
	// rewrite turns $1, $2 into what the database calls its arguments. Nil: that.
	rewrite func(query string) string
	// setUp runs in the transaction that makes the tables: one process at a time.
	setUp string
}

func (r *Records) q(query string) string {
	if r.dialect.rewrite == nil {
		return query
	}
	return r.dialect.rewrite(query)
}

// layout is raised whenever older programs cannot use the tables any more.
const layout = 1

// schema uses nothing that one of the two lacks. Times are milliseconds since 1970, 0
// is never; texts that are not there are empty.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS fleet_layout (layout BIGINT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS devices (
		id           TEXT PRIMARY KEY,
		public_key   TEXT NOT NULL,   -- Ed25519, hexadecimal
		enrolled     BIGINT NOT NULL,
		enrolled_by  TEXT NOT NULL,   -- name of the token
		blocked      TEXT NOT NULL,   -- why; '' is not
		sequence     BIGINT NOT NULL, -- of the last report; 0 is none yet
		digest       TEXT NOT NULL,   -- of the last report
		seen         BIGINT NOT NULL, -- when it came, by the receiver's clock
		edge         TEXT NOT NULL,
		architecture TEXT NOT NULL,
		channel      TEXT NOT NULL,
		ready        BIGINT NOT NULL, -- 0 or 1
		stuck        TEXT NOT NULL,
		report       TEXT NOT NULL    -- the last one, JSON
	)`,
	`CREATE INDEX IF NOT EXISTS devices_seen ON devices (seen)`,
	`CREATE TABLE IF NOT EXISTS installs (
		device    TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
		task      TEXT NOT NULL,
		release   BIGINT NOT NULL,
		channel   TEXT NOT NULL,   -- that the device followed when it told of it first
		state     TEXT NOT NULL,   -- active, replaced, refused, rolled back
		reason    TEXT NOT NULL,
		activated BIGINT NOT NULL, -- when each was told first, by the receiver's clock
		rolled    BIGINT NOT NULL, -- a rollback because of a revocation does not count
		refused   BIGINT NOT NULL,
		changed   BIGINT NOT NULL,
		PRIMARY KEY (device, task, release)
	)`,
	`CREATE INDEX IF NOT EXISTS installs_release ON installs (channel, release)`,
	`CREATE TABLE IF NOT EXISTS rollbacks (
		device     TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
		task       TEXT NOT NULL,
		generation BIGINT NOT NULL,
		happened   BIGINT NOT NULL, -- by the device's clock
		release    BIGINT NOT NULL,
		channel    TEXT NOT NULL,
		target     BIGINT NOT NULL, -- generation gone back to
		who        TEXT NOT NULL,
		reason     TEXT NOT NULL,
		seen       BIGINT NOT NULL,
		PRIMARY KEY (device, task, generation, happened)
	)`,
	`CREATE INDEX IF NOT EXISTS rollbacks_seen ON rollbacks (seen)`,
	`CREATE TABLE IF NOT EXISTS halts (
		channel   TEXT NOT NULL,
		release   BIGINT NOT NULL,
		halted    BIGINT NOT NULL,
		reason    TEXT NOT NULL,
		devices   BIGINT NOT NULL, -- that had activated it
		rollbacks BIGINT NOT NULL, -- of them
		PRIMARY KEY (channel, release, halted)
	)`,
}

// begin makes the tables, if they are not there, and closes db on an error.
func begin(ctx context.Context, db *sql.DB, d dialect) (*Records, error) {
	r := &Records{db, d}
	err := r.change(ctx, func(tx *sql.Tx) error {
		if d.setUp != "" {
			if _, err := tx.ExecContext(ctx, d.setUp); err != nil {
				return err
			}
		}
		for _, s := range schema {
			if _, err := tx.ExecContext(ctx, s); err != nil {
				return err
			}
		}
		var found int
		err := tx.QueryRowContext(ctx, "SELECT layout FROM fleet_layout").Scan(&found)
		if errors.Is(err, sql.ErrNoRows) {
			_, err = tx.ExecContext(ctx, r.q("INSERT INTO fleet_layout (layout) VALUES ($1)"), layout)
			return err
		}
		if err == nil && found > layout {
			err = hint.Wrap(fmt.Errorf("they were %w", ErrNewer), "run that edge, or use another database")
		}
		return err
	})
	if err != nil {
		db.Close() //nolint:errcheck // nothing was written
		return nil, err
	}
	return r, nil
}

// change runs fn in a transaction.
func (r *Records) change(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing after Commit
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// exec runs one statement and returns how many rows it has changed.
func (r *Records) exec(ctx context.Context, tx *sql.Tx, query string, args ...any) (int64, error) {
	result, err := tx.ExecContext(ctx, r.q(query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Ping reports whether the database answers.
func (r *Records) Ping(ctx context.Context) error {
	var one int
	if err := r.db.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return fmt.Errorf("records: %w", err)
	}
	return nil
}

// Database returns the name of the database's kind, for people.
func (r *Records) Database() string { return r.dialect.name }

// Close closes the database.
func (r *Records) Close() error {
	if err := r.db.Close(); err != nil {
		return fmt.Errorf("records: %w", err)
	}
	return nil
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func wrapped(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("records: %s: %w", what, err)
}
