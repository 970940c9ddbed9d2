package update

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/edge-adapt/edge/internal/hint"
)

const identityName = "identity"

// Identity is who a device is: an Ed25519 key that never leaves it.
type Identity struct{ key ed25519.PrivateKey }

// OpenIdentity returns the identity in the state folder dir, and makes it the
// first time: a file of mode 0600. A file that is there and cannot be used is an
// error and stays, since whoever knows the device knows it by its key.
func OpenIdentity(ctx context.Context, dir string) (*Identity, error) {
	i, err := folder{dir: dir}.identity(ctx)
	if err != nil {
		return nil, fmt.Errorf("the device's identity: %w", explain(err, nil, dir))
	}
	return i, nil
}

func (d folder) identity(ctx context.Context) (*Identity, error) {
	i, err := d.readIdentity()
	if !errors.Is(err, fs.ErrNotExist) {
		return i, err
	}
	lock, err := d.lock(ctx, "identity.lock")
	if err != nil {
		return nil, err
	}
	defer lock.release()
	if i, err = d.readIdentity(); !errors.Is(err, fs.ErrNotExist) {
		return i, err // another process was faster
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := d.replace(identityName, block, 0o600); err != nil {
		return nil, err
	}
	return &Identity{key}, nil
}

func (d folder) readIdentity() (*Identity, error) {
	info, err := os.Stat(d.path(identityName))
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, hint.Wrap(fmt.Errorf("%s may be read by others (mode %o)", d.path(identityName), mode), "chmod 600 "+d.path(identityName))
	}
	data, err := d.read(identityName, maxSmall)
	if err != nil {
		return nil, err
	}
	i, err := parseIdentity(data)
	return i, hint.Wrap(err, fmt.Sprintf("put %s back from a copy; without one remove it, and enrol the device anew", d.path(identityName)))
}

func parseIdentity(data []byte) (*Identity, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("the key is %w", ErrForm)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the key is %w: %w", ErrForm, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the key is %w: want Ed25519", ErrForm)
	}
	return &Identity{private}, nil
}

// ID returns the name of the device: the first 32 hexadecimal digits of the
// SHA-256 of the public key.
func (i *Identity) ID() string { return DeviceID(i.Public()) }

// DeviceID returns the name of the device with that public key.
func DeviceID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:16])
}

// Public returns the public key.
func (i *Identity) Public() ed25519.PublicKey { return i.key.Public().(ed25519.PublicKey) }

// Sign signs payload. It may be called concurrently.
func (i *Identity) Sign(payload []byte) []byte { return ed25519.Sign(i.key, payload) }
