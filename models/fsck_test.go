package models

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// check runs Fsck, and checks that without repairing it changes nothing and
// foretells what repairing does.
func check(t *testing.T, s *Store) FsckReport {
	t.Helper()
	before := listing(t, s)
	foretold, err := s.Fsck(t.Context(), FsckOptions{})
	must(t, err)
	if after := listing(t, s); !slices.Equal(before, after) {
		t.Errorf("looking changed the store from\n%s\nto\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	var done, total int64
	r, err := s.Fsck(t.Context(), FsckOptions{Repair: true, Progress: func(d, of int64) {
		if d < done || d > of {
			t.Errorf("progress %d of %d after %d", d, of, done)
		}
		done, total = d, of
	}})
	must(t, err)
	if done != total {
		t.Errorf("progress ended at %d of %d", done, total)
	}
	if len(foretold.Findings) != len(r.Findings) {
		t.Errorf("foretold %s\nfound %s", findings(foretold), findings(r))
	} else {
		for i, f := range foretold.Findings {
			g := r.Findings[i]
			if g.Repaired != (g.Repair != "") {
				t.Errorf("%+v", g)
			}
			if g.Repaired = f.Repaired; g != f {
				t.Errorf("foretold %+v\nfound %+v", f, g)
			}
		}
	}
	return r
}

func findings(r FsckReport) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "\n%+v", f)
	}
	return b.String()
}

// listing is every file of the store with its size.
func listing(t *testing.T, s *Store) (names []string) {
	t.Helper()
	must(t, filepath.Walk(s.Dir(), func(path string, info os.FileInfo, err error) error {
		if err == nil {
			names = append(names, fmt.Sprint(path, " ", info.Size(), " ", info.ModTime()))
		}
		return err
	}))
	return names
}

// clean checks that nothing is wrong any more.
func clean(t *testing.T, s *Store) {
	t.Helper()
	r, err := s.Fsck(t.Context(), FsckOptions{})
	if err != nil || r.Damage() > 0 {
		t.Errorf("still damaged: %v%s", err, findings(r))
	}
	must(t, wholeStore(s))
}

func TestFsckOfAWholeStore(t *testing.T) {
	s := grown(t, t.TempDir(), 5)
	must(t, s.Pin(t.Context(), lamps, 1, ""))
	must(t, s.MarkGood(t.Context(), lamps, 2, ""))
	_, err := s.Starting(t.Context(), lamps)
	must(t, err)
	r := check(t, s)
	usage, err := s.Usage()
	must(t, err)
	var manifests int64
	for n := range 5 {
		info, err := os.Stat(s.generationDir(lamps, n+1) + "/" + ManifestName)
		must(t, err)
		manifests += info.Size()
	}
	if len(r.Findings) > 0 || r.Tasks != 1 || r.Generations != 5 || r.Bases != 3 || r.Bytes != usage.Bases+usage.Generations-manifests {
		t.Errorf("%+v of %+v", r, usage)
	}
	nothing := open(t, filepath.Join(t.TempDir(), "store"))
	if r := check2(t, nothing); len(r.Findings) > 0 {
		t.Error(findings(r))
	}
	if _, err := os.Stat(nothing.Dir()); err == nil {
		t.Error("looking made a folder")
	}
}

func check2(t *testing.T, s *Store) FsckReport {
	t.Helper()
	r, err := s.Fsck(t.Context(), FsckOptions{Repair: true})
	must(t, err)
	return r
}

// fsckCases are stores of five generations, 5 in use, 4 before and 2 good, to
// which something was done.
var fsckCases = map[string]struct {
	harm     func(s *Store) error
	finds    string // in what is found first
	lost     string
	current  int // afterwards
	previous int
	numbers  []int
	beyond   bool // what is left cannot be repaired
}{
	"head in use changed": {
		harm:  func(s *Store) error { return rewrite(s.generationDir(lamps, 5)+"/"+HeadName, flipLast) },
		finds: "generation 5 is in use and is damaged", lost: "generation 5", current: 2, previous: 4, numbers: []int{1, 2, 3, 4},
	},
	"head in use and the good one's": {
		harm: func(s *Store) error {
			return errors.Join(rewrite(s.generationDir(lamps, 5)+"/"+HeadName, cut), os.Remove(s.generationDir(lamps, 2)+"/"+HeadName))
		},
		finds: "generation 5 is in use and is damaged", lost: "generation 2", current: 4, previous: 3, numbers: []int{1, 3, 4},
	},
	"folder in use gone": {
		harm:  func(s *Store) error { return os.RemoveAll(s.generationDir(lamps, 5)) },
		finds: "generation 5 is in use and is damaged or missing", current: 2, previous: 4, numbers: []int{1, 2, 3, 4},
	},
	"the one before gone": {
		harm:  func(s *Store) error { return os.RemoveAll(s.generationDir(lamps, 4)) },
		finds: "generation 4, in use before", current: 5, previous: 2, numbers: []int{1, 2, 3, 5},
	},
	"report in use changed": {
		harm:  func(s *Store) error { return rewrite(s.generationDir(lamps, 5)+"/report.html", flipLast) },
		finds: "report.html is damaged", lost: "report.html", current: 6, previous: 4, numbers: []int{1, 2, 3, 4, 6},
	},
	"report of the good one gone": {
		harm:  func(s *Store) error { return os.Remove(s.generationDir(lamps, 2) + "/report.html") },
		finds: "report.html is missing", lost: "report.html", current: 5, previous: 4, numbers: []int{1, 3, 4, 5, 6},
	},
	"labels in use gone": {
		harm:  func(s *Store) error { return os.Remove(s.generationDir(lamps, 5) + "/" + LabelsName) },
		finds: "labels.txt is missing", current: 5, previous: 4, numbers: []int{1, 2, 3, 4, 5},
	},
	"manifest's labels changed": {
		harm: func(s *Store) error {
			return rewrite(s.generationDir(lamps, 1)+"/"+ManifestName, replaced(`"round 1"]`, `"round x"]`))
		},
		finds: "other labels", lost: "generation 1", current: 5, previous: 4, numbers: []int{2, 3, 4, 5},
	},
	"manifest torn": {
		harm: func(s *Store) error {
			return rewrite(s.generationDir(lamps, 3)+"/"+ManifestName, func(data []byte) []byte { return data[:40] })
		},
		finds: "manifest is damaged", lost: "generation 3", current: 5, previous: 4, numbers: []int{1, 2, 4, 5},
	},
	"base in use changed": {
		harm:  func(s *Store) error { return rewrite(basePath(s, 5), flipLast) },
		finds: "base " + manifestOf(5).Base.Digest.Short(), lost: "base", current: 2, previous: 4, numbers: []int{1, 2, 3, 4, 5}, beyond: true,
	},
	"base in use gone": {
		harm:  func(s *Store) error { return os.Remove(basePath(s, 5)) },
		finds: "is missing", current: 2, previous: 4, numbers: []int{1, 2, 3, 4, 5}, beyond: true,
	},
	"all bases gone": {
		harm:  func(s *Store) error { return os.RemoveAll(s.blobDir()) },
		finds: "is missing", current: 5, previous: 4, numbers: []int{1, 2, 3, 4, 5}, beyond: true,
	},
	"pointers torn": {
		harm:  func(s *Store) error { return os.WriteFile(s.activePath(lamps), []byte("{"), 0o644) },
		finds: "active.json", current: 5, previous: 4, numbers: []int{1, 2, 3, 4, 5},
	},
	"pointers gone": {
		harm:  func(s *Store) error { return os.Remove(s.activePath(lamps)) },
		finds: "active.json is missing, which said that generation 5", current: 5, previous: 4, numbers: []int{1, 2, 3, 4, 5},
	},
	"pointers torn and history gone": {
		harm: func(s *Store) error {
			return errors.Join(os.WriteFile(s.activePath(lamps), []byte("{"), 0o644), os.Remove(s.historyPath(lamps)))
		},
		finds: "active.json", current: 2, previous: 5, numbers: []int{1, 2, 3, 4, 5},
	},
	"counter gone": {
		harm:  func(s *Store) error { return os.Remove(s.counterPath(lamps)) },
		finds: "counter", current: 5, previous: 4, numbers: []int{1, 2, 3, 4, 5},
	},
	"counter behind, and the last gone": {
		harm: func(s *Store) error {
			return errors.Join(os.WriteFile(s.counterPath(lamps), []byte("2\n"), 0o644), os.RemoveAll(s.generationDir(lamps, 5)))
		},
		finds: "at least 5", current: 2, previous: 4, numbers: []int{1, 2, 3, 4},
	},
	"pins torn": {
		harm:  func(s *Store) error { return os.WriteFile(s.pinsPath(lamps), []byte("["), 0o644) },
		finds: "pins.json", lost: "which generations were pinned", current: 5, previous: 4, numbers: []int{1, 2, 3, 4, 5},
	},
	"pinned one gone": {
		harm: func(s *Store) error {
			return errors.Join(s.Pin(context.Background(), lamps, 1, "x"), os.RemoveAll(s.generationDir(lamps, 1)))
		},
		finds: "pinned", current: 5, previous: 4, numbers: []int{2, 3, 4, 5},
	},
	"pinned one salvaged": {
		harm: func(s *Store) error {
			return errors.Join(s.Pin(context.Background(), lamps, 1, "x"), os.Remove(s.generationDir(lamps, 1)+"/report.html"))
		},
		finds: "report.html", lost: "report.html", current: 5, previous: 4, numbers: []int{2, 3, 4, 5, 6},
	},
	"all heads gone": {
		harm: func(s *Store) (err error) {
			for n := 1; n <= 5; n++ {
				err = errors.Join(err, os.Remove(s.generationDir(lamps, n)+"/"+HeadName))
			}
			return err
		},
		finds: "generation 5 is in use and is damaged", lost: "what the task has learned", current: 5, previous: 4, numbers: []int{5}, beyond: true,
	},
}

func basePath(s *Store, round int) string {
	return filepath.Join(s.blobDir(), manifestOf(round).Base.Digest.Hex())
}

func TestFsckRepairs(t *testing.T) {
	for name, c := range fsckCases {
		t.Run(name, func(t *testing.T) {
			s := grown(t, t.TempDir(), 5)
			must(t, s.MarkGood(t.Context(), lamps, 2, ""))
			must(t, c.harm(s))
			r := check(t, s)
			text := findings(r)
			if len(r.Findings) == 0 || !strings.Contains(text, c.finds) || !strings.Contains(text, "Lost:"+c.lost) {
				t.Errorf("want %q and lost %q, found%s", c.finds, c.lost, text)
			}
			a, err := s.Active(lamps)
			if err != nil || a.Current != c.current || a.Previous != c.previous {
				t.Errorf("active %+v, %v, want %d and %d", a, err, c.current, c.previous)
			}
			must(t, numbersAre(s, c.numbers...))
			if c.beyond {
				if r.Damage() == 0 {
					t.Errorf("all is well?%s", text)
				}
				for round := 1; round <= 5; round++ { // the bases come back
					m := manifestOf(round)
					must(t, s.PutBlob(t.Context(), strings.NewReader(string(baseOf(round))), m.Base.Digest, m.Base.Bytes))
				}
			}
			if name == "all heads gone" {
				return
			}
			clean(t, s)
			if left := leftovers(t, s); len(left) > 0 {
				t.Errorf("garbage stays: %v", left)
			}
			n, err := learn(s, lamps, 9)
			if want := max(5, c.numbers[len(c.numbers)-1]) + 1; err != nil || n != want {
				t.Errorf("the next generation is %d, %v, want %d", n, err, want)
			}
			if name == "pinned one salvaged" {
				if pins, err := s.Pins(lamps); err != nil || len(pins) != 1 || pins[0].Generation != 6 {
					t.Errorf("pins %+v, %v", pins, err)
				}
			}
		})
	}
}

func TestFsckNotes(t *testing.T) {
	s := grown(t, t.TempDir(), 3)
	orphan(t, s)
	must(t, os.Mkdir(filepath.Join(s.tmpDir(), "draft-dead"), 0o755))
	must(t, os.WriteFile(filepath.Join(s.blobDir(), "notes.txt"), nil, 0o644))
	must(t, os.WriteFile(filepath.Join(s.generationDir(lamps, 1), "mine"), nil, 0o644))
	must(t, os.Mkdir(filepath.Join(s.numbersDir(lamps), "old"), 0o755))
	must(t, os.Mkdir(filepath.Join(s.Dir(), "tasks", "Photos"), 0o755))
	must(t, os.WriteFile(s.startsPath(lamps), []byte("{"), 0o644))
	must(t, rewrite(s.generationDir(lamps, 2)+"/"+ManifestName, replaced(`"format": 1`, `"format": 2`)))
	f, err := os.OpenFile(s.historyPath(lamps), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString("{\"current\":3,\n{\"mood\":\"good\"}\n")
	must(t, errors.Join(err, f.Close()))
	r := check(t, s)
	text := findings(r)
	for _, want := range []string{"named by no generation", "whose makers are gone: 1", "notes.txt", "mine", "among the generations", "tasks/Photos", "starts.json", "newer edge", "torn lines in activations.jsonl: 1"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q", want)
		}
	}
	if r.Damage() != 0 || len(r.Findings) != 9 {
		t.Errorf("found%s", text)
	}
	if data, err := os.ReadFile(s.historyPath(lamps)); err != nil || !strings.Contains(string(data), "mood") || strings.Contains(string(data), "3,\n") {
		t.Errorf("the history is now\n%s%v", data, err)
	}
	if a, err := s.Active(lamps); err != nil || a.Current != 3 || a.Previous != 2 {
		t.Errorf("active %+v, %v: a newer edge's is not damaged", a, err)
	}
}

func TestFsckEnds(t *testing.T) {
	s := grown(t, t.TempDir(), 2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Fsck(ctx, FsckOptions{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Somebody works on a task while all of it is checked.
func TestFsckBesideOthers(t *testing.T) {
	s := grown(t, t.TempDir(), 3)
	other := open(t, s.Dir())
	other.disk = &rigged{}
	done := make(chan error)
	go func() {
		for round := 4; round <= 20; round++ {
			if _, err := learn(other, lamps, round); err != nil {
				done <- err
				return
			}
			if _, err := other.GC(context.Background(), GCOptions{}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for {
		r, err := s.Fsck(t.Context(), FsckOptions{Repair: true})
		if err != nil || slices.ContainsFunc(r.Findings, func(f Finding) bool { return !f.Note }) {
			t.Errorf("%v%s", err, findings(r))
		}
		select {
		case err := <-done:
			must(t, err)
			clean(t, s)
			return
		default:
		}
	}
}
