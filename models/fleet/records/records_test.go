package records

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/postgres"
	"github.com/edge-adapt/edge/models/fleet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestConformance runs every test of what records do, on both databases.
func TestConformance(t *testing.T) {
	for _, on := range []struct {
		name string
		open func(t *testing.T) func(t *testing.T) *Records
	}{
		{"SQLite", func(*testing.T) func(*testing.T) *Records {
			return func(t *testing.T) *Records {
				return opened(t)(OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "a folder?", "fleet.sqlite")))
			}
		}},
		{"PostgreSQL", func(t *testing.T) func(*testing.T) *Records {
			address := postgres.Start(t)
			n := 0
			return func(t *testing.T) *Records {
				n++ // a schema of its own a test: the server starts once
				r := opened(t)(OpenPostgres(t.Context(), address))
				if _, err := r.db.ExecContext(t.Context(), fmt.Sprintf("CREATE SCHEMA s%d", n)); err != nil {
					t.Fatal(err)
				}
				return opened(t)(OpenPostgres(t.Context(), fmt.Sprintf("%s&search_path=s%d", address, n)))
			}
		}},
	} {
		t.Run(on.name, func(t *testing.T) {
			open := on.open(t)
			for _, c := range []struct {
				name string
				test func(*testing.T, *Records)
			}{
				{"enrol", testEnrol}, {"accept", testAccept}, {"sequence", testSequence}, {"releases", testReleases}, {"rates", testRates},
				{"block", testBlock}, {"devices", testDevices}, {"overview", testOverview}, {"prune", testPrune}, {"bound", testBound},
				{"together", testTogether}, {"newer", testNewer}, {"cancelled", testCancelled},
			} {
				t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
			}
		})
	}
}

func opened(t testing.TB) func(*Records, error) *Records {
	return func(r *Records, err error) *Records {
		t.Helper()
		if err != nil {
			t.Fatal(err, hint.Of(err))
		}
		t.Cleanup(func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
		return r
	}
}

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func keyOf(n int) ed25519.PublicKey {
	seed := sha256.Sum256(fmt.Append(nil, n))
	return ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
}

// enrolled makes device n known and returns its ID.
func enrolled(t testing.TB, r *Records, n int) string {
	t.Helper()
	if err := r.Enrol(context.WithoutCancel(t.Context()), keyOf(n), "factory", noon); err != nil {
		t.Fatal(err)
	}
	return fleet.ID(keyOf(n))
}

// report returns a plain report with one task for each release, t0, t1, …; 0 is a
// task without one.
func report(sequence int64, releases ...int) fleet.Report {
	r := fleet.Report{Format: 1, Sequence: sequence, Sent: noon, Edge: "v1.0.0", Architecture: "arm64", Channel: "stable", Health: fleet.Health{Ready: true}}
	for i, n := range releases {
		r.Tasks = append(r.Tasks, fleet.Task{Task: fmt.Sprint("t", i), Generation: int(sequence), Release: n, Activated: noon})
	}
	return r
}

func back(release, generation int, by fleet.By) fleet.Rollback {
	return fleet.Rollback{When: noon.Add(time.Duration(generation) * time.Second), Generation: generation, Release: release, To: 1, By: by, Reason: "worse"}
}

func accept(t testing.TB, r *Records, id string, report fleet.Report, at time.Time) Accepted {
	t.Helper()
	a, err := r.Accept(context.WithoutCancel(t.Context()), id, report, at)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func detail(t *testing.T, r *Records, id string) Detail {
	t.Helper()
	d, err := r.Device(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// states returns what the device did with each release, as "t0/3 active".
func states(d Detail) string {
	var all []string
	for _, i := range d.Installs {
		all = append(all, fmt.Sprintf("%s/%d %s", i.Task, i.Release, i.State))
	}
	return strings.Join(all, ", ")
}

func testEnrol(t *testing.T, r *Records) {
	if _, err := r.Key(t.Context(), fleet.ID(keyOf(1))); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	id := enrolled(t, r, 1)
	if err := r.Enrol(t.Context(), keyOf(1), "another", noon.Add(time.Hour)); err != nil {
		t.Error(err)
	}
	k, err := r.Key(t.Context(), id)
	if err != nil || !k.Public.Equal(keyOf(1)) || k.Sequence != 0 || k.Blocked != "" {
		t.Errorf("%+v, %v", k, err)
	}
	d := detail(t, r, id)
	if d.EnrolledBy != "factory" || !d.Enrolled.Equal(noon) || !d.Seen.IsZero() || d.Report != nil || len(d.Installs)+len(d.Rollbacks) > 0 {
		t.Errorf("%+v", d)
	}
	if err := r.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func testAccept(t *testing.T, r *Records) {
	id := enrolled(t, r, 1)
	sent := report(5, 9)
	sent.Tasks[0].Labels = []string{"l'amp \"é\""}
	sent.Stuck = "the disk is full"
	sent.MemoryMiB = 900
	if a := accept(t, r, id, sent, noon.Add(time.Minute)); a != (Accepted{Sequence: 5}) {
		t.Errorf("%+v", a)
	}
	d := detail(t, r, id)
	if !reflect.DeepEqual(*d.Report, sent) {
		t.Errorf("%+v\n%+v", *d.Report, sent)
	}
	want := Device{ID: id, Enrolled: noon, EnrolledBy: "factory", Seen: noon.Add(time.Minute), Edge: "v1.0.0", Architecture: "arm64", Channel: "stable", Ready: true, Stuck: "the disk is full"}
	if d.Device != want || d.Sequence != 5 || states(d) != "t0/9 active" {
		t.Errorf("%+v %s", d, states(d))
	}
	sent = report(6)
	sent.Tasks = []fleet.Task{{Task: "t7", Stuck: "release 9 is for amd64"}}
	accept(t, r, id, sent, noon.Add(time.Hour))
	if d := detail(t, r, id); d.Stuck != "release 9 is for amd64" || states(d) != "t0/9 replaced" {
		t.Errorf("%+v %s", d, states(d))
	}
	if _, err := r.Accept(t.Context(), fleet.ID(keyOf(2)), report(1), noon); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}

func testSequence(t *testing.T, r *Records) {
	id := enrolled(t, r, 1)
	first := report(5, 1)
	first.Tasks[0].Rollbacks = []fleet.Rollback{back(1, 2, fleet.ByProbation)}
	if a := accept(t, r, id, first, noon); a.Rollbacks != 1 {
		t.Errorf("%+v", a)
	}
	if a := accept(t, r, id, first, noon.Add(time.Hour)); !a.Repeated || a.Sequence != 5 || a.Rollbacks != 0 {
		t.Errorf("%+v", a)
	}
	if !detail(t, r, id).Seen.Equal(noon) {
		t.Error("a repeated report changed something")
	}
	for _, n := range []int64{5, 4, 1} {
		if a, err := r.Accept(t.Context(), id, report(n, 2), noon); !errors.Is(err, ErrSequence) || a.Sequence != 5 {
			t.Errorf("%d: %+v, %v", n, a, err)
		}
	}
	if d := detail(t, r, id); states(d) != "t0/1 active" || d.Sequence != 5 {
		t.Errorf("%+v", d)
	}
	second := report(1<<53, 1)
	second.Tasks[0].Generation = 5
	second.Tasks[0].Rollbacks = first.Tasks[0].Rollbacks // told again
	if a := accept(t, r, id, second, noon); a.Rollbacks != 0 {
		t.Errorf("%+v", a)
	}
}

// What becomes of releases on one device, report by report.
func testReleases(t *testing.T, r *Records) {
	id := enrolled(t, r, 1)
	sequence := int64(0)
	send := func(want string, change func(*fleet.Report), releases ...int) {
		t.Helper()
		sequence++
		s := report(sequence, releases...)
		if change != nil {
			change(&s)
		}
		accept(t, r, id, s, noon.Add(time.Duration(sequence)*time.Minute))
		if got := states(detail(t, r, id)); got != want {
			t.Errorf("report %d: %s\nwant %s", sequence, got, want)
		}
	}
	send("", nil, 0)
	send("t0/1 active", nil, 1)
	send("t0/2 active, t0/1 replaced", nil, 2)
	send("t0/3 rolled back, t0/2 active, t0/1 replaced", func(s *fleet.Report) { s.Tasks[0].Rollbacks = []fleet.Rollback{back(3, 3, fleet.ByStarts)} }, 2)
	send("t0/4 refused, t0/3 rolled back, t0/2 active, t0/1 replaced", func(s *fleet.Report) {
		s.Tasks[0].Refused = []fleet.Refusal{{Release: 4, When: noon, Reason: "worse on 3 of 40"}}
	}, 2)
	// Somebody activates it all the same; an old refusal is told again.
	send("t0/4 active, t0/2 replaced, t0/3 rolled back, t0/1 replaced", func(s *fleet.Report) {
		s.Tasks[0].Refused = []fleet.Refusal{{Release: 4, When: noon, Reason: "worse on 3 of 40"}}
		s.Tasks[0].Rollbacks = []fleet.Rollback{back(3, 3, fleet.ByStarts)}
	}, 4)
	// Rolled back and put in use again between two reports: it is in use.
	send("t0/4 active, t0/2 replaced, t0/3 rolled back, t0/1 replaced", func(s *fleet.Report) { s.Tasks[0].Rollbacks = []fleet.Rollback{back(4, 4, fleet.ByPerson)} }, 4)
	send("t0/4 replaced, t0/2 replaced, t0/3 rolled back, t0/1 replaced", nil)
	d := detail(t, r, id)
	if len(d.Rollbacks) != 2 || d.Rollbacks[1].By != fleet.ByStarts || d.Rollbacks[1].Release != 3 || d.Rollbacks[1].To != 1 || d.Rollbacks[1].Reason != "worse" || !d.Rollbacks[1].When.Equal(noon.Add(3*time.Second)) {
		t.Errorf("%+v", d.Rollbacks)
	}
	o, err := r.Overview(t.Context(), noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range o.Releases {
		got = append(got, fmt.Sprintf("%d: %d activated %d active %d refused %d rolled back", v.Release, v.Activated, v.Active, v.Refused, v.RolledBack))
	}
	if want := "4: 1 activated 0 active 0 refused 1 rolled back; 3: 1 activated 0 active 0 refused 1 rolled back; 2: 1 activated 0 active 0 refused 0 rolled back; 1: 1 activated 0 active 0 refused 0 rolled back"; strings.Join(got, "; ") != want {
		t.Error(strings.Join(got, "; "))
	}
}

func testRates(t *testing.T, r *Records) {
	want := func(rates ...Rate) {
		t.Helper()
		got, err := r.Rates(t.Context())
		if err != nil || !reflect.DeepEqual(got, append([]Rate{}, rates...)) {
			t.Errorf("%+v, %v; want %+v", got, err, rates)
		}
	}
	want()
	ids := make([]string, 8)
	for i := range ids {
		ids[i] = enrolled(t, r, i)
		accept(t, r, ids[i], report(1, 7, 7), noon) // two tasks, and each device counts once
	}
	want()
	roll := func(i int, sequence int64, by fleet.By, at time.Time) {
		s := report(sequence, 6, 7)
		s.Tasks[0].Rollbacks = []fleet.Rollback{back(7, int(sequence), by)}
		accept(t, r, ids[i], s, at)
	}
	roll(0, 2, fleet.ByProbation, noon)
	roll(1, 2, fleet.ByStarts, noon)
	roll(2, 2, fleet.ByPerson, noon)
	roll(3, 2, fleet.ByRevocation, noon)
	want(Rate{"stable", 7, 8, 3})
	roll(0, 3, fleet.ByProbation, noon) // again
	want(Rate{"stable", 7, 8, 3})
	if err := r.Block(t.Context(), ids[0], "stolen"); err != nil {
		t.Fatal(err)
	}
	want(Rate{"stable", 7, 7, 2})
	h := Halt{Channel: "stable", Release: 7, When: noon.Add(time.Minute), Reason: "too many", Devices: 7, Rollbacks: 2}
	if err := errors.Join(r.AddHalt(t.Context(), h), r.AddHalt(t.Context(), h)); err != nil {
		t.Fatal(err)
	}
	want()
	roll(5, 4, fleet.ByProbation, noon.Add(2*time.Minute)) // had activated it before the halt
	want()
	late := enrolled(t, r, 20)
	accept(t, r, late, report(1, 7), noon.Add(time.Hour))
	s := report(2, 6)
	s.Tasks[0].Rollbacks = []fleet.Rollback{back(7, 9, fleet.ByProbation)}
	accept(t, r, late, s, noon.Add(time.Hour))
	want(Rate{"stable", 7, 1, 1})
	halts, err := r.Halts(t.Context())
	if err != nil || len(halts) != 1 || halts[0] != h {
		t.Errorf("%+v, %v", halts, err)
	}
}

func testBlock(t *testing.T, r *Records) {
	id := enrolled(t, r, 1)
	if err := r.Block(t.Context(), id, "stolen"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Accept(t.Context(), id, report(1), noon); !errors.Is(err, ErrBlocked) || !strings.Contains(err.Error(), "stolen") {
		t.Error(err)
	}
	if err := r.Enrol(t.Context(), keyOf(1), "", noon); !errors.Is(err, ErrBlocked) {
		t.Error(err)
	}
	if k, err := r.Key(t.Context(), id); err != nil || k.Blocked != "stolen" {
		t.Errorf("%+v, %v", k, err)
	}
	if err := r.Block(t.Context(), id, ""); err != nil {
		t.Fatal(err)
	}
	s := report(1, 3)
	s.Tasks[0].Rollbacks = []fleet.Rollback{back(2, 1, fleet.ByPerson)}
	accept(t, r, id, s, noon)
	if err := r.Forget(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{r.Forget(t.Context(), id), r.Block(t.Context(), id, "x")} {
		if !errors.Is(err, ErrUnknown) {
			t.Error(err)
		}
	}
	if _, err := r.Device(t.Context(), id); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	enrolled(t, r, 1)
	if d := detail(t, r, id); len(d.Installs)+len(d.Rollbacks) > 0 {
		t.Errorf("%+v is left", d)
	}
}

func testPrune(t *testing.T, r *Records) {
	id := enrolled(t, r, 1)
	s := report(1, 1)
	s.Tasks[0].Rollbacks = []fleet.Rollback{back(2, 1, fleet.ByPerson)}
	accept(t, r, id, s, noon)
	accept(t, r, id, report(2, 3), noon.Add(time.Hour))
	if n, err := r.Prune(t.Context(), noon.Add(time.Minute)); err != nil || n != 2 { // the rollback and its release
		t.Errorf("%d, %v", n, err)
	}
	if d := detail(t, r, id); states(d) != "t0/3 active, t0/1 replaced" || len(d.Rollbacks) != 0 {
		t.Errorf("%+v", d)
	}
}

// However much a device tells, little is kept, the latest.
func testBound(t *testing.T, r *Records) {
	id := enrolled(t, r, 1)
	const reports = 5
	for i := range reports {
		s := report(int64(i + 1))
		for n := range fleet.MaxTasks {
			task := fleet.Task{Task: fmt.Sprint("t", n), Generation: 1, Release: 10_000 + i}
			for m := range fleet.MaxRollbacks {
				task.Rollbacks = append(task.Rollbacks, back(i*fleet.MaxRollbacks+m+1, i*100+m+1, fleet.ByProbation))
			}
			s.Tasks = append(s.Tasks, task)
		}
		accept(t, r, id, s, noon.Add(time.Duration(i)*time.Minute))
	}
	d := detail(t, r, id)
	if len(d.Rollbacks) != maxRollbacks || len(d.Installs) != maxInstalls || !d.Rollbacks[maxRollbacks-1].Seen.Equal(noon.Add((reports-1)*time.Minute)) || d.Installs[0].Release != 10_000+reports-1 {
		t.Errorf("%d rollbacks, %d releases", len(d.Rollbacks), len(d.Installs))
	}
}

// Devices report at once, each also twice at once: every sequence is taken once.
func testTogether(t *testing.T, r *Records) {
	const devices, reports = 6, 5
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := map[string]int{}
	for i := range devices {
		id := enrolled(t, r, i)
		for twin := range 2 {
			wg.Go(func() {
				for n := range int64(reports) {
					s := report(n+1, 1)
					s.Uptime = float64(twin) // never the same report
					_, err := r.Accept(context.WithoutCancel(t.Context()), id, s, noon)
					if err == nil {
						mu.Lock()
						taken[fmt.Sprint(id, n)]++
						mu.Unlock()
					} else if !errors.Is(err, ErrSequence) {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	for key, n := range taken {
		if n != 1 {
			t.Errorf("%s was taken %d times", key, n)
		}
	}
	o, err := r.Overview(t.Context(), noon, time.Hour)
	if err != nil || len(taken) == 0 || len(o.Releases) != 1 || o.Releases[0].Active != devices {
		t.Errorf("%+v, %v", o.Releases, err)
	}
}

func testNewer(t *testing.T, r *Records) {
	if _, err := r.db.ExecContext(t.Context(), "UPDATE fleet_layout SET layout = 99"); err != nil {
		t.Fatal(err)
	}
	// begin closes what it is given, and r is closed by its owner again.
	if _, err := begin(t.Context(), r.db, r.dialect); !errors.Is(err, ErrNewer) || hint.Of(err) == "" {
		t.Error(err)
	}
}

func testCancelled(t *testing.T, r *Records) {
	id := enrolled(t, r, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Accept(ctx, id, report(1), noon); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	accept(t, r, id, report(1), noon) // nothing was left locked
}

func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "fleet.sqlite"), dir} {
		if r, err := OpenSQLite(t.Context(), path); err == nil || hint.Of(err) == "" {
			t.Errorf("%s: %v, %v", path, r, err)
		}
	}
	for _, address := range []string{"postgres://edge:secret@127.0.0.1:1/x?connect_timeout=1", "postgres://edge:secret@127.0.0.1:port/x", "host=" + dir} {
		if r, err := OpenPostgres(t.Context(), address); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, %v", address, r, err)
		}
	}
}

// Only its user may read what a fleet has reported.
func TestSQLiteMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x", "fleet.sqlite")
	r := opened(t)(OpenSQLite(t.Context(), path))
	enrolled(t, r, 1)
	for name, want := range map[string]os.FileMode{path: 0o600, path + "-wal": 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	r2 := opened(t)(OpenSQLite(t.Context(), path)) // another process, as it were
	if _, err := r2.Key(t.Context(), fleet.ID(keyOf(1))); err != nil {
		t.Error(err)
	}
}
