package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models"
)

// historyEvent is one line of `edge models history --json`.
type historyEvent struct {
	Task string `json:"task"`
	models.Event
	Validation *float64 `json:"validation,omitempty"` // accuracy of the generation, 0 to 1; nil: not known, or it is gone
}

func (a *app) modelsHistoryCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "history",
		Short: "Show what happened to the task's generations: when, who, why",
		Long: `Show what happened to the task's generations, the oldest first: when they were
made, used, marked good, rolled back from and pinned, by whom and why. Times are
by this device's clock, which may have been wrong.`,
		Example: "  edge models history --task lamps",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			store, err := a.openStore()
			if err != nil {
				return err
			}
			events, err := store.Events(a.task)
			if err != nil {
				if len(events) == 0 {
					return device.InputOr(err)
				}
				a.warn("%v", err) // the others are still worth showing
			}
			known := make(map[int]measured)
			generations, err := store.Generations(a.task)
			if err != nil && len(generations) == 0 {
				return device.InputOr(err)
			}
			for _, g := range generations {
				known[g.Generation] = readMeasures(g.Measures)
			}
			if a.json {
				return a.printEvents(events, known)
			}
			if len(events) == 0 {
				_, err = fmt.Fprintf(a.stdout, "nothing happened to task %s yet\n", a.task)
				return err
			}
			_, err = fmt.Fprintln(a.stdout, eventTable(events, known))
			return err
		},
	}
}

func (a *app) printEvents(events []models.Event, known map[int]measured) error {
	for _, e := range events {
		line := historyEvent{Task: a.task, Event: e}
		if v := known[e.Generation].Val; v != nil {
			line.Validation = &v.Accuracy
		}
		if err := a.print(line); err != nil {
			return err
		}
	}
	return nil
}

// eventTable shows events; with known measures, the validation of the
// generations, too.
func eventTable(events []models.Event, known map[int]measured) string {
	header := []any{"when", "generation", "", "who", "why"}
	if known != nil {
		header = append(header, "validation")
	}
	t := newTable(header...)
	for _, e := range events {
		row := []any{day(e.When), e.Generation, eventWords(e), e.Who, e.Why}
		if known != nil {
			row = append(row, known[e.Generation].validation())
		}
		t.AppendRow(row)
	}
	return t.Render()
}

func eventWords(e models.Event) string {
	switch e.Kind {
	case models.Activated:
		if e.Previous > 0 {
			return fmt.Sprintf("in use, after %d", e.Previous)
		}
		return "in use"
	case models.Good:
		return "marked good"
	case models.Bad:
		return "rolled back from"
	}
	return string(e.Kind)
}
