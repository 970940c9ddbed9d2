package records

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/postgres"
)

// BenchmarkAccept takes in one report after the other, of a thousand devices in turn,
// as they come when nothing has changed. PostgreSQL runs without syncing.
func BenchmarkAccept(b *testing.B) {
	for name, open := range map[string]func(b *testing.B) *Records{
		"SQLite": func(b *testing.B) *Records {
			return opened(b)(OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "f")))
		},
		"PostgreSQL": func(b *testing.B) *Records { return opened(b)(OpenPostgres(b.Context(), postgres.Start(b))) },
	} {
		b.Run(name, func(b *testing.B) {
			r := open(b)
			ids := make([]string, 1000)
			for i := range ids {
				ids[i] = enrolled(b, r, i)
			}
			sequence := int64(0)
			for b.Loop() {
				sequence++
				accept(b, r, ids[int(sequence)%len(ids)], report(sequence, 7), noon.Add(time.Duration(sequence)*time.Second))
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reports/s")
		})
	}
}

// BenchmarkOverview asks for the state of ten thousand devices.
func BenchmarkOverview(b *testing.B) {
	r := opened(b)(OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "f")))
	for i := range 10_000 {
		id := enrolled(b, r, i)
		accept(b, r, id, report(1, 1+i%5), noon)
	}
	for b.Loop() {
		if _, err := r.Overview(b.Context(), noon, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
}
