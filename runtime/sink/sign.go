package sink

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

// The headers of a delivery, as the Standard Webhooks specification names them:
// libraries for receivers exist in many languages.
const (
	HeaderID        = "Webhook-Id"        // the same for every try of one event
	HeaderTimestamp = "Webhook-Timestamp" // of this try, in seconds since 1970
	HeaderSignature = "Webhook-Signature" // v1,<base64>, several with spaces between them
)

// Tolerance is how far a delivery's timestamp may be from the receiver's clock:
// within it, a receiver remembers the identifiers it has seen, and refuses the rest.
const Tolerance = 5 * time.Minute

// ErrSignature is what Verify returns for a delivery that is not the sender's, or
// is too old.
var ErrSignature = errors.New("the signature does not hold")

// Key is what deliveries are signed with. Its text is never printed.
type Key struct{ bytes []byte }

// minKey is the fewest bytes of a key that nobody guesses.
const minKey = 16

// ParseKey reads a key: whsec_ and base64, as the specification writes it, or any
// other text of 16 bytes or more, which is taken as it is.
func ParseKey(text string) (Key, error) {
	key := []byte(text)
	if encoded, ok := strings.CutPrefix(text, "whsec_"); ok {
		var err error
		if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return Key{}, errors.New("webhook secret: what follows whsec_ is not base64") // and not shown
		}
	}
	if len(key) < minKey {
		return Key{}, hint.Wrap(fmt.Errorf("webhook secret: shorter than %d bytes", minKey), "make one: openssl rand -base64 32")
	}
	return Key{key}, nil
}

// String hides the key.
func (k Key) String() string { return "[hidden]" }

// GoString hides the key.
func (k Key) GoString() string { return "sink.Key{[hidden]}" }

// Sign returns the value of HeaderSignature:
//
//	"v1," + base64(HMAC-SHA256(key, id + "." + seconds + "." + body))
func (k Key) Sign(id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, k.bytes)
	fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Verify is for receivers in Go: it reports whether a delivery with these headers
// and this body was signed with k within Tolerance of now. The caller refuses
// an id that it has already seen.
func (k Key) Verify(h http.Header, body []byte, now time.Time) (id string, err error) {
	id = h.Get(HeaderID)
	seconds, err := strconv.ParseInt(h.Get(HeaderTimestamp), 10, 64)
	if err != nil || id == "" {
		return "", fmt.Errorf("webhook: %w: %s or %s is missing", ErrSignature, HeaderID, HeaderTimestamp)
	}
	at := time.Unix(seconds, 0)
	if age := now.Sub(at); age > Tolerance || age < -Tolerance {
		return "", fmt.Errorf("webhook: %w: its time is off by %v", ErrSignature, age.Round(time.Second))
	}
	want := []byte(k.Sign(id, at, body))
	for signature := range strings.FieldsSeq(h.Get(HeaderSignature)) {
		if hmac.Equal([]byte(signature), want) {
			return id, nil
		}
	}
	return "", fmt.Errorf("webhook: %w", ErrSignature)
}
