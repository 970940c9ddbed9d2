package hdf5

import (
	"bytes"
	"strings"
	"testing"
)

// TestFilterRefuses damages chunks that went through each filter.
func TestFilterRefuses(t *testing.T) {
	data := []byte("twelve bytes")
	sum := fletcher32(data)
	summed := append(bytes.Clone(data), byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24))
	chain := []filter{{id: filterFletcher32}}
	if got, err := undo(chain, 0, summed, len(data)); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := undo(chain, 1, data, len(data)); err != nil || !bytes.Equal(got, data) {
		t.Errorf("left out for this chunk: %q, %v", got, err)
	}
	for i := range summed {
		bad := bytes.Clone(summed)
		bad[i] ^= 4
		if _, err := undo(chain, 0, bad, len(data)); err == nil || !strings.Contains(err.Error(), "checksum is wrong") {
			t.Errorf("byte %d: %v", i, err)
		}
	}
	for _, c := range []struct {
		id   int
		data []byte
		want string
	}{
		{filterFletcher32, data[:3], "no room for a checksum"},
		{filterDeflate, data, "inflate"},
		{filterShuffle, data[:11], "11 bytes where 12"},
		{4, data, "filter 4 is not supported"},
	} {
		if _, err := undo([]filter{{id: c.id, value: 4}}, 0, c.data, len(data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("filter %d: %v, want %q", c.id, err, c.want)
		}
	}
}

// TestFletcher32 has the edges that are easily got wrong; the datasets "checksum",
// "odd checksum" and "all" of chunked.h5 have what HDF5 itself computes.
func TestFletcher32(t *testing.T) {
	for text, want := range map[string]uint32{
		"":         0,
		"\x00\x00": 0,
		"\xff\xff": 0xffffffff, // what is not zero does not become it
		"\x01\x02": 0x01020102,
		"\x01":     0x01000100,
	} {
		if got := fletcher32([]byte(text)); got != want {
			t.Errorf("%q: %#x, want %#x", text, got, want)
		}
	}
}
