package device_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
)

func TestInputOr(t *testing.T) {
	if device.InputOr(nil) != nil {
		t.Error("an error of nil")
	}
	for _, c := range []struct {
		err   error
		input bool
	}{
		{fs.ErrPermission, false},
		{hint.Wrap(fs.ErrNotExist, "make it"), true},
		{fmt.Errorf("read the images: %w", hint.Wrap(fs.ErrNotExist, "make it")), true},
		{hint.Wrap(context.Canceled, "start again"), false},
		{device.InputError{Err: fs.ErrInvalid}, true},
	} {
		got := device.InputOr(c.err)
		if errors.As(got, &device.InputError{}) != c.input {
			t.Errorf("%v: %T", c.err, got)
		}
		if got.Error() != c.err.Error() || hint.Of(got) != hint.Of(c.err) || !errors.Is(got, errors.Unwrap(c.err)) && errors.Unwrap(c.err) != nil {
			t.Errorf("%v has become %v", c.err, got)
		}
	}
}
