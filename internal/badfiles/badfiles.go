// Package badfiles makes a folder of images as people have them: good ones, good
// ones of odd kinds and names, and files that cannot be used, for tests.
package badfiles

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// What Make says of files that are readable but must not be used.
const (
	Duplicate = "duplicate" // the same bytes as another image of the class
	Conflict  = "conflict"  // the same bytes as an image of the other class
)

// Labels are the two classes that Make makes. A small head tells them apart by
// their colour.
var Labels = [2]string{"amber", "blue"}

// plain is how many ordinary images each class gets.
const plain = 12

// maker is a folder being made.
type maker struct {
	testing.TB
	dir  string
	want map[string]string
	good int
}

// Make fills dir, which must exist, with the classes Labels and what lies about
// them. It returns what must not be used, path inside dir to a part of the
// reason, or Duplicate, or Conflict; and how many images must be used. Files
// that are in neither are to be ignored without a word.
//
// Some kinds need more than ordinary rights or a file system of its own; where
// one cannot be made it is left out.
func Make(t testing.TB, dir string) (want map[string]string, good int) {
	t.Helper()
	m := &maker{TB: t, dir: dir, want: map[string]string{}}
	for class := range Labels {
		for i := range plain {
			m.use(class, name(i), m.ordinary(class, i))
		}
	}
	m.oddKinds()
	m.oddNames()
	m.damaged()
	m.foreign()
	m.copies()
	m.special()
	m.silent()
	return m.want, m.good
}

func name(i int) string { return "img_" + string(rune('a'+i)) + ".jpg" }

// write writes a file and the folders it lies in.
func (m *maker) write(path string, data []byte) {
	m.Helper()
	full := filepath.Join(m.dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		m.Fatal(err)
	}
	if err := os.WriteFile(full, data, 0o644); err != nil {
		m.Fatal(err)
	}
}

// use writes an image that must be used.
func (m *maker) use(class int, name string, data []byte) {
	m.Helper()
	m.write(filepath.Join(Labels[class], name), data)
	m.good++
}

// refuse writes a file of the first class that must not be used.
func (m *maker) refuse(name, reason string, data []byte) {
	m.Helper()
	path := filepath.Join(Labels[0], name)
	m.write(path, data)
	m.want[path] = reason
}

// picture returns a file of the pixel package's test data.
func (m *maker) picture(name string) []byte {
	m.Helper()
	_, here, _, _ := runtime.Caller(0)
	data, err := os.ReadFile(filepath.Join(filepath.Dir(here), "..", "..", "camera", "pixel", "testdata", "pictures", name))
	if err != nil {
		m.Fatal(err)
	}
	return data
}

// scene draws a picture of a class; number makes it differ from all others.
func scene(class, number int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 48, 40))
	base := [2]color.RGBA{{200, 130, 30, 255}, {30, 60, 190, 255}}[class]
	state := uint32(number*2+class)*2654435761 + 1
	for y := range 40 {
		for x := range 48 {
			state = state*1664525 + 1013904223
			shade := (x*number/4+y+int(state>>27))%48 - 24
			img.SetRGBA(x, y, color.RGBA{shift(base.R, shade), shift(base.G, shade), shift(base.B, shade), 255})
		}
	}
	return img
}

func shift(v byte, by int) byte { return byte(min(max(int(v)+by, 0), 255)) }

// ordinary returns a JPEG of a class.
func (m *maker) ordinary(class, number int) []byte {
	m.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, scene(class, number), nil); err != nil {
		m.Fatal(err)
	}
	return b.Bytes()
}

// lossless returns a PNG of a class.
func (m *maker) lossless(class, number int) []byte {
	m.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, scene(class, number)); err != nil {
		m.Fatal(err)
	}
	return b.Bytes()
}

// oddKinds are images of kinds that programs stumble over.
func (m *maker) oddKinds() {
	for _, name := range []string{
		"grey.jpg", "progressive.jpg", "cmyk.jpg", "ycck.jpg", "orientation6.jpg", "orientation5.jpg", "1x1.jpg",
		"grey.png", "grey1bit.png", "grey16.png", "rgb16.png", "rgba16.png", "palette.png", "palette_alpha.png", "rgba.png",
		"interlaced.png", "animated.png", "orientation6.png",
		"lossy.webp", "lossless_alpha.webp", "animated.webp", "animated_part.webp", "orientation6.webp",
	} {
		m.use(0, "kind_"+name, m.picture(name))
	}
	m.use(1, "jpeg called.png", m.ordinary(1, 100))
	m.use(1, "png called.jpg", m.lossless(1, 101))
	m.use(1, "webp called.txt", m.picture("lossless.webp"))
	m.use(1, "no ending", m.ordinary(1, 102))
	m.use(1, "motion photo.jpg", append(m.ordinary(1, 103), "\x00\x00\x00\x18ftypmp42 and a video"...))
	m.use(1, "deep/er/still/nested.jpg", m.ordinary(1, 104))
	m.use(1, "folder.jpg/inside.jpg", m.ordinary(1, 105))
}

// oddNames are images whose names programs stumble over.
func (m *maker) oddNames() {
	for i, name := range []string{
		"with space.jpg", " leading.jpg", "trailing.jpg ", "-rf.jpg", "--json", "new\nline.jpg", "tab\t.jpg", "bell\a.jpg",
		"invalid\xff\xfe.jpg", "quote'\"`.jpg", "star*?[x].jpg", "$HOME;ls.jpg", "%s%d%n.jpg", "<b>&amp;.jpg", "back\\slash.jpg",
		"emoji\U0001f600.jpg", "rtl\u202e\u05d2\u05e4.jpg", "composed\u00e9.jpg", "decomposede\u0301.jpg", "UPPER.JPG", "~", "#1.jpg",
		strings.Repeat("n", 251) + ".jpg",
	} {
		m.use(1, name, m.ordinary(1, 200+i))
	}
}

// copies are the same bytes more than once.
func (m *maker) copies() {
	m.refuse("img_a_copy.jpg", Duplicate, m.ordinary(0, 0))
	m.refuse("sub/img_a.jpg", Duplicate, m.ordinary(0, 0))
	for _, label := range Labels {
		path := filepath.Join(label, "under both.jpg")
		m.write(path, m.ordinary(0, 300))
		m.want[path] = Conflict
	}
}

// special are things that are not files, and files that may not be read.
func (m *maker) special() {
	at := func(name string) string { return filepath.Join(m.dir, Labels[0], name) }
	note := func(name, reason string, err error) {
		if err != nil {
			m.Logf("left out %s: %v", name, err)
			return
		}
		m.want[filepath.Join(Labels[0], name)] = reason
	}
	note("pipe.jpg", "named pipe", syscall.Mkfifo(at("pipe.jpg"), 0o644))
	note("socket.jpg", "socket", syscall.Mknod(at("socket.jpg"), syscall.S_IFSOCK|0o644, 0))
	note("device.jpg", "device", os.Symlink("/dev/zero", at("device.jpg")))
	note("dangling.jpg", "does not exist", os.Symlink("gone.jpg", at("dangling.jpg")))
	note("circle.jpg", "leads to itself", os.Symlink("circle.jpg", at("circle.jpg")))
	note("back", "link back", os.Symlink("..", at("back")))
	note("itself", "link back", os.Symlink(".", at("itself")))
	note("empty.jpg", "a folder, not an image", os.Mkdir(at("empty.jpg"), 0o755))
	huge, err := os.Create(at("huge.jpg"))
	if err != nil {
		m.Fatal(err)
	}
	if _, err = huge.Write(m.ordinary(0, 400)); err == nil {
		err = huge.Truncate(3 << 30) // sparse: it takes no room
	}
	huge.Close()
	note("huge.jpg", "too large", err)
	if os.Geteuid() != 0 {
		m.refuse("forbidden.jpg", "permission denied", m.ordinary(0, 401))
		if err := os.Chmod(at("forbidden.jpg"), 0); err != nil {
			m.Fatal(err)
		}
	}
	// A link to an image elsewhere is an image.
	elsewhere := filepath.Join(m.TempDir(), "elsewhere.jpg")
	if err := os.WriteFile(elsewhere, m.ordinary(1, 402), 0o644); err != nil {
		m.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(m.dir, Labels[1], "link.jpg")); err != nil {
		m.Fatal(err)
	}
	m.good++
}

// silent is what is ignored, and what lies beside the classes.
func (m *maker) silent() {
	for _, path := range []string{
		".DS_Store", ".git/config", ".cache/img.jpg", "README.md", "labels.txt", "Thumbs.db",
		Labels[0] + "/.hidden.jpg", Labels[0] + "/._img_a.jpg", Labels[0] + "/Thumbs.db", Labels[0] + "/desktop.ini",
		Labels[0] + "/__MACOSX/._img_a.jpg", Labels[0] + "/.thumbnails/img.jpg", Labels[0] + "/@eaDir/img.jpg",
	} {
		m.write(path, m.ordinary(0, 500))
	}
	m.write("README.md", []byte("# Photos\n"))
	m.write("labels.txt", []byte("amber\nblue\n"))
	m.write("loose.jpg", m.ordinary(0, 501))
	m.want["loose.jpg"] = "not in a class folder"
	m.write("tools/resize.py", []byte("import sys\n"))
	m.want["tools"] = "no image in it"
}
