// Package bundle packs a generation into one file and takes it out again: how a
// head with its base, preprocessing, labels and measures travels from the
// machine that made it to another.
//
// # Format
//
// A bundle is a tar archive in the USTAR format, of these plain files in this
// order:
//
//	manifest.json            the generation's, byte for byte: what models.ParseManifest reads
//	head.tflite, labels.txt  and every other file that the manifest lists, sorted by name
//	blobs/sha256/<hex>       the base that the manifest names, by its digest
//
// The manifest comes first, so that a reader knows the size and the digest of
// everything that follows before it comes. A base that was fine-tuned names the
// base it came from as parent_base in the manifest's recipe.
//
// Every header has mode 0444, user and group 0 without names, and the time 0
// (1970-01-01); contents are filled up with zeros to 512 bytes, and two blocks
// of zeros end the archive and the file. So a generation has one bundle, to the
// byte, and any tar program unpacks it.
//
// The light form of a bundle is the same archive without the base, for whoever
// has that already or fetches it another way; its manifest names the base all the
// same. Read takes no light form, and ReadLight no other: what a file is must be
// known from where it came.
//
// # What is trusted
//
// Nothing. A reader works out each header from the manifest and compares, so it
// accepts the very bytes that Write makes and no others: no entry twice, none
// that the manifest does not list, no link, no path that leads elsewhere, nothing
// behind the end. The digests of the manifest hold for all contents; the
// manifest itself is as good as the signature, or the channel, that brought it.
package bundle

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/edge-adapt/edge/models"
)

// MediaType is the type of a bundle on its way through HTTP.
const MediaType = "application/x-tar"

// Reasons that errors.Is finds in what reading a bundle returns, beside
// models.ErrDamaged (a digest is wrong, or the end is missing) and
// models.ErrNewer.
var (
	ErrNotBundle = errors.New("not a bundle")    // no tar archive that begins with a manifest
	ErrForm      = errors.New("not as packed")   // entries other than Write makes
	ErrTooLarge  = errors.New("larger than set") // than Limits allow
)

// Limits are the sizes, in bytes, that a reader accepts. They are compared with
// what the manifest says before any of it is read.
type Limits struct {
	Base  int64 // of the base; zero: 1 GiB
	File  int64 // of each other file; zero: 64 MiB
	Total int64 // of all together; zero: 2 GiB
}

func (l Limits) orDefault() Limits {
	for _, f := range []struct {
		value *int64
		usual int64
	}{{&l.Base, 1 << 30}, {&l.File, 64 << 20}, {&l.Total, 2 << 30}} {
		if *f.value == 0 {
			*f.value = f.usual
		}
	}
	return l
}

// check compares what a manifest announces with the limits. Base is no limit for
// the light form.
func (l Limits) check(m models.Manifest, of form) error {
	exceeds := func(what string, bytes, limit int64) error {
		return fmt.Errorf("%s of %d bytes is %w: at most %d", what, bytes, ErrTooLarge, limit)
	}
	var total int64
	if of == full {
		if m.Base.Bytes > l.Base {
			return exceeds("the base", m.Base.Bytes, l.Base)
		}
		total = m.Base.Bytes
	}
	for _, f := range m.Files {
		if f.Bytes > l.File {
			return exceeds(f.Name, f.Bytes, l.File)
		}
		total += f.Bytes // 64 files at most: no overflow
	}
	if total > l.Total {
		return exceeds("all", total, l.Total)
	}
	return nil
}

const (
	block       = 512
	maxManifest = 8 << 20 // models reads no longer ones
)

// trailer ends a tar archive.
var trailer [2 * block]byte

// baseName is the base's place in the archive.
func baseName(b models.Base) string { return "blobs/sha256/" + b.Digest.Hex() }

// form is what a bundle holds beside the files of the manifest.
type form int

const (
	full  form = iota // the base
	light             // nothing
)

// contents are the entries behind the manifest, in their order.
func contents(m models.Manifest, of form) []models.File {
	files := slices.Clone(m.Files)
	if of == full {
		files = append(files, models.File{Name: baseName(m.Base), Digest: m.Base.Digest, Bytes: m.Base.Bytes})
	}
	return files
}

// header returns the block before the content of an entry: the only one that
// it can have.
func header(name string, size int64) ([]byte, error) {
	var b bytes.Buffer
	err := tar.NewWriter(&b).WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o444, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b.Bytes(), nil
}

// padding is how many zeros follow a content of size bytes.
func padding(size int64) int64 { return (block - size%block) % block }
