package tensorboard

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

func at(seconds float64) func() time.Time {
	return func() time.Time { return time.Unix(0, int64(seconds*1e9)) }
}

// The bytes that testdata/golden.py made with TensorBoard's own writer.
func TestGoldenBytes(t *testing.T) {
	text, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		want[name] = digits
	}
	record := func(step int64, content []byte) []byte {
		return appendRecord(nil, eventMessage(1700000000.25, step, content))
	}
	got := map[string][]byte{
		"version":    record(0, versionField()),
		"start":      record(0, startField()),
		"scalar":     record(3, scalarField("epoch_loss", 0.625)),
		"negative":   record(-1, scalarField("x", float32(math.Inf(-1)))),
		"image":      record(4, imageField("confusion", 300, 2, []byte("\x89PNG"))),
		"text":       record(0, textField("verdict", "*Generalises* – ja")),
		"large_step": record(1<<40, scalarField("epoch_accuracy", 1)),
	}
	if len(want) != len(got) {
		t.Errorf("%d golden records, %d tested", len(want), len(got))
	}
	for name, b := range got {
		if hex.EncodeToString(b) != want[name] {
			t.Errorf("%s:\n got %x\nwant %s", name, b, want[name])
		}
	}
}

func TestMaskedCRC(t *testing.T) {
	// RFC 3720 B.4: CRC-32C of 32 zero bytes is 8a9136aa.
	crc := uint32(0x8a9136aa)
	want := crc>>15 | crc<<17
	want += 0xa282ead8
	if got := maskedCRC(make([]byte, 32)); got != want {
		t.Errorf("got %08x, want %08x", got, want)
	}
}

func TestFileNameAndOrder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "anew")
	var names []string
	for range 3 {
		w, err := CreateAt(dir, at(1700000000))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, filepath.Base(w.Name()))
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if err := w.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
	}
	form := regexp.MustCompile(`^events\.out\.tfevents\.1700000000\.[A-Za-z0-9._-]+\.\d+(\.\d+)?$`)
	for i, name := range names {
		if !form.MatchString(name) {
			t.Errorf("name %q", name)
		}
		if i > 0 && name <= names[i-1] {
			t.Errorf("%q does not sort behind %q", name, names[i-1])
		}
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(blocked); err == nil {
		t.Error("created a folder over a file")
	}
	if _, err := CreateCurves(blocked, nil); err == nil {
		t.Error("created curves over a file")
	}
	if err := os.Mkdir(filepath.Join(dir, "half"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "half", "validation"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateCurves(filepath.Join(dir, "half"), nil); err == nil {
		t.Error("created validation over a file")
	}
	w, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Scalar("epoch_loss", 0, 1); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

// Under the race detector this also checks the locking.
func TestConcurrentEventsStayWhole(t *testing.T) {
	w, err := Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for step := range 50 {
				if err := w.Scalar(strings.Repeat("x", i*37), int64(step), 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(w.Name())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(records(t, data)); n != 2+8*50 {
		t.Errorf("%d records", n)
	}
}
