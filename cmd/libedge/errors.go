package main

import (
	"errors"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime"
)

// The codes of edge.h.
const (
	codeOK     = 0
	codeFailed = 1
	codeUsage  = 2
	codeInput  = 3
)

// usageError marks what the caller did wrong.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func usage(err error) error { return usageError{err} }

// codeOf returns what a function returns for an error.
func codeOf(err error) int32 {
	var wrong usageError
	var input device.InputError
	switch {
	case err == nil:
		return codeOK
	case errors.As(err, &wrong):
		return codeUsage
	case errors.As(err, &input), errors.Is(err, runtime.ErrNotServing), errors.Is(err, models.ErrNotFound), errors.Is(err, models.ErrDamaged):
		return codeInput
	}
	return codeFailed
}
