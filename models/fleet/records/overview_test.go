package records

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/models/fleet"
)

func testDevices(t *testing.T, r *Records) {
	ids := map[string]int{}
	for i := range 7 {
		id := enrolled(t, r, i)
		ids[id] = i
		s := report(1, i)
		if i == 2 {
			s.Stuck = "no room"
		}
		if i == 3 {
			s.Channel, s.Edge = "canary", "v2.0.0"
		}
		if i < 6 {
			accept(t, r, id, s, noon.Add(time.Duration(i)*time.Hour))
		}
	}
	for want, q := range map[string]Query{
		"0 1 2 3 4 5 6": {},
		"2":             {Stuck: true},
		"3":             {Channel: "canary", Edge: "v2.0.0"},
		"0 1 6":         {Silent: noon.Add(90 * time.Minute)},
		"4":             {Release: 4, State: Active},
		"":              {Release: 4, State: RolledBack},
		"5":             {Release: 5},
	} {
		got := make([]bool, 7)
		last := ""
		for { // by pages of two
			q.After, q.Limit = last, 2
			page, err := r.Devices(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page {
				if d.ID <= last {
					t.Errorf("%s after %s", d.ID, last)
				}
				last = d.ID
				got[ids[d.ID]] = true
			}
			if len(page) < 2 {
				break
			}
		}
		var names []string
		for i, is := range got {
			if is {
				names = append(names, fmt.Sprint(i))
			}
		}
		if strings.Join(names, " ") != want {
			t.Errorf("%+v: %v, want %s", q, names, want)
		}
	}
}

func testOverview(t *testing.T, r *Records) {
	empty, err := r.Overview(t.Context(), noon, time.Hour)
	if err != nil || empty.Devices != (Devices{}) || empty.Releases == nil || empty.Rollbacks == nil || empty.Days == nil {
		t.Errorf("%+v, %v", empty, err)
	}
	for i := range 6 {
		id := enrolled(t, r, i)
		s := report(1, 5)
		switch i {
		case 0:
			s.Stuck, s.Health.Ready = "no room", false
		case 1:
			s.Stuck, s.Edge = "no room", "v1.1.0"
		case 2:
			s.Tasks[0].Rollbacks = []fleet.Rollback{back(4, 1, fleet.ByProbation)}
		case 3:
			s.Channel, s.Tasks[0].Release = "canary", 6
		case 4:
			s.Stuck = "stolen goods"
			s.Tasks[0].Rollbacks = []fleet.Rollback{back(5, 1, fleet.ByProbation)}
		case 5:
			continue
		}
		at := noon
		if i == 1 {
			at = noon.Add(-26 * time.Hour)
		}
		accept(t, r, id, s, at)
		if i == 4 {
			if err := r.Block(t.Context(), id, "stolen"); err != nil {
				t.Fatal(err)
			}
		}
	}
	h := Halt{Channel: "canary", Release: 6, When: noon, Reason: "too many", Devices: 5, Rollbacks: 3}
	if err := r.AddHalt(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	o, err := r.Overview(t.Context(), noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Devices{Total: 6, Silent: 1, Never: 1, Stuck: 2, NotReady: 1, Blocked: 1}); o.Devices != want {
		t.Errorf("%+v, want %+v", o.Devices, want)
	}
	if want := []Count{{"v1.0.0", 3}, {"v1.1.0", 1}}; !reflect.DeepEqual(o.Versions, want) {
		t.Errorf("%+v", o.Versions)
	}
	if want := []Count{{"stable", 3}, {"canary", 1}}; !reflect.DeepEqual(o.Channels, want) {
		t.Errorf("%+v", o.Channels)
	}
	if len(o.Stuck) != 1 || o.Stuck[0].Reason != "no room" || o.Stuck[0].Devices != 2 {
		t.Errorf("%+v", o.Stuck)
	}
	early := noon.Add(-26 * time.Hour)
	if want := []Release{
		{Channel: "canary", Release: 6, Following: 1, Activated: 1, Active: 1, First: noon, Last: noon, Halt: &h},
		{Channel: "stable", Release: 5, Following: 3, Activated: 3, Active: 3, First: early, Last: noon},
		{Channel: "stable", Release: 4, Following: 3, Activated: 1, RolledBack: 1, First: noon, Last: noon},
	}; !reflect.DeepEqual(o.Releases, want) {
		t.Errorf("%+v\n%+v", o.Releases, want)
	}
	if want := []Day{{"2026-04-30", 1, 0}, {"2026-05-01", 5, 2}}; !reflect.DeepEqual(o.Days, want) {
		t.Errorf("%+v", o.Days)
	}
	if len(o.Rollbacks) != 1 || o.Rollbacks[0].Release != 4 || o.Rollbacks[0].Device != fleet.ID(keyOf(2)) {
		t.Errorf("%+v", o.Rollbacks)
	}
}
