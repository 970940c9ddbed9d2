package access

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// The files of a self-made certificate. The first holds the key too and is for
// the server alone; the second is for clients (curl --cacert).
const (
	selfMadeKey  = "self-made.pem"
	selfMadeCert = "self-made.crt"
)

// SelfMade returns the certificate that this device has made for itself in the
// folder dir, made now if it is not there. It is kept, so that clients that have
// once been told its fingerprint, or given the file self-made.crt, need not be
// told again: remove the files to have another one made.
//
// names are the host names and IP addresses that it is for, beside localhost and
// those that this machine has when it is made. A kept certificate is not made anew
// for the sake of names.
func SelfMade(dir string, names []string, log *slog.Logger) (*Certificate, error) {
	keyFile, certFile := filepath.Join(dir, selfMadeKey), filepath.Join(dir, selfMadeCert)
	if _, err := os.Stat(keyFile); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		// Whoever trusts this certificate has compared its fingerprint, to which an
		// end adds nothing.
		until := time.Date(max(time.Now().Year(), 2025)+30, 1, 1, 0, 0, 0, 0, time.UTC)
		both, err := makeSelf(slices.Concat(names, ownNames()), until)
		if err != nil {
			return nil, fmt.Errorf("make a certificate: %w", err)
		}
		if err := renameio.WriteFile(keyFile, both, 0o600); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	c, err := LoadCertificate(keyFile, keyFile, log)
	if err != nil {
		return nil, err
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.current.Certificate[0]})
	if old, err := os.ReadFile(certFile); err != nil || !bytes.Equal(old, public) {
		if err := renameio.WriteFile(certFile, public, 0o644); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		if err := c.current.Leaf.VerifyHostname(name); err != nil {
			log.Warn("the kept certificate is not for this name", "name", name, "file", keyFile, "hint", "remove the file to have another certificate made")
		}
	}
	return c, nil
}

// ownNames returns this machine's name, the one that multicast DNS gives it, and
// its addresses, as far as they can be learnt.
func ownNames() (names []string) {
	if name, err := os.Hostname(); err == nil && name != "" {
		names = append(names, name)
		if !strings.Contains(name, ".") {
			names = append(names, name+".local")
		}
	}
	addrs, _ := net.InterfaceAddrs() //nolint:errcheck // see above
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			names = append(names, n.IP.String())
		}
	}
	return names
}

// makeSelf makes a key and a certificate for it, in PEM form.
func makeSelf(names []string, until time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		Subject:      pkix.Name{CommonName: "edge", OrganizationalUnit: []string{"self-made"}},
		// A board without a battery starts in 1970 and jumps ahead when it finds the time.
		NotBefore:             time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              until,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, // no authority: a client that trusts it trusts this device alone
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if name != "" && name != "localhost" {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	keyBytes, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyBytes})...,
	), nil
}
