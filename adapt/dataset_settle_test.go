package adapt

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

// many returns files, path to content, of n images in each of the folders.
func many(n int, folders ...string) map[string]string {
	files := map[string]string{}
	for _, folder := range folders {
		for i := range n {
			path := fmt.Sprintf("%s/%02d.jpg", folder, i)
			files[path] = path
		}
	}
	return files
}

// with returns files with more of them added, as path, content, path, content.
func with(files map[string]string, more ...string) map[string]string {
	for i := 0; i < len(more); i += 2 {
		files[more[i]] = more[i+1]
	}
	return files
}

func TestSettleSorts(t *testing.T) {
	d := listed(t, tree(t, with(many(10, "cat", "dog"),
		"cat/copy1.jpg", "cat/03.jpg",
		"cat/copy2.jpg", "cat/03.jpg",
		"dog/stray.jpg", "cat/05.jpg",
		"dog/bad.jpg", unreadable,
	)))
	read(t, d)
	if err := d.Settle(SplitOptions{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	if n := d.Images(); n != (Images{Total: 24, Train: 15, Val: 4, Skipped: 1, Duplicates: 2}) {
		t.Errorf("%+v", n)
	}
	if got := fmt.Sprint(d.Duplicates); got != "[{cat/copy1.jpg cat/03.jpg false} {cat/copy2.jpg cat/03.jpg false}]" {
		t.Error(got)
	}
	if got := fmt.Sprint(d.Conflicts); got != "[{[cat/05.jpg dog/stray.jpg] [cat dog]}]" {
		t.Error(got)
	}
	if got := reasons(d)["dog/bad.jpg"]; got != "invalid argument" {
		t.Error(got)
	}
	if slices.Contains(all(d), "cat/05.jpg") || slices.Contains(all(d), "dog/bad.jpg") || !slices.IsSorted(all(d)) {
		t.Errorf("%q", all(d))
	}
}

func TestSettleKeepsTheCopyThatMeasures(t *testing.T) {
	d := listed(t, tree(t, with(many(3, "train/cat", "train/dog", "val/cat", "test/cat", "test/dog"),
		"train/cat/a.jpg", "in all", "val/cat/b.jpg", "in all", "test/cat/c.jpg", "in all",
		"train/dog/d.jpg", "in two", "val/dog/e.jpg", "in two",
		"train/dog/f.jpg", "conflict", "test/cat/g.jpg", "conflict",
	)))
	read(t, d)
	if err := d.Settle(SplitOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(d.Duplicates); got != "[{train/cat/a.jpg test/cat/c.jpg true} {train/dog/d.jpg val/dog/e.jpg true} {val/cat/b.jpg test/cat/c.jpg true}]" {
		t.Error(got)
	}
	if got := fmt.Sprint(d.Conflicts); got != "[{[test/cat/g.jpg train/dog/f.jpg] [cat dog]}]" {
		t.Error(got)
	}
	// The val folder is what it is: nothing is moved to it.
	if n := d.Images(); n.Train != 6 || n.Val != 4 || n.Test != 7 {
		t.Errorf("%+v", n)
	}
}

func TestSettleDividesWhereValIsMissing(t *testing.T) {
	d := listed(t, tree(t, many(10, "train/cat", "train/dog", "test/cat")))
	read(t, d)
	if err := d.Settle(SplitOptions{ValFraction: 0.3}); err != nil {
		t.Fatal(err)
	}
	if n := d.Images(); n != (Images{Total: 30, Train: 14, Val: 6, Test: 10}) {
		t.Errorf("%+v", n)
	}
}

func TestSettleRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		files   map[string]string
		options SplitOptions
		early   bool // Check alone sees it
		text    string
	}{
		"nothing":             {map[string]string{}, SplitOptions{}, true, "no class folder"},
		"loose images":        {map[string]string{"1.jpg": "1", "2.jpg": "2"}, SplitOptions{}, true, "no class folder"},
		"only code":           {map[string]string{"a/1.go": "1", "b/2.go": "2"}, SplitOptions{}, true, "no class folder"},
		"one class":           {many(5, "cat"), SplitOptions{}, true, `one class only: "cat"`},
		"an empty class":      {with(many(5, "cat", "dog"), "new/", ""), SplitOptions{}, true, `empty class: the folder "new" holds no file`},
		"only hidden files":   {with(many(5, "cat", "dog"), "new/.gitkeep", ""), SplitOptions{}, true, "empty class"},
		"a class for testing": {many(5, "train/cat", "train/dog", "test/bird"), SplitOptions{}, true, `class "bird" has images in test/bird, but none to train with`},
		"test only":           {many(5, "test/cat", "test/bird"), SplitOptions{}, true, "none to train with"},
		"nothing readable": {with(many(5, "cat", "dog"), "new/1.jpg", unreadable, "new/2.jpg", unreadable, "new/3.jpg", unreadable, "new/4.jpg", unreadable),
			SplitOptions{}, false, `class "new": no image can be used: "new/1.jpg": invalid argument; "new/2.jpg": invalid argument; "new/3.jpg": invalid argument; and 1 more`},
		"one image":               {with(many(5, "cat", "dog"), "new/1.jpg", "1"), SplitOptions{}, false, `class "new": 1 image that can be used`},
		"one image and its copy":  {with(many(5, "cat", "dog"), "new/1.jpg", "1", "new/2.jpg", "1"), SplitOptions{}, false, `class "new": 1 image`},
		"all under another label": {with(many(5, "cat", "dog"), "new/1.jpg", "cat/01.jpg"), SplitOptions{}, false, `class "new": every image of it also stands under another label`},
		"unreadable val":          {with(many(5, "train/cat", "train/dog"), "val/cat/1.jpg", unreadable), SplitOptions{}, false, "the val folder holds no image"},
		"empty val":               {with(many(5, "train/cat", "train/dog"), "val/cat/", ""), SplitOptions{}, false, "the val folder holds no image"},
		"leaked away":             {with(many(5, "train/cat", "train/dog"), "train/new/1.jpg", "1", "val/new/1.jpg", "1"), SplitOptions{}, false, `class "new" has images in val/new, but none to train with`},
	} {
		t.Run(name, func(t *testing.T) {
			d := listed(t, tree(t, test.files))
			if err := d.Check(); (err != nil) != test.early {
				t.Errorf("Check: %v", err)
			}
			read(t, d)
			err := d.Settle(test.options)
			if err == nil || !strings.Contains(err.Error(), test.text) || hint.Of(err) == "" {
				t.Errorf("%v (hint: %s), want %q", err, hint.Of(err), test.text)
			}
		})
	}
}

func TestSettleWantsEverySampleRead(t *testing.T) {
	d := listed(t, tree(t, many(3, "cat", "dog")))
	read(t, d)
	d.Samples[2].Digest = ""
	if err := d.Settle(SplitOptions{}); err == nil || !strings.Contains(err.Error(), "cat/02.jpg has been neither read nor rejected") {
		t.Error(err)
	}
}

func TestRelabel(t *testing.T) {
	files := with(many(2, "dog", "ant"), "dog/bad.jpg", unreadable)
	d := listed(t, tree(t, files))
	if err := d.Relabel([]string{"dog", "cat", "ant"}); err != nil {
		t.Fatal(err)
	}
	read(t, d)
	d.Prune()
	if len(d.Samples) != 4 || len(d.Skipped) != 1 {
		t.Fatalf("%+v", d)
	}
	for _, s := range d.Samples {
		if !strings.HasPrefix(s.Path, d.Labels[s.Label]+"/") {
			t.Errorf("%s has label %q", s.Path, d.Labels[s.Label])
		}
	}
	err := listed(t, tree(t, files)).Relabel([]string{"dog", "cat"})
	if err == nil || !strings.Contains(err.Error(), `class "ant"`) || hint.Of(err) == "" {
		t.Error(err)
	}
}

func TestReadAndRejectMayRunTogether(t *testing.T) {
	d := listed(t, tree(t, many(20, "cat", "dog")))
	done := make(chan bool)
	for i := range d.Samples {
		go func() {
			if i%4 == 0 {
				d.Reject(i, fmt.Errorf("reason %d", i))
			} else {
				d.Read(i, digest.Of([]byte{byte(i)}))
			}
			done <- true
		}()
	}
	for range d.Samples {
		<-done
	}
	if err := d.Settle(SplitOptions{}); err != nil {
		t.Fatal(err)
	}
	if n := d.Images(); n != (Images{Total: 40, Train: 24, Val: 6, Skipped: 10}) {
		t.Errorf("%+v", n)
	}
}
