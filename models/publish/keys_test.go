package publish_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/publish"
)

// TestMain lets the test binary be the command that signs.
func TestMain(m *testing.M) {
	if path := os.Getenv("EDGE_TEST_SIGNER"); path != "" {
		if err := signer(path, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv("EDGE_TEST_CHILD"); dir != "" {
		fmt.Fprintln(os.Stderr, childRole(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// signer signs standard input with a plain key, as an HSM's tool would.
func signer(path, form string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(data)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return err
	}
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	if os.Getenv("EDGE_PUBLISH_ROLE") != "targets" || len(os.Getenv("EDGE_PUBLISH_KEY")) != 64 {
		return errors.New("nobody says for which role")
	}
	var sig []byte
	switch key := key.(type) {
	case ed25519.PrivateKey:
		sig = ed25519.Sign(key, input)
	case *ecdsa.PrivateKey:
		sum := sha256.Sum256(input)
		if sig, err = ecdsa.SignASN1(rand.Reader, key, sum[:]); err != nil {
			return err
		}
	}
	switch form {
	case "raw":
		_, err = os.Stdout.Write(sig)
	case "base64":
		_, err = fmt.Println(base64.StdEncoding.EncodeToString(sig))
	case "hex":
		_, err = fmt.Println(hex.EncodeToString(sig))
	case "wrong":
		sig[0]++
		_, err = os.Stdout.Write(sig)
	case "endless":
		for err == nil {
			_, err = os.Stdout.Write(make([]byte, 1<<16))
		}
	default:
		err = errors.New("the token is locked")
	}
	return err
}

func publicPEM(t testing.TB, public any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func TestKeysByCommand(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	for _, c := range []struct {
		form string
		key  crypto.Signer
		why  string // "": it works
	}{
		{"raw", edwards, ""}, {"base64", edwards, ""}, {"hex", curve, ""}, {"base64", curve, ""},
		{"wrong", edwards, "no signature of this key"}, {"locked", curve, "the token is locked"}, {"endless", edwards, "the command that signs"},
	} {
		k, clk := keys{}, newClock()
		o := k.options(t, clk)
		path := filepath.Join(t.TempDir(), "key.pem")
		must(t, os.WriteFile(path, []byte(plainPEM(t, c.key)), 0o600))
		command := fmt.Sprintf("EDGE_TEST_SIGNER='%s' '%s' %s", path, os.Args[0], c.form)
		o.Roles[publish.Targets] = publish.RoleKeys{Keys: []publish.KeySpec{{Reference: "exec:" + command, Public: publicPEM(t, c.key.Public())}}}
		r, err := publish.Init(t.Context(), t.TempDir(), o)
		if (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", c.form, err, c.why)
		}
		if err != nil {
			continue
		}
		addBase(t, r, 0, publish.AddOptions{})
		newDevice(t, r, clk.Now).sees("stable", 1)
		st, err := r.Status(t.Context())
		must(t, err)
		if st.Roles[1].Keys[0].Reference != "exec" {
			t.Errorf("status shows %q", st.Roles[1].Keys[0].Reference)
		}
	}
}

// Keys in files: made, encrypted by the passphrase, and of no use without it.
func TestKeysInFiles(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	var asked []string
	ring := publish.KeyRing{Passphrase: func(_ context.Context, reference string, fresh bool) ([]byte, error) {
		asked = append(asked, fmt.Sprint(reference, fresh))
		return []byte("correct horse"), nil
	}}
	k := keys{}
	o := k.options(t, c)
	o.Keys = publish.KeyRing{Getenv: k.ring().Getenv, Passphrase: ring.Passphrase}
	delete(o.Roles, publish.Root)
	delete(o.Roles, publish.Timestamp)
	r, err := publish.Init(t.Context(), dir, o)
	must(t, err)
	if want := "[file:keys/root.pemtrue file:keys/timestamp.pemtrue]"; fmt.Sprint(asked) != want {
		t.Errorf("asked for %v, want %s", asked, want)
	}
	for _, name := range []string{"root.pem", "timestamp.pem"} {
		path := filepath.Join(dir, "keys", name)
		info, err := os.Stat(path)
		must(t, err)
		data, err := os.ReadFile(path)
		must(t, err)
		if info.Mode().Perm() != 0o600 || !strings.Contains(string(data), "ENCRYPTED") {
			t.Errorf("%s: %v\n%s", name, info.Mode(), data)
		}
	}
	secret := filepath.Join(t.TempDir(), "passphrase")
	must(t, os.WriteFile(secret, []byte("correct horse\n"), 0o600))
	timestamp := filepath.Join(dir, "keys", "timestamp.pem")
	for _, try := range []struct {
		name string
		env  map[string]string
		do   func()
		why  error // nil: any, for what is none of ours
		ok   bool
	}{
		{"variable", map[string]string{publish.PassphraseVariable: "correct horse"}, nil, nil, true},
		{"file", map[string]string{publish.PassphraseFileVariable: secret}, nil, nil, true},
		{"wrong", map[string]string{publish.PassphraseVariable: "battery"}, nil, publish.ErrPassphrase, false},
		{"nobody to ask", nil, nil, nil, false},
		{"no such file", map[string]string{publish.PassphraseFileVariable: secret + "x"}, nil, os.ErrNotExist, false},
		{"open to others", map[string]string{publish.PassphraseFileVariable: secret}, func() { must(t, os.Chmod(timestamp, 0o644)) }, nil, false},
		{"away", map[string]string{publish.PassphraseFileVariable: secret}, func() { must(t, os.Remove(timestamp)) }, publish.ErrWaiting, false},
	} {
		if try.do != nil {
			try.do()
		}
		here := keys{"TARGETS": k["TARGETS"], "SNAPSHOT": k["SNAPSHOT"]}
		for name, value := range try.env {
			here[name] = value
		}
		r, err := publish.Open(dir, here.ring(), publish.Clock(c.Now))
		must(t, err)
		err = r.Refresh(t.Context())
		if (err == nil) != try.ok || try.why != nil && !errors.Is(err, try.why) || err != nil && hint.Of(err) == "" && try.why != os.ErrNotExist {
			t.Errorf("%s: %v (hint: %s)", try.name, err, hint.Of(err))
		}
		if err != nil && strings.Contains(err.Error(), "battery") {
			t.Errorf("%s: the passphrase is in %q", try.name, err)
		}
	}
	newDevice(t, r, c.Now).sees("stable")
}

func TestKeysRefused(t *testing.T) {
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	curve, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	for name, text := range map[string]string{
		"RSA":     plainPEM(t, large),
		"P-384":   plainPEM(t, curve),
		"no PEM":  "secret",
		"foreign": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
		"garbage": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"sealed":  "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\ne30=\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
	} {
		k, c := keys{}, newClock()
		o := k.options(t, c)
		k["SNAPSHOT"], k[publish.PassphraseVariable] = text, "x"
		if _, err := publish.Init(t.Context(), t.TempDir(), o); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*publish.InitOptions, keys){
		"same key twice": func(_ *publish.InitOptions, k keys) { k["SNAPSHOT"] = k["TARGETS"] },
		"high threshold": func(o *publish.InitOptions, _ keys) {
			set(o, publish.Root, func(r *publish.RoleKeys) { r.Threshold = 2 })
		},
		"missing key":    func(_ *publish.InitOptions, k keys) { delete(k, "TIMESTAMP") },
		"unknown role":   func(o *publish.InitOptions, _ keys) { o.Roles["king"] = publish.RoleKeys{} },
		"channel's name": func(o *publish.InitOptions, _ keys) { o.Channels = []string{"A b"} },
		"life":           func(o *publish.InitOptions, _ keys) { o.Expires = map[publish.Role]publish.Life{publish.Root: 1} },
		"public key": func(o *publish.InitOptions, _ keys) {
			set(o, publish.Root, func(r *publish.RoleKeys) { r.Keys[0].Public = []byte("x") })
		},
		"unknown public": func(o *publish.InitOptions, _ keys) {
			set(o, publish.Root, func(r *publish.RoleKeys) { r.Keys[0].Reference = "exec:true" })
		},
		"unknown reference": func(o *publish.InitOptions, _ keys) {
			set(o, publish.Root, func(r *publish.RoleKeys) { r.Keys[0].Reference = "ROOT" })
		},
	} {
		k, c := keys{}, newClock()
		o := k.options(t, c)
		change(&o, k)
		if _, err := publish.Init(t.Context(), t.TempDir(), o); err == nil {
			t.Errorf("%s: made", name)
		}
	}
}

func set(o *publish.InitOptions, role publish.Role, change func(*publish.RoleKeys)) {
	keys := o.Roles[role]
	change(&keys)
	o.Roles[role] = keys
}
