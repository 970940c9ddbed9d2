//go:build !tensorflow

package main

// trainerExportFormats are the formats that the trainer alone writes.
func trainerExportFormats() []exportFormat { return nil }
