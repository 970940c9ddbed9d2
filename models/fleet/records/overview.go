package records

import (
	"context"
	"database/sql"
	"time"
)

// Overview is the state of a whole fleet. What blocked devices reported is in none of
// its numbers but Blocked and Total.
type Overview struct {
	Time          time.Time  `json:"time"`
	Devices       Devices    `json:"devices"`
	Versions      []Count    `json:"versions"`      // of the program, the most devices first
	Architectures []Count    `json:"architectures"` // so too, and
	Channels      []Count    `json:"channels"`      // so too; "" is devices that follow none
	Stuck         []Stuck    `json:"stuck"`         // reasons, the most devices first
	Releases      []Release  `json:"releases"`      // the newest first
	Days          []Day      `json:"days"`          // with a rollback or an activation, the oldest first
	Rollbacks     []Rollback `json:"rollbacks"`     // the latest, the latest first
}

// Devices counts devices. One may be in several.
type Devices struct {
	Total    int `json:"total"`
	Silent   int `json:"silent"`    // no report for too long; not those that never sent one
	Never    int `json:"never"`     // enrolled, and no report yet
	Stuck    int `json:"stuck"`     // updates do not get through
	NotReady int `json:"not_ready"` // by its last report
	Blocked  int `json:"blocked"`
}

// Count is how many devices have something in common.
type Count struct {
	Name    string `json:"name"`
	Devices int    `json:"devices"`
}

// Stuck is a reason for being stuck.
type Stuck struct {
	Reason  string `json:"reason"`
	Devices int    `json:"devices"`
	Example string `json:"example"` // ID of one
}

// Release is how far a release has come among the devices that follow a channel.
type Release struct {
	Channel    string    `json:"channel"`
	Release    int       `json:"release"`
	Following  int       `json:"following"`   // devices that follow the channel
	Activated  int       `json:"activated"`   // at any time
	Active     int       `json:"active"`      // now
	Refused    int       `json:"refused"`     // and none of its tasks has activated it
	RolledBack int       `json:"rolled_back"` // at any time, not because of a revocation
	First      time.Time `json:"first"`       // when it was heard of first
	Last       time.Time `json:"last"`        // when something about it changed last
	Halt       *Halt     `json:"halt,omitempty"`
}

// Day is what happened within a day, UTC.
type Day struct {
	Day         string `json:"day"` // 2006-01-02
	Activations int    `json:"activations"`
	Rollbacks   int    `json:"rollbacks"`
}

// How much of the longest lists is returned.
const (
	maxNames     = 50
	maxReleases  = 64
	maxDays      = 30
	maxLatest    = 50
	dayMilli     = int64(24 * time.Hour / time.Millisecond)
	reportedOnly = "blocked = '' AND sequence > 0"
)

// Overview returns the state of the fleet. A device is silent if its last report is
// older than silent.
func (r *Records) Overview(ctx context.Context, now time.Time, silent time.Duration) (Overview, error) {
	o := Overview{Time: now.UTC().Truncate(time.Millisecond)}
	err := r.overview(ctx, &o, now, silent)
	return o, wrapped("overview", err)
}

func (r *Records) overview(ctx context.Context, o *Overview, now time.Time, silent time.Duration) error {
	d := &o.Devices
	err := r.db.QueryRowContext(ctx, r.q(`SELECT COUNT(*),
		COALESCE(SUM(CASE WHEN `+reportedOnly+` AND seen < $1 THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN blocked = '' AND sequence = 0 THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN `+reportedOnly+` AND stuck <> '' THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN `+reportedOnly+` AND ready = 0 THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN blocked <> '' THEN 1 ELSE 0 END), 0) FROM devices`), milli(now.Add(-silent))).
		Scan(&d.Total, &d.Silent, &d.Never, &d.Stuck, &d.NotReady, &d.Blocked)
	if err != nil {
		return err
	}
	for column, to := range map[string]*[]Count{"edge": &o.Versions, "architecture": &o.Architectures, "channel": &o.Channels} {
		if *to, err = r.counts(ctx, column); err != nil {
			return err
		}
	}
	o.Stuck, err = list(ctx, r, `SELECT stuck, COUNT(*), MIN(id) FROM devices WHERE stuck <> '' AND blocked = '' GROUP BY stuck ORDER BY COUNT(*) DESC, stuck LIMIT $1`, []any{maxNames},
		func(rows *sql.Rows) (s Stuck, err error) { return s, rows.Scan(&s.Reason, &s.Devices, &s.Example) })
	if err != nil {
		return err
	}
	if o.Releases, err = r.releases(ctx); err != nil {
		return err
	}
	if o.Days, err = r.days(ctx, now); err != nil {
		return err
	}
	o.Rollbacks, err = list(ctx, r, `SELECT `+rollbackColumns+` FROM rollbacks WHERE device NOT IN (SELECT id FROM devices WHERE blocked <> '')
		ORDER BY seen DESC, happened DESC, device, task LIMIT $1`, []any{maxLatest}, scanRollback)
	return err
}

// counts groups devices by a column, which is a name of ours.
func (r *Records) counts(ctx context.Context, column string) ([]Count, error) {
	return list(ctx, r, "SELECT "+column+", COUNT(*) FROM devices WHERE "+reportedOnly+" GROUP BY "+column+" ORDER BY COUNT(*) DESC, "+column+" LIMIT $1", []any{maxNames},
		func(rows *sql.Rows) (c Count, err error) { return c, rows.Scan(&c.Name, &c.Devices) })
}

func (r *Records) releases(ctx context.Context) ([]Release, error) {
	// A device counts once, whatever the number of its tasks.
	all, err := list(ctx, r, `SELECT channel, release,
			SUM(CASE WHEN activated > 0 THEN 1 ELSE 0 END), SUM(active), SUM(CASE WHEN refused > 0 AND activated = 0 THEN 1 ELSE 0 END),
			SUM(CASE WHEN rolled > 0 THEN 1 ELSE 0 END), MIN(first), MAX(last)
		FROM (SELECT channel, release, device, MAX(activated) AS activated, MAX(CASE WHEN state = 'active' THEN 1 ELSE 0 END) AS active,
				MAX(refused) AS refused, MAX(rolled) AS rolled, MIN(CASE WHEN activated > 0 THEN activated ELSE changed END) AS first, MAX(changed) AS last
			FROM installs WHERE device NOT IN (SELECT id FROM devices WHERE blocked <> '') GROUP BY channel, release, device) a
		GROUP BY channel, release ORDER BY release DESC, channel LIMIT $1`, []any{maxReleases},
		func(rows *sql.Rows) (v Release, err error) {
			var first, last int64
			err = rows.Scan(&v.Channel, &v.Release, &v.Activated, &v.Active, &v.Refused, &v.RolledBack, &first, &last)
			v.First, v.Last = fromMilli(first), fromMilli(last)
			return v, err
		})
	if err != nil {
		return nil, err
	}
	following := map[string]int{}
	channels, err := r.counts(ctx, "channel")
	if err != nil {
		return nil, err
	}
	for _, c := range channels {
		following[c.Name] = c.Devices
	}
	halts, err := r.Halts(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Following = following[all[i].Channel]
		for _, h := range halts {
			if h.Channel == all[i].Channel && h.Release == all[i].Release {
				all[i].Halt = &h
				break
			}
		}
	}
	return all, nil
}

func (r *Records) days(ctx context.Context, now time.Time) ([]Day, error) {
	since := (now.UnixMilli()/dayMilli - maxDays + 1) * dayMilli
	return list(ctx, r, `SELECT day, SUM(activations), SUM(rollbacks) FROM (
			SELECT activated / $1 AS day, 1 AS activations, 0 AS rollbacks FROM installs WHERE activated >= $2
			UNION ALL SELECT seen / $1, 0, 1 FROM rollbacks WHERE seen >= $2) a
		GROUP BY day ORDER BY day`, []any{dayMilli, since},
		func(rows *sql.Rows) (d Day, err error) {
			var day int64
			err = rows.Scan(&day, &d.Activations, &d.Rollbacks)
			d.Day = time.UnixMilli(day * dayMilli).UTC().Format(time.DateOnly)
			return d, err
		})
}
