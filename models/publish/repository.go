package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/release"
)

// Reasons that errors.Is finds in what a Repository returns.
var (
	ErrThere     = errors.New("there already")
	ErrNotFound  = errors.New("not in the repository") // no such channel or release
	ErrDamaged   = errors.New("damaged")               // not what was once signed
	ErrLocked    = errors.New("in use")                // another process is changing it
	ErrRevoked   = errors.New("revoked")
	ErrHalted    = errors.New("halted")
	ErrNothing   = errors.New("nothing to do")
	ErrWaiting   = errors.New("the repository waits for signatures") // every Pending is it
	ErrNotBetter = errors.New("it does not pass the gate")
	ErrSame      = errors.New("the channel has it already")
)

// Pending says that a change is signed as far as the keys here go, and that
// devices see it once the others have signed. It is an error, so that nobody takes
// the change for published.
type Pending struct {
	Role    Role
	Version int64
	Have    int // signatures there are
	Want    int // signatures it takes
}

func (p *Pending) Error() string {
	return fmt.Sprintf("%s %d has %d of the %d signatures it needs: %v", p.Role, p.Version, p.Have, p.Want, ErrWaiting)
}

// Unwrap lets errors.Is find ErrWaiting.
func (p *Pending) Unwrap() error { return ErrWaiting }

func (p *Pending) hinted() error {
	return hint.Wrap(p, "sign where the other keys are, in this folder or a copy of it: edge publish sign")
}

// Repository is a folder with a TUF repository.
//
// Its methods may be called concurrently, by several goroutines and several
// processes: changes wait for each other, until their contexts end. It holds no
// open files between calls, and private keys in memory once they were needed.
type Repository struct {
	dir  string // absolute
	keys KeyRing
	disk disk
	now  func() time.Time

	mu      sync.Mutex // held during a change
	signers map[string]signer
	parts   int
}

// Option changes what Init and Open assume.
type Option func(*Repository)

// Clock lets the repository ask now for the time. Without it it is time.Now.
func Clock(now func() time.Time) Option { return func(r *Repository) { r.now = now } }

// Open opens the repository in the folder dir. Keys are looked for when they are
// needed.
func Open(dir string, keys KeyRing, options ...Option) (*Repository, error) {
	r, err := newRepository(dir, keys, options)
	if err != nil {
		return nil, err
	}
	if _, err := r.settings(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(r.metadataPath(timestampName)); errors.Is(err, fs.ErrNotExist) {
		return nil, hint.Wrap(fmt.Errorf("%s is no repository yet", r.dir), "make one, or go on with one that was begun: edge publish init "+dir)
	}
	return r, nil
}

func newRepository(dir string, keys KeyRing, options []Option) (*Repository, error) {
	if dir == "" {
		return nil, errors.New("open the repository: no folder given")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open the repository: %w", err)
	}
	r := &Repository{dir: abs, keys: keys, disk: osDisk{}, now: time.Now, signers: map[string]signer{}}
	for _, o := range options {
		o(r)
	}
	return r, nil
}

// Dir returns the repository's folder as an absolute path.
func (r *Repository) Dir() string { return r.dir }

// Public returns the folder that devices see.
func (r *Repository) Public() string { return r.path("public") }

func (r *Repository) path(elements ...string) string {
	return filepath.Join(append([]string{r.dir}, elements...)...)
}

func (r *Repository) metadataPath(name string) string { return r.path("public", "metadata", name) }
func (r *Repository) stagedPath(role Role) string     { return r.path("staged", string(role)+".json") }

func (r *Repository) targetPath(f release.File) string {
	return r.path("public", "targets", filepath.FromSlash(hashed(f)))
}

// time is the moment for metadata: whole seconds, as TUF has it.
func (r *Repository) time() time.Time { return r.now().UTC().Truncate(time.Second) }

func (r *Repository) settings() (Settings, error) { return readSettings(r.path(settingsName)) }

// lock begins a change. Other goroutines and processes wait until ctx ends.
func (r *Repository) lock(ctx context.Context) (unlock func(), err error) {
	const again = 50 * time.Millisecond
	for !r.mu.TryLock() {
		if err := sleep(ctx, again); err != nil {
			return nil, fmt.Errorf("the repository is %w by this process: %w", ErrLocked, err)
		}
	}
	f, err := os.OpenFile(r.path("lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		r.mu.Unlock()
		return nil, r.explain(err)
	}
	unlock = func() {
		f.Close() //nolint:errcheck // the lock ends either way
		r.mu.Unlock()
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return unlock, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			unlock()
			return nil, err
		}
		if err := sleep(ctx, again); err != nil {
			unlock()
			return nil, hint.Wrap(fmt.Errorf("the repository is %w: %w", ErrLocked, err), "another edge publish works on it: wait for it, or end it")
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
