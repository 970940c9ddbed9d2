package proof_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/base/proof"
	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
)

// mutation damages a model in one way.
type mutation struct {
	name   string
	damage func(random *rand.Rand, data []byte) []byte
}

var mutations = []mutation{
	{"flips", flips}, {"truncations", truncations}, {"lying lengths", lyingLengths}, {"cyclic references", cyclicReferences},
}

// TestDamagedModels takes 300 damaged models, or EDGE_TEST_MUTANTS, the whole way
// of an import. Whatever they are, this process gets an answer, and the library
// holds those that were accepted and nothing else. What ends a child is kept in
// the folder EDGE_TEST_KEEP, if that is set.
func TestDamagedModels(t *testing.T) {
	count, seed := 300, uint64(7)
	if n, err := strconv.Atoi(os.Getenv("EDGE_TEST_MUTANTS")); err == nil {
		count, seed = n, uint64(time.Now().UnixNano())
	}
	var originals [][]byte
	for _, name := range []string{"pooled", "pooled_int8", "pooled_uint8", "pooled_float16", "hidden", "map", "squeezenet", "flattened", "vector"} {
		data, err := os.ReadFile(tiny(name))
		if err != nil {
			t.Fatal(err)
		}
		originals = append(originals, data)
	}
	o := options()
	o.Timeout, o.Memory = 3*time.Second, 512<<20
	library, err := base.OpenLibrary(t.TempDir(), proof.Prover(o))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	tally := map[string]*[4]int{}
	var accepted []string
	for i := range count {
		m := mutations[i%len(mutations)]
		if tally[m.name] == nil {
			tally[m.name] = new([4]int)
		}
		data := m.damage(random, originals[random.IntN(len(originals))])
		name := fmt.Sprintf("mutant%d", i)
		wish := base.ImportOptions{File: name + ".tflite", Input: []int{0, 0, 24}[random.IntN(3)]}
		draft, err := base.NewDraft(data, wish)
		if err != nil {
			tally[m.name][0]++
			continue
		}
		draft.Name = name
		switch _, err := library.Add(t.Context(), draft); {
		case err == nil:
			tally[m.name][3]++
			accepted = append(accepted, name)
		case errors.Is(err, tflite.ErrCrash), errors.Is(err, tflite.ErrTimeout):
			tally[m.name][2]++
			t.Logf("seed %d, %s: %v", seed, m.name, err)
			keep(t, name, data)
		default:
			tally[m.name][1]++
		}
	}
	sum := 0
	for _, m := range mutations {
		n := tally[m.name]
		t.Logf("%-18s %3d refused unread, %2d refused when they ran, %2d ended their child, %2d are bases all the same", m.name, n[0], n[1], n[2], n[3])
		sum += n[0] + n[1] + n[2] + n[3]
		if n[0] == 0 || n[0] == count/len(mutations) && m.name != "truncations" {
			t.Errorf("%s: all have the same end: do they damage what matters?", m.name)
		}
	}
	if sum != count {
		t.Errorf("%d answers for %d models", sum, count)
	}
	names, err := library.Names()
	slices.Sort(accepted)
	if err != nil || !slices.Equal(names, accepted) {
		t.Errorf("the library holds %v, %v; accepted were %v", names, err, accepted)
	}
	if left, err := os.ReadDir(filepath.Join(library.Dir(), ".tmp")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	for _, name := range accepted[:min(5, len(accepted))] {
		if _, err := library.Verify(t.Context(), name); err != nil {
			t.Errorf("accepted, and then: %v", err)
		}
	}
}

func flips(random *rand.Rand, data []byte) []byte {
	data = slices.Clone(data)
	for range 1 + random.IntN(6) {
		data[random.IntN(len(data))] ^= 1 << random.IntN(8)
	}
	return data
}

// truncations lose the end, or a piece in the middle, or gain something.
func truncations(random *rand.Rand, data []byte) []byte {
	at := random.IntN(len(data))
	switch random.IntN(3) {
	case 0:
		return slices.Clone(data[:at])
	case 1:
		return slices.Concat(data[:at], data[min(len(data), at+4+random.IntN(200)):])
	}
	return slices.Concat(data[:at], make([]byte, 4+4*random.IntN(20)), data[at:])
}

// lyingLengths changes words that can be a length or an offset: of strings,
// vectors, tables.
func lyingLengths(random *rand.Rand, data []byte) []byte {
	data = slices.Clone(data)
	lies := []uint32{0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffc, 0x10000, uint32(len(data)), uint32(len(data)) - 4}
	for range 1 + random.IntN(2) {
		for range 1000 {
			at := 4 * random.IntN(len(data)/4)
			word := binary.LittleEndian.Uint32(data[at:])
			if word == 0 || word > uint32(len(data)) {
				continue
			}
			lie := lies[random.IntN(len(lies))]
			if random.IntN(2) == 0 {
				lie = word + uint32(random.IntN(17)) - 8
			}
			binary.LittleEndian.PutUint32(data[at:], lie)
			break
		}
	}
	return data
}

// cyclicReferences makes what follows from something else follow from itself: an
// operator's input its output, a subgraph its own body, a table its own field.
func cyclicReferences(random *rand.Rand, data []byte) []byte {
	m, err := file.Parse(data)
	if err != nil {
		panic(err) // a committed model
	}
	g := m.Main()
	o := &g.Operators[random.IntN(len(g.Operators))]
	later := &g.Operators[random.IntN(len(g.Operators))]
	const opIf, opWhile, kindIf, kindWhile = 118, 119, 92, 93
	switch random.IntN(6) {
	case 0:
		o.Inputs = append([]int{o.Outputs[0]}, o.Inputs[1:]...)
	case 1:
		o.Inputs = append([]int{later.Outputs[0]}, o.Inputs[1:]...)
	case 2:
		o.Outputs = []int{later.Inputs[0]}
	case 3:
		g.Outputs = []int{g.Inputs[0]}
	case 4: // the loop's condition and body are the graph that it stands in
		*o = file.Operator{Code: opWhile, Options: file.PlainOptions{Kind: kindWhile}, Inputs: o.Inputs[:1], Outputs: o.Outputs}
		if random.IntN(2) == 0 {
			o.Code, o.Options = opIf, file.PlainOptions{Kind: kindIf}
		}
	case 5:
		return pointBack(random, data)
	}
	out, err := m.Encode()
	if err != nil {
		return pointBack(random, data)
	}
	return out
}

// pointBack makes an offset lead to itself, or to before it.
func pointBack(random *rand.Rand, data []byte) []byte {
	data = slices.Clone(data)
	for range 3 {
		at := 4 * random.IntN(len(data)/4)
		binary.LittleEndian.PutUint32(data[at:], uint32(-4*int32(random.IntN(at/4+1))))
	}
	return data
}

func keep(t *testing.T, name string, data []byte) {
	if dir := os.Getenv("EDGE_TEST_KEEP"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".tflite"), data, 0o600); err != nil {
			t.Error(err)
		}
	}
}
