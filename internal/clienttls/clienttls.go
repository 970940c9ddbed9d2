// Package clienttls makes a client's TLS settings of files in PEM, as
// configurations and flags name them.
package clienttls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/edge-adapt/edge/internal/hint"
)

// Config trusts the certificates in caFile, "" being the system's, and shows the
// certificate in certFile with the key in keyFile, "" being none. The files are
// read now. TLS is 1.2 or newer.
func Config(caFile, certFile, keyFile string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	var err error
	if caFile != "" {
		if c.RootCAs, err = Pool(caFile); err != nil {
			return nil, err
		}
	}
	if (certFile == "") != (keyFile == "") {
		return nil, errors.New("a certificate goes with its key, and a key with its certificate")
	}
	if certFile != "" {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// Pool returns the certificates in a file, of which there must be one.
func Pool(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, hint.Wrap(fmt.Errorf("%s: no certificate in it", file), "give a file in PEM")
	}
	return pool, nil
}
