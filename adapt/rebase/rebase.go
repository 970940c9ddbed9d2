package rebase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/head"
)

// Input is what Run makes a head of.
type Input struct {
	// Dataset are the device's own samples, after Resettle with what the head in
	// use was trained on; nil if there are none. Run does not change it.
	Dataset *adapt.Dataset
	// Features are those of Dataset on the new base.
	Features *adapt.Features
	InUse    *InUse     // nil: nothing is in use
	Server   *Published // nil: a base came alone
	Recipe   adapt.TrainConfig
	// Margin is how much lower the share of held-out images that are right may be,
	// 0 to 1; below zero, how much higher it must be. Zero is the rule that the
	// package's documentation states.
	Margin float64

	// OnEpoch is told of each epoch, from the calling goroutine; nil means nobody
	// asks.
	OnEpoch func(adapt.Epoch)
}

// InUse is the head that the task has now.
type InUse struct {
	Head   *head.Head
	Labels []string // its classes
	// Features are those of the dataset on the base of this head. Images that they
	// lack are not compared; nil is none.
	Features *adapt.Features
}

// Published is the head of a release, for the new base.
type Published struct {
	Head      *head.Head
	Labels    []string   // its classes
	Exemplars *Exemplars // nil: the release has none
	// SelfTest repeats the release's own test on this device. nil: it has none.
	SelfTest func() error
}

// Outcome is what Run found.
type Outcome struct {
	Verdict   Verdict    `json:"verdict"`
	Conflicts []Conflict `json:"conflicts,omitempty"`
	Lost      []string   `json:"lost,omitempty"`  // classes of the head in use that nobody has images of
	Added     []string   `json:"added,omitempty"` // classes that the head in use does not know
	// LeftOut are classes of the release that the device has no samples of and that
	// the new head does not know: they come without exemplars, so that it cannot
	// learn them, or they cost the device's own classes too much (Costly).
	LeftOut []string `json:"left_out,omitempty"`
	// Costly is the verdict about a head with all classes of the release, where the
	// device's own alone came to be activated. nil otherwise.
	Costly  *Verdict `json:"costly,omitempty"`
	Flipped []Flip   `json:"flipped,omitempty"` // held-out images, by path

	// Compared held-out images were put to both heads, with these measures: Before
	// has the classes of the head in use, After those of the new one. Unknown held-out
	// images could not be, since the head in use does not know their class or they
	// were gone.
	Compared int            `json:"compared"`
	Unknown  int            `json:"unknown"`
	Before   adapt.Measures `json:"before"`
	After    adapt.Measures `json:"after"`

	// Result is the new head, with its labels, history and measures on the device's
	// images. nil if there is no head.
	Result *adapt.Result `json:"-"`
	// Train and Val are what the head was trained and its epoch chosen with: the
	// device's images and the release's exemplars. They are what a calibration is
	// fitted on. Both are empty of a published head that was taken as it is.
	Train adapt.Set `json:"-"`
	Val   adapt.Set `json:"-"`
}

// refusal is a reason not to go on that is no error of this device.
type refusal struct{ Verdict }

func (r refusal) Error() string { return r.Reason }

// Run fits a head for a new base and compares it with the one in use. It writes
// nothing and decides nothing but the Verdict. The same input gives the same
// outcome, but for times.
//
// Whatever the release or the samples are to blame for is a Verdict that says
// no. Errors are those of the recipe, of an input whose parts do not fit each
// other, and the context's.
func Run(ctx context.Context, in Input) (*Outcome, error) {
	if err := in.Recipe.Validate(); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, fmt.Errorf("rebase: %w", err)
	}
	o := &Outcome{}
	err := o.run(ctx, in)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var no refusal
	if errors.As(err, &no) {
		o.Verdict, err = no.Verdict, nil
	}
	if err != nil {
		return nil, fmt.Errorf("rebase: %w", err)
	}
	return o, nil
}

// check reports parts that do not fit each other.
func (in Input) check() error {
	if in.Dataset != nil && len(in.Dataset.Samples) > 0 && in.Features == nil {
		return errors.New("samples without features")
	}
	if u := in.InUse; u != nil && u.Head.Classes != len(u.Labels) {
		return fmt.Errorf("the head in use has %d classes and %d labels", u.Head.Classes, len(u.Labels))
	}
	s := in.Server
	if s == nil {
		return nil
	}
	if s.Head.Classes != len(s.Labels) {
		return fmt.Errorf("the published head has %d classes and %d labels", s.Head.Classes, len(s.Labels))
	}
	if e := s.Exemplars; e != nil && (e.Classes != s.Head.Classes || e.Set.F != s.Head.Features) {
		return fmt.Errorf("the published head takes %d features and knows %d classes, its exemplars have %d and %d", s.Head.Features, s.Head.Classes, e.Set.F, e.Classes)
	}
	return nil
}

func (o *Outcome) run(ctx context.Context, in Input) error {
	if err := in.selfTest(); err != nil {
		return err
	}
	if err := o.offer(ctx, in); err != nil || o.Verdict.Kind != Worse || len(o.Result.Dataset.Labels) == len(in.Dataset.Labels) {
		return err
	}
	// The head knows classes that the device has no samples of. What they cost is no
	// reason to go without the base.
	server := *in.Server
	server.Exemplars = nil
	in.Server = &server
	alone := &Outcome{}
	err := alone.offer(ctx, in)
	var no refusal
	if errors.As(err, &no) || err == nil && !alone.Verdict.Activate {
		return nil
	}
	if err != nil {
		return err
	}
	costly := o.Verdict
	alone.Costly = &costly
	*o = *alone
	return nil
}

// offer fits a head with all classes that can be learnt and compares it.
func (o *Outcome) offer(ctx context.Context, in Input) error {
	var local, used, published []string
	if in.Dataset != nil {
		local = in.Dataset.Labels
	}
	if in.InUse != nil {
		used = in.InUse.Labels
	}
	if in.Server != nil {
		published = in.Server.Labels
	}
	// Without samples the published head is taken as it is, and knows what it knows.
	c := mergeClasses(local, used, published, func(class int) bool { return len(local) == 0 || in.Server.Exemplars.has(class) })
	o.Conflicts = c.conflicts
	o.changes(c, used)
	if len(local) == 0 {
		return o.takePublished(in, c)
	}
	if err := o.fit(ctx, in, c); err != nil {
		return err
	}
	if in.InUse == nil {
		o.Verdict = Verdict{true, First, "nothing was in use"}
		return nil
	}
	both := comparing{before: *in.InUse, after: o.Result.Head, labels: c.labels, data: o.Result.Dataset, features: in.Features}
	for class, label := range c.labels {
		both.place = append(both.place, place(used, label))
		if both.place[class] >= 0 || !slices.Contains(local, label) {
			both.among = append(both.among, class)
		}
	}
	o.Verdict = judge(o.compare(both), in.Margin)
	if len(o.Lost) > 0 { // after the comparison, for who wants to see it all the same
		return o.loses()
	}
	return nil
}

// selfTest repeats the release's test, where there is one.
func (in Input) selfTest() error {
	if in.Server == nil || in.Server.SelfTest == nil {
		return nil
	}
	if err := in.Server.SelfTest(); err != nil {
		return refusal{Verdict{Kind: SelfTest, Reason: "the published head fails its own test on this device: " + err.Error()}}
	}
	return nil
}

// changes fills in which classes come and go.
func (o *Outcome) changes(c classes, used []string) {
	for _, label := range c.labels {
		if len(used) > 0 && place(used, label) < 0 {
			o.Added = append(o.Added, label)
		}
	}
	for _, label := range used {
		if place(c.labels, label) < 0 {
			o.Lost = append(o.Lost, label)
		}
	}
	for _, label := range c.server {
		if !slices.Contains(c.labels, label) {
			o.LeftOut = append(o.LeftOut, label)
		}
	}
}

// loses refuses for the classes that would be lost.
func (o *Outcome) loses() error {
	const most = 5
	names := strings.Join(o.Lost[:min(most, len(o.Lost))], ", ")
	if more := len(o.Lost) - most; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return refusal{Verdict{Kind: Loses, Reason: "no samples are left of what the head in use knows, and the release does not bring it: " + names}}
}

// takePublished answers for a device without samples.
func (o *Outcome) takePublished(in Input, c classes) error {
	no := func(k Kind, reason string) error { return refusal{Verdict{Kind: k, Reason: reason}} }
	switch {
	case in.Server == nil:
		return no(Untrained, "there are no samples that can be used, and the release brings no head")
	case len(o.Lost) > 0:
		return o.loses()
	case in.Server.SelfTest == nil:
		return no(SelfTest, "there are no samples to judge by, and the release brings no test of its own")
	}
	// The head stays as it is, and so does the order of its classes.
	d := &adapt.Dataset{}
	if in.Dataset != nil {
		d = in.Dataset.Clone()
	}
	d.Labels = c.server
	o.Result = &adapt.Result{Dataset: d, Head: in.Server.Head}
	o.Result.Measure(in.Recipe)
	o.Verdict = Verdict{true, AsPublished, "there are no samples to judge by, and the published head passes its own test"}
	return nil
}

// fit trains the new head on the device's samples and the release's exemplars.
func (o *Outcome) fit(ctx context.Context, in Input, c classes) error {
	d, local := in.Dataset.Clone(), in.Dataset.Labels
	if err := d.Relabel(c.labels); err != nil {
		return err
	}
	of := func(split adapt.Split) adapt.Set {
		return d.Set(in.Features, func(s adapt.Sample) bool { return s.Split == split })
	}
	o.Train, o.Val = of(adapt.SplitTrain), of(adapt.SplitVal)
	for _, s := range []adapt.Set{o.Train, o.Val, of(adapt.SplitTest)} {
		if !finite(s.Features) {
			return refusal{Verdict{Kind: NotFinite, Reason: "the new base gives features that are NaN or infinite"}}
		}
	}
	if in.Server != nil {
		if in.Server.Head.Features != o.Train.F {
			return fmt.Errorf("the published head takes %d features, the new base gives %d", in.Server.Head.Features, o.Train.F)
		}
		o.Conflicts = append(o.Conflicts, meanings(in.Server.Head, c.server, o.Train, c.labels)...)
		o.borrow(in.Server.Exemplars, c, local)
	}
	if len(c.labels) < 2 {
		return refusal{Verdict{Kind: Untrained, Reason: fmt.Sprintf("there are samples of one class only, %q, and the release brings no other", c.labels[0])}}
	}
	val := o.Val
	if val.Len() == 0 {
		val = o.Train // nothing was held back: the epoch is chosen on what there is
	}
	start := time.Now()
	r := &adapt.Result{Dataset: d, Features: in.Features}
	var err error
	r.Head, r.History, err = adapt.Train(ctx, in.Recipe, len(c.labels), o.Train, val, in.OnEpoch)
	if errors.Is(err, adapt.ErrDiverged) {
		return refusal{Verdict{Kind: NotFinite, Reason: "no head can be trained on the new base: " + err.Error()}}
	}
	if err != nil {
		return err
	}
	r.Seconds.Train = time.Since(start).Seconds()
	for class, label := range c.labels {
		if !slices.Contains(local, label) {
			r.Head.B2[class] -= rarer
		}
	}
	r.Measure(in.Recipe)
	o.Result = r
	return nil
}

// finite reports whether no number is NaN or infinite.
func finite(s []float32) bool {
	return !slices.ContainsFunc(s, func(v float32) bool { return v-v != 0 })
}
