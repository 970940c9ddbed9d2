//go:build tensorflow

// This file makes quiet.c, which runs before TensorFlow's library does, a part
// of the package.

package graph

import "C"
