// Package hdf5 reads HDF5 files in pure Go, as far as Keras, h5py and h5repack
// write them for weights: superblocks 0 to 3, groups of either kind (symbol
// tables, and links kept compact or in a fractal heap), numbers kept compact,
// in one piece or in chunks that are found by a B-tree of version 1, the filters
// deflate, shuffle and fletcher32, and attributes that are texts.
//
// What else the format has (references, compound and committed types, external
// and virtual data, SZIP and the like, chunk indexes of HDF5 1.10) is refused
// with an error that names it, when such a dataset is read and not before.
// Checksums of the file's own structures are not compared; those of chunks are.
//
// Parse expects hostile bytes: every address, length and count is checked before
// it is followed, what points in circles ends, and memory stays within a small
// multiple of the input, whatever the file claims. The layout follows "HDF5
// File Format Specification Version 3.0" of The HDF Group.
package hdf5

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrNotHDF5 says that the bytes are no HDF5 file at all: they lack its
// signature.
var ErrNotHDF5 = errors.New("not an HDF5 file")

const signature = "\x89HDF\r\n\x1a\n"

// Limits on what a file may ask for. A network of some hundred layers has some
// thousand groups.
const (
	maxVisits = 1 << 18 // blocks, headers and messages of one file
	maxDepth  = 32      // groups inside groups
	maxRank   = 32      // as HDF5's own
	maxName   = 4096    // bytes of the name of a link or attribute
)

// File is the content of an HDF5 file: a tree of groups.
//
// It aliases the bytes it was parsed from, which must not change while it is in
// use. A File may be read concurrently.
type File struct {
	// Root is the group that holds all others.
	Root *Group

	data    []byte // from the superblock's base address on
	offsets int    // bytes of an address
	lengths int    // bytes of a length

	// visits counts what is looked at while parsing; nothing counts after Parse.
	visits int
}

// Group holds other groups and datasets, each in the order of the file, which is
// that of their names unless the file was written with links in a heap.
type Group struct {
	Name       string // "" for the root
	Path       string // names from the root on, joined with "/"; "" for the root
	Groups     []*Group
	Datasets   []*Dataset
	Attributes []*Attribute
}

// Group returns the group of that name directly inside g, or nil.
func (g *Group) Group(name string) *Group {
	for _, inner := range g.Groups {
		if inner.Name == name {
			return inner
		}
	}
	return nil
}

// Attribute returns g's attribute of that name, or nil.
func (g *Group) Attribute(name string) *Attribute {
	for _, a := range g.Attributes {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// Is reports whether data begins with an HDF5 file's signature, or has it where
// a user block of the usual sizes ends.
func Is(data []byte) bool { return find(data) >= 0 }

// find returns where the superblock begins, or -1: at 0, 512, 1024, and so on.
func find(data []byte) int {
	for at := 0; at < len(data); at = max(512, 2*at) {
		if bytes.HasPrefix(data[at:], []byte(signature)) {
			return at
		}
	}
	return -1
}

// Parse reads the structure of an HDF5 file: groups, names, types and shapes.
// The numbers themselves are read by Dataset.Float32s.
//
// data may come from anywhere: Parse does not panic, ends soon, and allocates at
// most a small multiple of it. Links that are no hard links are left out.
func Parse(data []byte) (*File, error) {
	at := find(data)
	if at < 0 {
		return nil, ErrNotHDF5
	}
	f := &File{}
	root, err := f.superblock(data, at)
	if err != nil {
		return nil, fmt.Errorf("HDF5 superblock: %w", err)
	}
	f.Root = &Group{}
	h, err := f.header(root)
	if err != nil {
		return nil, fmt.Errorf("HDF5 root group: %w", err)
	}
	if err := f.fill(f.Root, h, []uint64{root}); err != nil {
		return nil, err
	}
	return f, nil
}

// superblock reads what stands at the front and returns the address of the
// root group's object header.
func (f *File) superblock(data []byte, at int) (root uint64, err error) {
	c := &cursor{data: data[at:]}
	c.skip(len(signature))
	switch version := c.u8(); version {
	case 0, 1:
		c.skip(4) // versions of free space and root entry, one reserved, version of shared headers
		if err := f.widths(c); err != nil {
			return 0, err
		}
		c.skip(1 + 2 + 2 + 4) // reserved, nodes of groups, flags
		if version == 1 {
			c.skip(4)
		}
		base := c.address()
		c.skip(3*f.offsets + f.offsets) // free space, end of file, driver; name of the root's link
		root = c.address()
		return root, f.rebase(data, at, base, c)
	case 2, 3:
		if err := f.widths(c); err != nil {
			return 0, err
		}
		c.skip(1) // flags
		base := c.address()
		c.skip(2 * f.offsets) // extension, end of file
		root = c.address()
		return root, f.rebase(data, at, base, c)
	default:
		if c.err != nil {
			return 0, c.err
		}
		return 0, fmt.Errorf("version %d is not known", version)
	}
}

// widths reads the sizes of addresses and lengths and tells the cursor.
func (f *File) widths(c *cursor) error {
	f.offsets, f.lengths = c.u8(), c.u8()
	if c.err != nil {
		return c.err
	}
	for _, n := range []int{f.offsets, f.lengths} {
		if n != 2 && n != 4 && n != 8 {
			return fmt.Errorf("addresses of %d and lengths of %d bytes", f.offsets, f.lengths)
		}
	}
	c.offsets, c.lengths = f.offsets, f.lengths
	return nil
}

// rebase sets the bytes that addresses count from. A base address other than
// the superblock's own is one that a user block was put before without telling
// the file; HDF5's library takes the place of the superblock then, and so do we.
func (f *File) rebase(data []byte, at int, base uint64, c *cursor) error {
	if c.err != nil {
		return c.err
	}
	if base != 0 && base != uint64(at) {
		return fmt.Errorf("the base address is %d and the superblock at %d", base, at)
	}
	f.data = data[at:]
	return nil
}

// visit counts one more block, and fails when a file has too many: it is then
// larger than any network, or points in circles.
func (f *File) visit() error {
	if f.visits++; f.visits > maxVisits {
		return fmt.Errorf("more than %d headers and blocks", maxVisits)
	}
	return nil
}

// spend counts a text of n bytes that is going to be kept.
func (f *File) spend(n int) error {
	f.visits += n / 64
	return f.visit()
}

// at returns a cursor at an address, which reaches to the end of the file.
func (f *File) at(address uint64) (*cursor, error) {
	if address == undefined {
		return nil, errors.New("an address that is not set")
	}
	if address >= uint64(len(f.data)) {
		return nil, fmt.Errorf("address %d lies behind the end of the file (%d bytes)", address, len(f.data))
	}
	return &cursor{data: f.data[address:], offsets: f.offsets, lengths: f.lengths}, nil
}

// block returns a cursor at an address behind the signature that must stand there.
func (f *File) block(address uint64, sign string) (*cursor, error) {
	if err := f.visit(); err != nil {
		return nil, err
	}
	c, err := f.at(address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sign, err)
	}
	if got := c.bytes(len(sign)); string(got) != sign {
		return nil, fmt.Errorf("no %s at address %d", sign, address)
	}
	return c, nil
}

// span returns length bytes at an address.
func (f *File) span(address, length uint64) ([]byte, error) {
	c, err := f.at(address)
	if err != nil {
		return nil, err
	}
	if length > uint64(len(c.data)) {
		return nil, fmt.Errorf("%d bytes at %d reach behind the end of the file (%d bytes)", length, address, len(f.data))
	}
	return c.data[:length:length], nil
}
