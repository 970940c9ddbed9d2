package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime"
)

var topNow = time.Date(2026, 1, 1, 12, 0, 0, 0, time.Local)

// topState is a daemon with n tasks, of which the second does not serve.
func topState(n int) *daemonState {
	s := &daemonState{Server: "unix:/run/edge.sock"}
	s.Info = daemonInfo{Version: "1.0", Uptime: 3723, Ready: n < 2}
	warm := 71.4
	s.Info.Machine = machineState{Model: "Raspberry Pi 4 Model B Rev 1.4", CPUs: 4, Load: 1.5, Temperature: &warm, Throttled: &throttled{Before: []string{"under-voltage"}}}
	s.Info.Machine.Memory.Resident, s.Info.Machine.Memory.Ceiling = 300<<20, 400<<20
	for i := range n {
		t := runtime.TaskStatus{
			Task: fmt.Sprintf("task-%d", i), Serving: i != 1, Rate: 10.25,
			Source:    &runtime.SourceStatus{URI: "rtsp://cam/1", Stats: camera.Stats{State: "running", Since: topNow.Add(-time.Hour), Dropped: 7, Info: camera.Info{Width: 640, Height: 480, Format: "H264", Rate: 25}}},
			Decision:  &runtime.DecisionStatus{Label: "lamp_red", Score: 0.98765, Since: topNow.Add(-130 * time.Second)},
			LastEvent: &runtime.Event{ID: uint64(i + 1), Time: topNow.Add(-time.Minute), Kind: runtime.KindChange, Task: fmt.Sprintf("task-%d", i), Label: "lamp_red", Previous: "lamp_off"},
		}
		t.Counts.Frames = 1234
		t.Timings.Latency = runtime.Quantiles{P50: 4.25, P90: 6, P99: 9.75, Max: 31}
		t.Model = &runtime.Model{Generation: 3, Labels: []string{"a", "b"}, Base: models.Base{Name: "mobilenet"}}
		if i == 1 {
			t.Model, t.Decision = nil, nil
			t.Problem = &runtime.Problem{Message: "an active generation is not in the store", Hint: "train one: edge adapt --dir DIR --task task-1"}
		}
		s.Tasks = append(s.Tasks, t)
	}
	return s
}

var escapes = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// TestTopFits draws in screens of many sizes: never more lines or columns than
// there are.
func TestTopFits(t *testing.T) {
	for _, colour := range []bool{false, true} {
		for _, n := range []int{0, 1, 2, 9, 40} {
			v := newTopView(colour)
			for i := range 3 {
				v.update(topState(n), topNow.Add(time.Duration(i)*time.Second))
			}
			for _, size := range [][2]int{{80, 24}, {40, 10}, {200, 60}, {80, 5}, {20, 3}, {1, 1}} {
				lines := v.lines(size[0], size[1], topNow)
				if len(lines) > size[1] {
					t.Errorf("%d tasks at %v: %d lines", n, size, len(lines))
				}
				for _, l := range lines[:len(lines)-1] { // the foot may be cut by the terminal
					if w := text.StringWidth(escapes.ReplaceAllString(l, "")); w > size[0] {
						t.Errorf("%d tasks at %v: %d columns: %q", n, size, w, l)
					}
				}
			}
		}
	}
}

func TestTopShows(t *testing.T) {
	v := newTopView(false)
	v.update(topState(3), topNow)
	all := strings.Join(v.lines(80, 24, topNow), "\n")
	for _, want := range []string{
		"edge 1.0", "unix:/run/edge.sock", "up 1h2m", "not ready", "12:00:00", "300 MiB of 400 MiB", "load 1.50 of 4", "71 °C", "was under-voltage",
		"Raspberry Pi 4", "> task-0", "lamp_red", "0.988", "2m10s", "10.2", "4.2", "9.8", "running", "generation 3, 2 classes, base mobilenet",
		"rtsp://cam/1", "640x480 H264 25/s", "1234 classified, 7 dropped", "change lamp_red (was lamp_off)", "q end",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing in\n%s", want, all)
		}
	}
	v.press(keyDown)
	all = strings.Join(v.lines(80, 24, topNow), "\n")
	for _, want := range []string{"> task-1", "no generation serves", "an active generation is not in the store; train one"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing in\n%s", want, all)
		}
	}
	v.press(keyUp)
	v.press(keyUp)
	v.press(' ')
	v.fail(hint.Wrap(errors.New("connection refused"), "is it running?"))
	all = strings.Join(v.lines(80, 24, topNow.Add(5*time.Second)), "\n")
	for _, want := range []string{"> task-0", "stopped", "no answer for 5s", "connection refused; is it running?", "space go on"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing in\n%s", want, all)
		}
	}
}

// What cameras and labels are called must not move the cursor.
func TestTopIsSafe(t *testing.T) {
	s := topState(1)
	s.Tasks[0].Decision.Label = "\x1b[2Jgone\r\n\u009b31m"
	s.Tasks[0].Source.URI = "x\x1b]0;title\x07"
	s.Tasks[0].Problem = &runtime.Problem{Message: "\x1b[H"}
	v := newTopView(true)
	v.update(s, topNow)
	for _, l := range v.lines(80, 24, topNow) {
		if rest := escapes.ReplaceAllString(l, ""); strings.ContainsAny(rest, "\x1b\r\n\x07\u009b") {
			t.Errorf("%q", l)
		}
	}
}

func TestTopForgets(t *testing.T) {
	v := newTopView(false)
	for i := range 3 * keptRates {
		s := topState(2)
		s.Tasks[0].LastEvent.ID = uint64(100 + i)
		v.update(s, topNow)
	}
	if len(v.rates["task-0"]) != keptRates || len(v.events) != keptEvents {
		t.Errorf("%d rates, %d events are kept", len(v.rates["task-0"]), len(v.events))
	}
	v.update(topState(1), topNow)
	if v.rates["task-1"] != nil {
		t.Error("a task that is gone is remembered")
	}
}

func TestParseKeys(t *testing.T) {
	for sent, want := range map[string]string{"q": "q", "\x1b[A": "k", "\x1bOB": "j", "\x1b[Bqp": "jqp", "\x1b": "", "\x1b[C": "", "\x03": "\x03"} {
		if got := string(parseKeys([]byte(sent))); got != want {
			t.Errorf("%q are the keys %q, want %q", sent, got, want)
		}
	}
}

func TestShortTime(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 59 * time.Second: "59s", 61 * time.Second: "1m1s", 3 * time.Hour: "3h0m", 50 * time.Hour: "2d2h",
	} {
		if got := shortTime(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}

func TestBar(t *testing.T) {
	for share, want := range map[float64]string{0: "░░░░", 1: "████", 0.5: "██░░", 2: "████", -1: "░░░░", 0.0625: "▎░░░"} {
		if got := bar(share, 4); got != want {
			t.Errorf("%v is %s, want %s", share, got, want)
		}
	}
	if got := spark([]float64{9, 0, 5, 10}, 3); got != "▁▅█" {
		t.Errorf("spark: %s", got)
	}
}
