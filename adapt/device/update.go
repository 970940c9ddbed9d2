package device

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/rebase"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/bundle"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/models/update"
	"github.com/edge-adapt/edge/runtime/engine"
)

// Updater brings the releases of a channel to the tasks of a store.
//
// It is used by one goroutine. A kill at any instant leaves the generation before
// in use, or the new one, whole; what was fetched stays and is not fetched again.
type Updater struct {
	Store  *models.Store
	Client *update.Client
	Dir    string         // the client's state folder
	Device release.Device // what is the same for all tasks: ID, program and machine
	// Engine opens bases, after a trial if nobody knows them; Cache remembers features.
	Engine *engine.Engine
	Cache  Cache
	// Margin and Seed are those of a rebase.
	Margin float64
	Seed   uint64
	// Reports is the folder of the pages of releases that were refused. "": none.
	Reports string
	Version string // of the program, for the manifests

	// Progress is told how far a stage is; nil: nobody asks.
	Progress func(stage string, done, total int64)
	// Warn is told what went wrong without ending the work; nil: nobody asks.
	Warn func(error)
}

// UpdateTask is a task that follows the channel.
type UpdateTask struct {
	Name    string
	Samples string // folder of its labelled images; "": it has none
	// Again takes up a release that was refused before.
	Again bool
	// Force activates what the gate refuses.
	Force bool
}

// Action is what became of a task.
type Action string

// What can become of a task.
const (
	ActionNone       Action = "none"        // nothing newer suits it
	ActionAvailable  Action = "available"   // something does, and nobody took it yet
	ActionApplied    Action = "applied"     // a new generation is in use
	ActionRefused    Action = "refused"     // it would be worse here, or does not run: the one before stays
	ActionRolledBack Action = "rolled_back" // the one in use was revoked
)

// Update is what became of a task, and why.
type Update struct {
	Task       string      `json:"task"`
	Action     Action      `json:"action"`
	Release    int         `json:"release,omitempty"`    // that this is about
	Generation int         `json:"generation,omitempty"` // in use now; 0: none
	Reason     string      `json:"reason,omitempty"`     // for people
	Report     string      `json:"report,omitempty"`     // path of a page with the images that flipped
	Measured   *Measured   `json:"measured,omitempty"`   // nil: nothing was
	Run        *report.Run `json:"-"`                    // all that was found; nil: nothing was
}

// Measured is how a release did on the device's own images, in short.
type Measured struct {
	Kind      rebase.Kind       `json:"kind"`              // of the verdict
	Compared  int               `json:"compared"`          // held-out images
	Before    float64           `json:"before"`            // accuracy on them, 0 to 1, of the generation in use
	After     float64           `json:"after"`             // and of the release
	Flipped   []rebase.Flip     `json:"flipped,omitempty"` // the first 100
	Conflicts []rebase.Conflict `json:"conflicts,omitempty"`
	Added     []string          `json:"added,omitempty"` // classes
	Lost      []string          `json:"lost,omitempty"`
}

// maxFlipped bounds Measured: who reads it may have little memory.
const maxFlipped = 100

func measured(o *rebase.Outcome) *Measured {
	return &Measured{
		Kind: o.Verdict.Kind, Compared: o.Compared, Before: o.Before.Accuracy, After: o.After.Accuracy,
		Flipped: o.Flipped[:min(len(o.Flipped), maxFlipped)], Conflicts: o.Conflicts, Added: o.Added, Lost: o.Lost,
	}
}

// position is where a task stands among the releases.
type position struct {
	current models.Generation // zero: none
	release release.Release   // that current was made from; zero: made here
	after   int               // releases up to this one are done with
}

// position reads where the task stands: from the store, which is always right,
// and from the state, which knows what was refused.
func (u *Updater) position(task UpdateTask) (p position, err error) {
	p.current, err = u.Store.Current(task.Name)
	switch {
	case errors.Is(err, models.ErrNotFound):
		p.current = models.Generation{}
	case err != nil:
		return p, err
	default:
		if p.release, _, err = release.Of(p.current); err != nil {
			return p, err
		}
		p.after = p.release.Number
	}
	// A process that was killed may have activated without noting it. What was rolled
	// back from since was active once, too, and is not taken up again.
	history, err := u.Store.History(task.Name)
	if err != nil {
		return p, err
	}
	seen := map[int]bool{p.current.Generation: true}
	for _, a := range history {
		if seen[a.Current] {
			continue
		}
		seen[a.Current] = true
		if g, err := u.Store.Generation(task.Name, a.Current); err == nil {
			if r, ok, err := release.Of(g); err == nil && ok {
				p.after = max(p.after, r.Number)
			}
		}
	}
	state, err := update.ReadState(u.Dir)
	if err != nil {
		u.warn(err) // what the store says counts
	}
	of := state.Tasks[task.Name]
	p.after = max(p.after, of.Release)
	if !task.Again {
		for n := range of.Refused {
			p.after = max(p.after, n)
		}
	}
	return p, nil
}

// device is what decides for the task in that position.
func (u *Updater) device(task UpdateTask, p position) release.Device {
	d := u.Device
	d.Task, d.Base = task.Name, p.current.Base.Digest
	d.Width, d.Height = p.current.Preprocessing.Width, p.current.Preprocessing.Height
	d.Has = u.has
	return d
}

// has reports whether the store holds the base.
func (u *Updater) has(b digest.Digest) bool {
	path, err := u.Store.BlobPath(b)
	if err != nil {
		return false
	}
	_, err = os.Stat(path)
	return err == nil
}

// Look says what the channel has for the task, and changes nothing.
func (u *Updater) Look(ch release.Channel, task UpdateTask) (Update, error) {
	p, err := u.position(task)
	if err != nil {
		return Update{}, fmt.Errorf("task %q: %w", task.Name, err)
	}
	out := Update{Task: task.Name, Action: ActionNone, Generation: p.current.Generation}
	if r, ok := ch.Find(p.release.Number); ok && r.Revoked != "" {
		out.Action, out.Release, out.Reason = ActionAvailable, r.Number, "in use and revoked: "+r.Revoked
		return out, nil
	}
	r, ok, why := ch.Newest(u.device(task, p), p.after)
	switch {
	case ok:
		out.Action, out.Release, out.Reason = ActionAvailable, r.Number, r.Notes
	case why != nil:
		out.Reason = why.Error()
	}
	return out, nil
}

// Apply brings the task to what the channel says: back from a release that was
// revoked, or on to the newest that suits it, if that proves itself on this
// device. An error leaves the task as it was, and the next Apply tries again; a
// release that is refused is not tried again by itself.
func (u *Updater) Apply(ctx context.Context, ch release.Channel, task UpdateTask) (Update, error) {
	out, err := u.apply(ctx, ch, task)
	if err != nil {
		return out, fmt.Errorf("update task %q: %w", task.Name, err)
	}
	return out, nil
}

func (u *Updater) apply(ctx context.Context, ch release.Channel, task UpdateTask) (Update, error) {
	p, err := u.position(task)
	if err != nil {
		return Update{}, err
	}
	out := Update{Task: task.Name, Action: ActionNone, Generation: p.current.Generation}
	if r, ok := ch.Find(p.release.Number); ok && r.Revoked != "" {
		return u.leave(ctx, out, r)
	}
	r, ok, why := ch.Newest(u.device(task, p), p.after)
	if !ok {
		if why != nil {
			out.Reason = why.Error()
		}
		return out, nil
	}
	out.Release = r.Number
	refuse := func(reason string) (Update, error) {
		out.Action, out.Reason = ActionRefused, reason
		return out, u.note(ctx, task.Name, func(t *update.TaskState) { t.Refuse(r.Number, reason) })
	}
	if p.current.Generation > 0 && r.Head == nil && r.Base.Digest == p.current.Base.Digest {
		out.Reason = "its base is in use already"
		return out, u.taken(ctx, task.Name, r)
	}
	guard, err := u.Store.Guard() // the base that comes now is in no generation yet
	if err != nil {
		return out, err
	}
	defer guard.Release() //nolint:errcheck // nothing was written
	if err := u.Client.Base(ctx, u.Store, r.Base, u.progress("base")); err != nil {
		return out, err
	}
	head, err := u.head(ctx, r)
	if err != nil {
		if errors.Is(err, bundle.ErrForm) || errors.Is(err, bundle.ErrNotBundle) || errors.Is(err, models.ErrDamaged) {
			return refuse(err.Error()) // it was published like this
		}
		return out, err
	}
	if head != nil {
		defer head.Close() //nolint:errcheck // a temporary folder
	}
	opened, err := u.open(ctx, r)
	if err != nil {
		if errors.As(err, new(InputError)) && ctx.Err() == nil {
			return refuse(err.Error())
		}
		return out, err
	}
	defer opened.Close() //nolint:errcheck // it was read from

	run, err := u.rebase(ctx, r, task, opened, head)
	if err != nil {
		if errors.As(err, new(InputError)) && ctx.Err() == nil && task.Samples == "" {
			return refuse(err.Error()) // no samples of ours can be to blame
		}
		return out, err
	}
	verdict := run.Rebase.Verdict
	out.Run, out.Measured = run, measured(run.Rebase.Outcome)
	if !verdict.Activate {
		out.Report = run.Report
		return refuse(verdict.Reason)
	}
	out.Action, out.Generation, out.Reason, out.Report = ActionApplied, run.Generation, verdict.Reason, run.Report
	return out, u.taken(ctx, task.Name, r)
}

// rebase fits the task's head for the release's base and judges it.
func (u *Updater) rebase(ctx context.Context, r release.Release, task UpdateTask, opened *Base, head *bundle.Bundle) (*report.Run, error) {
	c := RebaseConfig{
		Store: u.Store, Task: task.Name, Dir: task.Samples, Base: opened, Engine: u.Engine, Cache: u.Cache, Head: head, Release: &r,
		Split: adapt.SplitOptions{Seed: u.Seed, ValFraction: 0.2}, Margin: u.Margin, Refused: u.page(task.Name, r.Number), Version: u.Version, Warn: u.Warn,
	}
	if task.Force {
		c.Margin = 1
	}
	if u.Progress != nil {
		c.Progress = func(p adapt.Progress) { u.Progress(string(p.Stage), int64(p.Done), int64(p.Total)) }
	}
	return Rebase(ctx, c)
}

// taken notes that the release is in use.
func (u *Updater) taken(ctx context.Context, task string, r release.Release) error {
	return u.note(ctx, task, func(t *update.TaskState) {
		t.Release, t.Base, t.When = r.Number, r.Base.Digest, time.Now().UTC().Truncate(time.Second)
		delete(t.Refused, r.Number)
	})
}

// leave goes back from a release that was revoked.
func (u *Updater) leave(ctx context.Context, out Update, r release.Release) (Update, error) {
	reason := fmt.Sprintf("release %d was revoked: %s", r.Number, r.Revoked)
	to, err := u.Store.Rollback(ctx, out.Task, out.Generation, models.ByRevocation, reason)
	if err != nil {
		return out, err
	}
	out.Action, out.Release, out.Generation, out.Reason = ActionRolledBack, r.Number, to, reason
	return out, u.note(ctx, out.Task, func(t *update.TaskState) { t.Refuse(r.Number, reason) })
}

// head fetches the release's head, nil if it has none.
func (u *Updater) head(ctx context.Context, r release.Release) (*bundle.Bundle, error) {
	if r.Head == nil {
		return nil, nil //nolint:nilnil // none is an answer
	}
	path, err := u.Client.Fetch(ctx, *r.Head, u.progress("head"))
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := bundle.ReadLight(ctx, f, u.Dir, bundle.Limits{})
	if err != nil {
		return nil, err
	}
	if b.Base.Digest != r.Base.Digest || b.Features != r.Base.Features || b.Preprocessing != r.Base.Preprocessing {
		err := fmt.Errorf("the head was trained on another base than the release names: %w", bundle.ErrForm)
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// open opens the release's base, which is in the store.
func (u *Updater) open(ctx context.Context, r release.Release) (*Base, error) {
	path, err := u.Store.BlobPath(r.Base.Digest)
	if err != nil {
		return nil, err
	}
	if got, _, err := digest.OfFile(path); err != nil || got != r.Base.Digest {
		return nil, hint.Wrap(fmt.Errorf("base %s is %w: %w", r.Base.Digest.Short(), models.ErrDamaged, err), "edge models fsck")
	}
	return OpenBase(ctx, u.Engine, base.Source{
		Name: r.Base.Name, Path: path, Digest: r.Base.Digest, Preprocessing: r.Base.Preprocessing, Features: r.Base.Features,
	}, u.Cache, u.Warn)
}

// page is where the page of a refused release goes.
func (u *Updater) page(task string, number int) string {
	if u.Reports == "" {
		return ""
	}
	if err := os.MkdirAll(u.Reports, 0o700); err != nil {
		u.warn(err)
		return ""
	}
	return filepath.Join(u.Reports, fmt.Sprintf("%s-release-%d.html", task, number))
}

// note changes what is on record of the task. Without it the same is found out
// once more, so that a full disk does not undo what was done.
func (u *Updater) note(ctx context.Context, task string, change func(*update.TaskState)) error {
	err := update.ChangeState(context.WithoutCancel(ctx), u.Dir, func(s *update.State) {
		t := s.Tasks[task]
		change(&t)
		s.Tasks[task] = t
	})
	if err != nil {
		u.warn(err)
	}
	return nil
}

func (u *Updater) progress(stage string) func(done, total int64) {
	if u.Progress == nil {
		return nil
	}
	return func(done, total int64) { u.Progress(stage, done, total) }
}

func (u *Updater) warn(err error) {
	if u.Warn != nil {
		u.Warn(err)
	}
}
