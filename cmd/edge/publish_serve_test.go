package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edge-adapt/edge/models/publish"
)

// locked is a buffer that two goroutines may use.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// publicRepository is a repository whose keys are in variables of the test.
func publicRepository(t *testing.T) string {
	t.Helper()
	keys := map[string]string{}
	o := publish.InitOptions{Keys: publish.KeyRing{Getenv: func(name string) string { return keys[name] }}, Roles: map[publish.Role]publish.RoleKeys{}}
	for _, role := range publish.Roles() {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[string(role)] = pemOf(t, "PRIVATE KEY", key)
		o.Roles[role] = publish.RoleKeys{Keys: []publish.KeySpec{{Reference: "env:" + string(role)}}}
	}
	r, err := publish.Init(t.Context(), filepath.Join(t.TempDir(), "repository"), o)
	if err != nil {
		t.Fatal(err)
	}
	return r.Dir()
}

func pemOf(t *testing.T, kind string, key any) string {
	t.Helper()
	der, ok := key.([]byte)
	if !ok {
		var err error
		if der, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
			t.Fatal(err)
		}
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// selfSigned writes a certificate of this machine, for either end, and its key.
func selfSigned(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+"-key.pem")
	for path, text := range map[string]string{cert: pemOf(t, "CERTIFICATE", der), key: pemOf(t, "PRIVATE KEY", private)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// served runs `edge publish serve` until the test ends, and returns its address.
func served(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var stdout, stderr locked
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"publish", "serve", "--listen", "127.0.0.1:0", "--json"}, args...), strings.NewReader(""), &stdout, &stderr)
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("it ended with %d: %s", code, stderr.String())
		}
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var line struct{ URL string }
		if json.Unmarshal([]byte(stdout.String()), &line) == nil && line.URL != "" {
			return line.URL
		}
	}
	t.Fatalf("it does not serve: %s", stderr.String())
	return ""
}

func fetched(t *testing.T, c *http.Client, url, token string) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

func TestPublishServe(t *testing.T) {
	dir := publicRepository(t)
	if code, err := fetched(t, http.DefaultClient, served(t, "--repository", dir)+"metadata/timestamp.json", ""); code != 200 || err != nil {
		t.Errorf("%d, %v", code, err)
	}
	// With tokens.
	var stdout, stderr bytes.Buffer
	tokens := filepath.Join(t.TempDir(), "tokens.json")
	if code := run(t.Context(), []string{"token", "add", "devices", "--tokens", tokens, "--quiet"}, strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatal(stderr.String())
	}
	url := served(t, "--repository", dir, "--tokens", tokens) + "metadata/timestamp.json"
	for token, want := range map[string]int{strings.TrimSpace(stdout.String()): 200, "": 401, "edge_aaaaaaaa_x": 401} {
		if code, err := fetched(t, http.DefaultClient, url, token); code != want || err != nil {
			t.Errorf("token %.12q: %d, %v, want %d", token, code, err, want)
		}
	}
	if code := run(t.Context(), []string{"publish", "serve", "--repository", dir, "--tokens", tokens + "x"}, strings.NewReader(""), io.Discard, &stderr); code != 1 || !strings.Contains(stderr.String(), "no tokens in") {
		t.Errorf("no tokens: %d, %s", code, stderr.String())
	}
}

func TestPublishServeTLS(t *testing.T) {
	dir, pems := publicRepository(t), t.TempDir()
	cert, key := selfSigned(t, pems, "server")
	mine, myKey := selfSigned(t, pems, "device")
	url := served(t, "--repository", dir, "--tls-cert", cert, "--tls-key", key, "--client-ca", mine) + "metadata/timestamp.json"
	if !strings.HasPrefix(url, "https://") {
		t.Fatal(url)
	}
	pool := x509.NewCertPool()
	data, err := os.ReadFile(cert)
	if err != nil || !pool.AppendCertsFromPEM(data) {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(mine, myKey)
	if err != nil {
		t.Fatal(err)
	}
	client := func(certificates ...tls.Certificate) *http.Client {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: certificates}}
		t.Cleanup(tr.CloseIdleConnections)
		return &http.Client{Transport: tr}
	}
	if code, err := fetched(t, client(pair), url, ""); code != 200 || err != nil {
		t.Errorf("%d, %v", code, err)
	}
	if code, err := fetched(t, client(), url, ""); err == nil {
		t.Errorf("a stranger: %d", code)
	}
	other, otherKey := selfSigned(t, pems, "other")
	if pair, err = tls.LoadX509KeyPair(other, otherKey); err != nil {
		t.Fatal(err)
	}
	if code, err := fetched(t, client(pair), url, ""); err == nil {
		t.Errorf("one of another authority: %d", code)
	}
	for _, args := range [][]string{{"--client-ca", mine}, {"--tls-cert", cert, "--tls-key", key, "--client-ca", key}, {"--tls-cert", "none"}} {
		if code := run(t.Context(), append([]string{"publish", "serve", "--repository", dir, "--listen", "127.0.0.1:0"}, args...), strings.NewReader(""), io.Discard, io.Discard); code == 0 {
			t.Errorf("%v: it served", args)
		}
	}
}
