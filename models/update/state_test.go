package update

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

func TestState(t *testing.T) {
	dir := t.TempDir()
	if s, err := ReadState(dir); err != nil || len(s.Tasks) != 0 {
		t.Errorf("of a new device: %+v, %v", s, err)
	}
	base := digest.Of([]byte("base"))
	must(t, ChangeState(t.Context(), dir, func(s *State) {
		lamps := TaskState{Release: 3, Base: base, When: start}
		lamps.Refuse(4, "worse")
		s.Tasks["lamps"] = lamps
	}))
	s, err := ReadState(dir)
	must(t, err)
	if got := s.Tasks["lamps"]; got.Release != 3 || got.Base != base || !got.When.Equal(start) || got.Refused[4] != "worse" {
		t.Errorf("%+v", got)
	}
	must(t, ChangeState(t.Context(), dir, func(s *State) {
		lamps := s.Tasks["lamps"]
		for n := range 2 * maxRefused {
			lamps.Refuse(n+1, strings.Repeat("ö", maxReason))
		}
		s.Tasks["lamps"] = lamps
	}))
	if s, err = ReadState(dir); err != nil || len(s.Tasks["lamps"].Refused) != maxRefused || s.Tasks["lamps"].Refused[2*maxRefused] == "" {
		t.Errorf("%d refused, %v", len(s.Tasks["lamps"].Refused), err)
	}
}

func TestStateIsChangedByManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if err := ChangeState(t.Context(), dir, func(s *State) { s.Tasks[fmt.Sprint("task-", i)] = TaskState{Release: i} }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s, err := ReadState(dir); err != nil || len(s.Tasks) != 8 {
		t.Errorf("%d tasks, %v", len(s.Tasks), err)
	}
}

func TestStateThatIsDamaged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, stateName)
	must(t, os.WriteFile(path, []byte(`{"tasks": {"lam`), 0o600))
	if _, err := ReadState(dir); !errors.Is(err, ErrForm) || hint.Of(err) == "" {
		t.Errorf("%v", err)
	}
	must(t, ChangeState(t.Context(), dir, func(s *State) { s.Checked = start }))
	if s, err := ReadState(dir); err != nil || !s.Checked.Equal(start) {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := os.Stat(path + ".damaged"); err != nil {
		t.Error(err)
	}
}

func TestIdentity(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	ids := make([]string, 8)
	var all sync.WaitGroup
	for k := range ids {
		all.Go(func() {
			i, err := OpenIdentity(t.Context(), dir)
			if err != nil {
				t.Error(err)
				return
			}
			ids[k] = i.ID()
			if !ed25519.Verify(i.Public(), []byte("report"), i.Sign([]byte("report"))) || DeviceID(i.Public()) != i.ID() {
				t.Error("what it signs cannot be verified")
			}
		})
	}
	all.Wait()
	for _, id := range ids {
		if len(id) != 32 || id != ids[0] {
			t.Errorf("identities %q", ids)
		}
	}
	path := filepath.Join(dir, identityName)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	must(t, os.Chmod(path, 0o644))
	if _, err := OpenIdentity(t.Context(), dir); err == nil || !strings.Contains(hint.Of(err), "chmod 600") {
		t.Errorf("others may read it: %v", err)
	}
	must(t, os.Chmod(path, 0o600))
	must(t, os.WriteFile(path, []byte("torn"), 0o600))
	if _, err := OpenIdentity(t.Context(), dir); !errors.Is(err, ErrForm) {
		t.Errorf("torn: %v", err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "torn" {
		t.Error("a torn identity was replaced")
	}
}

func TestEnrolment(t *testing.T) {
	r := newRepo(t)
	dir := filepath.Join(t.TempDir(), "state")
	if _, err := ReadEnrolment(dir); !errors.Is(err, ErrNotEnrolled) || hint.Of(err) == "" {
		t.Errorf("a new device: %v", err)
	}
	e := Enrolment{URL: "https://updates.example.com/fleet", Channel: "stable", Root: r.pinned(), TokenFile: "/etc/edge/token"}
	must(t, e.Write(t.Context(), dir))
	got, err := ReadEnrolment(dir)
	if err != nil || got.URL != e.URL || string(got.Root) != string(e.Root) || got.TokenFile != e.TokenFile {
		t.Errorf("%+v, %v", got, err)
	}
	for name, change := range map[string]func(*Enrolment){
		"password in the address": func(e *Enrolment) { e.URL = "https://user:secret@example.com/" },
		"no address":              func(e *Enrolment) { e.URL = "" },
		"other scheme":            func(e *Enrolment) { e.URL = "ftp://example.com/" },
		"query":                   func(e *Enrolment) { e.URL = "https://example.com/?a=b" },
		"folder of another host":  func(e *Enrolment) { e.URL = "file://host/x" },
		"token in the clear":      func(e *Enrolment) { e.URL = "http://example.com/" },
		"channel":                 func(e *Enrolment) { e.Channel = "../x" },
		"root":                    func(e *Enrolment) { e.Root = []byte("{}") },
		"half a certificate":      func(e *Enrolment) { e.CertFile = "cert.pem" },
	} {
		bad := e
		change(&bad)
		if err := bad.Write(t.Context(), dir); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if again, err := ReadEnrolment(dir); err != nil || again.URL != e.URL {
		t.Errorf("refused ones changed it: %+v, %v", again, err)
	}
	s := serve(t, r.dir)
	for _, url := range []string{s.URL, s.URL + "/", "file://" + r.dir} {
		source, err := Enrolment{URL: url}.Source("edge/test", time.Now)
		must(t, err)
		if _, err := readSmall(t.Context(), source, "metadata/timestamp.json", 1<<20); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		must(t, source.Close())
	}
}
