package access

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// handshake lets a client that trusts the PEM file roots meet c under name, and
// returns what it was shown.
func handshake(t *testing.T, c *Certificate, roots []byte, name string) (*x509.Certificate, error) {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(roots) {
		t.Fatal("no certificate")
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", c.TLS())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err == nil {
			conn.(*tls.Conn).Handshake() //nolint:errcheck // the client's side tells
			conn.Close()
		}
	}()
	client, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: pool, ServerName: name})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.ConnectionState().PeerCertificates[0], nil
}

func TestSelfMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	c, err := SelfMade(dir, []string{"shelf.local", "192.0.2.7"}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, selfMadeKey))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	public, err := os.ReadFile(filepath.Join(dir, selfMadeCert))
	if err != nil || bytes.Contains(public, []byte("PRIVATE")) {
		t.Errorf("%s %v", public, err)
	}
	for name, ok := range map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "shelf.local": true, "192.0.2.7": true, "other.local": false, "192.0.2.8": false} {
		if _, err := handshake(t, c, public, name); (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if own, err := os.Hostname(); err == nil {
		if _, err := handshake(t, c, public, own); err != nil {
			t.Errorf("this machine's name, %s: %v", own, err)
		}
	}
	if c.current.Leaf.IsCA {
		t.Error("it can sign for others")
	}
	if c.Expires().Before(time.Now().AddDate(20, 0, 0)) || c.current.Leaf.NotBefore.After(time.Unix(0, 0)) {
		t.Errorf("%v %v", c.current.Leaf.NotBefore, c.Expires())
	}
	if f := c.Fingerprint(); len(f) != 32*3-1 || strings.ToUpper(f) != f {
		t.Errorf("%q", f)
	}

	var said strings.Builder
	os.Remove(filepath.Join(dir, selfMadeCert))
	kept, err := SelfMade(dir, []string{"other.local"}, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil || kept.Fingerprint() != c.Fingerprint() {
		t.Errorf("made anew: %v", err)
	}
	if !strings.Contains(said.String(), "other.local") {
		t.Errorf("nothing is said of a name it is not for: %s", &said)
	}
	if again, err := os.ReadFile(filepath.Join(dir, selfMadeCert)); err != nil || !bytes.Equal(again, public) {
		t.Errorf("clients' file: %v", err)
	}
}

func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "both.pem")
	write := func(data []byte) {
		t.Helper()
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, _ := makeSelf(nil, time.Now().Add(time.Hour))
	second, _ := makeSelf([]string{"a.b"}, time.Now().Add(time.Hour))
	write(first)
	c, err := LoadCertificate(file, file, quiet)
	if err != nil {
		t.Fatal(err)
	}
	before := c.Fingerprint()
	write([]byte("damaged"))
	c.next = time.Time{}
	if c.Fingerprint() != before {
		t.Error("a damaged file changed the certificate")
	}
	write(second)
	if _, err := handshake(t, c, first, "localhost"); err != nil {
		t.Errorf("looked at too often: %v", err)
	}
	c.next = time.Time{}
	if _, err := handshake(t, c, second, "a.b"); err != nil || c.Fingerprint() == before {
		t.Errorf("not read again: %v", err)
	}
}

func TestCertificateRefused(t *testing.T) {
	dir := t.TempDir()
	one, _ := makeSelf(nil, time.Now().Add(time.Hour))
	other, _ := makeSelf(nil, time.Now().Add(time.Hour))
	for name, data := range map[string][]byte{"one": one, "other": other, "empty": nil} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "open"), one, 0o604); err != nil {
		t.Fatal(err)
	}
	for files, want := range map[[2]string]string{
		{"one", "other"}: "does not match", {"one", "empty"}: "failed to find", {"one", "open"}: "open to everyone", {"one", "missing"}: "no such file",
	} {
		_, err := LoadCertificate(filepath.Join(dir, files[0]), filepath.Join(dir, files[1]), quiet)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", files, err)
		}
	}
}

func TestCertificateOutOfTimeIsToldOf(t *testing.T) {
	file := filepath.Join(t.TempDir(), "both.pem")
	for until, want := range map[time.Time]bool{time.Now().Add(-time.Hour): true, time.Now().Add(time.Hour): false} {
		data, _ := makeSelf(nil, until)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		if _, err := LoadCertificate(file, file, slog.New(slog.NewTextHandler(&said, nil))); err != nil || strings.Contains(said.String(), "not valid now") != want {
			t.Errorf("until %v: %v %s", until, err, &said)
		}
	}
}
