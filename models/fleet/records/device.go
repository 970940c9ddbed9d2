package records

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/edge-adapt/edge/models/fleet"
)

// Key is what a device's requests are checked with.
type Key struct {
	Public   ed25519.PublicKey
	Blocked  string // why; "": it is not
	Sequence int64  // of its last report
}

// Enrol makes a device known by its key. by is the name of the token it came with.
// Enrolled again it stays as it is. The error is ErrBlocked if it is blocked.
func (r *Records) Enrol(ctx context.Context, public ed25519.PublicKey, by string, now time.Time) error {
	id := fleet.ID(public)
	err := r.change(ctx, func(tx *sql.Tx) error {
		_, err := r.exec(ctx, tx, `INSERT INTO devices
			(id, public_key, enrolled, enrolled_by, blocked, sequence, digest, seen, edge, architecture, channel, ready, stuck, report)
			VALUES ($1, $2, $3, $4, '', 0, '', 0, '', '', '', 0, '', '') ON CONFLICT (id) DO NOTHING`,
			id, hex.EncodeToString(public), milli(now), by)
		if err != nil {
			return err
		}
		var key, blocked string
		if err := tx.QueryRowContext(ctx, r.q("SELECT public_key, blocked FROM devices WHERE id = $1"), id).Scan(&key, &blocked); err != nil {
			return err
		}
		if key != hex.EncodeToString(public) {
			return errors.New("another device has the same ID") // which takes 2^64 keys to make
		}
		if blocked != "" {
			return fmt.Errorf("%w: %s", ErrBlocked, blocked)
		}
		return nil
	})
	return wrapped("enrol "+id, err)
}

// Key returns a device's key, or ErrUnknown. A blocked device has one too.
func (r *Records) Key(ctx context.Context, id string) (Key, error) {
	var k Key
	var public string
	err := r.db.QueryRowContext(ctx, r.q("SELECT public_key, blocked, sequence FROM devices WHERE id = $1"), id).Scan(&public, &k.Blocked, &k.Sequence)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrUnknown
	}
	if err == nil {
		k.Public, err = hex.DecodeString(public)
	}
	if err != nil {
		return Key{}, wrapped("device "+id, err)
	}
	return k, nil
}

// Device is a device in a list.
type Device struct {
	ID           string    `json:"id"`
	Enrolled     time.Time `json:"enrolled"`
	EnrolledBy   string    `json:"enrolled_by,omitempty"` // name of the token; "": without one
	Blocked      string    `json:"blocked,omitempty"`
	Seen         time.Time `json:"seen,omitzero"` // when its last report came
	Edge         string    `json:"edge,omitempty"`
	Architecture string    `json:"architecture,omitempty"`
	Channel      string    `json:"channel,omitempty"`
	Ready        bool      `json:"ready"`
	Stuck        string    `json:"stuck,omitempty"`
}

// Detail is everything about a device.
type Detail struct {
	Device
	Sequence  int64         `json:"sequence"`
	Report    *fleet.Report `json:"report,omitempty"` // the last; nil: none yet
	Installs  []Install     `json:"releases"`         // what it did with releases, the latest first
	Rollbacks []Rollback    `json:"rollbacks"`        // the latest first
}

// Install is what a device did with a release.
type Install struct {
	Task    string    `json:"task"`
	Release int       `json:"release"`
	Channel string    `json:"channel,omitempty"`
	State   State     `json:"state"`
	Reason  string    `json:"reason,omitempty"`
	Since   time.Time `json:"since"`
}

// Rollback is one return to an earlier generation.
type Rollback struct {
	Device  string    `json:"device"`
	Task    string    `json:"task"`
	Channel string    `json:"channel,omitempty"`
	Seen    time.Time `json:"seen"` // when the receiver was told
	fleet.Rollback
}

// Query chooses devices. Zero values choose all.
type Query struct {
	After   string // ID: those that follow it
	Limit   int    // at most so many; zero: 100
	Edge    string
	Channel string
	Release int       // that it has active, refused or went back from
	State   State     // of that release; needs Release
	Stuck   bool      // only those
	Silent  time.Time // only those whose last report is older
}

const deviceColumns = "d.id, d.enrolled, d.enrolled_by, d.blocked, d.seen, d.edge, d.architecture, d.channel, d.ready, d.stuck"

// Devices returns the chosen devices by rising ID.
func (r *Records) Devices(ctx context.Context, q Query) ([]Device, error) {
	where, args := []string{"d.id > $1"}, []any{q.After}
	add := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "$", fmt.Sprintf("\x00%d", len(args)), 1)
		}
		where = append(where, strings.ReplaceAll(condition, "\x00", "$"))
	}
	if q.Edge != "" {
		add("d.edge = $", q.Edge)
	}
	if q.Channel != "" {
		add("d.channel = $", q.Channel)
	}
	if q.Stuck {
		add("d.stuck <> '' AND d.blocked = ''")
	}
	if !q.Silent.IsZero() {
		add("d.seen < $ AND d.blocked = ''", milli(q.Silent))
	}
	if q.Release > 0 && q.State != "" {
		add("EXISTS (SELECT 1 FROM installs i WHERE i.device = d.id AND i.release = $ AND i.state = $)", q.Release, string(q.State))
	} else if q.Release > 0 {
		add("EXISTS (SELECT 1 FROM installs i WHERE i.device = d.id AND i.release = $)", q.Release)
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	args = append(args, limit)
	query := fmt.Sprintf("SELECT %s FROM devices d WHERE %s ORDER BY d.id LIMIT $%d", deviceColumns, strings.Join(where, " AND "), len(args)) //nolint:gosec // the conditions are above
	devices, err := list(ctx, r, query, args, func(rows *sql.Rows) (d Device, err error) { return d, d.scan(rows) })
	return devices, wrapped("devices", err)
}

func (d *Device) scan(rows interface{ Scan(...any) error }, more ...any) error {
	var enrolled, seen, ready int64
	err := rows.Scan(append([]any{&d.ID, &enrolled, &d.EnrolledBy, &d.Blocked, &seen, &d.Edge, &d.Architecture, &d.Channel, &ready, &d.Stuck}, more...)...)
	d.Enrolled, d.Seen, d.Ready = fromMilli(enrolled), fromMilli(seen), ready != 0
	return err
}

// list runs a query and reads its rows. Of none it is empty and not nil.
func list[T any](ctx context.Context, r *Records, query string, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	rows, err := r.db.QueryContext(ctx, r.q(query), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// Device returns everything about a device, or ErrUnknown.
func (r *Records) Device(ctx context.Context, id string) (Detail, error) {
	d, err := r.device(ctx, id)
	return d, wrapped("device "+id, err)
}

func (r *Records) device(ctx context.Context, id string) (Detail, error) {
	var d Detail
	var report string
	err := d.scan(r.db.QueryRowContext(ctx, r.q("SELECT "+deviceColumns+", d.sequence, d.report FROM devices d WHERE d.id = $1"), id), &d.Sequence, &report)
	if errors.Is(err, sql.ErrNoRows) {
		return Detail{}, ErrUnknown
	}
	if err != nil {
		return Detail{}, err
	}
	if report != "" {
		d.Report = &fleet.Report{}
		if err := json.Unmarshal([]byte(report), d.Report); err != nil {
			return Detail{}, err
		}
	}
	d.Installs, err = list(ctx, r, "SELECT task, release, channel, state, reason, changed FROM installs WHERE device = $1 ORDER BY changed DESC, release DESC, task", []any{id},
		func(rows *sql.Rows) (i Install, err error) {
			var since int64
			err = rows.Scan(&i.Task, &i.Release, &i.Channel, &i.State, &i.Reason, &since)
			i.Since = fromMilli(since)
			return i, err
		})
	if err != nil {
		return Detail{}, err
	}
	d.Rollbacks, err = list(ctx, r, "SELECT "+rollbackColumns+" FROM rollbacks WHERE device = $1 ORDER BY seen DESC, happened DESC, task", []any{id}, scanRollback)
	return d, err
}

const rollbackColumns = "device, task, channel, seen, happened, generation, release, target, who, reason"

func scanRollback(rows *sql.Rows) (b Rollback, err error) {
	var seen, happened int64
	err = rows.Scan(&b.Device, &b.Task, &b.Channel, &seen, &happened, &b.Generation, &b.Release, &b.To, &b.By, &b.Reason)
	b.Seen, b.When = fromMilli(seen), fromMilli(happened)
	return b, err
}

// Block refuses a device's reports and its enrolment from now on, and takes what it
// reported out of the counts. "" lets it in again.
func (r *Records) Block(ctx context.Context, id, why string) error {
	return r.one(ctx, "block "+id, "UPDATE devices SET blocked = $1 WHERE id = $2", why, id)
}

// Forget removes a device and everything it has reported. It may enrol again.
func (r *Records) Forget(ctx context.Context, id string) error {
	return r.one(ctx, "forget "+id, "DELETE FROM devices WHERE id = $1", id)
}

// one changes one device, or returns ErrUnknown.
func (r *Records) one(ctx context.Context, what, query string, args ...any) error {
	return wrapped(what, r.change(ctx, func(tx *sql.Tx) error {
		n, err := r.exec(ctx, tx, query, args...)
		if err == nil && n == 0 {
			err = ErrUnknown
		}
		return err
	}))
}
