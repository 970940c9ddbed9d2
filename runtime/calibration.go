package runtime

import (
	"github.com/edge-adapt/edge/adapt/calibrate"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/models"
)

// readCalibration returns the calibration of a generation, nil if it has none.
func readCalibration(g models.Generation, h *head.Head) (*calibrate.Calibration, error) {
	if _, ok := g.File(calibrate.FileName); !ok {
		return nil, nil
	}
	if _, err := readVerified(g, calibrate.FileName); err != nil {
		return nil, err
	}
	f, _ := g.File(models.HeadName)
	return calibrate.Read(g.Path(calibrate.FileName), g.Base.Digest, f.Digest, h)
}
