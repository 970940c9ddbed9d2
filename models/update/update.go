// Package update brings releases to a device: it verifies what a repository
// says, reads the channel that the device follows, and fetches files so that they
// can go on after any interruption.
//
// # What is trusted
//
// The root that the device was enrolled with, and nothing else. Servers, proxies,
// mirrors, USB sticks and the network may be anybody's. Whoever holds them can
// keep news away, no more: they cannot have a device run what was not signed, nor
// go back to what was signed once, nor mix two states of a repository, nor fill
// the disk or the memory, nor keep old metadata alive beyond the time that it was
// signed for. docs/attacks.md lists the attacks, each with the test that tries it.
//
// The rules are The Update Framework's. github.com/theupdateframework/go-tuf
// verifies; the order of the steps, what is kept and what is read is ours, since
// the device's memory, its disk and its clock need it so: metadata is written
// durably as soon as it is verified, files are never held in memory, and the time
// is Clock's.
//
// # What is in the folder
//
//	DIR/update.json                  what the device is enrolled to (Enrolment)
//	DIR/identity                     the device's key, made once (Identity)
//	DIR/state.json                   what became of each task's releases (State)
//	DIR/clock.json                   times that are known to have passed (Clock)
//	DIR/metadata/<root>/             verified metadata and channels, by the pinned root
//	DIR/parts/<hex>.part, .mark      downloads under way, and how much of one is surely on the disk
//	DIR/files/<hex>                  files that are whole and verified
//	DIR/*.lock                       held while something is changed
//
// Whatever has its final name is whole: it was written under another one, synced,
// renamed, and its folder synced.
package update

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/release"
)

// Config says what a Client follows and where it keeps things.
type Config struct {
	Dir     string // the state folder; made with mode 0700 when needed
	Root    []byte // the pinned root: a root.json of the repository
	Channel string // such as "stable"
	Source  Source // where files come from; the Client closes it
	Clock   *Clock // nil: one over Dir, with the system's time
	Retry   Retry  // how often a network is asked again
	// Reserve is how many bytes stay free on every disk; zero: 32 MiB, negative: none.
	Reserve int64
	// DeltaLimit is the largest base, in bytes, that is rebuilt from a delta, which
	// takes about four times as much memory; larger ones are fetched whole. Zero: 32 MiB.
	DeltaLimit int64
}

// Client follows one channel of one repository.
//
// Its methods may be called concurrently, and several processes may use the same
// folder: they wait for each other where they must. It starts no goroutine that
// outlives a call.
type Client struct {
	cfg   Config
	at    folder
	clock *Clock
	trust string // the folder of verified metadata

	mu      sync.Mutex
	targets map[string]*metadata.TargetFiles // of the last Check; nil before
	prefix  bool                             // their files' names begin with a hash
}

// New returns a client. It reads nothing but the pinned root; the folder appears
// with the first write.
func New(cfg Config) (*Client, error) {
	fail := func(err error) (*Client, error) { return nil, fmt.Errorf("follow a channel: %w", err) }
	if cfg.Dir == "" || cfg.Source == nil {
		return fail(errors.New("no folder or no source given"))
	}
	if err := release.CheckChannel(cfg.Channel); err != nil {
		return fail(err)
	}
	if err := CheckRoot(cfg.Root); err != nil {
		return fail(err)
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return fail(err)
	}
	if cfg.Clock == nil {
		cfg.Clock = NewClock(ClockConfig{Dir: dir})
	}
	if cfg.Reserve == 0 {
		cfg.Reserve = 32 << 20
	}
	if cfg.DeltaLimit == 0 {
		cfg.DeltaLimit = 32 << 20
	}
	cfg.Retry = cfg.Retry.orDefault()
	sum := sha256.Sum256(cfg.Root)
	return &Client{
		cfg: cfg, at: folder{dir: dir}, clock: cfg.Clock,
		trust: filepath.Join("metadata", hex.EncodeToString(sum[:8])),
	}, nil
}

// Close closes the source.
func (c *Client) Close() error { return c.cfg.Source.Close() }

// Channel returns the name of the channel that the client follows.
func (c *Client) Channel() string { return c.cfg.Channel }

// Check brings the metadata up to date and returns the channel as it is now. What
// it verified stays on the disk, so that the next Check asks for what is new
// alone, and nothing older is ever accepted. The outcome is recorded in State.
//
// The error says in a sentence what is wrong; errors.Is finds one of this
// package's reasons in it. After an error, whatever was verified before is kept.
func (c *Client) Check(ctx context.Context) (release.Channel, error) {
	ch, err := c.check(ctx)
	if err != nil {
		err = fmt.Errorf("check the channel %q: %w", c.cfg.Channel, explain(err, c.clock, c.at.dir))
	}
	if context.Cause(ctx) == nil {
		c.record(err)
	}
	return ch, err
}

func (c *Client) check(ctx context.Context) (release.Channel, error) {
	lock, err := c.at.lock(ctx, "metadata.lock")
	if err != nil {
		return release.Channel{}, err
	}
	defer lock.release()
	c.clock.Observe() //nolint:errcheck // what cannot be written now is written later
	set, err := c.refresh(ctx)
	if err != nil {
		return release.Channel{}, err
	}
	c.mu.Lock()
	c.targets, c.prefix = set.Targets[metadata.TARGETS].Signed.Targets, set.Root.Signed.ConsistentSnapshot
	c.mu.Unlock()
	return c.readChannel(ctx, set)
}

// record notes how a check ended. A disk that cannot take the note is no reason
// to forget the answer.
func (c *Client) record(outcome error) {
	now := c.clock.Now()
	c.at.changeState(context.Background(), func(s *State) { //nolint:errcheck // see above
		s.Checked, s.LastError, s.LastReason = now, "", ""
		if outcome != nil {
			s.LastError, s.LastReason = outcome.Error(), Reason(outcome)
			if h := hint.Of(outcome); h != "" {
				s.LastError += " (" + h + ")"
			}
		} else {
			s.Succeeded = now
		}
	})
}
