package adapt

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/adapt/head"
)

// echo is a head whose scores follow its features: feature c is class c's logit.
func echo(classes int) *head.Head {
	h := head.New(classes, 0, classes, 0)
	clear(h.W2)
	for c := range classes {
		h.W2[c*classes+c] = 1
	}
	return h
}

// spoken is images of which echo predicts what says[i].
func spoken(classes int, labels, says []int32) Set {
	s := Set{F: classes, Labels: labels}
	for _, c := range says {
		row := make([]float32, classes)
		row[c] = 1
		s.Features = append(s.Features, row...)
	}
	return s
}

func TestEvaluate(t *testing.T) {
	labels := []int32{0, 0, 0, 1, 1, 2}
	says := []int32{0, 0, 1, 1, 0, 0}
	m := Evaluate(echo(4), spoken(4, labels, says), []string{"a", "b", "c", "d"})
	want := [][]int{{2, 1, 0, 0}, {1, 1, 0, 0}, {1, 0, 0, 0}, {0, 0, 0, 0}}
	if !slices.EqualFunc(m.Confusion, want, slices.Equal[[]int]) {
		t.Errorf("confusion %v, want %v", m.Confusion, want)
	}
	if m.Images != 6 || m.Accuracy != 0.5 {
		t.Errorf("%d images, accuracy %v", m.Images, m.Accuracy)
	}
	// Each image scores e/(e+3) for what is said and 1/(e+3) for the rest.
	loss := math.Log(math.E+3) - 0.5
	if math.Abs(m.Loss-loss) > 1e-12 {
		t.Errorf("loss %v, want %v", m.Loss, loss)
	}
	for c, want := range []ClassMeasures{
		{"a", 2.0 / 4, 2.0 / 3, 4.0 / 7, 3},
		{"b", 1.0 / 2, 1.0 / 2, 1.0 / 2, 2},
		{"c", 0, 0, 0, 1},
		{"d", 0, 0, 0, 0},
	} {
		if m.PerClass[c] != want {
			t.Errorf("class %d: %+v, want %+v", c, m.PerClass[c], want)
		}
	}
}

func TestEvaluateEmptySet(t *testing.T) {
	m := Evaluate(echo(2), Set{}, nil)
	if m.Images != 0 || m.Accuracy != 0 || m.Loss != 0 || len(m.Confusion) != 2 || len(m.PerClass) != 2 {
		t.Errorf("%+v", m)
	}
	if _, err := json.Marshal(m); err != nil {
		t.Error(err)
	}
}

// Sets larger than a batch, and not a multiple of it, agree with Scores.
func TestEvaluateAgreesWithScores(t *testing.T) {
	set := blobs(4, 2*evaluateRows+17, 9, 5, 2)
	h := head.New(9, 6, 5, 3)
	m := Evaluate(h, set, nil)
	score := h.Scorer()
	var loss float64
	right := 0
	for i, label := range set.Labels {
		s := score(set.Row(i))
		loss -= math.Log(float64(s[label]))
		if c, _ := Top(s); c == int(label) {
			right++
		}
	}
	n := float64(set.Len())
	if math.Abs(m.Loss-loss/n) > 1e-6 || m.Accuracy != float64(right)/n || m.Images != set.Len() {
		t.Errorf("loss %v, accuracy %v, want %v, %v", m.Loss, m.Accuracy, loss/n, float64(right)/n)
	}
}

// Of equal scores the first counts, so that a head that says nothing is not
// right about everything.
func TestEvaluateTies(t *testing.T) {
	set := Set{F: 3, Features: make([]float32, 9), Labels: []int32{0, 1, 2}}
	if m := Evaluate(echo(3), set, nil); m.Accuracy != 1.0/3 || m.Confusion[2][0] != 1 {
		t.Errorf("%+v", m)
	}
}

func TestMeasuresJSON(t *testing.T) {
	text, err := json.Marshal(Evaluate(echo(2), spoken(2, []int32{0, 1}, []int32{0, 0}), []string{"on", "off"}))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"accuracy", "loss", "images", "per_class", "confusion"} {
		if _, ok := got[key]; !ok || len(got) != 5 {
			t.Errorf("no %s in %s", key, text)
		}
	}
	class := got["per_class"].([]any)[0].(map[string]any)
	for _, key := range []string{"label", "precision", "recall", "f1", "images"} {
		if _, ok := class[key]; !ok || len(class) != 5 {
			t.Errorf("no %s in %s", key, text)
		}
	}
}

func TestEvaluatePanics(t *testing.T) {
	for name, call := range map[string]func(){
		"features": func() { Evaluate(echo(3), spoken(2, []int32{0}, []int32{0}), nil) },
		"labels":   func() { Evaluate(echo(3), Set{}, []string{"a", "b"}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: did not panic", name)
				}
			}()
			call()
		}()
	}
}
