package release

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
)

// Format is the version of the document that Parse reads and Encode writes.
const Format = 1

// Limits of a document. They hold for its writer too.
const (
	MaxBytes    = 1 << 20
	MaxReleases = 64
	maxDeltas   = 64
	maxText     = 4000
	maxFile     = 2 << 30
	maxFeatures = 1 << 16
	maxNumber   = 1_000_000_000
)

// Reasons that errors.Is finds in what Parse returns.
var (
	ErrForm  = errors.New("not a channel that can be followed")
	ErrNewer = errors.New("made for a newer edge")
)

// Channel is what devices follow: stable, canary. Its releases stand in rising
// order of their numbers.
type Channel struct {
	Format int    `json:"format"`
	Name   string `json:"channel"`
	// Updated is when the publisher wrote it: no device's clock is before that.
	Updated  time.Time `json:"updated"`
	Releases []Release `json:"releases"`
}

// CheckChannel reports whether name can name a channel, as tasks are named.
func CheckChannel(name string) error {
	if models.CheckTask(name) != nil {
		return hint.Wrap(fmt.Errorf("%q cannot name a channel", name), "use 1 to 64 of a-z 0-9 . _ - that start with a letter or a digit, for example stable")
	}
	return nil
}

// Target returns the name of a channel's target.
func Target(channel string) string { return "channels/" + channel + ".json" }

// Parse reads the document of the channel of that name. The error is ErrNewer or
// ErrForm. Fields it does not know are ignored.
func Parse(data []byte, name string) (Channel, error) {
	c, err := parse(data, name)
	if err != nil && !errors.Is(err, ErrNewer) {
		err = fmt.Errorf("%w: %w", ErrForm, err)
	}
	if err != nil {
		return Channel{}, fmt.Errorf("channel %q: %w", name, err)
	}
	return c, nil
}

func parse(data []byte, name string) (Channel, error) {
	if len(data) > MaxBytes {
		return Channel{}, fmt.Errorf("%d bytes: at most %d", len(data), MaxBytes)
	}
	var of struct{ Format int }
	if err := json.Unmarshal(data, &of); err != nil {
		return Channel{}, err
	}
	if of.Format > Format {
		return Channel{}, hint.Wrap(fmt.Errorf("it was %w: format %d, this one reads up to %d", ErrNewer, of.Format, Format), "install a newer edge on this device")
	}
	var c Channel
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&c); err != nil {
		return Channel{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Channel{}, errors.New("something follows the document")
	}
	if c.Name != name {
		return Channel{}, fmt.Errorf("it is the channel %q", c.Name)
	}
	return c, c.check()
}

// Encode returns the document. The error says which field cannot be published.
func (c Channel) Encode() ([]byte, error) {
	c.Format = Format
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("channel %q: %w", c.Name, err)
	}
	data, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return nil, fmt.Errorf("channel %q: %w", c.Name, err)
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("channel %q: %d bytes: at most %d", c.Name, len(data), MaxBytes)
	}
	return append(data, '\n'), nil
}

func (c Channel) check() error {
	if err := CheckChannel(c.Name); err != nil {
		return err
	}
	if c.Format != Format {
		return fmt.Errorf("format %d: want %d", c.Format, Format)
	}
	if c.Updated.IsZero() {
		return errors.New("it does not say when it was written")
	}
	if len(c.Releases) > MaxReleases {
		return fmt.Errorf("%d releases: at most %d", len(c.Releases), MaxReleases)
	}
	before := 0
	for _, r := range c.Releases {
		if r.Number <= before || r.Number > maxNumber {
			return fmt.Errorf("release %d after %d: numbers rise from 1 to %d", r.Number, before, maxNumber)
		}
		before = r.Number
		if err := r.check(); err != nil {
			return fmt.Errorf("release %d: %w", r.Number, err)
		}
	}
	return nil
}

func (r Release) check() error {
	if r.Task != "" {
		if err := models.CheckTask(r.Task); err != nil {
			return err
		}
	}
	if r.Task == "" && r.Head != nil {
		return errors.New("a head without a task")
	}
	if r.Head == nil && r.Base.Full == nil {
		return errors.New("neither a head nor a base to fetch")
	}
	if err := r.Base.check(); err != nil {
		return fmt.Errorf("base: %w", err)
	}
	if r.Head != nil {
		if err := r.Head.check("heads/" + r.Head.Digest.Hex() + ".tar"); err != nil {
			return fmt.Errorf("head: %w", err)
		}
	}
	if err := r.Requires.check(); err != nil {
		return fmt.Errorf("requirements: %w", err)
	}
	if p := r.Rollout.Percent; !(p >= 0 && p <= 100) {
		return fmt.Errorf("roll-out to %v %%: want 0 to 100", p)
	}
	for what, text := range map[string]string{"salt": r.Rollout.Salt, "reason of the halt": r.Rollout.Halted, "reason of the revocation": r.Revoked, "notes": r.Notes} {
		if len(text) > maxText || strings.ContainsRune(text, 0) {
			return fmt.Errorf("%s of %d bytes: at most %d, without zero bytes", what, len(text), maxText)
		}
	}
	return nil
}

func (b Base) check() error {
	if _, err := digest.Parse(string(b.Digest)); err != nil {
		return err
	}
	if b.Name == "" || len(b.Name) > maxText {
		return fmt.Errorf("name %.50q: want 1 to %d bytes", b.Name, maxText)
	}
	if b.Bytes < 1 || b.Bytes > maxFile {
		return fmt.Errorf("%d bytes: want 1 to %d", b.Bytes, int64(maxFile))
	}
	if b.Parent != "" {
		if _, err := digest.Parse(string(b.Parent)); err != nil {
			return fmt.Errorf("parent: %w", err)
		}
	}
	if err := b.Preprocessing.Validate(); err != nil {
		return err
	}
	if b.Features < 1 || b.Features > maxFeatures {
		return fmt.Errorf("%d features: want 1 to %d", b.Features, maxFeatures)
	}
	if b.Full != nil {
		if b.Full.Digest != b.Digest || b.Full.Bytes != b.Bytes {
			return errors.New("its file is another one")
		}
		if err := b.Full.check("bases/" + b.Digest.Hex() + ".tflite"); err != nil {
			return err
		}
	}
	if len(b.Deltas) > maxDeltas {
		return fmt.Errorf("%d deltas: at most %d", len(b.Deltas), maxDeltas)
	}
	for _, d := range b.Deltas {
		if _, err := digest.Parse(string(d.From)); err != nil {
			return fmt.Errorf("delta: %w", err)
		}
		if err := d.check("deltas/" + d.From.Hex() + "-" + b.Digest.Hex() + ".delta"); err != nil {
			return fmt.Errorf("delta from %s: %w", d.From.Short(), err)
		}
	}
	return nil
}

func (f File) check(target string) error {
	if _, err := digest.Parse(string(f.Digest)); err != nil {
		return err
	}
	if f.Target != target {
		return fmt.Errorf("target %.200q: want %q", f.Target, target)
	}
	if f.Bytes < 1 || f.Bytes > maxFile {
		return fmt.Errorf("%d bytes: want 1 to %d", f.Bytes, int64(maxFile))
	}
	return nil
}

func (q Requires) check() error {
	for _, b := range q.Bases {
		if _, err := digest.Parse(string(b)); err != nil {
			return err
		}
	}
	switch {
	case q.Width < 0 || q.Height < 0 || (q.Width == 0) != (q.Height == 0):
		return fmt.Errorf("input %dx%d", q.Width, q.Height)
	case q.MemoryMiB < 0:
		return fmt.Errorf("memory of %d MiB", q.MemoryMiB)
	case q.Edge != "" && !semver.IsValid(q.Edge):
		return hint.Wrap(fmt.Errorf("version %q", q.Edge), "write it as v1.2.3")
	case slices.Contains(q.Architectures, ""):
		return errors.New("an architecture without a name")
	}
	return nil
}
