package tensorboard

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"image"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// records splits an event file and checks both sums of every record.
func records(t *testing.T, data []byte) [][]byte {
	t.Helper()
	var out [][]byte
	for len(data) > 0 {
		if len(data) < 16 {
			t.Fatalf("%d bytes left over", len(data))
		}
		n := binary.LittleEndian.Uint64(data)
		if n > uint64(len(data)-16) {
			t.Fatalf("a record of %d bytes in %d", n, len(data))
		}
		if binary.LittleEndian.Uint32(data[8:]) != maskedCRC(data[:8]) {
			t.Fatal("sum of the length is wrong")
		}
		body := data[12 : 12+n]
		if binary.LittleEndian.Uint32(data[12+n:]) != maskedCRC(body) {
			t.Fatal("sum of the data is wrong")
		}
		out = append(out, body)
		data = data[16+n:]
	}
	return out
}

// The real TensorBoard reads two runs of one folder: it must show the second alone.
func TestTensorBoardReads(t *testing.T) {
	path := os.Getenv("EDGE_PYTHONPATH")
	if path == "" {
		t.Skip("EDGE_PYTHONPATH is not set: no TensorBoard to read with")
	}
	dir := t.TempDir()
	losses := []float64{2.25, 1.5, 0.75}
	for run := range 2 {
		curves, err := CreateCurves(dir, at(1700000000+float64(run)))
		if err != nil {
			t.Fatal(err)
		}
		epochs := len(losses) - run // The older run is the longer one.
		for i := range epochs {
			val := &Point{losses[i] + 0.5, 0.25}
			if i == 1 {
				val = nil
			}
			if err := curves.Epoch(i+1, Point{losses[i] + 8*float64(1-run), 0.5}, val); err != nil {
				t.Fatal(err)
			}
		}
		if run == 1 {
			var picture bytes.Buffer
			if err := png.Encode(&picture, image.NewNRGBA(image.Rect(0, 0, 3, 2))); err != nil {
				t.Fatal(err)
			}
			if err := curves.Validation().Image("confusion", 0, 3, 2, picture.Bytes()); err != nil {
				t.Fatal(err)
			}
			if err := curves.Train().Text("recipe", 0, "seed <b>7</b> é"); err != nil {
				t.Fatal(err)
			}
		}
		if err := curves.Close(); err != nil {
			t.Fatal(err)
		}
	}

	var got struct {
		Train, Validation struct {
			Scalars map[string][][3]float64 // tag: wall time, step, value
			Images  map[string][][3]float64 // tag: step, width, height
			Texts   map[string][]string
		}
	}
	cmd := exec.CommandContext(t.Context(), "python3", "testdata/read.py", dir) //nolint:gosec // our own script
	cmd.Env = append(os.Environ(), "PYTHONPATH="+path, "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	check := func(name string, got [][3]float64, want ...[3]float64) {
		t.Helper()
		if len(got) != len(want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
			return
		}
		for i := range want {
			for j := range want[i] {
				if math.Abs(got[i][j]-want[i][j]) > 1e-6 {
					t.Errorf("%s: got %v, want %v", name, got, want)
				}
			}
		}
	}
	const wall = 1700000001
	check("train loss", got.Train.Scalars["epoch_loss"], [3]float64{wall, 0, 2.25}, [3]float64{wall, 1, 1.5})
	check("train accuracy", got.Train.Scalars["epoch_accuracy"], [3]float64{wall, 0, 0.5}, [3]float64{wall, 1, 0.5})
	check("validation loss", got.Validation.Scalars["epoch_loss"], [3]float64{wall, 0, 2.75})
	check("confusion", got.Validation.Images["confusion"], [3]float64{0, 3, 2})
	if texts := got.Train.Texts["recipe"]; len(texts) != 1 || texts[0] != "seed <b>7</b> é" {
		t.Errorf("texts %q", texts)
	}
	for _, sub := range []string{"train", "validation"} {
		files, err := filepath.Glob(filepath.Join(dir, sub, "events.out.tfevents.*"))
		if err != nil || len(files) != 2 {
			t.Errorf("%s holds %v, %v", sub, files, err)
		}
	}
}
