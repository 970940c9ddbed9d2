package fleet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
)

// Format is the version of the report that Parse reads and Encode writes.
const Format = 1

// Limits of a report. They hold for its writer too, which shortens texts and lists
// rather than send nothing.
const (
	MaxBytes     = 256 << 10
	MaxTasks     = 32
	MaxRefused   = 16 // a task
	MaxRollbacks = 16 // a task
	MaxLabels    = 1000
	maxText      = 500
	maxName      = 100
	maxNumber    = 1_000_000_000
	maxWhole     = 1 << 53 // JSON numbers above are not exact everywhere
)

// Reasons that errors.Is finds in what Parse returns.
var (
	ErrForm  = errors.New("not a report")
	ErrNewer = errors.New("made by a newer edge")
)

// Parse reads a report. The error is ErrNewer or ErrForm. Fields that it does not
// know are ignored.
func Parse(data []byte) (Report, error) {
	r, err := parse(data)
	if err != nil && !errors.Is(err, ErrNewer) {
		err = fmt.Errorf("%w: %w", ErrForm, err)
	}
	if err != nil {
		return Report{}, fmt.Errorf("report: %w", err)
	}
	return r, nil
}

func parse(data []byte) (Report, error) {
	if len(data) > MaxBytes {
		return Report{}, fmt.Errorf("%d bytes: at most %d", len(data), MaxBytes)
	}
	var of struct{ Format int }
	if err := json.Unmarshal(data, &of); err != nil {
		return Report{}, err
	}
	if of.Format > Format {
		return Report{}, hint.Wrap(fmt.Errorf("%w: format %d, this one reads up to %d", ErrNewer, of.Format, Format), "install a newer edge where the reports are received")
	}
	var r Report
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&r); err != nil {
		return Report{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Report{}, errors.New("something follows it")
	}
	return r, r.check()
}

// Encode returns the report as JSON, as far as consent goes. Texts and lists that
// are too long are cut: of Refused and Rollbacks the latest are kept. The report is
// not changed. An error says which field cannot be sent.
func (r Report) Encode(consent Consent) ([]byte, error) {
	r = r.under(consent)
	r.Format = Format
	r.cut()
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("report: %d bytes: at most %d", len(data), MaxBytes)
	}
	return data, nil
}

// cut shortens what is too long and makes texts fit. r.Tasks is r's own.
func (r *Report) cut() {
	clip(&r.Health.Problem)
	clip(&r.Stuck)
	if len(r.Tasks) > MaxTasks {
		r.Tasks = r.Tasks[:MaxTasks]
	}
	if r.Tasks == nil {
		r.Tasks = []Task{}
	}
	for i := range r.Tasks {
		t := &r.Tasks[i]
		clip(&t.Stuck)
		if len(t.Labels) > MaxLabels {
			t.Labels = t.Labels[:MaxLabels]
		}
		t.Refused = latest(t.Refused, MaxRefused, func(r Refusal) time.Time { return r.When })
		t.Rollbacks = latest(t.Rollbacks, MaxRollbacks, func(r Rollback) time.Time { return r.When })
		for j := range t.Refused {
			clip(&t.Refused[j].Reason)
		}
		for j := range t.Rollbacks {
			clip(&t.Rollbacks[j].Reason)
		}
	}
}

// latest returns a copy of the n latest, the oldest first.
func latest[T any](all []T, n int, when func(T) time.Time) []T {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b T) int { return when(a).Compare(when(b)) })
	return all[max(0, len(all)-n):]
}

// clip makes a text fit for a line of a report.
func clip(text *string) {
	s := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(*text, "\uFFFD"))
	if len(s) > maxText {
		const more = "…"
		end := maxText - len(more)
		for !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + more
	}
	*text = s
}

func (r Report) check() error {
	if r.Format != Format {
		return fmt.Errorf("format %d: want %d", r.Format, Format)
	}
	if r.Sequence < 1 || r.Sequence > maxWhole {
		return fmt.Errorf("sequence %d: want 1 to %d", r.Sequence, int64(maxWhole))
	}
	if err := checkTime("sent", r.Sent); err != nil {
		return err
	}
	for what, name := range map[string]string{"version": r.Edge, "architecture": r.Architecture} {
		if err := checkLine(what, name, maxName); err != nil {
			return err
		}
		if name == "" {
			return fmt.Errorf("it has no %s", what)
		}
	}
	if r.Channel != "" && models.CheckTask(r.Channel) != nil {
		return fmt.Errorf("channel %.80q", r.Channel)
	}
	if !(r.Uptime >= 0 && r.Uptime <= maxWhole) || !between(r.MemoryMiB, r.Health.ResidentMiB, r.Health.DiskFreeMiB) || !(r.Health.Temperature >= -300 && r.Health.Temperature <= 1000) {
		return errors.New("a measure of the device is out of range")
	}
	for what, text := range map[string]string{"problem": r.Health.Problem, "reason for being stuck": r.Stuck} {
		if err := checkLine(what, text, maxText); err != nil {
			return err
		}
	}
	if len(r.Tasks) > MaxTasks {
		return fmt.Errorf("%d tasks: at most %d", len(r.Tasks), MaxTasks)
	}
	seen := map[string]bool{}
	for _, t := range r.Tasks {
		if seen[t.Task] {
			return fmt.Errorf("the task %q stands twice", t.Task)
		}
		seen[t.Task] = true
		if err := t.check(); err != nil {
			return fmt.Errorf("task %.80q: %w", t.Task, err)
		}
	}
	return nil
}

func (t Task) check() error {
	if err := models.CheckTask(t.Task); err != nil {
		return err
	}
	if !between(t.Generation, t.Release, t.Classes, t.Measures.Images) {
		return errors.New("a number is out of range")
	}
	if t.Release > 0 && t.Generation == 0 {
		return errors.New("a release without a generation")
	}
	if t.State != Probation && t.State != Good && t.State != Unmarked {
		return fmt.Errorf("state %.80q", t.State)
	}
	if t.Base != "" {
		if _, err := digest.Parse(string(t.Base)); err != nil {
			return err
		}
	}
	if !(t.Measures.Accuracy >= 0 && t.Measures.Accuracy <= 1) || !(t.Latency.P50 >= 0 && t.Latency.P99 >= 0) {
		return errors.New("a measure is out of range")
	}
	if len(t.Labels) > MaxLabels || len(t.Refused) > MaxRefused || len(t.Rollbacks) > MaxRollbacks {
		return errors.New("a list is too long")
	}
	for _, l := range t.Labels {
		if err := checkLine("label", l, maxText); err != nil {
			return err
		}
	}
	if err := errors.Join(checkLine("reason for being stuck", t.Stuck, maxText), checkTime("activation", t.Activated)); err != nil {
		return err
	}
	for _, r := range t.Refused {
		if r.Release < 1 || r.Release > maxNumber {
			return fmt.Errorf("refused release %d", r.Release)
		}
		if err := errors.Join(checkLine("reason", r.Reason, maxText), checkTime("refusal", r.When)); err != nil {
			return err
		}
	}
	for _, r := range t.Rollbacks {
		if r.Generation < 1 || !between(r.Generation, r.Release, r.To) {
			return fmt.Errorf("rollback from generation %d of release %d to %d", r.Generation, r.Release, r.To)
		}
		switch r.By {
		case ByProbation, ByStarts, ByPerson, ByRevocation:
		default:
			return fmt.Errorf("a rollback by %.80q", r.By)
		}
		if err := errors.Join(checkLine("reason", r.Reason, maxText), checkTime("rollback", r.When)); err != nil {
			return err
		}
	}
	return nil
}

// between reports whether all numbers are from 0 to maxNumber.
func between(numbers ...int) bool {
	return !slices.ContainsFunc(numbers, func(n int) bool { return n < 0 || n > maxNumber })
}

// checkLine refuses text that is too long or would not print on one line.
func checkLine(what, text string, limit int) error {
	if len(text) > limit || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%s %.80q: want at most %d bytes that print on one line", what, text, limit)
	}
	return nil
}

// checkTime refuses years that a store of milliseconds could not order; zero is
// allowed, as a board without a clock may know no better.
func checkTime(what string, t time.Time) error {
	if y := t.Year(); !t.IsZero() && (y < 1900 || y > 9999) {
		return fmt.Errorf("time of the %s: the year %d", what, y)
	}
	return nil
}
