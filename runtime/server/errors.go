package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/server/samples"
	"github.com/edge-adapt/edge/runtime/server/wire"
)

// refusal is an error that knows its status.
type refusal struct {
	error
	status int
	retry  time.Duration // when to try again; 0: not said
}

func (r *refusal) Unwrap() error { return r.error }

// refuse returns an error with a status and the next step.
func refuse(status int, next, format string, args ...any) error {
	return &refusal{error: hint.Wrap(fmt.Errorf(format, args...), next), status: status}
}

// busy returns an error that says to try again.
func busy(status int, retry time.Duration, next, format string, args ...any) error {
	return &refusal{error: hint.Wrap(fmt.Errorf(format, args...), next), status: status, retry: max(retry, time.Second)}
}

// statusGone is what a request is logged with whose client did not wait; nobody
// gets to see it.
const statusGone = 499

// statuses are the statuses of errors that are found by errors.Is.
var statuses = []struct {
	err    error
	status int
}{
	{runtime.ErrNoTask, http.StatusNotFound},
	{models.ErrNotFound, http.StatusNotFound},
	{samples.ErrNotFound, http.StatusNotFound},
	{runtime.ErrNotServing, http.StatusServiceUnavailable},
	{runtime.ErrNotRunning, http.StatusServiceUnavailable},
	{runtime.ErrClosed, http.StatusServiceUnavailable},
	{runtime.ErrStandBy, http.StatusConflict},
	{runtime.ErrAdapting, http.StatusConflict},
	{models.ErrLocked, http.StatusConflict},
	{models.ErrDamaged, http.StatusConflict},
	{models.ErrNewer, http.StatusConflict},
	{samples.ErrExists, http.StatusConflict},
	{samples.ErrNotEmpty, http.StatusConflict},
	{samples.ErrParted, http.StatusConflict},
	{samples.ErrName, http.StatusBadRequest},
	{wire.ErrTooMuch, http.StatusRequestEntityTooLarge},
	{pixel.ErrTooLarge, http.StatusRequestEntityTooLarge},
	{pixel.ErrFormat, http.StatusUnsupportedMediaType},
	{pixel.ErrEmpty, http.StatusBadRequest},
	{pixel.ErrTruncated, http.StatusBadRequest},
	{pixel.ErrCorrupt, http.StatusBadRequest},
	{unix.ENOSPC, http.StatusInsufficientStorage},
	{unix.EDQUOT, http.StatusInsufficientStorage},
	{unix.EROFS, http.StatusInternalServerError},
	{fs.ErrPermission, http.StatusInternalServerError},
	{context.DeadlineExceeded, http.StatusServiceUnavailable},
	{context.Canceled, statusGone},
}

// statusOf returns the status that an error is answered with.
func statusOf(err error) int {
	var r *refusal
	if errors.As(err, &r) {
		return r.status
	}
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return http.StatusRequestEntityTooLarge
	}
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return s.status
		}
	}
	return http.StatusInternalServerError
}

// retryAfter returns what a refusal says of trying again, or 0.
func retryAfter(err error, status int) time.Duration {
	var r *refusal
	if errors.As(err, &r) && r.retry > 0 {
		return r.retry
	}
	if status == http.StatusServiceUnavailable {
		return 2 * time.Second
	}
	return 0
}
