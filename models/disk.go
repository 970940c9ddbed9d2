package models

import "github.com/edge-adapt/edge/internal/fsops"

// The disk as the store changes it; tests put one of their own in its place.
type (
	disk   = fsops.Disk
	file   = fsops.File
	osDisk = fsops.OS
)
