package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/google/pprof/profile"
)

// stage is a part of adapting, told by functions that it, and nothing else, runs
// in. The first stage that one of a sample's functions belongs to has the sample.
// What is in no function that is known is in one named like its library's file.
type stage struct {
	name      string
	functions []string // beginnings of names, without the module's path
}

var known = []stage{
	{"read files", []string{"camera/pixel.ReadFile"}},
	{"digest of files", []string{"internal/digest.Of"}},
	{"decode", []string{"camera/pixel.Decode", "camera/pixel.decode", "camera/pixel/internal/turbo."}},
	{"resize", []string{"camera/pixel.Preprocessing.Apply", "camera/pixel.Preprocessing.apply"}},
	{"base", []string{"tflite.(*Base).Embed", "libtensorflowlite"}}, // the latter: XNNPACK's own threads
	{"cache of features", []string{"adapt/featurecache."}},
	{"calibrate", []string{"adapt/calibrate."}},
	{"train", []string{"adapt.Train", "adapt/head.divide"}},
	{"evaluate", []string{"adapt.Evaluate", "adapt.(*Result)"}},
	{"thumbnails, report, store", []string{"adapt/device.Keep", "models."}},
	{"open the base", []string{"adapt/device.OpenBase", "tflite."}},
	{"list and split", []string{"adapt.List", "adapt.(*Dataset)"}},
	{"memory that is freed", []string{"runtime.gcBgMarkWorker", "runtime.bgsweep", "runtime.bgscavenge"}},
	{"native threads, in the C library", []string{"runtime._ExternalCode"}},
	{"scheduling", []string{"runtime.mcall", "runtime.mstart", "runtime.rt0_go"}},
}

// rest is the stage of what no other has.
const rest = "everything else"

const modulePath = "github.com/edge-adapt/edge/"

// stages returns the share of each stage, 0 to 1, of the profile's processor time.
func stages(p *profile.Profile) map[string]float64 {
	times := map[string]float64{}
	var total float64
	last := len(p.SampleType) - 1 // nanoseconds, after the count
	for _, s := range p.Sample {
		times[stageOf(s)] += float64(s.Value[last])
		total += float64(s.Value[last])
	}
	for name := range times {
		times[name] /= max(total, 1)
	}
	return times
}

func stageOf(s *profile.Sample) string {
	var functions []string
	for _, l := range s.Location {
		if len(l.Line) == 0 && l.Mapping != nil {
			functions = append(functions, filepath.Base(l.Mapping.File))
		}
		for _, line := range l.Line {
			if line.Function != nil {
				functions = append(functions, strings.TrimPrefix(line.Function.Name, modulePath))
			}
		}
	}
	for _, stage := range known {
		for _, function := range functions {
			for _, begin := range stage.functions {
				if strings.HasPrefix(function, begin) {
					return stage.name
				}
			}
		}
	}
	return rest
}

// share is what the stages took in one of the profiles.
type share struct {
	name   string
	runs   int
	stages map[string]float64
}

// table is the shares in Markdown.
func table(p profiling, shares []share) string {
	var b strings.Builder
	name := p.ref
	if name == "" {
		name = "the embedded base"
	}
	fmt.Fprintf(&b, "Shares of processor time in `edge adapt`: %d images, %s, at most %d epochs.\nWritten by `make profile`, beside a flame graph of each.\n\n|",
		p.images, name, p.recipe.Epochs)
	for _, s := range shares {
		fmt.Fprintf(&b, " | %s, %d runs", s.name, s.runs)
	}
	b.WriteString(" |\n|---" + strings.Repeat("|---:", len(shares)) + "|\n")
	for _, stage := range append(known[:len(known):len(known)], stage{name: rest}) {
		var seen bool
		row := "| " + stage.name
		for _, s := range shares {
			seen = seen || s.stages[stage.name] >= 0.0005
			row += fmt.Sprintf(" | %.1f %%", 100*s.stages[stage.name])
		}
		if seen {
			b.WriteString(row + " |\n")
		}
	}
	return b.String()
}
