package finetune

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/edge-adapt/edge/internal/hint"
)

// checkpoints is the folder of the states that a run can go on from:
//
//	epoch-0003/state.json   where the run stood: state
//	epoch-0003/top.*        the top's variables, TensorFlow's checkpoint format
//
// Only the last and the best epoch are kept. A folder of that name is whole: it
// was written under another name, synced and renamed, so that a kill at any
// instant, or a power cut, leaves the states from before or one more.
type checkpoints struct{ dir string }

// state is what a run knows after an epoch of phase 2. The order of the images
// and the masks of dropout are functions of the seed and the epoch, so the
// epoch's number is all that is left of them.
type state struct {
	Format   int      `json:"format"`
	Identity identity `json:"identity"`
	Epoch    int      `json:"epoch"`   // of phase 2, from 0: before its first step
	Best     int      `json:"best"`    // likewise, of the epoch preferred so far
	History  []Epoch  `json:"history"` // of phase 2, from epoch 0 on
}

// finished reports whether phase 2 has ended: with its last epoch, or because
// none of the latest was better.
func (s *state) finished() bool {
	r := s.Identity.Recipe
	return s.Epoch >= r.Epochs[1] || r.Patience > 0 && s.Epoch-s.Best >= r.Patience
}

const (
	stateFormat = 1
	stateName   = "state.json"
	topName     = "top"
	unfinished  = "tmp-" // begins the name of what is being written
)

var epochName = regexp.MustCompile(`^epoch-(\d{4,})$`)

func (c checkpoints) path(epoch int) string {
	return filepath.Join(c.dir, fmt.Sprintf("epoch-%04d", epoch))
}

// variables returns what the top's Restore takes.
func (c checkpoints) variables(epoch int) string { return filepath.Join(c.path(epoch), topName) }

// last returns the latest state, or nil if there is none.
func (c checkpoints) last() (*state, error) {
	epochs, err := c.epochs()
	if err != nil || len(epochs) == 0 {
		return nil, err
	}
	path := filepath.Join(c.path(epochs[len(epochs)-1]), stateName)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	if s.Format != stateFormat {
		return nil, fmt.Errorf("checkpoint %s has format %d, this program reads %d", path, s.Format, stateFormat)
	}
	if n := len(s.History); n != s.Epoch+1 || s.Best < 0 || s.Best > s.Epoch {
		return nil, fmt.Errorf("checkpoint %s: epoch %d, best %d and a history of %d do not fit together", path, s.Epoch, s.Best, n)
	}
	return &s, nil
}

// epochs lists the epochs that have a folder, in rising order.
func (c checkpoints) epochs() ([]int, error) {
	entries, err := os.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var epochs []int
	for _, e := range entries {
		if m := epochName.FindStringSubmatch(e.Name()); m != nil && e.IsDir() {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				return nil, err
			}
			epochs = append(epochs, n)
		}
	}
	slices.Sort(epochs)
	return epochs, nil
}

// write adds a state; save writes the top's variables. Afterwards only the
// folders of s.Epoch and s.Best are there.
func (c checkpoints) write(s state, save func(prefix string) error) error {
	if err := c.add(s, save); err != nil {
		return hint.Wrap(fmt.Errorf("write the checkpoint of epoch %d: %w", s.Epoch, err), "check the disk's space, then go on with --resume")
	}
	return c.keep(s.Epoch, s.Best)
}

func (c checkpoints) add(s state, save func(prefix string) error) (err error) {
	s.Format = stateFormat
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(c.dir, unfinished)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(tmp)
		}
	}()
	if err := save(filepath.Join(tmp, topName)); err != nil {
		return err
	}
	data, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tmp, stateName), append(data, '\n'), 0o644); err != nil {
		return err
	}
	if err := syncFolder(tmp); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.Rename(tmp, c.path(s.Epoch)); err != nil {
		return err
	}
	return syncPath(c.dir)
}

// keep removes what is of no use besides the states of these epochs, half
// written ones of killed runs too.
func (c checkpoints) keep(epochs ...int) error {
	entries, err := os.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		wanted := slices.ContainsFunc(epochs, func(n int) bool { return filepath.Base(c.path(n)) == e.Name() })
		ours := epochName.MatchString(e.Name()) || len(e.Name()) > len(unfinished) && e.Name()[:len(unfinished)] == unfinished
		if ours && !wanted {
			if err := os.RemoveAll(filepath.Join(c.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// syncFolder brings a folder and the files in it to the disk.
func syncFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := syncPath(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return syncPath(dir)
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
