package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/tflite"
)

// Set by the build.
var version = "unknown"

// versions is what `edge version` prints.
type versions struct {
	Edge      string            `json:"edge"`
	Go        string            `json:"go"`
	Platform  string            `json:"platform"`
	TFLite    string            `json:"tflite"`
	JPEG      pixel.JPEGDecoder `json:"jpeg"`
	Libraries map[string]string `json:"libraries"`
}

// reported are the libraries whose version matters when results differ.
var reported = []string{
	"github.com/mattn/go-tflite", "github.com/mattn/go-sqlite3",
	"github.com/google/flatbuffers", "golang.org/x/image", "gonum.org/v1/gonum",
}

func currentVersions() versions {
	v := versions{
		Edge: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		TFLite: tflite.Version(), JPEG: pixel.JPEG(), Libraries: map[string]string{},
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			for _, path := range reported {
				if dep.Path == path {
					v.Libraries[path] = dep.Version
				}
			}
		}
	}
	return v
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of edge and of the libraries it runs on",
		Long: "Version prints the versions of edge and of the libraries it runs on, and which decoder reads JPEGs:\n" +
			"libjpeg-turbo where there is one, in lib/ beside the program or in the system, Go's otherwise, or if " + pixel.JPEGVariable + "=go is set.",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			v := currentVersions()
			if a.json {
				return a.print(v)
			}
			t := newTable()
			t.AppendRow(table.Row{"edge", v.Edge})
			t.AppendRow(table.Row{"TensorFlow Lite", v.TFLite})
			t.AppendRow(table.Row{"JPEG decoder", v.JPEG})
			t.AppendRow(table.Row{"Go", v.Go})
			t.AppendRow(table.Row{"platform", v.Platform})
			for _, path := range reported {
				if dep, ok := v.Libraries[path]; ok {
					t.AppendRow(table.Row{path, dep})
				}
			}
			_, err := fmt.Fprintln(a.stdout, t.Render())
			return err
		},
	}
}
