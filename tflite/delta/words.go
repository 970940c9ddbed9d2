package delta

import "encoding/binary"

// difference writes the differences of the words of a constant over the child's
// bytes: both have the same length, a multiple of size.
func difference(parent, child []byte, size int) {
	le := binary.LittleEndian
	switch size {
	case 4:
		for i := 0; i < len(child); i += 4 {
			d := int32(le.Uint32(child[i:]) - le.Uint32(parent[i:]))
			le.PutUint32(child[i:], uint32(d<<1)^uint32(d>>31))
		}
	case 2:
		for i := 0; i < len(child); i += 2 {
			d := int16(le.Uint16(child[i:]) - le.Uint16(parent[i:]))
			le.PutUint16(child[i:], uint16(d<<1)^uint16(d>>15))
		}
	default:
		for i := range child {
			d := int8(child[i] - parent[i])
			child[i] = uint8(d<<1) ^ uint8(d>>7)
		}
	}
}

// undo adds differences to the parent's words, in place: the way back.
func undo(parent, differences []byte, size int) {
	le := binary.LittleEndian
	switch size {
	case 4:
		for i := 0; i < len(parent); i += 4 {
			z := le.Uint32(differences[i:])
			le.PutUint32(parent[i:], le.Uint32(parent[i:])+(z>>1^-(z&1)))
		}
	case 2:
		for i := 0; i < len(parent); i += 2 {
			z := le.Uint16(differences[i:])
			le.PutUint16(parent[i:], le.Uint16(parent[i:])+(z>>1^-(z&1)))
		}
	default:
		for i := range parent {
			z := differences[i]
			parent[i] += z>>1 ^ -(z & 1)
		}
	}
}

// row is a constant's differences, and the size of its words.
type row struct {
	data []byte
	size int
}

// apart returns the lowest bytes of all words, then the second, and so on.
func apart(rows []row) []byte {
	n := 0
	for _, r := range rows {
		n += len(r.data)
	}
	out := make([]byte, 0, n)
	for k := range 4 {
		for _, r := range rows {
			for i := k; k < r.size && i < len(r.data); i += r.size {
				out = append(out, r.data[i])
			}
		}
	}
	return out
}

// together fills the rows with what apart returned for them.
func together(rows []row, bytes []byte) {
	for k := range 4 {
		for _, r := range rows {
			for i := k; k < r.size && i < len(r.data); i += r.size {
				r.data[i], bytes = bytes[0], bytes[1:]
			}
		}
	}
}
