package fleet

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Identity is a device's key.
type Identity interface {
	ID() string // as ID gives it
	Public() ed25519.PublicKey
	Sign(payload []byte) []byte // Ed25519
}

// idLength is how many hexadecimal digits an ID has.
const idLength = 32

// ID returns the ID of the device with that key: the first 32 hexadecimal digits of
// the key's SHA-256.
func ID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:])[:idLength]
}

// CheckID reports whether id has the form of an ID.
func CheckID(id string) error {
	if len(id) != idLength || strings.Trim(id, "0123456789abcdef") != "" {
		return fmt.Errorf("%.80q is no device's ID: want %d lower-case hexadecimal digits", id, idLength)
	}
	return nil
}

// Headers of a signed request.
const (
	headerDevice    = "Edge-Device"
	headerDate      = "Edge-Date"
	headerSignature = "Edge-Signature"
)

// Reasons for which a request is not taken for a device's.
var (
	ErrUnsigned  = errors.New("not signed by a device")
	ErrSignature = errors.New("the signature is not the device's")
	ErrDate      = errors.New("signed too long ago, or ahead of time")
)

// Sign puts a device's signature on a request to that route with that body. at is
// by the receiver's clock, as well as it is known.
func Sign(req *http.Request, id Identity, route string, body []byte, at time.Time) {
	date := at.UTC().Format(time.RFC3339Nano)
	req.Header.Set(headerDevice, id.ID())
	req.Header.Set(headerDate, date)
	req.Header.Set(headerSignature, base64.StdEncoding.EncodeToString(id.Sign(payload(req.Method, route, date, body))))
}

// payload is what is signed. Its first line keeps a signature that was made for
// something else from being one of these.
func payload(method, route, date string, body []byte) []byte {
	return fmt.Appendf(nil, "edge fleet 1\n%s\n%s\n%s\n%x\n", method, route, date, sha256.Sum256(body))
}

// Proof is what a request says about who sent it. Nothing is true of it before
// Verify.
type Proof struct {
	Device    string // has the form of an ID
	Date      time.Time
	date      string
	signature []byte
}

// ParseProof reads the headers of a request. The error is ErrUnsigned.
func ParseProof(h http.Header) (Proof, error) {
	p := Proof{Device: h.Get(headerDevice), date: h.Get(headerDate)}
	if p.Device == "" && p.date == "" {
		return Proof{}, ErrUnsigned
	}
	err := CheckID(p.Device)
	if err == nil {
		p.Date, err = time.Parse(time.RFC3339Nano, p.date)
	}
	if err == nil {
		p.signature, err = base64.StdEncoding.DecodeString(h.Get(headerSignature))
	}
	if err == nil && len(p.signature) != ed25519.SignatureSize {
		err = fmt.Errorf("a signature of %d bytes", len(p.signature))
	}
	for _, name := range []string{headerDevice, headerDate, headerSignature} {
		if err == nil && len(h.Values(name)) != 1 {
			err = fmt.Errorf("%s stands there more than once", name)
		}
	}
	if err != nil {
		return Proof{}, fmt.Errorf("%w: %w", ErrUnsigned, err)
	}
	return p, nil
}

// Verify reports whether the device with that key has signed the request, within
// window of now: nil, ErrSignature or ErrDate.
func (p Proof) Verify(public ed25519.PublicKey, method, route string, body []byte, now time.Time, window time.Duration) error {
	if len(public) != ed25519.PublicKeySize || ID(public) != p.Device || !ed25519.Verify(public, payload(method, route, p.date, body), p.signature) {
		return fmt.Errorf("device %s: %w", p.Device, ErrSignature)
	}
	if off := p.Date.Sub(now).Abs(); off > window { // after the signature: strangers learn nothing of the clock
		return fmt.Errorf("device %s: %w: its date is %v off", p.Device, ErrDate, off.Round(time.Second))
	}
	return nil
}
