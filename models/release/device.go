package release

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/edge-adapt/edge/internal/digest"
)

// Device is what decides whether a release suits a device's task.
type Device struct {
	ID           string // stable over the device's life
	Edge         string // version of the program; one that cannot be compared suits all
	Architecture string // runtime.GOARCH
	MemoryMiB    int    // zero: not known, and enough
	Task         string
	Base         digest.Digest // of the active generation; "": the task has none yet
	Width        int           // the active base's input in pixels; zero: none yet
	Height       int
	// Has says whether a base is here, so that a release without its file is of
	// use. Nil: only the active one is.
	Has func(digest.Digest) bool
}

// Unfit is why a release is not for a device. Text is a sentence for people.
type Unfit struct{ Text string }

func (u Unfit) Error() string { return u.Text }

func unfit(format string, args ...any) error { return Unfit{fmt.Sprintf(format, args...)} }

// Fits reports whether the release suits the device: nil, or an Unfit. It says
// nothing of the roll-out.
func (r Release) Fits(d Device) error {
	q := r.Requires
	switch {
	case r.Revoked != "":
		return unfit("it was revoked: %s", r.Revoked)
	case r.Task != "" && r.Task != d.Task:
		return unfit("it is for the task %q", r.Task)
	case r.Task == "" && d.Base == "":
		return unfit("it is a base without a head, and the task has no generation yet")
	case len(q.Bases) > 0 && !slices.Contains(q.Bases, d.Base):
		return unfit("it is for devices with the base %s, this one has %s", shorts(q.Bases), none(d.Base))
	case q.Width > 0 && (q.Width != d.Width || q.Height != d.Height):
		return unfit("it is for bases that take pictures of %dx%d, this one takes %dx%d", q.Width, q.Height, d.Width, d.Height)
	case q.Edge != "" && semver.IsValid(d.Edge) && semver.Compare(d.Edge, q.Edge) < 0:
		return unfit("it needs edge %s or newer, this one is %s", q.Edge, d.Edge)
	case q.MemoryMiB > 0 && d.MemoryMiB > 0 && d.MemoryMiB < q.MemoryMiB:
		return unfit("it needs %d MiB of memory, this device has %d", q.MemoryMiB, d.MemoryMiB)
	case len(q.Architectures) > 0 && !slices.Contains(q.Architectures, d.Architecture):
		return unfit("it is for %s, this device is %s", strings.Join(q.Architectures, ", "), d.Architecture)
	case r.Base.Full == nil && !d.has(r.Base.Digest):
		return unfit("it is a head for the base %s, which this device does not have and the channel does not carry", r.Base.Digest.Short())
	}
	return nil
}

// Due reports whether the roll-out has come to the device: nil, or an Unfit.
func (r Release) Due(id string) error {
	if r.Rollout.Halted != "" {
		return unfit("its roll-out is halted: %s", r.Rollout.Halted)
	}
	if b := Bucket(id, r.Rollout.Salt); b >= r.Rollout.Percent {
		return unfit("its roll-out has come to %v %% of the devices, this one is at %.1f", r.Rollout.Percent, b)
	}
	return nil
}

// Newest returns the newest release after the number that suits the device and is
// due. If there is none, why says what kept it from the newest that there is; nil
// if there is nothing newer.
func (c Channel) Newest(d Device, after int) (r Release, ok bool, why error) {
	for _, r := range slices.Backward(c.Releases) {
		if r.Number <= after {
			break
		}
		err := r.Fits(d)
		if err == nil {
			err = r.Due(d.ID)
		}
		if err == nil {
			return r, true, nil
		}
		if why == nil {
			why = fmt.Errorf("release %d is not for this device: %w", r.Number, err)
		}
	}
	return Release{}, false, why
}

// Find returns the release of that number.
func (c Channel) Find(number int) (Release, bool) {
	for _, r := range c.Releases {
		if r.Number == number {
			return r, true
		}
	}
	return Release{}, false
}

// Bucket returns where among all devices one stands in a roll-out: a number from
// 0 up to, not including, 100, the same for the same ID and salt, and spread
// evenly over IDs.
//
//	SHA-256(salt, a zero byte, id), the first 53 bits as a fraction, times 100
func Bucket(id, salt string) float64 {
	sum := sha256.Sum256([]byte(salt + "\x00" + id))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53) * 100
}

func (d Device) has(base digest.Digest) bool {
	return base == d.Base || d.Has != nil && d.Has(base)
}

func shorts(digests []digest.Digest) string {
	var s []string
	for _, d := range digests {
		s = append(s, d.Short())
	}
	return strings.Join(s, " or ")
}

func none(d digest.Digest) string {
	if d == "" {
		return "none"
	}
	return d.Short()
}
