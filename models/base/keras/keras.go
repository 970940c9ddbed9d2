// Package keras turns weights of MobileNetV2 that Keras wrote into a base: a
// float32 .tflite feature extractor with batch norm folded into the convolutions
// before it, and global average pooling at its end. It is pure Go: neither
// Keras nor TensorFlow is needed.
//
// It reads what keras.applications publishes and what Keras 2 and 3 save: weights
// alone (.h5, .weights.h5) and whole models (.h5, .keras), with or without the
// classifier on top, which is left out, and with the network as it is or as a
// layer of another one. Any width (alpha) will do. Other networks are refused,
// with what they seem to be.
package keras

import (
	"errors"
	"fmt"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/base/keras/hdf5"
	"github.com/edge-adapt/edge/tflite/file"
)

// Options say what is made of the weights.
type Options struct {
	// Input is the side of the square pictures that the base takes, in pixels,
	// MinInput to MaxInput. Zero: the size that the file's model was built for,
	// if the file says so, else 224.
	Input int
}

// The smallest and largest side of an input, in pixels. keras.applications has
// the same lower end; beyond the upper one a picture takes minutes.
const (
	MinInput = 32
	MaxInput = 1024

	usualInput = 224
)

// Info says what was found in the file.
type Info struct {
	Alpha         float64 // width of the network, such as 0.35; 0 if no usual one fits
	Height, Width int     // of the base's input, in pixels
	Features      int     // values of one picture

	// Notes tells in sentences what was decided and why.
	Notes []string
}

// Is reports whether data looks like a file of Keras: HDF5, or Keras' archive of
// a whole model. It says nothing about the network inside.
func Is(data []byte) bool { return hdf5.Is(data) || isArchive(data) }

// Convert makes a base of the MobileNetV2 in data.
//
// The model takes float32 [n,Height,Width,3], RGB, pixels scaled from -1 to 1,
// which its metadata says, and gives float32 [n,Features]. It shares nothing with
// data. The same data and options give the same model. Data may come from
// anywhere: Convert does not panic, ends soon, and takes memory in proportion
// to the size of data.
func Convert(data []byte, o Options) (*file.Model, Info, error) {
	if o.Input != 0 && (o.Input < MinInput || o.Input > MaxInput) {
		return nil, Info{}, hint.Wrap(fmt.Errorf("an input of %d pixels", o.Input),
			fmt.Sprintf("give %d to %d; MobileNetV2 was published for 96, 128, 160, 192 and 224", MinInput, MaxInput))
	}
	m, info, err := convert(data, o)
	if err != nil {
		return nil, Info{}, fmt.Errorf("file of Keras: %w", err)
	}
	return m, info, nil
}

func convert(data []byte, o Options) (*file.Model, Info, error) {
	src, err := open(data)
	if err != nil {
		return nil, Info{}, err
	}
	set, units, err := recognise(src.sets())
	if err != nil {
		return nil, Info{}, err
	}
	net, err := readNetwork(units, src.config)
	if err != nil {
		return nil, Info{}, fmt.Errorf("%s: %w", set.where, hint.Wrap(err,
			"check that the file came whole from where it was made; a network that was changed has to be converted with TensorFlow's TFLiteConverter"))
	}
	info := Info{Alpha: net.alpha(), Features: net.features()}
	var why string
	info.Height, info.Width, why = src.input(set, o)
	if info.Height < MinInput || info.Width < MinInput || info.Height > MaxInput || info.Width > MaxInput {
		return nil, Info{}, hint.Wrap(fmt.Errorf("an input of %dx%d pixels, as %s", info.Width, info.Height, why),
			fmt.Sprintf("give a size of %d to %d pixels", MinInput, MaxInput))
	}
	info.Notes = []string{
		fmt.Sprintf("The file is %s, %s; its layers were told apart by %s.", src.kind, net, set.by),
		fmt.Sprintf("The input has %dx%d pixels, as %s.", info.Width, info.Height, why),
		"Batch norm is folded into the convolutions; the features are the average of the last map.",
	}
	if src.others > 0 {
		info.Notes = append(info.Notes, "What comes after the features (a classifier) is left out.")
	}
	return net.model(info.Height, info.Width), info, nil
}

// errNotMobileNetV2 says that the weights are of another network.
var errNotMobileNetV2 = errors.New("no MobileNetV2 of keras.applications")
