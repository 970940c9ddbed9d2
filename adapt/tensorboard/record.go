package tensorboard

import (
	"encoding/binary"
	"hash/crc32"
)

// appendRecord appends data to dst in TFRecord framing, little endian:
//
//	uint64  length of data in bytes
//	uint32  masked CRC-32C of those eight bytes
//	[]byte  data
//	uint32  masked CRC-32C of data
func appendRecord(dst, data []byte) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(data)))
	dst = binary.LittleEndian.AppendUint32(dst, maskedCRC(dst[start:]))
	dst = append(dst, data...)
	return binary.LittleEndian.AppendUint32(dst, maskedCRC(data))
}

// maskedCRC returns the CRC-32C of b, rotated right by 15 bits plus a constant:
// a checksum of data that itself holds checksums is weak, so TFRecord hides them.
func maskedCRC(b []byte) uint32 {
	c := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return (c>>15 | c<<17) + 0xa282ead8
}
