package report

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/edge-adapt/edge/adapt"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The golden files are of a locale whose lines and dots take one column.
func TestMain(m *testing.M) {
	text.OverrideRuneWidthEastAsianWidth(false)
	os.Exit(m.Run())
}

func textOf(t *testing.T, run *Run, o TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, run, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextGolden(t *testing.T) {
	bare := classes(2)
	bare.Val, bare.History, bare.Recipe, bare.Cache, bare.Calibration, bare.Path, bare.Report = adapt.Measures{}, nil, nil, nil, nil, "", ""
	bare.BestEpoch, bare.Images.Val, bare.Verdict = 0, 0, Verdict{}
	for name, c := range map[string]struct {
		run *Run
		o   TextOptions
	}{
		"plain":  {plausible(), TextOptions{}},
		"colour": {plausible(), TextOptions{Width: 100, Colour: true, Unicode: true}},
		"many":   {classes(20), TextOptions{Unicode: true}},
		"narrow": {plausible(), TextOptions{Width: 60}},
		"bare":   {bare, TextOptions{Colour: true}},
	} {
		t.Run(name, func(t *testing.T) {
			got := textOf(t, c.run, c.o)
			path := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("differs from %s (go test -update writes it anew):\n%s", path, got)
			}
		})
	}
}

// Whatever the run, lines fit, nothing beyond ASCII or in colour appears
// unasked, and no number is lost.
func TestTextFits(t *testing.T) {
	wide := classes(12)
	for i := range wide.Labels {
		wide.Labels[i] = strings.Repeat("long_name_", 6) + wide.Labels[i]
		wide.Val.PerClass[i].Label = wide.Labels[i]
	}
	wide.Val.Confusion[3][3] = 123456
	single := classes(2)
	single.History, single.BestEpoch = historyOf(1), 1
	long := classes(3)
	long.History, long.BestEpoch = historyOf(500), 499
	for name, run := range map[string]*Run{
		"plausible": plausible(), "2": classes(2), "12": classes(12), "13": classes(13), "100": classes(100),
		"wide": wide, "one epoch": single, "500 epochs": long, "zero": {},
	} {
		run.Path, run.Report = "g", "r" // Paths are not broken, however long.
		for _, width := range []int{0, 1, 56, 71, 72, 80, 120, 999} {
			for _, o := range []TextOptions{{Width: width}, {Width: width, Unicode: true}, {Width: width, Unicode: true, Colour: true}, {Width: width, Colour: true}} {
				got := textOf(t, run, o)
				limit := newStyle(o).Width
				for line := range strings.Lines(got) {
					line = strings.TrimSuffix(line, "\n")
					words := strings.Fields(line)
					if w := text.StringWidthWithoutEscSequences(line); w > limit && len(words) > 1 && !strings.Contains(line, "IMG_") && !strings.Contains(line, "mobilenet") && !strings.Contains(line, "<script>") {
						t.Errorf("%s, %+v: %d columns: %q", name, o, w, line)
					}
					if strings.TrimRight(line, " ") != line {
						t.Errorf("%s, %+v: blanks at the end of %q", name, o, line)
					}
				}
				for _, r := range got {
					switch {
					case r == '\n', r == '\x1b' && o.Colour:
					case !unicode.IsPrint(r), r > '~' && !o.Unicode:
						t.Errorf("%s, %+v: holds %q", name, o, r)
					}
				}
				var shown []adapt.ClassMeasures
				if held := run.heldOut(); len(held) > 0 {
					shown = held[0].PerClass
				}
				for _, c := range shown {
					if row := percent(c.Precision); !strings.Contains(got, row) {
						t.Errorf("%s, %+v: %s is missing", name, o, row)
					}
				}
			}
		}
	}
}

func TestTextTellsEverything(t *testing.T) {
	got := strings.Join(strings.Fields(textOf(t, plausible(), TextOptions{Width: 120})), " ")
	for _, want := range []string{
		"98.1 %", "92.6 %", "93.1 %", "0.1104", "0.2731", "0.2689", "1145", "285", "346", // measures
		"Not overfitted", "5.4 points",
		"1783 images found", "3 skipped", "2 duplicates", "1 conflict", "lamp_red/IMG_0041.jpg: truncated", "copy (3).jpg of lamp_off/0012.jpg, which is in another split",
		"1290 of 1504", "31.4 s: features 24.8 s, training 5.93 s, the rest 0.68 s", "187 MiB",
		"mobilenet_v2_1.0_128in_no_top_float32 (sha256:4f2d8c19ab03)", "24, weights of epoch 19 kept",
		"3 of task panel, in /home/pi/.local/share/edge/tasks/panel/generations/3", "generations/3/report.html", "XNNPACK",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
	run := classes(30)
	for i := range 25 {
		run.Skipped = append(run.Skipped, adapt.Skip{Path: strings.Repeat("a", i+1) + ".jpg", Reason: "empty file", Folder: i == 0})
	}
	got = strings.Join(strings.Fields(textOf(t, run, TextOptions{})), " ")
	for _, want := range []string{"skipped folder a.jpg: empty file", "and 15 more, in the report", "more pairs with", "taken for"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing from\n%s", want, got)
		}
	}
}

func TestTextHostileNames(t *testing.T) {
	run := plausible()
	const evil = "a\x1b[2J\rb\n\u202ec\xff"
	run.Labels = append([]string{evil}, run.Labels[1:]...)
	run.Task, run.Path, run.Report, run.Base.Name = evil, evil, evil, evil
	run.Test.PerClass[0].Label = evil
	run.Skipped[0] = adapt.Skip{Path: evil, Reason: evil}
	run.Duplicates[0] = adapt.Duplicate{Path: evil, Of: evil}
	run.Conflicts[0] = adapt.Conflict{Paths: []string{evil}, Labels: []string{evil}}
	run.Warnings = []string{evil}
	got := textOf(t, run, TextOptions{})
	if bad := regexp.MustCompile(`[^\n -~]`).FindString(got); bad != "" {
		t.Errorf("holds %q", bad)
	}
	if n := strings.Count(got, `a\x1b[2J\rb\n\u202ec\xff`); n < 10 {
		t.Errorf("the name is shown %d times:\n%s", n, got)
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrors(t *testing.T) {
	if err := Text(brokenWriter{}, plausible(), TextOptions{}); !errors.Is(err, errBroken) {
		t.Errorf("text: %v", err)
	}
	if err := HTML(brokenWriter{}, plausible(), nil); !errors.Is(err, errBroken) {
		t.Errorf("html: %v", err)
	}
}

func TestTerminalOptions(t *testing.T) {
	for _, c := range []struct {
		env             map[string]string
		colour, unicode bool
	}{
		{map[string]string{"LANG": "en_GB.UTF-8", "TERM": "xterm"}, true, true},
		{map[string]string{"LANG": "en_GB.utf8"}, true, true},
		{map[string]string{"LANG": "C", "LC_CTYPE": "C.UTF-8"}, true, true},
		{map[string]string{"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, true, false},
		{map[string]string{"LANG": "en_GB.UTF-8", "NO_COLOR": "1"}, false, true},
		{map[string]string{"LANG": "en_GB.UTF-8", "TERM": "dumb"}, false, false},
		{nil, true, false},
	} {
		got := terminalOptions(93, func(name string) string { return c.env[name] })
		if want := (TextOptions{Width: 93, Colour: c.colour, Unicode: c.unicode}); got != want {
			t.Errorf("%v: got %+v, want %+v", c.env, got, want)
		}
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if got := Terminal(file); got != (TextOptions{}) {
		t.Errorf("a file gets %+v", got)
	}
}

func TestMeasuresText(t *testing.T) {
	run := plausible()
	var b bytes.Buffer
	if err := MeasuresText(&b, "test", *run.Test, run.Labels, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Per class - test, 346 images", "Confusion - test, 24 of 346", "accuracy 93.1 %", "loss 0.2689", "valve_open"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing from\n%s", want, b.String())
		}
	}
	b.Reset()
	if err := MeasuresText(&b, "test", adapt.Measures{}, nil, TextOptions{}); err != nil {
		t.Error(err)
	}
	if err := MeasuresText(brokenWriter{}, "test", *run.Test, run.Labels, TextOptions{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}
