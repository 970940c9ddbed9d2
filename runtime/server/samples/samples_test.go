package samples

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// picture returns a PNG that is different for each n.
func picture(n int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, 4, 3))
	for i := range 12 {
		img.Set(i%4, i/4, color.RGBA{uint8(n), uint8(n >> 8), uint8(20 * i), 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// tree lists all files and folders below dir, folders with a slash.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		if e.IsDir() {
			rel += "/"
		}
		all = append(all, rel)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	full := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAddListOpenMoveRemove(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "yet")
	f := New(dir, pixel.Limits{})
	if list, err := f.Labels(t.Context()); err != nil || len(list) != 0 {
		t.Fatal(list, err)
	}
	if page, err := f.List(t.Context(), "", "", 10); err != nil || len(page.Samples) != 0 {
		t.Fatal(page, err)
	}
	one, err := f.Add(t.Context(), "off", picture(1))
	if err != nil {
		t.Fatal(err)
	}
	if one.Existed || one.Width != 4 || one.Height != 3 || one.Name != one.Digest.Hex()[:32]+".png" || one.Modified.IsZero() {
		t.Errorf("%+v", one)
	}
	if again, err := f.Add(t.Context(), "off", picture(1)); err != nil || !again.Existed || again.Name != one.Name {
		t.Errorf("%+v %v", again, err)
	}
	if _, err := f.Add(t.Context(), "on", picture(1)); !errors.Is(err, ErrExists) || hint.Of(err) == "" {
		t.Errorf("the same picture under two labels: %v", err)
	}
	put(t, dir, "off/deep/by hand.png", picture(7))
	if again, err := f.Add(t.Context(), "off", picture(7)); err != nil || !again.Existed || again.Name != "deep/by hand.png" {
		t.Errorf("%+v %v", again, err)
	}
	if _, err := f.Add(t.Context(), "on", picture(7)); !errors.Is(err, ErrExists) {
		t.Errorf("under another name: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "off", "deep")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Add(t.Context(), "on", picture(2)); err != nil {
		t.Fatal(err)
	}
	list, err := f.Labels(t.Context())
	if err != nil || !slices.Equal(list, []Label{{"off", 1}, {"on", 1}}) {
		t.Errorf("%v %v", list, err)
	}
	file, format, err := f.Open("off", one.Name)
	if err != nil || format != "png" {
		t.Fatal(format, err)
	}
	if data, err := io.ReadAll(file); err != nil || !bytes.Equal(data, picture(1)) {
		t.Errorf("%v", err)
	}
	file.Close()
	moved, err := f.Move("off", one.Name, "new")
	if err != nil || moved.Label != "new" || moved.Name != one.Name || moved.Bytes != one.Bytes {
		t.Errorf("%+v %v", moved, err)
	}
	if _, _, err := f.Open("off", one.Name); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	if err := f.Remove("new", one.Name); err != nil {
		t.Error(err)
	}
	if err := f.Remove("new", one.Name); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	if got := tree(t, dir); len(got) != 4 { // new/ off/ on/ and one picture
		t.Errorf("%q", got)
	}
}

func TestMoveMeetsItsName(t *testing.T) {
	dir := t.TempDir()
	f := New(dir, pixel.Limits{})
	put(t, dir, "a/x.png", picture(1))
	put(t, dir, "b/x.png", picture(1))
	put(t, dir, "c/x.png", picture(2))
	if moved, err := f.Move("a", "x.png", "b"); err != nil || moved.Name != "x.png" {
		t.Errorf("the same picture: %+v %v", moved, err)
	}
	moved, err := f.Move("b", "x.png", "c")
	if err != nil || moved.Name == "x.png" || !strings.HasSuffix(moved.Name, ".png") {
		t.Errorf("another picture: %+v %v", moved, err)
	}
	if got := tree(t, dir); len(got) != 5 || !slices.Contains(got, "c/x.png") || !slices.Contains(got, "c/"+moved.Name) {
		t.Errorf("%q", got)
	}
	if moved, err := f.Move("c", "x.png", "c"); err != nil || moved.Name != "x.png" {
		t.Errorf("to where it is: %+v %v", moved, err)
	}
	put(t, dir, "c/deep/down/y.png", picture(3))
	if moved, err := f.Move("c", "deep/down/y.png", "d"); err != nil || moved.Name != "y.png" {
		t.Errorf("%+v %v", moved, err)
	}
}

func TestLabels(t *testing.T) {
	dir := t.TempDir()
	f := New(dir, pixel.Limits{})
	if err := f.AddLabel("a"); err != nil {
		t.Fatal(err)
	}
	if err := f.AddLabel("a"); !errors.Is(err, ErrExists) {
		t.Errorf("%v", err)
	}
	put(t, dir, "b/x.png", picture(1))
	put(t, dir, "file", nil)
	if err := f.RenameLabel("a", "b"); !errors.Is(err, ErrExists) {
		t.Errorf("%v", err)
	}
	if err := f.RenameLabel("a", "file"); !errors.Is(err, ErrExists) {
		t.Errorf("%v", err)
	}
	if err := f.RenameLabel("nobody", "c"); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	if err := f.RenameLabel("b", "ü c"); err != nil {
		t.Error(err)
	}
	if err := f.RenameLabel("ü c", "ü c"); err != nil {
		t.Error(err)
	}
	if err := f.RemoveLabel("ü c", false); !errors.Is(err, ErrNotEmpty) || hint.Of(err) == "" {
		t.Errorf("%v", err)
	}
	if err := f.RemoveLabel("a", false); err != nil {
		t.Error(err)
	}
	if err := f.RemoveLabel("file", true); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	if got := tree(t, dir); !slices.Equal(got, []string{"file", "ü c/", "ü c/x.png"}) {
		t.Errorf("%q", got)
	}
	if err := f.RemoveLabel("ü c", true); err != nil {
		t.Error(err)
	}
	if got := tree(t, dir); !slices.Equal(got, []string{"file"}) {
		t.Errorf("%q", got)
	}
}

func TestPages(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for _, name := range []string{"a/1.png", "a/2.png", "a/b/1.png", "a/b.png", "a-/1.png", "b/1.png", "b/c/d/e.txt", "z/1.png"} {
		put(t, dir, name, picture(1))
		want = append(want, name)
	}
	for _, name := range []string{"loose.png", ".hidden/1.png", "a/.hidden.png", "a/Thumbs.db", "__MACOSX/1.png"} {
		put(t, dir, name, picture(1))
	}
	if err := unix.Mkfifo(filepath.Join(dir, "a", "pipe.png"), 0o644); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(want, func(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) })
	f := New(dir, pixel.Limits{})
	for limit := 1; limit <= len(want)+1; limit++ {
		var got []string
		for next := ""; ; {
			page, err := f.List(t.Context(), "", next, limit)
			if err != nil || len(page.Samples) > limit {
				t.Fatal(page, err)
			}
			for _, s := range page.Samples {
				got = append(got, s.Label+"/"+s.Name)
			}
			if next = page.Next; next == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: %q, want %q", limit, got, want)
		}
	}
	page, err := f.List(t.Context(), "a", "a/2.png", 1)
	if err != nil || len(page.Samples) != 1 || page.Samples[0].Name != "b/1.png" {
		t.Errorf("%+v %v", page, err)
	}
	if _, err := f.List(t.Context(), "c", "", 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	if list, err := f.Labels(t.Context()); err != nil || !slices.Equal(list, []Label{{"a", 4}, {"a-", 1}, {"b", 2}, {"z", 1}}) {
		t.Errorf("%v %v", list, err)
	}
}

// TestNoNameEscapes asks for everything that could lead out of the folder, and
// lays links in it that do.
func TestNoNameEscapes(t *testing.T) {
	outside := t.TempDir()
	dir := filepath.Join(outside, "samples")
	put(t, dir, "a/x.png", picture(1))
	put(t, outside, "secret.png", picture(2))
	put(t, outside, "other/secret.png", picture(3))
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("../../secret.png", "a/relative.png")
	link(filepath.Join(outside, "secret.png"), "a/absolute.png")
	link("../other", "out")
	link(outside, "a/up")
	link("loop", "loop")
	before := tree(t, outside)
	f := New(dir, pixel.Limits{})

	names := []string{
		"", ".", "..", "../secret.png", "../../secret.png", "/etc/passwd", "a/../../secret.png", "./x.png", "x.png/", "a//x.png", "x\x00.png", "\\..\\secret.png",
		".hidden", "relative.png", "absolute.png", "up/secret.png", "up/other/secret.png", "../out/secret.png", strings.Repeat("a", 300), strings.Repeat("a/", 3000) + "x",
	}
	labels := []string{"", ".", "..", "../other", "/", "out", "loop", "a/up", ".hidden", "a\x00", "nobody", strings.Repeat("a", 300), "a/.."}
	for _, label := range append(labels, "a") {
		for _, name := range append(names, "x.png", "secret.png") {
			if label == "a" && name == "x.png" {
				continue
			}
			if file, _, err := f.Open(label, name); err == nil {
				file.Close()
				t.Errorf("open %q of %q", name, label)
			} else if !errors.Is(err, ErrNotFound) {
				t.Errorf("open %q of %q: %v", name, label, err)
			}
			if label == "a" && (name == "relative.png" || name == "absolute.png") {
				continue // the link itself is in the folder
			}
			if err := f.Remove(label, name); err == nil {
				t.Errorf("remove %q of %q", name, label)
			}
			if _, err := f.Move(label, name, "b"); err == nil {
				t.Errorf("move %q of %q", name, label)
			}
		}
	}
	for _, label := range append(labels, "train", "Test", "a ", "a\nb", "a\u2028b", "\xff", "Thumbs.db", "a\\b") {
		if label != "nobody" {
			if _, err := f.Add(t.Context(), label, picture(9)); err == nil {
				t.Errorf("add to %q", label)
			}
			if err := f.AddLabel(label); err == nil {
				t.Errorf("label %q", label)
			}
			if err := f.RenameLabel("a", label); err == nil {
				t.Errorf("rename to %q", label)
			}
			if _, err := f.Move("a", "x.png", label); err == nil {
				t.Errorf("move to %q", label)
			}
		}
		if err := f.RenameLabel(label, "fresh"); err == nil {
			t.Errorf("rename %q", label)
		}
		if err := f.RemoveLabel(label, true); err == nil {
			t.Errorf("remove %q", label)
		}
	}
	if got := tree(t, outside); !slices.Equal(got, before) {
		t.Errorf("%q\nwant %q", got, before)
	}
	if list, err := f.Labels(t.Context()); err != nil || !slices.Equal(list, []Label{{"a", 1}}) {
		t.Errorf("%v %v", list, err)
	}
	if err := f.Remove("a", "absolute.png"); err != nil {
		t.Errorf("the link itself: %v", err)
	}
	if _, err := os.Stat(filepath.Join(outside, "secret.png")); err != nil {
		t.Error(err)
	}
}

func TestOnlyPicturesAreAddedAndShown(t *testing.T) {
	dir := t.TempDir()
	f := New(dir, pixel.Limits{Pixels: 12, Bytes: 1000})
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"empty": {nil, pixel.ErrEmpty}, "text": {[]byte("<script>"), pixel.ErrFormat}, "cut": {picture(1)[:60], pixel.ErrTruncated},
		"damaged": {slices.Concat(picture(1)[:29], []byte{1}, picture(1)[30:]), pixel.ErrCorrupt},
	} {
		if _, err := f.Add(t.Context(), "a", c.data); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	f.limits.Pixels = 11
	if _, err := f.Add(t.Context(), "a", picture(1)); !errors.Is(err, pixel.ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if got := tree(t, dir); len(got) != 0 {
		t.Errorf("%q", got)
	}
	put(t, dir, "a/passwd", []byte("root:x:0:0"))
	put(t, dir, "a/short", nil)
	if err := unix.Mkfifo(filepath.Join(dir, "a", "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"passwd", "short", "pipe"} {
		if _, _, err := f.Open("a", name); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPartedSamplesAreNotChanged(t *testing.T) {
	for names, parted := range map[string]bool{
		"train/a/x.png test/a/y.png":               true,
		"train/a/x.png":                            true,
		"Train/a/x.png val/a/x.png extra/x.png":    true,
		"train/x.png bus/x.png":                    false,
		"test/x.png":                               false,
		"train/fast/x.png bus/x.png":               false,
		"val/a/x.png test/a/x.png bus/x.png":       false,
		".train/a/x.png test/x.png normal/b/x.png": false,
	} {
		dir := t.TempDir()
		for name := range strings.FieldsSeq(names) {
			put(t, dir, name, picture(1))
		}
		_, err := New(dir, pixel.Limits{}).Add(t.Context(), "new", picture(2))
		if errors.Is(err, ErrParted) != parted || !parted && err != nil {
			t.Errorf("%s: %v", names, err)
		}
	}
}

// TestFullDisk fills the disk in the middle of a picture.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	f := New(dir, pixel.Limits{})
	if _, err := f.Add(t.Context(), "a", picture(1)); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	f.write = func(file *os.File, data []byte) (int, error) {
		n, _ := file.Write(data[:len(data)/2])
		return n, &fs.PathError{Op: "write", Path: file.Name(), Err: unix.ENOSPC}
	}
	for _, label := range []string{"a", "new"} {
		if _, err := f.Add(t.Context(), label, picture(2)); !errors.Is(err, unix.ENOSPC) || !strings.Contains(hint.Of(err), "free some space") {
			t.Errorf("%v, hint %q", err, hint.Of(err))
		}
	}
	if got := tree(t, dir); !slices.Equal(got, before) {
		t.Errorf("%q, want %q", got, before)
	}
}

func TestReadOnly(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	put(t, dir, "a/x.png", picture(1))
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	if _, err := New(dir, pixel.Limits{}).Add(t.Context(), "b", picture(2)); !errors.Is(err, fs.ErrPermission) || hint.Of(err) == "" {
		t.Errorf("%v", err)
	}
}

func TestLeftoversAreSwept(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, workDir+"/old", picture(1))
	put(t, dir, workDir+"/oldlabel/x.png", picture(1))
	put(t, dir, workDir+"/new", picture(1))
	past := time.Now().Add(-2 * time.Hour)
	for _, name := range []string{"old", "oldlabel"} {
		if err := os.Chtimes(filepath.Join(dir, workDir, name), past, past); err != nil {
			t.Fatal(err)
		}
	}
	f := New(dir, pixel.Limits{})
	if err := f.AddLabel("a"); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, dir); !slices.Equal(got, []string{workDir + "/", workDir + "/new", "a/"}) {
		t.Errorf("%q", got)
	}
}

func TestChangesAtOnce(t *testing.T) {
	f := New(t.TempDir(), pixel.Limits{})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			added, err := f.Add(t.Context(), fmt.Sprint(i%4), picture(i/2*4+i%4))
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := f.List(t.Context(), "", "", 100); err != nil {
				t.Error(err)
			}
			f.Move(added.Label, added.Name, "moved") //nolint:errcheck // may have been moved already
		})
	}
	all.Wait()
	list, err := f.Labels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, l := range list {
		n += l.Samples
	}
	if n == 0 || n > 16 {
		t.Errorf("%v", list)
	}
}

func FuzzNames(f *testing.F) {
	for _, seed := range [][2]string{{"a", "x.png"}, {"..", "secret.png"}, {"a", "../../secret.png"}, {"a\x00", "x"}, {"ü", ".x"}} {
		f.Add(seed[0], seed[1])
	}
	outside := f.TempDir()
	dir := filepath.Join(outside, "samples")
	if err := os.MkdirAll(filepath.Join(dir, "a"), 0o755); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outside, "secret.png"), picture(1), 0o644); err != nil {
		f.Fatal(err)
	}
	folder := New(dir, pixel.Limits{})
	f.Fuzz(func(t *testing.T, label, name string) {
		if file, _, err := folder.Open(label, name); err == nil {
			t.Fatalf("opened %s", file.Name())
		}
		if CheckLabel(label) == nil {
			if _, err := locate(label, "x.png"); err != nil {
				t.Fatalf("%q may be added, and not be found", label)
			}
		}
	})
}
