package receiver

import (
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/runtime/server/access"
)

// The page needs nothing from elsewhere, and nothing in it runs or is styled inline,
// which its own policy would forbid.
func TestPage(t *testing.T) {
	g := newRig(t, nil)
	fetch := func(path string) string {
		resp, err := http.Get(g.url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(path, resp.Status, err)
		}
		return string(data)
	}
	html, js, css := fetch("/"), fetch("/fleet.js"), fetch("/fleet.css")
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(html, -1) {
		if m[1] != "data:," {
			fetch("/" + m[1])
		}
	}
	for _, forbidden := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage"} {
		if strings.Contains(js, forbidden) {
			t.Errorf("the script uses %s", forbidden)
		}
	}
	if m := regexp.MustCompile(`(?i) on[a-z]+=| style=|<style|<script>|https?://`).FindString(html + css); m != "" {
		t.Errorf("in the page: %q", m)
	}
	for _, m := range regexp.MustCompile(`https?://[^"]*`).FindAllString(js, -1) {
		if m != "http://www.w3.org/2000/svg" { // a name, not an address
			t.Errorf("the script knows of %s", m)
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(`id="([a-z-]+)"`).FindAllStringSubmatch(html, -1) {
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?:\$|table)\("([a-z-]+)"`).FindAllStringSubmatch(js, -1) {
		if !ids[m[1]] {
			t.Errorf("the script looks for %q, which the page lacks", m[1])
		}
	}
}

// dump opens the page in a real browser and returns what stands there after its first
// answers.
func dump(t *testing.T, url string) string {
	t.Helper()
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("no chromium to look at the page with")
	}
	cmd := exec.CommandContext(t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
		"--user-data-dir="+t.TempDir(), "--virtual-time-budget=4000", "--dump-dom", url)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	return string(out)
}

// TestPageInBrowser looks at the page as people do. What devices say stays text.
func TestPageInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	const evil = `<img src=x onerror="document.title='broken in'"><script>document.title='broken in'</script>`
	g := newRig(t, nil)
	for i := range 6 {
		r := report(3)
		switch i {
		case 0:
			r.Stuck = "the disk is full: " + evil
		case 1:
			r.Edge = evil
		default:
			g.send(i, r)
			r = report(2, back(3))
		}
		g.send(i, r)
	}
	if err := g.halter.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	dom := dump(t, g.url+"/")
	for _, want := range []string{
		"receiver v9", `<main id="fleet">`, "<b class=\"\">6</b><span>devices</span>", `<b class="bad">1</b><span>stuck</span>`,
		"the disk is full: &lt;img src=x onerror=", "Release 3 on stable: 4 of 6 devices went back", `<rect class="bad"`, keyOf(5).ID(), "66.7 %",
	} {
		if !strings.Contains(dom, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	if strings.Contains(dom, "broken in</title>") || strings.Contains(dom, "<img") || !strings.Contains(dom, "<title>edge fleet</title>") {
		t.Error("what a device said became part of the page")
	}
	if t.Failed() {
		t.Log(dom)
	}
}

// Without a token the page asks for one and shows nothing.
func TestPageAsksForToken(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	keys, _ := tokens(t, access.Read)
	g := newRig(t, func(o *Options) { o.Keys = keys })
	g.send(1, report(3))
	dom := dump(t, g.url+"/")
	if !strings.Contains(dom, `<form id="ask">`) || !strings.Contains(dom, `<main id="fleet" hidden="">`) || strings.Contains(dom, keyOf(1).ID()) {
		t.Error(dom)
	}
}
