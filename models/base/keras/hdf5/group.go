package hdf5

import (
	"fmt"
	"slices"
)

// link is a name and the address of the object header it leads to.
type link struct {
	name    string
	address uint64
}

// fill reads what h, the header of a group, says into g, and all that is inside.
// above holds the addresses of the groups around it and its own.
func (f *File) fill(g *Group, h *header, above []uint64) error {
	if len(above) > maxDepth {
		return fmt.Errorf("group %q: more than %d groups inside each other", g.Path, maxDepth)
	}
	g.Attributes = f.attributes(h)
	links, err := f.links(h)
	if err != nil {
		return fmt.Errorf("group %q: %w", g.Path, err)
	}
	for _, l := range links {
		path := l.name
		if g.Path != "" {
			path = g.Path + "/" + l.name
		}
		if err := f.spend(len(path)); err != nil {
			return err
		}
		if slices.Contains(above, l.address) {
			return fmt.Errorf("%q is a group that it lies in itself", path)
		}
		inner, err := f.header(l.address)
		if err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
		switch {
		case inner.isGroup():
			sub := &Group{Name: l.name, Path: path}
			if err := f.fill(sub, inner, append(slices.Clip(above), l.address)); err != nil {
				return err
			}
			g.Groups = append(g.Groups, sub)
		case inner.isDataset():
			g.Datasets = append(g.Datasets, f.dataset(l.name, path, inner))
		}
	}
	return nil
}

func (h *header) isGroup() bool {
	_, table := h.find(messageSymbolTable)
	_, info := h.find(messageLinkInfo)
	return table || info
}

func (h *header) isDataset() bool {
	_, ok := h.find(messageLayout)
	return ok
}

// links returns the hard links of a group of either kind.
func (f *File) links(h *header) ([]link, error) {
	if m, ok := h.find(messageSymbolTable); ok {
		c := f.cursor(m.data)
		tree, heap := c.address(), c.address()
		if c.err != nil {
			return nil, fmt.Errorf("symbol table: %w", c.err)
		}
		return f.symbolTable(tree, heap)
	}
	var links []link
	for _, m := range h.messages {
		if m.kind != messageLink {
			continue
		}
		l, hard, err := f.link(m.data)
		if err != nil {
			return nil, err
		}
		if hard {
			links = append(links, l)
		}
	}
	m, _ := h.find(messageLinkInfo)
	c := f.cursor(m.data)
	c.skip(1)
	if c.u8()&1 != 0 {
		c.skip(8) // largest order of creation
	}
	heap, names := c.address(), c.address()
	if c.err != nil {
		return nil, fmt.Errorf("link info: %w", c.err)
	}
	if heap == undefined {
		return links, nil
	}
	dense, err := f.denseLinks(heap, names)
	if err != nil {
		return nil, fmt.Errorf("links in a heap: %w", err)
	}
	return append(links, dense...), nil
}

// link reads a link message; hard is false for one that names a path.
func (f *File) link(data []byte) (l link, hard bool, err error) {
	c := f.cursor(data)
	if version := c.u8(); c.err == nil && version != 1 {
		return l, false, fmt.Errorf("link of version %d", version)
	}
	flags := c.u8()
	kind := 0
	if flags&0x08 != 0 {
		kind = c.u8()
	}
	if flags&0x04 != 0 {
		c.skip(8) // order of creation
	}
	if flags&0x10 != 0 {
		c.skip(1) // character set
	}
	size := c.uint(1 << (flags & 3))
	if size > maxName {
		return l, false, fmt.Errorf("a link's name of %d bytes", size)
	}
	l.name = c.text(int(size))
	if kind == 0 {
		l.address = c.address()
	}
	if c.err != nil {
		return l, false, fmt.Errorf("link: %w", c.err)
	}
	return l, kind == 0, nil
}

// symbolTable reads a group of the old kind: a B-tree of nodes, whose entries
// name offsets in a heap.
func (f *File) symbolTable(tree, heap uint64) ([]link, error) {
	names, err := f.localHeap(heap)
	if err != nil {
		return nil, err
	}
	var links []link
	err = f.tree1(tree, treeOfGroups, f.lengths, func(_ []byte, child uint64) error {
		c, err := f.block(child, "SNOD")
		if err != nil {
			return err
		}
		c.skip(2)
		for range c.u16() {
			name, address := c.address(), c.address()
			soft := c.u32() == 2
			c.skip(4 + 16)
			if c.err != nil {
				return fmt.Errorf("symbol table node: %w", c.err)
			}
			if soft {
				continue
			}
			if name >= uint64(len(names)) {
				return fmt.Errorf("a name at %d of a heap of %d bytes", name, len(names))
			}
			l := link{untilNUL(names[name:min(uint64(len(names)), name+maxName)]), address}
			if err := f.spend(len(l.name)); err != nil {
				return err
			}
			links = append(links, l)
		}
		return nil
	})
	return links, err
}

// localHeap returns the bytes in which a group of the old kind keeps its names.
func (f *File) localHeap(address uint64) ([]byte, error) {
	c, err := f.block(address, "HEAP")
	if err != nil {
		return nil, err
	}
	c.skip(4) // version, reserved
	size := c.length()
	c.length() // where its free list begins
	at := c.address()
	if c.err != nil {
		return nil, fmt.Errorf("heap of names: %w", c.err)
	}
	names, err := f.span(at, size)
	if err != nil {
		return nil, fmt.Errorf("heap of names: %w", err)
	}
	return names, nil
}

// What a B-tree of version 1 leads to.
const (
	treeOfGroups = 0
	treeOfChunks = 1
)

// tree1 walks a B-tree of version 1 and calls leaf for each child of its lowest
// level, with the key before it, in order.
func (f *File) tree1(address uint64, kind, keySize int, leaf func(key []byte, child uint64) error) error {
	return f.node1(address, kind, keySize, -1, leaf)
}

// node1 walks one node; level is what its parent demands, -1 for the root.
func (f *File) node1(address uint64, kind, keySize, level int, leaf func(key []byte, child uint64) error) error {
	c, err := f.block(address, "TREE")
	if err != nil {
		return err
	}
	if got := c.u8(); c.err == nil && got != kind {
		return fmt.Errorf("a B-tree of kind %d where one of kind %d is wanted", got, kind)
	}
	// A level that falls with each step ends what points in circles.
	own := c.u8()
	if c.err == nil && level >= 0 && own != level {
		return fmt.Errorf("a B-tree node of level %d where %d is wanted", own, level)
	}
	count := c.u16()
	c.skip(2 * f.offsets) // neighbours
	for range count {
		key := c.bytes(keySize)
		child := c.address()
		if c.err != nil {
			return fmt.Errorf("node of a B-tree: %w", c.err)
		}
		if own == 0 {
			err = leaf(key, child)
		} else {
			err = f.node1(child, kind, keySize, own-1, leaf)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
