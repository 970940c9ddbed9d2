package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models"
)

// generationLine is one line of `edge models list --json`.
type generationLine struct {
	Task       string          `json:"task"`
	Generation int             `json:"generation"`
	Current    bool            `json:"current"`
	Previous   bool            `json:"previous"` // in use before the current one
	Good       bool            `json:"good"`     // on record as proven
	Pinned     bool            `json:"pinned"`   // gc leaves it alone
	Created    time.Time       `json:"created"`
	Base       models.Base     `json:"base"`
	Labels     []string        `json:"labels"`
	Measures   json.RawMessage `json:"measures"`
}

func (a *app) modelsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "models",
		Short: "The generations of a task: list, compare, use, go back, keep, clean up",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		a.modelsListCommand(), a.modelsShowCommand(), a.modelsHistoryCommand(), a.modelsDiffCommand(),
		a.modelsActivateCommand(), a.modelsRollbackCommand(), a.modelsMarkGoodCommand(),
		a.modelsPinCommand(), a.modelsUnpinCommand(), a.modelsGCCommand(), a.modelsFsckCommand(),
	)
	return cmd
}

func (a *app) modelsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the generations of all tasks, or of the one named by --task",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := a.openStore()
			if err != nil {
				return err
			}
			tasks, err := store.Tasks()
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("task") {
				tasks = []string{a.task}
			}
			var lines []generationLine
			for _, task := range tasks {
				of, err := a.generationLines(store, task)
				if err != nil {
					return err
				}
				lines = append(lines, of...)
			}
			return a.printGenerations(lines)
		},
	}
}

func (a *app) generationLines(store *models.Store, task string) ([]generationLine, error) {
	generations, err := store.Generations(task)
	if err != nil {
		if len(generations) == 0 {
			return nil, err
		}
		a.warn("%v", err) // the others can still be used
	}
	active, err := store.Active(task)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return nil, err
	}
	marks, err := store.Good(task)
	if err != nil {
		return nil, err
	}
	good := map[int]bool{}
	for _, m := range marks {
		good[m.Generation] = true
	}
	pinned := map[int]bool{}
	pins, err := store.Pins(task)
	if err != nil {
		a.warn("%v", err) // the generations can still be used
	}
	for _, p := range pins {
		pinned[p.Generation] = true
	}
	var lines []generationLine
	for _, g := range generations {
		m := g.Manifest
		lines = append(lines, generationLine{
			Task: task, Generation: g.Generation, Current: g.Generation == active.Current, Previous: g.Generation == active.Previous, Good: good[g.Generation], Pinned: pinned[g.Generation],
			Created: m.Created, Base: m.Base, Labels: m.Labels, Measures: m.Measures,
		})
	}
	return lines, nil
}

func (a *app) printGenerations(lines []generationLine) error {
	if a.json {
		for _, l := range lines {
			if err := a.print(l); err != nil {
				return err
			}
		}
		return nil
	}
	if len(lines) == 0 {
		_, err := fmt.Fprintln(a.stdout, "no generations yet; train one: edge adapt --dir DIR")
		return err
	}
	t := newTable("task", "generation", "", "created", "base", "classes", "images", "validation")
	for _, l := range lines {
		m := readMeasures(l.Measures)
		t.AppendRow([]any{l.Task, l.Generation, l.state(), day(l.Created), l.Base.Name, len(l.Labels), m.Images, m.validation()})
	}
	_, err := fmt.Fprintln(a.stdout, t.Render())
	return err
}

// state is what there is to say of the generation, in words.
func (l generationLine) state() string {
	var words []string
	if l.Current {
		words = append(words, "current")
	}
	if l.Previous {
		words = append(words, "previous")
	}
	if l.Good {
		words = append(words, "good")
	}
	if l.Pinned {
		words = append(words, "pinned")
	}
	return strings.Join(words, ", ")
}

// generationNumber reads a generation's number from the command line.
func generationNumber(arg string) (int, error) {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is no generation: want a number from 1", arg)
	}
	return n, nil
}

func (a *app) modelsActivateCommand() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:     "activate N",
		Short:   "Use generation N of the task from now on",
		Example: "  edge models activate 2 --task lamps",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := generationNumber(args[0])
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			store, err := a.openStore()
			if err != nil {
				return err
			}
			if err := store.Activate(cmd.Context(), a.task, n, why); err != nil {
				return device.InputOr(err)
			}
			if a.json {
				return a.print(map[string]any{"task": a.task, "generation": n})
			}
			_, err = fmt.Fprintf(a.stdout, "task %s uses generation %d\n", a.task, n)
			return err
		},
	}
	cmd.Flags().StringVar(&why, "why", "asked for", "the reason, for the record")
	return cmd
}
