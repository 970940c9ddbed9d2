package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models/fleet"
)

// State is what has become of a release on a device.
type State string

// The states.
const (
	Active     State = "active"
	Replaced   State = "replaced"    // by another generation
	Refused    State = "refused"     // tried, and not activated
	RolledBack State = "rolled back" // activated, and left for an earlier generation
)

// How much is kept of one device.
const (
	maxInstalls  = 256
	maxRollbacks = 512
)

// Accepted says what a report has changed.
type Accepted struct {
	Sequence int64 // the highest of the device now
	// Repeated: the very same report had come before, and nothing was changed.
	Repeated bool
	// Rollbacks is how many of the rollbacks in it were news.
	Rollbacks int
}

// Accept takes in a report that the device has signed. The error is ErrUnknown,
// ErrBlocked, or ErrSequence, with Accepted.Sequence set, if the sequence is not above
// the last one. After an error nothing has changed.
func (r *Records) Accept(ctx context.Context, id string, report fleet.Report, now time.Time) (Accepted, error) {
	var a Accepted
	// As it is kept; the device has left out already what was not to be sent.
	data, err := report.Encode(fleet.Consent{LabelNames: true})
	if err == nil {
		err = r.change(ctx, func(tx *sql.Tx) error {
			a = Accepted{Sequence: report.Sequence}
			return r.accept(ctx, tx, id, report, data, milli(now), &a)
		})
	}
	if errors.Is(err, errRepeated) {
		return Accepted{Sequence: report.Sequence, Repeated: true}, nil
	}
	return a, wrapped("report of "+id, err)
}

// errRepeated ends the transaction of a report that had come before.
var errRepeated = errors.New("it had come before")

func (r *Records) accept(ctx context.Context, tx *sql.Tx, id string, report fleet.Report, data []byte, now int64, a *Accepted) error {
	sum := digest.Of(data).Hex()
	ready := 0
	if report.Health.Ready {
		ready = 1
	}
	n, err := r.exec(ctx, tx, `UPDATE devices SET sequence = $1, digest = $2, seen = $3, edge = $4, architecture = $5, channel = $6, ready = $7, stuck = $8, report = $9
		WHERE id = $10 AND sequence < $1 AND blocked = ''`,
		report.Sequence, sum, now, report.Edge, report.Architecture, report.Channel, ready, stuck(report), string(data), id)
	if err != nil {
		return err
	}
	if n == 0 {
		return r.unaccepted(ctx, tx, id, report.Sequence, sum, a)
	}
	for _, t := range report.Tasks {
		for _, b := range t.Rollbacks {
			fresh, err := r.rollback(ctx, tx, id, report.Channel, t, b, now)
			if err != nil {
				return err
			}
			if fresh {
				a.Rollbacks++
			}
		}
		for _, f := range t.Refused {
			if err := r.refusal(ctx, tx, id, report.Channel, t, f, now); err != nil {
				return err
			}
		}
		if err := r.active(ctx, tx, id, report.Channel, t, now); err != nil {
			return err
		}
	}
	if err := r.gone(ctx, tx, id, report.Tasks, now); err != nil {
		return err
	}
	return r.bound(ctx, tx, id)
}

// unaccepted says why the device's row was not changed.
func (r *Records) unaccepted(ctx context.Context, tx *sql.Tx, id string, sequence int64, sum string, a *Accepted) error {
	var last, blocked string
	err := tx.QueryRowContext(ctx, r.q("SELECT sequence, digest, blocked FROM devices WHERE id = $1"), id).Scan(&a.Sequence, &last, &blocked)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrUnknown
	case err != nil:
		return err
	case blocked != "":
		return fmt.Errorf("%w: %s", ErrBlocked, blocked)
	case a.Sequence == sequence && last == sum:
		return errRepeated
	}
	return fmt.Errorf("%w: %d after %d", ErrSequence, sequence, a.Sequence)
}

// stuck returns why a device is, "" if it is not.
func stuck(report fleet.Report) string {
	if report.Stuck != "" {
		return report.Stuck
	}
	for _, t := range report.Tasks {
		if t.Stuck != "" {
			return t.Stuck
		}
	}
	return ""
}

func (r *Records) rollback(ctx context.Context, tx *sql.Tx, id, channel string, t fleet.Task, b fleet.Rollback, now int64) (fresh bool, err error) {
	n, err := r.exec(ctx, tx, `INSERT INTO rollbacks (device, task, generation, happened, release, channel, target, who, reason, seen)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (device, task, generation, happened) DO NOTHING`,
		id, t.Task, b.Generation, milli(b.When), b.Release, channel, b.To, string(b.By), b.Reason, now)
	if err != nil || n == 0 || b.Release == 0 {
		return n > 0, err
	}
	rolled := now
	if b.By == fleet.ByRevocation {
		rolled = 0
	}
	// Who went back had activated it, whether or not a report said so in between.
	_, err = r.exec(ctx, tx, `INSERT INTO installs (device, task, release, channel, state, reason, activated, rolled, refused, changed)
		VALUES ($1, $2, $3, $4, 'rolled back', $5, $6, $7, 0, $6)
		ON CONFLICT (device, task, release) DO UPDATE SET state = 'rolled back', reason = excluded.reason, changed = excluded.changed,
			activated = CASE WHEN installs.activated = 0 THEN excluded.activated ELSE installs.activated END,
			rolled = CASE WHEN installs.rolled = 0 THEN excluded.rolled ELSE installs.rolled END`,
		id, t.Task, b.Release, channel, b.Reason, now, rolled)
	return true, err
}

func (r *Records) refusal(ctx context.Context, tx *sql.Tx, id, channel string, t fleet.Task, f fleet.Refusal, now int64) error {
	_, err := r.exec(ctx, tx, `INSERT INTO installs (device, task, release, channel, state, reason, activated, rolled, refused, changed)
		VALUES ($1, $2, $3, $4, 'refused', $5, 0, 0, $6, $6)
		ON CONFLICT (device, task, release) DO UPDATE SET state = 'refused', reason = excluded.reason, changed = excluded.changed, refused = excluded.refused
			WHERE installs.refused = 0 AND installs.activated = 0`, // what was activated later on has its own end
		id, t.Task, f.Release, channel, f.Reason, now)
	return err
}

// active records what the task uses now, and that it uses nothing else.
func (r *Records) active(ctx context.Context, tx *sql.Tx, id, channel string, t fleet.Task, now int64) error {
	if t.Release > 0 {
		_, err := r.exec(ctx, tx, `INSERT INTO installs (device, task, release, channel, state, reason, activated, rolled, refused, changed)
			VALUES ($1, $2, $3, $4, 'active', '', $5, 0, 0, $5)
			ON CONFLICT (device, task, release) DO UPDATE SET state = 'active', reason = '', changed = excluded.changed,
				activated = CASE WHEN installs.activated = 0 THEN excluded.activated ELSE installs.activated END
				WHERE installs.state <> 'active'`,
			id, t.Task, t.Release, channel, now)
		if err != nil {
			return err
		}
	}
	_, err := r.exec(ctx, tx, "UPDATE installs SET state = 'replaced', changed = $1 WHERE device = $2 AND task = $3 AND release <> $4 AND state = 'active'", now, id, t.Task, t.Release)
	return err
}

// gone ends what tasks had active that are no longer there.
func (r *Records) gone(ctx context.Context, tx *sql.Tx, id string, tasks []fleet.Task, now int64) error {
	rows, err := tx.QueryContext(ctx, r.q("SELECT DISTINCT task FROM installs WHERE device = $1 AND state = 'active'"), id)
	if err != nil {
		return err
	}
	defer rows.Close()
	var missing []string
	for rows.Next() {
		var task string
		if err := rows.Scan(&task); err != nil {
			return err
		}
		if !slices.ContainsFunc(tasks, func(t fleet.Task) bool { return t.Task == task }) {
			missing = append(missing, task)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, task := range missing {
		if err := r.active(ctx, tx, id, "", fleet.Task{Task: task}, now); err != nil {
			return err
		}
	}
	return nil
}

// bound removes the oldest of what a device has told beyond what is kept.
func (r *Records) bound(ctx context.Context, tx *sql.Tx, id string) error {
	_, err := r.exec(ctx, tx, `DELETE FROM rollbacks WHERE device = $1 AND (task, generation, happened) IN
		(SELECT task, generation, happened FROM rollbacks WHERE device = $1 ORDER BY seen DESC, happened DESC LIMIT 1000000 OFFSET $2)`, id, maxRollbacks)
	if err == nil {
		_, err = r.exec(ctx, tx, `DELETE FROM installs WHERE device = $1 AND (task, release) IN
			(SELECT task, release FROM installs WHERE device = $1 ORDER BY changed DESC, release DESC LIMIT 1000000 OFFSET $2)`, id, maxInstalls)
	}
	return err
}
