package receiver

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/fleet"
)

// refusal is an error with what is answered.
type refusal struct {
	error
	status int
	answer fleet.Answer  // its Error and Hint are made of the error
	after  time.Duration // Retry-After
}

func (r *refusal) Unwrap() error { return r.error }

func refuse(status int, next, format string, args ...any) *refusal {
	return &refusal{error: hint.Wrap(fmt.Errorf(format, args...), next), status: status}
}

func busy(status int, after time.Duration, format string, args ...any) *refusal {
	return &refusal{error: hint.Wrap(fmt.Errorf(format, args...), "try again later"), status: status, after: after}
}

// fail answers a request that failed. What is no refusal is a fault of ours, and its
// text is for the log alone.
func (r *Receiver) fail(w http.ResponseWriter, req *http.Request, err error) {
	var no *refusal
	if !errors.As(err, &no) {
		if req.Context().Err() != nil { // the client has gone, or it took too long
			no = busy(http.StatusServiceUnavailable, 10*time.Second, "it took too long")
		} else {
			r.log.Error("a request failed", "method", req.Method, "path", req.URL.Path, "error", err)
			no = busy(http.StatusInternalServerError, time.Minute, "something failed; the receiver's log has more")
		}
	}
	if no.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(no.after.Seconds()))))
	}
	a := no.answer
	a.Error, a.Hint = no.Error(), hint.Of(no)
	answer(w, no.status, a)
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil { // none of our types can
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(data, '\n')) //nolint:errcheck // the client has gone
}
