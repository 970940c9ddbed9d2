package records

import (
	"context"
	"database/sql"
	"time"
)

// Halt is a roll-out that was halted because of what devices reported.
type Halt struct {
	Channel   string    `json:"channel"`
	Release   int       `json:"release"`
	When      time.Time `json:"when"`
	Reason    string    `json:"reason"`
	Devices   int       `json:"devices"`   // that had activated it
	Rollbacks int       `json:"rollbacks"` // of them
}

// Rate is how many devices have activated a release, and how many of them went back.
type Rate struct {
	Channel   string
	Release   int
	Devices   int
	Rollbacks int
}

// Rates returns the rates of every release that a device went back from. Devices that
// activated it before its last halt are left out: whoever resumed the roll-out knew of
// them. So are blocked ones, and rollbacks because of a revocation.
func (r *Records) Rates(ctx context.Context) ([]Rate, error) {
	rates, err := list(ctx, r, `SELECT i.channel, i.release, COUNT(DISTINCT i.device), COUNT(DISTINCT CASE WHEN i.rolled > 0 THEN i.device END)
		FROM installs i
		JOIN devices d ON d.id = i.device AND d.blocked = ''
		LEFT JOIN (SELECT channel, release, MAX(halted) AS halted FROM halts GROUP BY channel, release) h ON h.channel = i.channel AND h.release = i.release
		WHERE i.activated > COALESCE(h.halted, 0) AND i.channel <> ''
		GROUP BY i.channel, i.release
		HAVING COUNT(DISTINCT CASE WHEN i.rolled > 0 THEN i.device END) > 0
		ORDER BY i.channel, i.release`, nil,
		func(rows *sql.Rows) (v Rate, err error) {
			return v, rows.Scan(&v.Channel, &v.Release, &v.Devices, &v.Rollbacks)
		})
	return rates, wrapped("rates of rollbacks", err)
}

// AddHalt records a halt.
func (r *Records) AddHalt(ctx context.Context, h Halt) error {
	return wrapped("halt", r.change(ctx, func(tx *sql.Tx) error {
		_, err := r.exec(ctx, tx, `INSERT INTO halts (channel, release, halted, reason, devices, rollbacks) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (channel, release, halted) DO NOTHING`, h.Channel, h.Release, milli(h.When), h.Reason, h.Devices, h.Rollbacks)
		return err
	}))
}

// Halts returns all halts, the latest first.
func (r *Records) Halts(ctx context.Context) ([]Halt, error) {
	halts, err := list(ctx, r, "SELECT channel, release, halted, reason, devices, rollbacks FROM halts ORDER BY halted DESC, channel, release", nil,
		func(rows *sql.Rows) (h Halt, err error) {
			var when int64
			err = rows.Scan(&h.Channel, &h.Release, &when, &h.Reason, &h.Devices, &h.Rollbacks)
			h.When = fromMilli(when)
			return h, err
		})
	return halts, wrapped("halts", err)
}

// Prune removes rollbacks, and releases that are no longer active, that were last heard
// of before that time, and returns how many there were.
func (r *Records) Prune(ctx context.Context, before time.Time) (int64, error) {
	var gone int64
	err := r.change(ctx, func(tx *sql.Tx) error {
		gone = 0
		for _, query := range []string{
			"DELETE FROM rollbacks WHERE seen < $1",
			"DELETE FROM installs WHERE changed < $1 AND state <> 'active'",
		} {
			n, err := r.exec(ctx, tx, query, milli(before))
			if err != nil {
				return err
			}
			gone += n
		}
		return nil
	})
	return gone, wrapped("prune", err)
}
