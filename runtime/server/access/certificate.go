package access

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

// lookCertificate is how often the files of a certificate are looked at.
const lookCertificate = 5 * time.Second

// Certificate is a certificate and its key, read from files, and again when they
// change: who renews certificates need not know of the server. Its methods may
// be called concurrently.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	seen    [2]state
	next    time.Time
}

// LoadCertificate reads a certificate, with the intermediate ones behind it, and
// its key from files in PEM form. Both may be in one file.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.load(); err != nil {
		return nil, err
	}
	c.next = time.Now().Add(lookCertificate)
	return c, nil
}

// TLS returns a configuration that shows the certificate: TLS 1.2 or newer, with
// the ciphers that Go takes for safe.
func (c *Certificate) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get(), nil },
	}
}

// Fingerprint returns the SHA-256 of the certificate as people compare it.
func (c *Certificate) Fingerprint() string {
	sum := sha256.Sum256(c.get().Certificate[0])
	return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":")
}

// Expires returns when the certificate does.
func (c *Certificate) Expires() time.Time { return c.get().Leaf.NotAfter }

// get returns the certificate, read again if its files have changed. Files that
// cannot be used change nothing.
func (c *Certificate) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); !now.Before(c.next) {
		c.next = now.Add(lookCertificate)
		if err := c.load(); err != nil {
			c.log.Error("certificate could not be read again; the one read before is still shown", "error", err, "hint", hint.Of(err))
		}
	}
	return c.current
}

func (c *Certificate) load() error {
	var now [2]state
	for i, file := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		now[i] = state{info.ModTime(), info.Size(), info.Mode()}
	}
	if now == c.seen {
		return nil
	}
	c.seen = now
	if mode := now[1].mode.Perm(); mode&0o007 != 0 {
		return hint.Wrap(fmt.Errorf("the key %s is open to everyone (mode %04o)", c.keyFile, mode), "chmod 600 "+c.keyFile)
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return hint.Wrap(fmt.Errorf("certificate %s with key %s: %w", c.certFile, c.keyFile, err), "both must be PEM files that belong together")
	}
	if pair.Leaf == nil {
		return errors.New("the certificate could not be looked into")
	}
	if c.current != nil {
		c.log.Info("certificate read again", "file", c.certFile, "expires", pair.Leaf.NotAfter)
	}
	if now := time.Now(); now.After(pair.Leaf.NotAfter) || now.Before(pair.Leaf.NotBefore) {
		c.log.Warn("certificate is not valid now", "file", c.certFile, "from", pair.Leaf.NotBefore, "until", pair.Leaf.NotAfter,
			"hint", "renew it, or set this device's clock")
	}
	c.current = &pair
	return nil
}
