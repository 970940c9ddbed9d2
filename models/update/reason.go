package update

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/release"
)

// Reasons that errors.Is finds in what this package returns.
var (
	ErrExpired   = errors.New("expired")                             // signed for a time that has passed
	ErrRollback  = errors.New("older than what was verified before") // replayed
	ErrSignature = errors.New("not signed by enough of the right keys")
	ErrMixed     = errors.New("of another state of the repository") // files that do not belong together
	ErrDamaged   = errors.New("not what was signed")                // a file of other bytes
	ErrForm      = errors.New("not of the form it must have")
	ErrTooLong   = errors.New("longer than it may be")
	ErrNetwork   = errors.New("the network or the server fails") // worth another try
	ErrRedirect  = errors.New("redirected where it must not go")
	ErrDenied    = errors.New("not allowed to this device")
	ErrNotThere  = fmt.Errorf("not at its source: %w", fs.ErrNotExist)
	ErrClock     = errors.New("the clock cannot be right")
	ErrSpace     = errors.New("not enough room on the disk")
	ErrBusy      = errors.New("in use by another process")
	ErrUnchecked = errors.New("nothing was checked yet") // Fetch before Check
)

// reasons are the words of Reason, the most telling first.
var reasons = []struct {
	err  error
	word string
}{
	{ErrExpired, "expired"}, {ErrRollback, "rollback"}, {ErrSignature, "signature"}, {ErrMixed, "mixed"},
	{ErrDamaged, "damaged"}, {ErrTooLong, "too-long"}, {release.ErrNewer, "newer"}, {ErrForm, "form"},
	{release.ErrForm, "form"}, {ErrRedirect, "redirect"}, {ErrDenied, "denied"}, {ErrClock, "clock"},
	{ErrSpace, "space"}, {unix.ENOSPC, "space"}, {unix.EDQUOT, "space"}, {ErrBusy, "busy"}, {ErrNotThere, "not-there"}, {ErrNetwork, "network"},
}

// Reason returns one word for why err came about, for counting and for reports:
// expired, rollback, signature, mixed, damaged, too-long, newer, form, redirect,
// denied, clock, space, busy, not-there, network; "other" if it is none of them,
// "" if err is nil.
func Reason(err error) string {
	if err == nil {
		return ""
	}
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.word
		}
	}
	return "other"
}

// explain adds the next step.
func explain(err error, clock *Clock, dir string) error {
	switch {
	case errors.Is(err, ErrExpired):
		if clock.unsure() {
			err = fmt.Errorf("%w (%w: nothing has set it since the start, and it says %s)", err, ErrClock, clock.Now().Format("2006-01-02 15:04"))
			return hint.Wrap(err, "see that the clock is right (timedatectl); if it is, the publisher has to renew the repository: edge publish refresh")
		}
		return hint.Wrap(err, "the publisher has to renew the repository: edge publish refresh; if it was renewed, somebody may be holding back what is new")
	case errors.Is(err, ErrClock):
		return hint.Wrap(err, "set the clock, or wait for time synchronisation (timedatectl)")
	case errors.Is(err, ErrRollback):
		return hint.Wrap(err, "the source offers an older state than this device has seen: try again later, or pack the repository anew; if it stays so, somebody may be replaying old files")
	case errors.Is(err, ErrSignature), errors.Is(err, ErrForm), errors.Is(err, ErrRedirect), errors.Is(err, ErrTooLong), errors.Is(err, release.ErrForm):
		return hint.Wrap(err, "see that the address leads to the repository that this device was enrolled to; if it does, tell its publisher")
	case errors.Is(err, ErrMixed), errors.Is(err, ErrDamaged):
		return hint.Wrap(err, "try again later: a mirror may be half copied; if it stays so, tell the publisher")
	case errors.Is(err, ErrDenied):
		return hint.Wrap(err, "see that the token or the certificate of this device is still valid")
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return hint.Wrap(err, fmt.Sprintf("the disk that holds %s is full: free some space; what was fetched is kept", dir))
	case errors.Is(err, unix.EROFS), errors.Is(err, fs.ErrPermission):
		return hint.Wrap(err, fmt.Sprintf("%s cannot be written here: run as the user it belongs to", dir))
	case errors.Is(err, ErrNetwork):
		return hint.Wrap(err, "see that the network is up and the address is right; what was fetched is kept")
	}
	return err
}
