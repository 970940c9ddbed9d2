package open_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/camera/open"
	"github.com/edge-adapt/edge/internal/hint"
)

// The page on cameras names every option that there is, in the section of its
// source, and no URI that is refused.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile("../../docs/cameras.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	for uri, section := range map[string]string{
		"file:///in?nonsense=1":         "## Folders",
		"pipe:?format=mjpeg&nonsense=1": "## Frames on standard input",
		"test://?nonsense=1":            "## Made-up pictures",
		"/dev/video0?nonsense=1":        "## Camera devices",
		"csi://0?nonsense=1":            "## Cameras on the board",
	} {
		_, text, found := strings.Cut(page, section)
		if !found {
			t.Errorf("no section %q", section)
			continue
		}
		text, _, _ = strings.Cut(text, "\n## ")
		names, ok := strings.CutPrefix(hint.Of(open.Check(uri)), "the options are ")
		if !ok {
			t.Errorf("%s: the hint is %q", uri, hint.Of(open.Check(uri)))
		}
		for name := range strings.SplitSeq(names, ", ") {
			if !strings.Contains(text, "`"+name+"`") {
				t.Errorf("%s do not say what %s is", section, name)
			}
		}
	}
	uris := regexp.MustCompile("[`']((?:/dev/video|v4l2:|csi:|rtsps?:|https?:|file:|pipe:\\?|test:)[^`']*)[`']").FindAllStringSubmatch(page, -1)
	if len(uris) < 15 {
		t.Errorf("only %d URIs were found", len(uris))
	}
	for _, uri := range uris {
		if err := open.Check(uri[1]); err != nil && !strings.HasSuffix(uri[1], "://") {
			t.Errorf("%s: %v", uri[1], err)
		}
	}
}
