package adapt

import "testing"

// frigateCrop is a name as Frigate gives it to a crop that waits to be sorted.
const frigateCrop = "1747012345.678901-k3x9ab-1747012347.12345-"

func TestListFrigateClassification(t *testing.T) {
	files := map[string]string{
		"dataset/open/open-1747012345.5-ab12cd.png":     "o",
		"dataset/shut/shut-1747012346.5-ab12ce.png":     "s",
		"dataset/shut/example_001.jpg":                  "e",
		"dataset/none/":                                 "",
		"train/none-none-1747012347.5-unknown-0.0.webp": "t",
		"train/" + frigateCrop + "open-0.93.webp":       "u",
		".training_metadata.json":                       "{}",
	}
	for _, path := range []string{"", "/dataset"} {
		d := listed(t, tree(t, files)+path)
		wantStrings(t, "labels", d.Labels, "open", "shut")
		if len(d.Samples) != 3 || d.Folders {
			t.Errorf("%q: samples %v", path, all(d))
		}
		skipped := reasons(d)
		prefix := "dataset/"
		if path != "" {
			prefix = ""
		} else if skipped["train"] != unsortedReason {
			t.Errorf("skipped %q", skipped)
		}
		if skipped[prefix+"none"] == "" {
			t.Errorf("%q: skipped %q", path, skipped)
		}
		if err := d.Check(); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
	// A class none with images in it is one, and dataset may stand alone.
	d := listed(t, tree(t, map[string]string{"dataset/open/1.png": "o", "dataset/none/2.png": "n"}))
	wantStrings(t, "labels", d.Labels, "none", "open")
	wantStrings(t, "samples", all(d), "dataset/none/2.png", "dataset/open/1.png")
}

func TestListFrigateFaces(t *testing.T) {
	d := listed(t, tree(t, map[string]string{
		"ada/ada-1747012345.5.webp":                 "a",
		"bob/bob-1747012346.5.webp":                 "b",
		"train/" + frigateCrop + "unknown-0.0.webp": "t",
		"train/" + frigateCrop + "ada-1.0.webp":     "u",
		"train/.hidden":                             "h",
	}))
	wantStrings(t, "labels", d.Labels, "ada", "bob")
	if reasons(d)["train"] != unsortedReason || d.Folders {
		t.Errorf("skipped %q", reasons(d))
	}
}

func TestListTellsFrigateFromClasses(t *testing.T) {
	for name, test := range map[string]struct {
		files  map[string]string
		labels []string
	}{
		"locomotives":           {map[string]string{"train/1.jpg": "", "bus/1.jpg": ""}, []string{"bus", "train"}},
		"one file of another":   {map[string]string{"train/" + frigateCrop + "a-0.5.webp": "", "train/1.jpg": "", "bus/1.jpg": ""}, []string{"bus", "train"}},
		"a class named dataset": {map[string]string{"dataset/1.jpg": "", "train/1.jpg": ""}, []string{"dataset", "train"}},
		"another folder beside": {map[string]string{"dataset/a/1.jpg": "", "photos/1.jpg": "", "train/2.jpg": ""}, []string{"dataset", "photos", "train"}},
		"splits in dataset":     {map[string]string{"dataset/train/a/1.jpg": "", "dataset/val/b/1.jpg": ""}, []string{"a", "b"}},
	} {
		d := listed(t, tree(t, test.files))
		wantStrings(t, name, d.Labels, test.labels...)
	}
}

func TestIsAttempt(t *testing.T) {
	for name, want := range map[string]bool{
		frigateCrop + "cat-0.5.webp":              true,
		"none-none-1747012347.5-unknown-0.0.webp": true,
		frigateCrop + "cat-1.5.webp":              false, // no score
		frigateCrop + "cat-NaN.webp":              false,
		frigateCrop + "cat-0.5.txt":               false,
		"a-b-12-cat-0.5.webp":                     false, // no time
		"cat-1747012347.5-ab12cd.png":             false, // sorted
		"-----0.webp":                             false,
		"":                                        false,
	} {
		if got := isAttempt(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
