package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models"
)

// releaseName is the file of a generation that came with a release.
const releaseName = "release.json"

// shownGeneration is what `edge models show --json` prints.
type shownGeneration struct {
	models.Manifest
	Current  bool            `json:"current"`
	Previous bool            `json:"previous"` // in use before the current one
	Good     bool            `json:"good"`     // on record as proven
	Pinned   bool            `json:"pinned"`
	Bytes    int64           `json:"bytes"` // of its files, without the base
	Path     string          `json:"path"`
	Release  json.RawMessage `json:"release,omitempty"` // the release it came with
	Events   []models.Event  `json:"events"`            // the oldest first
}

func (a *app) modelsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show [N]",
		Short: "Show all that is known of a generation: measures, files, who used it when and why",
		Example: `  edge models show
  edge models show 3 --task lamps --json`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, n, err := a.storeAndNumber(cmd, args)
			if err != nil {
				return err
			}
			shown, err := a.shownGeneration(store, n)
			if err != nil {
				return device.InputOr(err)
			}
			if a.json {
				return a.print(shown)
			}
			return a.printShownGeneration(shown)
		},
	}
}

// storeAndNumber opens the store and reads the one argument, a generation's
// number; without it, the one in use.
func (a *app) storeAndNumber(cmd *cobra.Command, args []string) (*models.Store, int, error) {
	n := 0
	if len(args) > 0 {
		var err error
		if n, err = generationNumber(args[0]); err != nil {
			return nil, 0, usageError{err, cmd.CommandPath()}
		}
	}
	store, err := a.openStore()
	if err != nil || n > 0 {
		return store, n, err
	}
	active, err := store.Active(a.task)
	return store, active.Current, device.InputOr(err)
}

func (a *app) shownGeneration(store *models.Store, n int) (*shownGeneration, error) {
	g, err := store.Generation(a.task, n)
	if err != nil {
		return nil, err
	}
	lines, err := a.generationLines(store, a.task)
	if err != nil {
		return nil, err
	}
	shown := &shownGeneration{Manifest: g.Manifest, Path: filepath.Dir(g.HeadPath()), Events: []models.Event{}}
	for _, l := range lines {
		if l.Generation == n {
			shown.Current, shown.Previous, shown.Good, shown.Pinned = l.Current, l.Previous, l.Good, l.Pinned
		}
	}
	for _, f := range g.Files {
		shown.Bytes += f.Bytes
	}
	if _, ok := g.File(releaseName); ok {
		data, err := os.ReadFile(g.Path(releaseName))
		if err != nil {
			return nil, err
		}
		if json.Valid(data) {
			shown.Release = data
		}
	}
	events, err := store.Events(a.task)
	if err != nil && len(events) == 0 {
		return nil, err
	}
	for _, e := range events {
		if e.Generation == n || e.Previous == n {
			shown.Events = append(shown.Events, e)
		}
	}
	return shown, nil
}

func (a *app) printShownGeneration(s *shownGeneration) error {
	line := generationLine{Current: s.Current, Previous: s.Previous, Good: s.Good, Pinned: s.Pinned}
	p := s.Preprocessing
	t := newTable()
	fact := func(name string, value any) { t.AppendRow([]any{name, value}) }
	fact("task", s.Task)
	fact("generation", strings.TrimSpace(fmt.Sprintf("%d  %s", s.Generation, line.state())))
	fact("made", fmt.Sprintf("%s by edge %s: %s", day(s.Created), s.Edge, s.Reason))
	if s.Parent > 0 {
		fact("from", fmt.Sprintf("generation %d", s.Parent))
	}
	if number := releaseNumber(s.Release); number > 0 {
		fact("release", number)
	}
	fact("base", fmt.Sprintf("%s  %s  %s", s.Base.Name, s.Base.Digest.Short(), sizeText(s.Base.Bytes)))
	fact("input", fmt.Sprintf("%dx%d %s, %d features", p.Width, p.Height, p.Colour, s.Features))
	fact("labels", fmt.Sprintf("%d: %s", len(s.Labels), some(s.Labels, 12)))
	for _, name := range []string{"train", "val", "test"} {
		if m, ok := readMeasures(s.Measures).of(name); ok {
			fact(name, fmt.Sprintf("%.1f %%, loss %.3f", 100*m.Accuracy, m.Loss))
		}
	}
	for _, f := range s.Files {
		fact(f.Name, fmt.Sprintf("%s  %s", f.Digest.Short(), sizeText(f.Bytes)))
	}
	fact("folder", s.Path)
	_, err := fmt.Fprintf(a.stdout, "%s\n\n%s\n", t.Render(), eventTable(s.Events, nil))
	return err
}

// releaseNumber reads the number of the release that a generation came with.
func releaseNumber(release json.RawMessage) int {
	var r struct{ Release int }
	if json.Unmarshal(release, &r) != nil {
		return 0
	}
	return r.Release
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// some lists names, and not hundreds of them.
func some(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// measured is what the table and the history show of a generation's measures;
// those of another program may have none of it.
type measured struct {
	Images int
	Train  *accuracy
	Val    *accuracy
	Test   *accuracy
}

type accuracy struct{ Accuracy, Loss float64 }

func readMeasures(raw json.RawMessage) (m measured) {
	if json.Unmarshal(raw, &m) != nil {
		return measured{}
	}
	return m
}

func (m measured) of(split string) (accuracy, bool) {
	a := map[string]*accuracy{"train": m.Train, "val": m.Val, "test": m.Test}[split]
	if a == nil {
		return accuracy{}, false
	}
	return *a, true
}

// validation is the accuracy in words.
func (m measured) validation() string {
	if m.Val == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*m.Val.Accuracy)
}
