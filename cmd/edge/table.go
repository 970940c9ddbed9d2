package main

import (
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// newTable is a table without lines: columns two spaces apart, so that it reads
// well and also pastes well.
func newTable(header ...any) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.Style{
		Name:    "edge",
		Box:     table.BoxStyle{PaddingRight: "  "},
		Format:  table.FormatOptions{Header: text.FormatDefault},
		Options: table.OptionsNoBordersAndSeparators,
	})
	if len(header) > 0 {
		t.AppendHeader(header)
	}
	t.SuppressTrailingSpaces()
	return t
}
