//go:build !linux

package dir

import "os"

// tellsWriters reports whether the system can say who writes to files in a folder.
func tellsWriters(string) bool { return false }

// writers reports whether anybody has a file open for writing.
func writers(*os.File) writing { return unknown }
