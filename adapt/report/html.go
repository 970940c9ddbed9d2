package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed report.html.tmpl
var pageTemplate string

//go:embed report.css
var pageStyle string

// HTML writes the report as one file that needs no network and runs no script:
// pictures are inline, colours follow the reader's light or dark mode.
//
// Mistakes are the misclassified validation and test images; the most confident
// MistakesShown of them are shown. It may hold fewer than the run's matrices
// count: the page says how many are left out. HTML writes once, and nothing at
// all after an error; it needs memory for the whole page.
func HTML(w io.Writer, run *Run, mistakes []Mistake) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"percent":       percent,
		"percentNumber": percentNumber,
		"loss":          loss,
		"duration":      duration,
		"clean":         clean,
		"labelsOf":      labelsOf,
		"add":           func(a, b int) int { return a + b },
	}).Parse(pageTemplate + rebaseTemplate)
	if err != nil {
		return fmt.Errorf("parse the report's template: %w", err)
	}
	p, err := newPage(run, mistakes)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("fill the report's template: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// sheet returns the page's style sheet. Dark colours are for screens only:
// paper is light.
func sheet() template.CSS {
	//nolint:gosec // Nothing in it comes from outside.
	return template.CSS(":root{" + variables(false) + "}\n" +
		"@media screen and (prefers-color-scheme: dark){:root{" + variables(true) + "}}\n" + pageStyle)
}
