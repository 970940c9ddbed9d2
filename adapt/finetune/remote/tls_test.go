package remote

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/objectstore"
)

// TestTLS speaks to a server with a certificate that nobody signed: that is
// refused, and taken by a process that is told to.
func TestTLS(t *testing.T) {
	if endpoint := os.Getenv("EDGE_TEST_ENDPOINT"); endpoint != "" {
		f := open(t, "s3://"+testBucket, Config{Endpoint: endpoint, Region: objectstore.Region, AccessKey: objectstore.Key, SecretKey: objectstore.Secret})
		upload(t, f, folderOf(t, checkpoint(0)))
		return
	}
	cert, key := selfSigned(t)
	g := startGateway(t, "--cert", cert, "--key", key)
	g.config.Endpoint = "https://" + g.address
	f := open(t, "s3://"+testBucket, g.config)
	_, err := f.Download(t.Context(), t.TempDir(), Options{})
	if err == nil || !strings.Contains(hint.Of(err), "SSL_CERT_FILE") {
		t.Errorf("got %v (hint: %s)", err, hint.Of(err))
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestTLS$")
	cmd.Env = append(os.Environ(), "EDGE_TEST_ENDPOINT="+g.config.Endpoint, "SSL_CERT_FILE="+cert)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// selfSigned writes a certificate for this machine, and its key.
func selfSigned(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert},
		keyFile:  {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}
