package sink

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/edge-adapt/edge/runtime"
)

// Query chooses past events.
type Query struct {
	Task     string         // "": all
	Label    string         // that is seen; "": all
	Kinds    []runtime.Kind // empty: all
	From, To time.Time      // From included, To not; zero: without bound
	Limit    int            // at most so many, the latest; zero: 1000
}

// Past is an event of the history. As JSON it is the event with one more field.
type Past struct {
	runtime.Event
	// Seconds is how long what a change says was seen: until the task's next change,
	// by the machine's clock. 0: that is not known, since there was no other change
	// yet, or since the daemon ended meanwhile.
	Seconds float64 `json:"seconds,omitempty"`
}

// ReadHistory returns the chosen events of the file at path, the oldest first.
// The file may be in use by a daemon.
func ReadHistory(ctx context.Context, path string, q Query) ([]Past, error) {
	events, err := readHistory(ctx, path, q)
	if err != nil {
		return nil, fmt.Errorf("history %s: %w", path, err)
	}
	return events, nil
}

func readHistory(ctx context.Context, path string, q Query) ([]Past, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite3", address(path)+"?mode=ro&_busy_timeout=5000")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	query, args := q.sql()
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var events []Past
	for rows.Next() {
		var data string
		var milliseconds int64
		if err := rows.Scan(&data, &milliseconds); err != nil {
			return nil, err
		}
		p := Past{Seconds: float64(milliseconds) / 1000}
		if err := json.Unmarshal([]byte(data), &p.Event); err != nil {
			return nil, err
		}
		events = append(events, p)
	}
	return events, rows.Err()
}

// selected are the columns of an event e of the chosen ones: all of it, and for how
// many milliseconds a change held, 0 if the daemon has started anew meanwhile. Times
// are compared beside rows since the indexes have them in order.
const selected = `SELECT event, coalesce(CASE kind WHEN 'change' THEN (
	SELECT CASE WHEN EXISTS (
		SELECT 1 FROM events start
		WHERE start.task = '' AND start.time BETWEEN e.time AND next.time AND start.kind = 'start'
		AND start.row > e.row AND start.row < next.row
	) THEN 0 ELSE next.time - e.time END
	FROM events next
	WHERE next.task = e.task AND next.time >= e.time AND next.kind = 'change' AND next.row > e.row
	ORDER BY next.time, next.row LIMIT 1
) END, 0) FROM `

// sql is the query in SQL, with its arguments.
func (q Query) sql() (query string, args []any) {
	where := []string{"1"}
	add := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if q.Task != "" {
		add("task = ?", q.Task)
	}
	if q.Label != "" {
		add("label = ?", q.Label)
	}
	if len(q.Kinds) > 0 {
		var values []any
		for _, k := range q.Kinds {
			values = append(values, string(k))
		}
		add("kind IN (?"+strings.Repeat(", ?", len(values)-1)+")", values...)
	}
	if !q.From.IsZero() {
		add("time >= ?", q.From.UnixMilli())
	}
	if !q.To.IsZero() {
		add("time < ?", q.To.UnixMilli())
	}
	orDefault(&q.Limit, 1000)
	args = append(args, q.Limit)
	return selected + "(SELECT * FROM events WHERE " + strings.Join(where, " AND ") + " ORDER BY row DESC LIMIT ?) e ORDER BY row", args
}
