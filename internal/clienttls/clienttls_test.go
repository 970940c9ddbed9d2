package clienttls_test

import (
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/edge-adapt/edge/internal/clienttls"
	"github.com/edge-adapt/edge/internal/hint"
)

// A client that trusts the server's certificate is answered, one that does not is
// not.
func TestConfig(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, trusted := range map[string]bool{ca: true, "": false} {
		c, err := clienttls.Config(file, "", "")
		if err != nil {
			t.Fatal(err)
		}
		if c.MinVersion < tls.VersionTLS12 {
			t.Errorf("TLS from %x", c.MinVersion)
		}
		conn, err := (&tls.Dialer{Config: c}).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
		if (err == nil) != trusted {
			t.Errorf("certificates of %q: %v", file, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}

func TestRefuses(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := clienttls.Config(empty, "", ""); err == nil || hint.Of(err) == "" {
		t.Errorf("no certificate: %v", err)
	}
	for name, files := range map[string][3]string{
		"missing": {empty + "x", "", ""}, "no key": {"", empty, ""}, "no certificate": {"", "", empty}, "damaged": {"", empty, empty},
	} {
		if _, err := clienttls.Config(files[0], files[1], files[2]); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
