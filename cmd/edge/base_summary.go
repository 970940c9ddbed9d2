package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/edge-adapt/edge/tflite/file"
)

// shownCandidates is how many tensors that could be features are printed.
const shownCandidates = 8

// printSummary writes what is in a model file for people. Candidates are what
// could be its features.
func printSummary(w io.Writer, s file.Summary, candidates []file.Feature) error {
	var out strings.Builder
	facts := newTable()
	fact := func(name, value string) {
		if value != "" {
			facts.AppendRow([]any{name, value})
		}
	}
	fact("description", s.Description)
	for _, t := range s.Inputs {
		fact("input", tensorLine(t))
	}
	for _, t := range s.Outputs {
		fact("output", tensorLine(t))
	}
	fact("parameters", fmt.Sprintf("%d in %.2f MB of weights", s.Parameters, float64(s.WeightBytes)/1e6))
	fact("work", fmt.Sprintf("%.1f million multiply-accumulates a picture", float64(s.MACs)/1e6))
	if f := s.Feature; f != nil {
		fact("features", fmt.Sprintf("%d: %s, %s", f.Count, f.Name, f.Reason))
	}
	for _, f := range candidates[:min(len(candidates), shownCandidates)] {
		if s.Feature == nil || f.Tensor != s.Feature.Tensor {
			fact("or", fmt.Sprintf("#%d: %dx%dx%d, %s, %s", f.Tensor, f.Height, f.Width, f.Count, f.Reason, shortened(f.Name)))
		}
	}
	if n := len(s.Labels); n > 0 {
		fact("labels", fmt.Sprintf("%d: %s, …", n, strings.Join(s.Labels[:min(3, n)], ", ")))
	}
	fact("needs", strings.TrimSpace(prefixed("TensorFlow Lite ", s.MinRuntime)))
	for _, sig := range s.Signatures {
		fact("signature", sig.Key)
	}
	for _, note := range s.Notes {
		fact("note", note)
	}
	out.WriteString(facts.Render() + "\n\n")

	ops := newTable("#", "operator", "output", "parameters", "MACs", "options")
	for _, o := range s.Operators {
		ops.AppendRow([]any{o.Index, o.Op, shape(o.Shape), count(o.Parameters), count(o.MACs), o.Options})
	}
	out.WriteString(ops.Render() + "\n")
	_, err := io.WriteString(w, out.String())
	return err
}

// shortened cuts the long names that converters make of many.
func shortened(name string) string {
	const most = 60
	if runes := []rune(name); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return name
}

func tensorLine(t file.TensorSummary) string {
	line := fmt.Sprintf("%s %s %s", t.Name, shape(t.Shape), t.Type)
	if q := t.Quantisation; q != nil && len(q.Scale) == 1 && len(q.ZeroPoint) == 1 {
		line += fmt.Sprintf(", scale %.6g, zero point %d", q.Scale[0], q.ZeroPoint[0])
	}
	return line
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// shape writes dimensions as 4x4x1280, an open one as ?.
func shape[T int | int32](dims []T) string {
	text := make([]string, len(dims))
	for i, d := range dims {
		text[i] = fmt.Sprint(d)
		if d < 0 {
			text[i] = "?"
		}
	}
	return strings.Join(text, "x")
}

// count leaves the field of an operator without any empty.
func count(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
