package sink

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// independent signs with Python's standard library, after the specification's
// words: base64 of HMAC-SHA256 over id.timestamp.payload.
const independent = `
import base64, hashlib, hmac, json, sys
for line in sys.stdin:
    key, id, at, body = json.loads(line)
    raw = base64.b64decode(key[len("whsec_"):]) if key.startswith("whsec_") else key.encode()
    mac = hmac.new(raw, f"{id}.{at}.{body}".encode(), hashlib.sha256)
    print("v1," + base64.b64encode(mac.digest()).decode())
`

func TestSignAgainstPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to compare with")
	}
	at := time.Unix(1614265330, 0)
	var in, want strings.Builder
	for _, text := range []string{secret, "0123456789abcdef", "sixteen letters, ü"} {
		for _, body := range []string{`{"test": 2432232314}`, "", "ü\n"} {
			line, _ := json.Marshal([]any{text, "msg_p5jXN8AQM9LWM0D4loKWxJek", at.Unix(), body})
			fmt.Fprintln(&in, string(line))
			fmt.Fprintln(&want, key(t, text).Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, []byte(body)))
		}
	}
	cmd := exec.Command(python, "-c", independent)
	cmd.Env = append(os.Environ(), "PYTHONUTF8=1")
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(out) != want.String() {
		t.Errorf("Python signs\n%swe sign\n%s", out, want.String())
	}
}

// TestDocumentedReceiver runs the receiver that docs/running.md shows, against a
// real delivery.
func TestDocumentedReceiver(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to run it")
	}
	doc, err := os.ReadFile("../../docs/running.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "    import base64, hashlib, hmac, time\n")
	code := "import base64, hashlib, hmac, time\n"
	for l := range strings.Lines(rest) {
		text, ok := strings.CutPrefix(l, "    ")
		if !ok {
			break
		}
		code += text
	}
	code += "import json, sys\nh, body, secret = json.load(sys.stdin)\nverify(h, body.encode(), secret.encode())\n"
	k := key(t, "0123456789abcdef")
	for _, c := range []struct {
		at   time.Time
		sent string
		ok   bool
	}{{time.Now(), "{}", true}, {time.Now(), "{ }", false}, {time.Now().Add(-time.Hour), "{}", false}} {
		headers := map[string]string{HeaderID: "msg_1", HeaderTimestamp: fmt.Sprint(c.at.Unix()), HeaderSignature: k.Sign("msg_1", c.at, []byte("{}"))}
		in, _ := json.Marshal([]any{headers, c.sent, "0123456789abcdef"})
		cmd := exec.Command(python, "-c", code)
		cmd.Stdin = strings.NewReader(string(in))
		out, err := cmd.CombinedOutput()
		if (err == nil) != c.ok || err != nil && !strings.Contains(string(out), "ValueError") {
			t.Errorf("%+v: %v\n%s", c, err, out)
		}
	}
}

func TestVerify(t *testing.T) {
	k := key(t, secret)
	at := time.Unix(1_700_000_000, 0)
	body := []byte("{}")
	good := http.Header{}
	good.Set(HeaderID, "msg_1")
	good.Set(HeaderTimestamp, "1700000000")
	good.Set(HeaderSignature, "v1,AAAA "+k.Sign("msg_1", at, body)) // one of several, as when keys change
	if id, err := k.Verify(good, body, at); err != nil || id != "msg_1" {
		t.Fatalf("%q, %v", id, err)
	}
	for name, change := range map[string]func(h http.Header) (b []byte, now time.Time){
		"another body":  func(http.Header) ([]byte, time.Time) { return []byte("{ }"), at },
		"another id":    func(h http.Header) ([]byte, time.Time) { h.Set(HeaderID, "msg_2"); return body, at },
		"no id":         func(h http.Header) ([]byte, time.Time) { h.Del(HeaderID); return body, at },
		"another time":  func(h http.Header) ([]byte, time.Time) { h.Set(HeaderTimestamp, "1700000001"); return body, at },
		"no time":       func(h http.Header) ([]byte, time.Time) { h.Set(HeaderTimestamp, "now"); return body, at },
		"no signature":  func(h http.Header) ([]byte, time.Time) { h.Del(HeaderSignature); return body, at },
		"too old":       func(http.Header) ([]byte, time.Time) { return body, at.Add(Tolerance + time.Second) },
		"from tomorrow": func(http.Header) ([]byte, time.Time) { return body, at.Add(-Tolerance - time.Second) },
	} {
		h := good.Clone()
		b, now := change(h)
		if _, err := k.Verify(h, b, now); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseKey(t *testing.T) {
	for _, text := range []string{"", "short", "whsec_", "whsec_AAAA", "whsec_hushhush!"} {
		if _, err := ParseKey(text); err == nil || strings.Contains(err.Error(), "hushhush") {
			t.Errorf("%q gives %v", text, err)
		}
	}
	k := key(t, secret)
	if text := fmt.Sprintf("%v %+v %#v", k, WebhookOptions{Key: k}, k); strings.Contains(text, "MfKQ") || strings.Contains(text, "bytes:") {
		t.Errorf("the key is printed: %s", text)
	}
}
