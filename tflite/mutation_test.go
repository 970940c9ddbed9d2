package tflite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Damaged models, a hundred of them or EDGE_TEST_MUTANTS, each opened and run
// in a child: whatever becomes of it, this process gets an ordinary answer.
// Those that end a child are kept in EDGE_TEST_KEEP, if that names a folder.
func TestMutantsStayInTheirChild(t *testing.T) {
	count, seed := 100, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("EDGE_TEST_MUTANTS")); err == nil {
		count, seed = n, uint64(time.Now().UnixNano())
	}
	var originals [][]byte
	for _, name := range []string{"float32", "int8", "uint8", "dynamic_range", "float16_weights", "computed_shape", "float16_io", "vector"} {
		data, err := os.ReadFile(testModel(name))
		if err != nil {
			t.Fatal(err)
		}
		originals = append(originals, data)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	paths := make([]string, count)
	for i := range paths {
		paths[i] = filepath.Join(dir, fmt.Sprintf("mutant%d.tflite", i))
		if err := os.WriteFile(paths[i], mutate(random, originals[random.IntN(len(originals))]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	results, err := trials(t.Context(), paths, TrialOptions{
		Options: Options{Threads: 1}, Timeout: 2 * time.Second, Memory: 512 << 20, Launcher: launcher(),
	})
	if err != nil {
		t.Fatal(err)
	}
	var run, refused, died int
	for i, err := range results {
		switch {
		case err == nil:
			run++
		case errors.Is(err, ErrCrash) || errors.Is(err, ErrTimeout):
			died++
			t.Log(err)
			keep(t, paths[i])
		default:
			refused++
		}
	}
	t.Logf("seed %d: of %d mutants %d run, %d are refused, %d end their child", seed, count, run, refused, died)
	if run+refused+died != count || run == 0 || refused == 0 {
		t.Error("the mutants are all of one kind: do they damage what matters?")
	}
}

// mutate returns a copy of data with a few bytes, offsets or lengths changed.
func mutate(random *rand.Rand, data []byte) []byte {
	data = append([]byte(nil), data...)
	for range 1 + random.IntN(3) {
		at := random.IntN(len(data) - 4)
		switch random.IntN(5) {
		case 0:
			data[at] ^= 1 << random.IntN(8)
		case 1:
			data[at] = byte(random.Uint32())
		case 2:
			extremes := []uint32{0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x10000}
			binary.LittleEndian.PutUint32(data[at&^3:], extremes[random.IntN(len(extremes))])
		case 3:
			near := binary.LittleEndian.Uint32(data[at&^3:]) + uint32(random.IntN(9)) - 4
			binary.LittleEndian.PutUint32(data[at&^3:], near)
		case 4:
			from := random.IntN(len(data) - 8)
			copy(data[at:], data[from:from+4])
		}
	}
	return data
}

func keep(t *testing.T, path string) {
	dir := os.Getenv("EDGE_TEST_KEEP")
	if dir == "" {
		return
	}
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, filepath.Base(path)), data, 0o600)
	}
	if err != nil {
		t.Error(err)
	}
}
