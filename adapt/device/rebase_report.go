package device

import (
	"bytes"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/google/renameio/v2"
	"golang.org/x/sync/errgroup"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/rebase"
	"github.com/edge-adapt/edge/adapt/report"
)

// flipped are small pictures of the flipped images that a report shows, by path.
// A picture that cannot be read any more is left out.
func flipped(dir string, flips []rebase.Flip) map[string][]byte {
	small := map[string][]byte{}
	var guard sync.Mutex
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for _, f := range report.WorstFlips(flips, report.MistakesShown) {
		workers.Go(func() error {
			picture, err := thumbnail(filepath.Join(dir, f.Path))
			if err != nil {
				return nil
			}
			guard.Lock()
			defer guard.Unlock()
			small[f.Path] = picture
			return nil
		})
	}
	_ = workers.Wait() // no worker returns an error
	return small
}

// writeRefused writes the report about a head that is refused.
func (c RebaseConfig) writeRefused(run *report.Run, result *adapt.Result) error {
	if c.Refused == "" {
		return nil
	}
	var page bytes.Buffer
	if err := report.HTML(&page, run, thumbnails(c.Dir, result)); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	// 0600: it shows pictures.
	if err := renameio.WriteFile(c.Refused, page.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	run.Report = c.Refused
	return nil
}
