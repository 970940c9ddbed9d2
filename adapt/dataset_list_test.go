package adapt

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

func TestListClasses(t *testing.T) {
	d := listed(t, tree(t, map[string]string{
		"dog/2.jpg":          "d2",
		"dog/1.jpg":          "d1",
		"dog/deep/er/3.png":  "d3",
		"cat/a":              jpegMark + "no ending",
		"cat/notes.txt":      "read later",
		"Zebra/z.webp":       "z",
		".hidden/x.jpg":      "h",
		"dog/.x.jpg":         "h",
		"dog/._1.jpg":        "h",
		"dog/Thumbs.db":      "h",
		"dog/__MACOSX/1.jpg": "h",
		"dog/.cache/1.jpg":   "h",
		"generate/a.go":      "package a",
		"generate/sub/b.go":  "package b",
		"README.md":          "text",
		"loose.jpg":          "l",
		"loose":              jpegMark,
	}))
	wantStrings(t, "labels", d.Labels, "Zebra", "cat", "dog")
	wantStrings(t, "samples", all(d), "Zebra/z.webp", "cat/a", "cat/notes.txt", "dog/1.jpg", "dog/2.jpg", "dog/deep/er/3.png")
	for _, s := range d.Samples {
		if want := strings.Split(s.Path, "/")[0]; d.Labels[s.Label] != want || s.Split != SplitTrain || s.Bytes == 0 {
			t.Errorf("%+v", s)
		}
	}
	skipped := reasons(d)
	if len(skipped) != 3 || skipped["generate"] != "no image in it" || skipped["loose.jpg"] != "not in a class folder" || skipped["loose"] == "" {
		t.Errorf("%q", skipped)
	}
	if n := d.Images(); d.Folders || n.Skipped != 2 || n.Total != 8 || n.Train != 6 {
		t.Errorf("%v %+v", d.Folders, n)
	}
	if err := d.Check(); err != nil {
		t.Error(err)
	}
}

func TestListSplitFolders(t *testing.T) {
	for _, names := range [][3]string{{"train", "val", "test"}, {"Train", "valid", "TEST"}, {"TRAIN", "Validation", "Test"}} {
		d := listed(t, tree(t, map[string]string{
			names[0] + "/cat/1.jpg": "1",
			names[0] + "/dog/1.jpg": "2",
			names[0] + "/loose.jpg": "3",
			names[1] + "/cat/2.jpg": "4",
			names[2] + "/dog/2.jpg": "5",
			"extra/bird/1.jpg":      "6",
		}))
		wantStrings(t, "labels", d.Labels, "cat", "dog")
		wantStrings(t, "train", paths(d, SplitTrain), names[0]+"/cat/1.jpg", names[0]+"/dog/1.jpg")
		wantStrings(t, "val", paths(d, SplitVal), names[1]+"/cat/2.jpg")
		wantStrings(t, "test", paths(d, SplitTest), names[2]+"/dog/2.jpg")
		skipped := reasons(d)
		if !d.Folders || len(skipped) != 2 || skipped["extra"] == "" || skipped[names[0]+"/loose.jpg"] == "" {
			t.Errorf("%v %q", d.Folders, skipped)
		}
	}
}

func TestListTellsSplitsFromClasses(t *testing.T) {
	for name, test := range map[string]struct {
		files  map[string]string
		splits bool
		labels string
	}{
		"a train folder alone":         {map[string]string{"train/a/1.jpg": "", "train/b/1.jpg": ""}, true, "a b"},
		"a test folder alone":          {map[string]string{"test/a/1.jpg": "", "test/b/1.jpg": ""}, true, "a b"},
		"locomotives":                  {map[string]string{"train/1.jpg": "", "bus/1.jpg": ""}, false, "bus train"},
		"locomotives in sub-folders":   {map[string]string{"train/steam/1.jpg": "", "bus/1.jpg": ""}, false, "bus train"},
		"two classes, train and test":  {map[string]string{"train/1.jpg": "", "test/1.jpg": ""}, false, "test train"},
		"one folder of each is enough": {map[string]string{"train/a/1.jpg": "", "test/b/1.jpg": "", "notes/1.txt": ""}, true, "a b"},
	} {
		d := listed(t, tree(t, test.files))
		if got := strings.Join(d.Labels, " "); d.Folders != test.splits || got != test.labels {
			t.Errorf("%s: %v, labels %q", name, d.Folders, got)
		}
	}
}

func TestListRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		text  string
	}{
		"two val folders":    {map[string]string{"train/a/1.jpg": "", "val/a/1.jpg": "", "valid/a/1.jpg": ""}, `both "val" and "valid" mean val`},
		"label of two lines": {map[string]string{"a\nb/1.jpg": "", "c/1.jpg": ""}, `class "a\nb": the name holds a control character`},
		"label not UTF-8":    {map[string]string{"a\xff/1.jpg": "", "c/1.jpg": ""}, `class "a\xff": the name is not UTF-8`},
		"line separator":     {map[string]string{"a\u2028b/1.jpg": "", "c/1.jpg": ""}, "control character"},
	} {
		_, err := List(t.Context(), tree(t, test.files))
		if err == nil || !strings.Contains(err.Error(), test.text) || hint.Of(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	file := filepath.Join(tree(t, map[string]string{"f": ""}), "f")
	for _, dir := range []string{file, file + "/none", t.TempDir() + "/none"} {
		if _, err := List(t.Context(), dir); err == nil || hint.Of(err) == "" {
			t.Errorf("%s: %v", dir, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := List(ctx, tree(t, map[string]string{"a/1.jpg": "", "b/1.jpg": ""})); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestListSurvivesLinks(t *testing.T) {
	dir := tree(t, map[string]string{"a/1.jpg": "1", "a/sub/2.jpg": "2", "b/3.jpg": "3"})
	outside := tree(t, map[string]string{"4.jpg": "4", "5.jpg": "5"})
	for link, target := range map[string]string{
		"a/up":            "..",
		"a/self":          ".",
		"a/sub/around":    "../../a",
		"a/root":          "/",
		"a/loop":          "loop",
		"a/none.jpg":      "nowhere",
		"a/again":         "sub",
		"b/outside":       outside,
		"b/elsewhere.jpg": filepath.Join(outside, "4.jpg"),
		"me":              ".",
		"c":               outside,
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	d := listed(t, dir)
	wantStrings(t, "labels", d.Labels, "a", "b", "c")
	// The name a/again comes before a/sub, so the folder is read by that name.
	wantStrings(t, "samples", all(d), "a/1.jpg", "a/again/2.jpg", "b/3.jpg", "b/elsewhere.jpg", "b/outside/4.jpg", "b/outside/5.jpg", "c/4.jpg", "c/5.jpg")
	skipped := reasons(d)
	for path, text := range map[string]string{
		"a/up": "link back", "a/self": "link back", "a/again/around": "link back", "a/root": "link back", "me": "link back",
		"a/sub": "link back", "a/loop": "leads to itself", "a/none.jpg": "does not exist",
	} {
		if !strings.Contains(skipped[path], text) {
			t.Errorf("%s: %q, want %q", path, skipped[path], text)
		}
		delete(skipped, path)
	}
	if len(skipped) > 0 {
		t.Errorf("also skipped: %q", skipped)
	}
	// Through a link to the folder itself it looks the same.
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	wantStrings(t, "through a link", all(listed(t, link)), all(d)...)
}

func TestListOpensNothingSpecial(t *testing.T) {
	dir := tree(t, map[string]string{"a/1.jpg": "1", "b/2.jpg": "2", "a/folder.jpg/": "", "b/full.jpg/3.jpg": "3"})
	for _, path := range []string{"a/pipe.jpg", "a/pipe", "pipe.jpg"} {
		if err := syscall.Mkfifo(filepath.Join(dir, path), 0o644); err != nil {
			t.Skip(err)
		}
	}
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "a", "s"), Net: "unix"})
	if err != nil {
		t.Skip(err)
	}
	defer socket.Close()
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "b", "zero.png")); err != nil {
		t.Fatal(err)
	}
	d := listed(t, dir)
	wantStrings(t, "samples", all(d), "a/1.jpg", "b/2.jpg", "b/full.jpg/3.jpg")
	skipped := reasons(d)
	for path, text := range map[string]string{
		"a/pipe.jpg": "named pipe", "a/pipe": "named pipe", "a/s": "socket", "b/zero.png": "device",
		"a/folder.jpg": "a folder, not an image", "pipe.jpg": "not in a class folder",
	} {
		if !strings.Contains(skipped[path], text) {
			t.Errorf("%s: %q, want %q", path, skipped[path], text)
		}
	}
}

func TestListNamesWhatItMayNotRead(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	dir := tree(t, map[string]string{"a/1.jpg": "1", "a/closed/2.jpg": "2", "b/3.jpg": "3"})
	closed := filepath.Join(dir, "a", "closed")
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(closed, 0o755)
	d := listed(t, dir)
	if got := reasons(d)["a/closed"]; got != "permission denied" {
		t.Errorf("%q", got)
	}
}

func TestListKeepsOddNames(t *testing.T) {
	names := []string{
		"with space.jpg", " leading.jpg", "trailing .jpg", "-rf.jpg", "--json", "new\nline.jpg", "tab\t.jpg", "nul\\0.jpg",
		"invalid\xff\xfe.jpg", "quote'\".jpg", "star*?.jpg", "$HOME.jpg", "%s%d.jpg", "emoji😀.jpg", "rtl\u202eגפ.jpg", "é.jpg", "e\u0301.jpg",
		"UPPER.JPG", "a.b.c.jpeg", "~", "#1.png", strings.Repeat("n", 251) + ".jpg",
	}
	files := map[string]string{"other/1.jpg": "1"}
	for _, name := range names {
		files["-odd 😀 class/"+name] = jpegMark + name
	}
	d := listed(t, tree(t, files))
	wantStrings(t, "labels", d.Labels, "-odd 😀 class", "other")
	if len(d.Samples) != len(names)+1 || len(d.Skipped) != 0 {
		t.Errorf("%d samples of %d, skipped %q", len(d.Samples), len(names)+1, reasons(d))
	}
	for _, s := range d.Samples {
		if _, ok := files[s.Path]; !ok {
			t.Errorf("%q is none of the names written", s.Path)
		}
	}
}
