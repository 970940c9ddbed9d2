package rebase

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/float16"
)

// Format is the format of exemplars that this program writes, and the newest it
// reads.
const Format = 1

// Reasons that errors.Is finds in what ParseExemplars returns.
var (
	ErrDamaged = errors.New("damaged")              // not what Encode wrote
	ErrNewer   = errors.New("made by a newer edge") // a format this program does not know
)

// Limits of a file of exemplars. The last bounds it to 32 MiB.
const (
	maxWidth   = 1 << 16 // of features, and classes, as manifests have it
	maxNumbers = 16 << 20
)

// magic begins a file of exemplars.
const magic = "edge exemplars\x00\x00"

// Encode returns the exemplars as a file, numbers little-endian:
//
//	16 bytes   "edge exemplars", zeros
//	uint32     format, 1
//	uint32     F, features an exemplar
//	uint32     classes
//	32 bytes   SHA-256 of the base
//	uint32 …   one a class: its exemplars
//	float16 …  [exemplars][F], in the order of the classes
//
// The same exemplars give the same bytes.
func (e *Exemplars) Encode() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, fmt.Errorf("encode exemplars: %w", err)
	}
	base, err := hex.DecodeString(e.Base.Hex())
	if err != nil {
		return nil, fmt.Errorf("encode exemplars: %w", err)
	}
	counts := make([]uint32, e.Classes)
	for _, label := range e.Set.Labels {
		counts[label]++
	}
	data := []byte(magic)
	for _, n := range []int{Format, e.Set.F, e.Classes} {
		data = binary.LittleEndian.AppendUint32(data, uint32(n)) //nolint:gosec // check bounds them
	}
	data = append(data, base...)
	for _, n := range counts {
		data = binary.LittleEndian.AppendUint32(data, n)
	}
	for _, v := range e.Set.Features {
		data = binary.LittleEndian.AppendUint16(data, float16.Bits(v))
	}
	return data, nil
}

// check reports what Encode could not write, or Parse would not read.
func (e *Exemplars) check() error {
	if _, err := digest.Parse(string(e.Base)); err != nil {
		return err
	}
	s := e.Set
	switch {
	case s.F < 1 || s.F > maxWidth || e.Classes < 1 || e.Classes > maxWidth:
		return fmt.Errorf("%d features and %d classes: want 1 to %d", s.F, e.Classes, maxWidth)
	case s.Len() > maxNumbers/s.F:
		return fmt.Errorf("%d of %d features are too many: at most %d numbers", s.Len(), s.F, maxNumbers)
	case len(s.Features) != s.Len()*s.F:
		return fmt.Errorf("%d of %d features come with %d numbers", s.Len(), s.F, len(s.Features))
	}
	last := int32(0)
	for _, label := range s.Labels {
		if label < last || int(label) >= e.Classes {
			return fmt.Errorf("class %d after class %d of %d", label, last, e.Classes)
		}
		last = label
	}
	for i, v := range s.Features {
		if w := float16.FromBits(float16.Bits(v)); w != v || v-v != 0 {
			return fmt.Errorf("feature %d is %v, which is no finite half", i, v)
		}
	}
	return nil
}

// ParseExemplars reads exemplars from anywhere. It accepts what Encode writes and
// nothing else; the error is ErrNewer or ErrDamaged. It takes no more memory than
// a small multiple of data.
func ParseExemplars(data []byte) (*Exemplars, error) {
	e, err := parseExemplars(data)
	if err != nil {
		if !errors.Is(err, ErrNewer) {
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return nil, fmt.Errorf("exemplars: %w", err)
	}
	return e, nil
}

func parseExemplars(data []byte) (*Exemplars, error) {
	const header = len(magic) + 3*4 + 32
	if len(data) < header || string(data[:len(magic)]) != magic {
		return nil, errors.New("no file of exemplars")
	}
	number := func(at int) uint32 { return binary.LittleEndian.Uint32(data[at:]) }
	format, width, classes := number(16), number(20), number(24)
	switch {
	case format > Format:
		return nil, fmt.Errorf("%w: format %d, this one reads up to %d", ErrNewer, format, Format)
	case format != Format:
		return nil, fmt.Errorf("format %d: want %d", format, Format)
	case width < 1 || width > maxWidth || classes < 1 || classes > maxWidth:
		return nil, fmt.Errorf("%d features and %d classes: want 1 to %d", width, classes, maxWidth)
	}
	e := &Exemplars{
		Base: digest.Digest("sha256:" + hex.EncodeToString(data[28:header])), Classes: int(classes), Set: adapt.Set{F: int(width)},
	}
	rest := data[header:]
	if len(rest) < 4*e.Classes {
		return nil, errors.New("it ends within its classes")
	}
	counts, rest := rest[:4*e.Classes], rest[4*e.Classes:]
	var rows uint64
	for class := range e.Classes {
		rows += uint64(binary.LittleEndian.Uint32(counts[4*class:])) // 2^48 at most
	}
	if want := rows * uint64(width) * 2; rows > maxNumbers/uint64(width) || want != uint64(len(rest)) {
		return nil, fmt.Errorf("%d exemplars of %d features come with %d bytes", rows, width, len(rest))
	}
	for class := range e.Classes {
		for range binary.LittleEndian.Uint32(counts[4*class:]) {
			e.Set.Labels = append(e.Set.Labels, int32(class))
		}
	}
	e.Set.Features = make([]float32, 0, len(rest)/2)
	for ; len(rest) > 0; rest = rest[2:] {
		e.Set.Features = append(e.Set.Features, float16.FromBits(binary.LittleEndian.Uint16(rest)))
	}
	return e, e.check()
}
