package pixel

import (
	"fmt"
	"os"
	"sync"

	"github.com/edge-adapt/edge/camera/pixel/internal/turbo"
)

// JPEGDecoder says what decodes JPEGs in this process: libjpeg-turbo if the
// system's loader finds libturbojpeg.so.0, which `make build` puts into lib/
// beside the program, and Go's decoder otherwise.
//
// # How far the two agree
//
// Whole pictures differ by rounding: no value by more than 4 of 255, and in
// photographs by less than 0.1 on average. Which pictures are read, their size, and every error are
// the same, but for damaged ones that libjpeg-turbo reads without a word. It gets
// grey, 4:4:4, 4:2:2 and 4:2:0, baseline and progressive; the rest (CMYK, RGB,
// rare samplings, 12 bits) and whatever it complains about is Go's.
//
// Read has libjpeg-turbo decode large pictures at a half, a quarter or an eighth,
// and resamples from there. Its numbers differ more then: see Read.
//
// A head that was trained with one decoder and serves with the other gives scores
// that are 0.001 apart on average, at most 0.04 in 99 of 100 pictures, whole or
// reduced, and 0.06 in the worst (bench/results/jpeg.md).
//
// The two are told apart wherever numbers are kept: Numbers is part of the
// feature cache's key.
type JPEGDecoder struct {
	Name    string `json:"name"`              // "libjpeg-turbo" or "go"
	Library string `json:"library,omitempty"` // the library's file
	Reason  string `json:"reason,omitempty"`  // why it is Go's
}

// JPEGVariable is the environment variable that keeps a process from using
// libjpeg-turbo, if it says "go". It is read once, before the first picture.
const JPEGVariable = "EDGE_JPEG"

const (
	nameTurbo = "libjpeg-turbo"
	nameGo    = "go"
)

// JPEG returns what decodes JPEGs in this process. It is the same from the first
// call to the last, and may be called concurrently.
func JPEG() JPEGDecoder { return chosenJPEG().decoder }

// Numbers names the pixels that Decode and Read give for a JPEG: the same text
// means the same pixels, to the last bit, on every processor. It is empty for
// Go's decoder.
func (d JPEGDecoder) Numbers() string {
	if d.Name != nameTurbo {
		return ""
	}
	// Raised whenever the same picture gives other pixels. The library's own are
	// held against known ones when it is opened.
	return nameTurbo + " 1"
}

// String returns one line for people.
func (d JPEGDecoder) String() string {
	if d.Name == nameTurbo {
		return fmt.Sprintf("%s (%s)", d.Name, d.Library)
	}
	return fmt.Sprintf("Go's (%s)", d.Reason)
}

// choice is what JPEGs are decoded with.
type choice struct {
	library *turbo.Library // nil: Go's decoder
	decoder JPEGDecoder
}

var chosenJPEG = sync.OnceValue(func() choice { return chooseJPEG(os.Getenv(JPEGVariable), turbo.Open) })

func jpegLibrary() *turbo.Library { return chosenJPEG().library }

func chooseJPEG(wish string, open func() (*turbo.Library, error)) choice {
	if wish == nameGo {
		return choice{decoder: JPEGDecoder{Name: nameGo, Reason: JPEGVariable + "=" + nameGo}}
	}
	library, err := open()
	if err != nil {
		return choice{decoder: JPEGDecoder{Name: nameGo, Reason: err.Error()}}
	}
	return choice{library, JPEGDecoder{Name: nameTurbo, Library: library.Path()}}
}
