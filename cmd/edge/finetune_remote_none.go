//go:build !tensorflow

package main

import "github.com/edge-adapt/edge/adapt/finetune"

// openMirror: a device uses no object store.
func openMirror(string) (mirror, error) { return nil, finetune.Available() }
