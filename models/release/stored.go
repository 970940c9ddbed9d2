package release

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/edge-adapt/edge/models"
)

// FileName is the file of a generation that says which release it was made from:
// the Release, as JSON.
const FileName = "release.json"

// EncodeStored returns what a generation keeps of the release that it is made from.
func (r Release) EncodeStored() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", " ")
	return append(data, '\n'), err
}

// Of returns the release that a stored generation was made from; false if it was
// made here. The file is compared with the generation's manifest by Verify, not
// here.
func Of(g models.Generation) (r Release, ok bool, err error) {
	if _, ok := g.File(FileName); !ok {
		return Release{}, false, nil
	}
	data, err := os.ReadFile(g.Path(FileName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = models.ErrDamaged
	case err == nil && len(data) > MaxBytes:
		err = fmt.Errorf("%d bytes: at most %d", len(data), MaxBytes)
	case err == nil:
		err = json.Unmarshal(data, &r)
	}
	if err == nil && (r.Number < 1 || r.Number > maxNumber) {
		err = fmt.Errorf("release %d", r.Number)
	}
	if err != nil {
		return Release{}, false, fmt.Errorf("generation %d of task %q: which release it was made from: %w", g.Generation, g.Task, err)
	}
	return r, true, nil
}
