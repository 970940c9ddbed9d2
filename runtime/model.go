package runtime

import (
	"time"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/models"
)

// Model describes a generation that serves. It shares no memory with the
// Runtime.
type Model struct {
	Generation    int                 `json:"generation"`
	Labels        []string            `json:"labels"` // by class
	Preprocessing pixel.Preprocessing `json:"preprocessing"`
	Base          models.Base         `json:"base"`
	Features      int                 `json:"features"` // values of one picture's feature vector
	Calibrated    bool                `json:"calibrated"`
	Created       time.Time           `json:"created"`
}

// Answer is what one image shows.
type Answer struct {
	Task       string  `json:"task"`
	Generation int     `json:"generation"`
	Label      string  `json:"label"` // the likeliest
	Score      float32 `json:"score"` // its probability, 0 to 1, calibrated if the generation is
	// Unknown is set if the image is unlike the images that the head was trained
	// on, so that Label means little. Only calibrated generations know.
	Unknown bool `json:"unknown"`
	// Distance is how unlike they are: above 1 is Unknown, 0 not measured.
	Distance float32 `json:"distance,omitempty"`
	Top      []Score `json:"top"` // every class, the likeliest first
	Seconds  Seconds `json:"seconds"`
}

// Score is a class and its probability.
type Score struct {
	Label string  `json:"label"`
	Score float32 `json:"score"`
}

// Seconds is how long the parts of an answer took.
type Seconds struct {
	Wait       float64 `json:"wait"` // for an interpreter
	Preprocess float64 `json:"preprocess"`
	Base       float64 `json:"base"`
	Head       float64 `json:"head"`
}
