package publish

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/edge-adapt/edge/internal/hint"
)

// The kinds of PEM blocks. The encrypted one holds PKCS #8 in the form of
// go-securesystemslib (scrypt, NaCl secretbox), as sigstore's tools write it.
const (
	pemEncrypted = "ENCRYPTED SIGSTORE PRIVATE KEY"
	pemPrivate   = "PRIVATE KEY"
	pemPublic    = "PUBLIC KEY"
)

const maxKeyBytes = 64 << 10

// ErrPassphrase is in what reading a key returns where the passphrase is wrong.
var ErrPassphrase = errors.New("wrong passphrase, or a damaged key")

// newKey makes an Ed25519 key.
func newKey() (crypto.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return private, err
}

// encodeKey returns the private key encrypted by the passphrase, as PEM.
func encodeKey(key crypto.Signer, passphrase []byte, strength encrypted.KDFParameterStrength) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	sealed, err := encrypted.EncryptWithCustomKDFParameters(der, passphrase, strength)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemEncrypted, Bytes: sealed}), nil
}

// decodeKey reads a private key. passphrase is asked if the key is encrypted.
func decodeKey(data []byte, passphrase func() ([]byte, error)) (crypto.Signer, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("no key in PEM")
	}
	der := block.Bytes
	switch block.Type {
	case pemPrivate:
	case pemEncrypted:
		text, err := passphrase()
		if err != nil {
			return nil, err
		}
		if der, err = encrypted.Decrypt(block.Bytes, text); err != nil {
			return nil, hint.Wrap(ErrPassphrase, "give the right one in EDGE_PUBLISH_PASSPHRASE_FILE, EDGE_PUBLISH_PASSPHRASE, or at the prompt")
		}
	default:
		return nil, hint.Wrap(fmt.Errorf("a %q cannot be used", block.Type), "give an Ed25519 or ECDSA P-256 key as PKCS #8: openssl pkcs8 -topk8 -nocrypt -in KEY")
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a %T cannot sign", key)
	}
	if _, err := publicKey(signer.Public()); err != nil {
		return nil, err
	}
	return signer, nil
}

// readKeyFile reads the private key in a file that nobody else may read.
func readKeyFile(path string, passphrase func() ([]byte, error)) (crypto.Signer, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: %w", path, ErrNoKey)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", path)
	case info.Size() > maxKeyBytes:
		return nil, fmt.Errorf("%s: %d bytes: at most %d", path, info.Size(), maxKeyBytes)
	case info.Mode().Perm()&0o077 != 0:
		return nil, hint.Wrap(fmt.Errorf("%s is open to others", path), "chmod 600 "+path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := decodeKey(data, passphrase)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// parsePublic reads a public key in PEM.
func parsePublic(data []byte) (*metadata.Key, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != pemPublic {
		return nil, errors.New("no public key in PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	return publicKey(key)
}

// publicKey is the key as metadata has it. Kinds that go-tuf and this package do
// not both know are refused.
func publicKey(key crypto.PublicKey) (*metadata.Key, error) {
	switch k := key.(type) {
	case ed25519.PublicKey:
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return nil, fmt.Errorf("an ECDSA key on %s: want P-256", k.Curve.Params().Name)
		}
	default:
		return nil, fmt.Errorf("a key of kind %T: want Ed25519 or ECDSA P-256", key)
	}
	return metadata.KeyFromPublicKey(key)
}
