package report

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt"
)

// document is a page taken apart by a strict parser.
type document struct {
	source     string
	text       string // all text, blanks folded
	elements   map[string]int
	attributes map[string][]string // values by name
	values     []float64           // of the data elements, in order
}

func pageOf(t *testing.T, run *Run, wrong []Mistake) document {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, run, wrong); err != nil {
		t.Fatal(err)
	}
	d := document{source: b.String(), elements: map[string]int{}, attributes: map[string][]string{}}
	var text strings.Builder
	parser := xml.NewDecoder(&b)
	for {
		token, err := parser.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			d.elements[token.Name.Local]++
			for _, a := range token.Attr {
				d.attributes[a.Name.Local] = append(d.attributes[a.Name.Local], a.Value)
				if token.Name.Local == "data" {
					v, err := strconv.ParseFloat(a.Value, 64)
					if err != nil {
						t.Error(err)
					}
					d.values = append(d.values, v)
				}
			}
		case xml.CharData:
			text.Write(token)
		}
	}
	d.text = strings.Join(strings.Fields(text.String()), " ")
	return d
}

// checkPage checks what holds for every page.
func checkPage(t *testing.T, d document) {
	t.Helper()
	for _, element := range []string{"script", "link", "iframe", "object", "embed", "form", "base", "a", "use", "image"} {
		if d.elements[element] > 0 {
			t.Errorf("holds a %s element", element)
		}
	}
	for name, values := range d.attributes {
		if strings.HasPrefix(name, "on") || name == "href" || name == "srcset" {
			t.Errorf("holds the attribute %s: %v", name, values)
		}
	}
	for _, src := range d.attributes["src"] {
		if !strings.HasPrefix(src, "data:image/jpeg;base64,") {
			t.Errorf("needs %.60s", src)
		}
	}
	for _, alt := range append(d.attributes["alt"], d.attributes["aria-label"]...) {
		if alt == "" {
			t.Error("a picture says nothing")
		}
	}
	if d.elements["img"] != len(d.attributes["alt"]) {
		t.Errorf("%d images, %d alternatives", d.elements["img"], len(d.attributes["alt"]))
	}
	if svgs := d.elements["svg"]; svgs != strings.Count(d.source, `role="img" aria-label="`)-strings.Count(d.source, `class="blank"`) {
		t.Errorf("of %d drawings some say nothing", svgs)
	}
	style, _, _ := strings.Cut(d.source, "</style>")
	// What looks like an address in the base64 of a thumbnail is none.
	d.source = regexp.MustCompile(`;base64,[^"]*`).ReplaceAllString(d.source, "")
	if bad := regexp.MustCompile(`https?://|//[a-z]|url\(|@import|ZgotmplZ|style="[^"]*#ED6E|<no value>|NaN|%!`).FindString(d.source); bad != "" {
		t.Errorf("holds %q", bad)
	}
	for _, use := range regexp.MustCompile(`var\((--[a-z0-9-]+)\)`).FindAllStringSubmatch(d.source, -1) {
		if use[1] != "--w" && strings.Count(style, use[1]+":") != 2 {
			t.Errorf("%s is not defined for light and dark", use[1])
		}
	}
	ids := slices.Sorted(slices.Values(d.attributes["id"]))
	if len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("ids %v repeat", ids)
	}
	for _, id := range d.attributes["aria-labelledby"] {
		if !slices.Contains(ids, id) {
			t.Errorf("nothing has the id %q", id)
		}
	}
}

func TestHTMLVariants(t *testing.T) {
	zero := classes(3)
	for i := range zero.Val.Confusion {
		row := make([]int, 3)
		row[i] = 9
		zero.Val.Confusion[i] = row
	}
	zero.Val = measuresOf(zero.Labels, zero.Val.Confusion, 0.01)
	noHistory := classes(3)
	noHistory.History, noHistory.BestEpoch = nil, 0
	unvalidated := classes(3)
	unvalidated.Val, unvalidated.Verdict = adapt.Measures{PerClass: unvalidated.Val.PerClass}, Verdict{}
	broken := classes(3)
	broken.History[3].Loss, broken.History[4].ValLoss, broken.History[5].ValAccuracy = math.NaN(), math.Inf(1), math.NaN()
	one := classes(2)
	one.History, one.BestEpoch = historyOf(1), 1

	rng := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // the same every time
	many := make([]Mistake, 90)
	for i := range many {
		many[i] = Mistake{Path: fmt.Sprint(i), Predicted: 1, Score: float32(i) / 100, JPEG: thumbnail(t, rng), Split: adapt.SplitVal}
	}
	for _, c := range []struct {
		name     string
		run      *Run
		mistakes []Mistake
		svgs     int
		says     []string
		silent   []string
	}{
		{"two classes", classes(2), nil, 4, []string{"Validation images"}, []string{"Test images", "Skipped", "Conflicts"}},
		{"hundred classes", classes(100), mistakesOf(t, classes(100)), 4, []string{"The 60 most confident of", "are left out", "F1 of the 40 lowest of 100 classes", "Classes go by their numbers"}, nil},
		{"very many classes", classes(160), nil, 3, []string{"Most confused"}, []string{"Confusion:"}},
		{"no mistakes", zero, nil, 4, []string{"None: every image held back was recognised."}, []string{"Most confused"}},
		{"empty history", noHistory, nil, 2, []string{"No epochs were run."}, []string{"in numbers"}},
		{"no validation", unvalidated, nil, 2, []string{"No image was held back", "no images", "mistakes cannot be told"}, []string{"val. loss", "Validation images"}},
		{"not finite", broken, nil, 4, []string{"n/a"}, nil},
		{"one epoch", one, nil, 4, []string{"1 epoch in numbers"}, nil},
		{"more mistakes than counted", zero, many, 4, []string{"The 60 most confident of 90 misclassified images; 30 are left out."}, nil},
		{"nothing at all", &Run{}, nil, 0, []string{"adaptation report", "No epochs were run."}, []string{"generation 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := pageOf(t, c.run, c.mistakes)
			checkPageLenient(t, d, c.name)
			if d.elements["svg"] != c.svgs {
				t.Errorf("%d drawings, want %d", d.elements["svg"], c.svgs)
			}
			for _, want := range c.says {
				if !strings.Contains(d.text, want) {
					t.Errorf("does not say %q", want)
				}
			}
			for _, bad := range c.silent {
				if strings.Contains(d.text, bad) {
					t.Errorf("says %q", bad)
				}
			}
			if n := d.elements["img"]; n != min(len(c.mistakes), MistakesShown) {
				t.Errorf("%d thumbnails", n)
			}
		})
	}
}

// checkPageLenient lets NaN stand as the machine's value beside n/a.
func checkPageLenient(t *testing.T, d document, name string) {
	t.Helper()
	if name == "not finite" {
		d.source = strings.ReplaceAll(d.source, `value="NaN"`, "")
	}
	checkPage(t, d)
}

func TestHTMLNumbers(t *testing.T) {
	run := plausible()
	d := pageOf(t, run, mistakesOf(t, run))
	checkPage(t, d)
	want := []float64{
		float64(run.Generation),
		run.Val.Accuracy, run.Test.Accuracy, run.Train.Accuracy, 1783, 31.42, // tiles
		run.Train.Accuracy, run.Train.Loss, 1145,
		run.Val.Accuracy, run.Val.Loss, 285,
		run.Test.Accuracy, run.Test.Loss, 346,
	}
	for _, e := range run.History {
		want = append(want, e.Loss, e.Accuracy, e.ValLoss, e.ValAccuracy)
	}
	for _, m := range []adapt.Measures{*run.Test, run.Val} {
		pairs := Pairs(m.Confusion)
		for _, p := range pairs[:min(pairsNamed, len(pairs))] {
			want = append(want, float64(p.Images))
		}
		for _, c := range m.PerClass {
			want = append(want, float64(c.Images), c.Precision, c.Recall, c.F1)
		}
	}
	for _, m := range Worst(mistakesOf(t, run), MistakesShown) {
		want = append(want, float64(m.Score))
	}
	want = append(want, 31.42, 24.81, 5.93, 187.4)
	if !slices.Equal(d.values, want) {
		t.Errorf("the page shows\n%v, the run holds\n%v", d.values, want)
	}
	for _, say := range []string{
		"Not overfitted: training accuracy is 5.4 points above validation.", "92.6 %", "89.0–95.1 %", "All 45 misclassified images",
		"lamp_red/IMG_0041.jpg", "truncated: 18432 bytes, then nothing", "lamp_off/0012.jpg (in another split)", "lamp_green, lamp_off",
		"features of 1290 of 1504 images", string(run.Base.Digest), "class weights", "v0.1.0", "4 March 2026, 15:06 UTC", "XNNPACK could not",
	} {
		if !strings.Contains(d.text, say) {
			t.Errorf("does not say %q", say)
		}
	}
	// The counts of the matrix stand in the picture.
	if !strings.Contains(d.text, "33 33 1 37 1 2 29 1 26 3 5 30 36 1 1 2 30 2 35 1 2 2 33") {
		t.Error("the picture's counts differ from the matrix")
	}
}

func TestHTMLHostileNames(t *testing.T) {
	names := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onload='alert(1)`, `</style><script>x</script>`, `</title><b>`,
		`{{.Run}}`, `javascript:alert(1)`, "a\x1b[31m\u202eb\x00\xff", `]]><!--`, `&lt;amp;&#60;`, `style="fill:#ED6E00"`, `#ED6E02 var(--w)`,
	}
	run := classes(len(names))
	copy(run.Labels, names)
	var wrong []Mistake
	for i, n := range names {
		run.Val.PerClass[i].Label = n
		run.Skipped = append(run.Skipped, adapt.Skip{Path: n, Reason: n})
		run.Duplicates = append(run.Duplicates, adapt.Duplicate{Path: n, Of: n})
		run.Conflicts = append(run.Conflicts, adapt.Conflict{Paths: []string{n, n}, Labels: []string{n, names[0]}})
		run.Warnings = append(run.Warnings, n)
		wrong = append(wrong, Mistake{Path: n, True: i, Predicted: (i + 1) % len(names), Split: adapt.Split(n), JPEG: []byte(n)})
	}
	run.Recipe = []byte(`{"<script>":"</script>"}`)
	for _, n := range names {
		run.Task, run.Base.Name, run.Path, run.Version, run.Report = n, n, n, n, n
		d := pageOf(t, run, wrong)
		checkPage(t, d)
		for element := range d.elements {
			if !slices.Contains(strings.Fields("html head meta title style body header p h1 h2 h3 span bdi main section dl div dt dd data ul li ol table thead tbody tr th td figure figcaption svg g path text details summary b time footer br"), element) {
				t.Errorf("%q: holds a %s element", n, element)
			}
		}
		if d.elements["img"] != 0 || d.elements["b"] != 2*min(pairsNamed, len(Pairs(run.Val.Confusion))) {
			t.Errorf("%q: a name became an element", n)
		}
		if !strings.Contains(d.text, strings.Join(strings.Fields(clean(n)), " ")) {
			t.Errorf("%q is not shown", n)
		}
	}
}

func TestHTMLThumbnails(t *testing.T) {
	run := classes(2)
	rng := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // the same every time
	shot := thumbnail(t, rng)
	d := pageOf(t, run, []Mistake{
		{Path: "b.jpg", True: 0, Predicted: 1, Score: 0.6, JPEG: shot},
		{Path: "a.jpg", True: 1, Predicted: 0, Score: 0.9, JPEG: []byte("<svg onload=alert(1)>")},
		{Path: "c.jpg", True: -1, Predicted: 7, Score: 0.5},
	})
	checkPage(t, d)
	src := d.attributes["src"]
	if len(src) != 1 {
		t.Fatalf("%d thumbnails", len(src))
	}
	got, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(src[0], "data:image/jpeg;base64,"))
	if err != nil || !bytes.Equal(got, shot) {
		t.Error("the thumbnail is another one")
	}
	if a, b := strings.Index(d.text, "a.jpg"), strings.Index(d.text, "b.jpg"); a < 0 || b < a {
		t.Error("the most confident mistake is not first")
	}
	if strings.Count(d.source, `class="blank"`) != 2 || !strings.Contains(d.text, "class 7") {
		t.Error("mistakes without thumbnails are missing")
	}
}

// Text must be readable and shapes visible in both modes (WCAG 2.2, 1.4.3 and 1.4.11).
func TestContrast(t *testing.T) {
	p := palette()
	check := func(front, back role, want float64) {
		t.Helper()
		for mode, pair := range map[string][2]string{"light": {p[front].light, p[back].light}, "dark": {p[front].dark, p[back].dark}} {
			if got := contrast(pair[0], pair[1]); got < want {
				t.Errorf("%s: %s on %s has a contrast of %.2f, want %g", mode, front.name(), back.name(), got, want)
			}
		}
	}
	for _, back := range []role{roleBack, rolePanel} {
		for _, front := range []role{roleInk, roleMuted, roleTrain, roleVal} {
			check(front, back, 4.5)
		}
	}
	check(roleBar, roleBack, 3)
	for i := range role(heatLevels) {
		check(roleHitInk+i, roleHit+i, 4.5)
		check(roleMissInk+i, roleMiss+i, 4.5)
	}
	if got := contrast("#000000", "#ffffff"); math.Abs(got-21) > 1e-9 {
		t.Errorf("black on white has %g", got)
	}
	seen := map[string]bool{}
	for r := range roles {
		if name := r.name(); seen[name] {
			t.Errorf("%s twice", name)
		} else {
			seen[name] = true
		}
	}
}
