package publish

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/edge-adapt/edge/internal/hint"
)

// ErrNoKey is in what a KeyRing returns for a key that is not here: on another
// machine, in a drawer. The repository then waits for its signature.
var ErrNoKey = errors.New("the key is not here")

// The variables with the passphrase of keys in files, and of the file that has it.
const (
	PassphraseVariable     = "EDGE_PUBLISH_PASSPHRASE"      //nolint:gosec // its name
	PassphraseFileVariable = "EDGE_PUBLISH_PASSPHRASE_FILE" //nolint:gosec // its name
)

// KeyRing finds private keys by reference:
//
//	file:PATH     an encrypted or plain PKCS #8 key in PEM; relative to the repository; mode 0600
//	env:NAME      the same, in a variable of the environment
//	exec:COMMAND  a command that signs (HSM, KMS): the bytes to sign on standard input,
//	              the signature as it is, in base64 or in hexadecimal on standard output
//
// A command runs by sh -c and finds the role's name in EDGE_PUBLISH_ROLE and the
// key's ID in EDGE_PUBLISH_KEY. Signatures of ECDSA keys are ASN.1 over SHA-256;
// Ed25519 keys sign the bytes themselves.
type KeyRing struct {
	// Getenv looks up variables. Nil means that there are none.
	Getenv func(name string) string
	// Passphrase is asked for the passphrase of the key with that reference if the
	// environment does not have it. With fresh, a key is about to be made. Nil means
	// that nobody can be asked.
	Passphrase func(ctx context.Context, reference string, fresh bool) ([]byte, error)
}

func (k KeyRing) getenv(name string) string {
	if k.Getenv == nil {
		return ""
	}
	return k.Getenv(name)
}

// passphrase returns the passphrase of a key in a file.
func (k KeyRing) passphrase(ctx context.Context, reference string, fresh bool) ([]byte, error) {
	if text := k.getenv(PassphraseVariable); text != "" {
		return []byte(text), nil
	}
	if path := k.getenv(PassphraseFileVariable); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", PassphraseFileVariable, err)
		}
		if text = bytes.TrimRight(text, "\r\n"); len(text) == 0 {
			return nil, fmt.Errorf("%s: %s is empty", PassphraseFileVariable, path)
		}
		return text, nil
	}
	if k.Passphrase == nil {
		return nil, hint.Wrap(fmt.Errorf("no passphrase for %s", reference), "set "+PassphraseFileVariable+" to a file that has it, or run on a terminal")
	}
	text, err := k.Passphrase(ctx, reference, fresh)
	if err == nil && len(text) == 0 {
		err = errors.New("an empty passphrase")
	}
	return text, err
}

// checkReference reports whether a KeyRing could look the reference up.
func checkReference(reference string) error {
	kind, what, ok := strings.Cut(reference, ":")
	if ok && what != "" && (kind == "file" || kind == "env" || kind == "exec") {
		return nil
	}
	return fmt.Errorf("reference %q: want file:PATH, env:NAME or exec:COMMAND", reference)
}

// signer makes signatures of one key.
type signer struct {
	id     string
	public *metadata.Key
	sign   func(ctx context.Context, payload []byte) ([]byte, error)
}

// open finds the private part of the key with the public part want. ErrNoKey says
// that it is not here.
func (k KeyRing) open(ctx context.Context, dir string, e KeyEntry, want *metadata.Key) (signer, error) {
	s, err := k.find(ctx, dir, e, want)
	if err != nil {
		return signer{}, fmt.Errorf("key %s (%s): %w", short(e.ID), shownReference(e.Reference), err)
	}
	return s, nil
}

func (k KeyRing) find(ctx context.Context, dir string, e KeyEntry, want *metadata.Key) (signer, error) {
	kind, what, _ := strings.Cut(e.Reference, ":")
	if kind == "exec" {
		return signer{e.ID, want, func(ctx context.Context, payload []byte) ([]byte, error) {
			return signByCommand(ctx, what, e, want, payload)
		}}, nil
	}
	key, err := k.private(ctx, dir, e.Reference)
	if err != nil {
		return signer{}, err
	}
	s, err := signerOf(key)
	if err == nil && s.id != e.ID {
		err = fmt.Errorf("it is another key: %s", short(s.id))
	}
	return s, err
}

// private reads a private key from a file or a variable.
func (k KeyRing) private(ctx context.Context, dir, reference string) (crypto.Signer, error) {
	kind, what, _ := strings.Cut(reference, ":")
	passphrase := func() ([]byte, error) { return k.passphrase(ctx, reference, false) }
	switch kind {
	case "file":
		return readKeyFile(keyPath(dir, what), passphrase)
	case "env":
		text := k.getenv(what)
		if text == "" {
			return nil, fmt.Errorf("%s is not set: %w", what, ErrNoKey)
		}
		return decodeKey([]byte(text), passphrase)
	}
	return nil, checkReference(reference)
}

func keyPath(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func signerOf(key crypto.Signer) (signer, error) {
	public, err := publicKey(key.Public())
	if err != nil {
		return signer{}, err
	}
	id, err := public.ID()
	if err != nil {
		return signer{}, err
	}
	return signer{id, public, func(_ context.Context, payload []byte) ([]byte, error) {
		if _, ok := key.Public().(ed25519.PublicKey); ok {
			return key.Sign(rand.Reader, payload, crypto.Hash(0))
		}
		sum := sha256.Sum256(payload)
		return key.Sign(rand.Reader, sum[:], crypto.SHA256)
	}}, nil
}

const (
	maxSignature = 16 << 10
	commandGrace = 5 * time.Second // to end in, once it is told to
)

// signByCommand asks a command for a signature, and believes it once it verifies.
func signByCommand(ctx context.Context, command string, e KeyEntry, key *metadata.Key, payload []byte) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", command) //nolint:gosec // the command of the repository's owner
	cmd.Env = append(os.Environ(), "EDGE_PUBLISH_ROLE="+string(e.Role), "EDGE_PUBLISH_KEY="+e.ID)
	cmd.Stdin = bytes.NewReader(payload)
	out, complaint := &limited{left: maxSignature, refuse: true}, &limited{left: maxSignature}
	cmd.Stdout, cmd.Stderr = out, complaint
	cmd.WaitDelay = commandGrace
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(string(complaint.kept)); text != "" {
			return nil, fmt.Errorf("the command that signs: %w: %s", err, text)
		}
		return nil, fmt.Errorf("the command that signs: %w", err)
	}
	text := strings.TrimSpace(string(out.kept))
	for _, decode := range []func() ([]byte, error){
		func() ([]byte, error) { return out.kept, nil },
		func() ([]byte, error) { return base64.StdEncoding.DecodeString(text) },
		func() ([]byte, error) { return hex.DecodeString(text) },
	} {
		if sig, err := decode(); err == nil && verifies(key, payload, sig) {
			return sig, nil
		}
	}
	return nil, hint.Wrap(errors.New("the command that signs gave no signature of this key"), "it gets the bytes to sign on standard input, and writes the signature as it is or in base64 to standard output")
}

// verifies reports whether sig is the key's over payload.
func verifies(key *metadata.Key, payload, sig []byte) bool {
	public, err := key.ToPublicKey()
	if err != nil {
		return false
	}
	switch p := public.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(p, payload, sig)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(payload)
		return ecdsa.VerifyASN1(p, sum[:], sig)
	}
	return false
}

// limited keeps the first bytes of what is written to it, and drops the rest, or
// refuses it.
type limited struct {
	kept   []byte
	left   int
	refuse bool
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	l.kept = append(l.kept, p[:n]...)
	if l.refuse && n < len(p) {
		return n, errors.New("more output than a signature has")
	}
	return len(p), nil
}

func short(id string) string { return id[:min(len(id), 8)] }

// shownReference leaves out the command, which may say more than is good.
func shownReference(reference string) string {
	if strings.HasPrefix(reference, "exec:") {
		return "exec"
	}
	return reference
}
