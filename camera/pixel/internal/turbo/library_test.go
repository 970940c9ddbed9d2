//go:build linux && cgo

package turbo

import (
	"errors"
	"testing"
)

// What is no libjpeg-turbo is not used: no file, and a library without the
// functions.
func TestOpenRefuses(t *testing.T) {
	for _, name := range []string{"libturbojpeg-of-another-world.so.0", "libc.so.6"} {
		if l, err := open(name); l != nil || !errors.Is(err, ErrMissing) {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
}

// A library that gives other pixels than it should is not used.
func TestCheckRefusesOtherPixels(t *testing.T) {
	l := library(t)
	right := checkSums
	defer func() { checkSums = right }()
	checkSums[2]++
	if l, err := open(Name); l != nil || err == nil || errors.Is(err, ErrMissing) {
		t.Errorf("%v, %v", l, err)
	}
	if err := l.check(); err == nil {
		t.Error("the check passes")
	}
}
