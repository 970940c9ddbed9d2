package update

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/digest"
)

// part is a file that is being fetched: DIR/parts/<hex>.part, which grows, and
// <hex>.mark, which says how much of it was on the disk when last it was synced.
// What was written since counts as long as the machine has not started anew: a
// kill loses nothing, a power cut 4 MiB at most.
//
// Who has it open holds its lock, so that a file is fetched by one process at a
// time. A part is used by one goroutine.
type part struct {
	at   folder
	name string // of the file, in the folder
	want digest.Digest
	size int64
	f    *os.File
	hash hash.Hash // of the first have bytes
	have int64
	sure int64 // bytes that the mark vouches for
	gone bool  // removed or renamed
}

// mark is what a .mark file says: the first bytes of the part have that digest.
type mark struct {
	Bytes  int64         `json:"bytes"`
	Digest digest.Digest `json:"digest"`
	Boot   string        `json:"boot"` // the start of the machine in which it was made
}

// markEvery is how many bytes go between two marks, which sync the part.
const markEvery = 4 << 20

// openPart waits for the part of a file until ctx ends.
func (d folder) openPart(ctx context.Context, want digest.Digest, size int64) (*part, error) {
	if _, err := digest.Parse(string(want)); err != nil {
		return nil, err
	}
	if err := d.mkdirs("files"); err != nil {
		return nil, err
	}
	if err := d.mkdirs("parts"); err != nil {
		return nil, err
	}
	name := filepath.Join("parts", want.Hex()+".part")
	for {
		var f *os.File
		err := d.step("open", name, func() (err error) {
			f, err = os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
			return err
		})
		if err != nil {
			return nil, err
		}
		if err := hold(ctx, f); err != nil {
			f.Close()
			return nil, err
		}
		// Whoever held it before may have removed or renamed it.
		here, err := f.Stat()
		if err == nil {
			var there os.FileInfo
			if there, err = os.Lstat(d.path(name)); err == nil && os.SameFile(here, there) {
				return &part{at: d, name: name, want: want, size: size, f: f, hash: sha256.New()}, nil
			}
		}
		f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
}

func (p *part) markName() string { return strings.TrimSuffix(p.name, ".part") + ".mark" }

// resume finds out how much is here that can be relied on, and forgets the rest.
func (p *part) resume() error {
	info, err := p.f.Stat()
	if err != nil {
		return err
	}
	m, err := p.readMark()
	if err != nil {
		return err
	}
	length := min(info.Size(), p.size)
	if m.Bytes > length || m.Digest == "" {
		m, length = mark{}, 0
	}
	if err := p.rehash(m.Bytes); err != nil {
		return err
	}
	if p.sum() != m.Digest {
		m, length = mark{}, 0
	}
	p.sure = m.Bytes
	if m.Boot != boot() {
		length = m.Bytes // a power cut may have left zeros behind it
	}
	if err := p.rehash(length); err != nil {
		return err
	}
	if info.Size() > length {
		if err := p.truncate(length); err != nil {
			return err
		}
	}
	if m.Boot != boot() {
		return p.putMark()
	}
	return nil
}

// boot names this start of the machine; "" if nothing does.
func boot() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

func (p *part) readMark() (mark, error) {
	data, err := p.at.read(p.markName(), maxSmall)
	if errors.Is(err, fs.ErrNotExist) {
		return mark{}, nil
	}
	if err != nil {
		return mark{}, err
	}
	return parseMark(data), nil
}

// parseMark returns a mark of nothing for what is not whole.
func parseMark(data []byte) mark {
	var m mark
	if json.Unmarshal(data, &m) != nil || m.Bytes < 0 {
		return mark{}
	}
	if _, err := digest.Parse(string(m.Digest)); err != nil {
		return mark{}
	}
	return m
}

// rehash digests the first n bytes, which are here.
func (p *part) rehash(n int64) error {
	if n < p.have {
		p.hash.Reset()
		p.have = 0
	}
	read, err := io.Copy(p.hash, io.NewSectionReader(p.f, p.have, n-p.have))
	p.have += read
	if err == nil && p.have < n {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (p *part) sum() digest.Digest {
	return digest.Digest("sha256:" + hex.EncodeToString(p.hash.Sum(nil)))
}

func (p *part) truncate(n int64) error {
	return p.at.step("truncate", p.name, func() error { return p.f.Truncate(n) })
}

// add appends to the part, and marks it every now and then.
func (p *part) add(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	n, err := p.at.write(p.name, io.NewOffsetWriter(p.f, p.have), data)
	p.hash.Write(data[:n])
	p.have += int64(n)
	if err == nil && p.have-p.sure >= markEvery && p.have < p.size {
		err = p.mark()
	}
	return err
}

// mark syncs the part and notes how much there is of it.
func (p *part) mark() error {
	if p.gone || p.have == p.sure {
		return nil
	}
	if err := p.at.sync(p.name, p.f); err != nil {
		return err
	}
	return p.putMark()
}

func (p *part) putMark() error {
	data, err := json.Marshal(mark{p.have, p.sum(), boot()})
	if err != nil {
		return err
	}
	if err := p.at.replace(p.markName(), data, 0o600); err != nil {
		return err
	}
	p.sure = p.have
	return nil
}

// verified reports whether the part is whole and the one that is wanted.
func (p *part) verified() bool { return p.have == p.size && p.sum() == p.want }

// finish gives a verified part its final name.
func (p *part) finish(final string) error {
	if !p.verified() {
		return fmt.Errorf("%s is %w", p.name, ErrDamaged)
	}
	if err := p.at.sync(p.name, p.f); err != nil {
		return err
	}
	if err := p.at.rename(p.name, final); err != nil {
		return err
	}
	p.gone = true
	return p.at.remove(p.markName())
}

// discard removes the part.
func (p *part) discard() error {
	if p.gone {
		return nil
	}
	p.gone = true
	return errors.Join(p.at.remove(p.markName()), p.at.remove(p.name))
}

// close gives the part's lock back.
func (p *part) close() { lock{p.f}.release() }

// cleanParts removes the unwanted of the parts that nobody holds.
func (d folder) cleanParts(unwanted func(hex string) bool) error {
	entries, err := os.ReadDir(d.path("parts"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, e := range entries {
		name := filepath.Join("parts", e.Name())
		hex, _, _ := strings.Cut(e.Name(), ".")
		if !unwanted(hex) {
			continue
		}
		if !strings.HasSuffix(name, ".part") {
			if _, err := os.Lstat(d.path(filepath.Join("parts", hex+".part"))); err == nil {
				continue // goes with its part
			}
			errs = append(errs, d.removeAll(name))
			continue
		}
		f, err := os.OpenFile(d.path(name), os.O_RDWR|unix.O_NOFOLLOW, 0)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if tryHold(f) == nil {
			errs = append(errs, d.remove(strings.TrimSuffix(name, ".part")+".mark"), d.remove(name))
		}
		lock{f}.release()
	}
	return errors.Join(errs...)
}

// removeAll removes a file, or a folder with what is in it.
func (d folder) removeAll(name string) error {
	return d.step("remove", name, func() error { return os.RemoveAll(d.path(name)) })
}
