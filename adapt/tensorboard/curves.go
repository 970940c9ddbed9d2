package tensorboard

import (
	"errors"
	"path/filepath"
	"time"
)

// Curves writes the learning curves of one training run the way Keras does:
// tags epoch_loss and epoch_accuracy, in the subfolders train and validation,
// which TensorBoard draws over one another.
type Curves struct {
	train, validation *Writer
}

// Point is one epoch's loss, and its accuracy from 0 to 1.
type Point struct{ Loss, Accuracy float64 }

// CreateCurves makes one event file in each of dir's two subfolders.
// Now is the clock of the events; nil means time.Now.
func CreateCurves(dir string, now func() time.Time) (*Curves, error) {
	if now == nil {
		now = time.Now
	}
	train, err := CreateAt(filepath.Join(dir, "train"), now)
	if err != nil {
		return nil, err
	}
	validation, err := CreateAt(filepath.Join(dir, "validation"), now)
	if err != nil {
		return nil, errors.Join(err, train.Close())
	}
	return &Curves{train, validation}, nil
}

// Epoch writes one epoch, counted from 1; its step is one less, as in Keras.
// A nil validation writes no validation point.
func (c *Curves) Epoch(epoch int, train Point, validation *Point) error {
	err := point(c.train, epoch, train)
	if validation != nil {
		err = errors.Join(err, point(c.validation, epoch, *validation))
	}
	return err
}

func point(w *Writer, epoch int, p Point) error {
	step := int64(epoch - 1)
	return errors.Join(
		w.Scalar("epoch_loss", step, float32(p.Loss)),
		w.Scalar("epoch_accuracy", step, float32(p.Accuracy)))
}

// Train returns the writer of the train folder, for texts and pictures beside the curves.
func (c *Curves) Train() *Writer { return c.train }

// Validation returns the writer of the validation folder.
func (c *Curves) Validation() *Writer { return c.validation }

// Close closes both files. Closing again does nothing.
func (c *Curves) Close() error { return errors.Join(c.train.Close(), c.validation.Close()) }
