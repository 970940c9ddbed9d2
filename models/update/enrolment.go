package update

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/release"
)

const (
	enrolmentName = "update.json"
	maxEnrolment  = 2 << 20
)

// ErrNotEnrolled says that the device follows no repository.
var ErrNotEnrolled = errors.New("this device follows no repository")

// Enrolment says what a device follows. Secrets stay in the files that it names.
type Enrolment struct {
	// URL leads to the folder that has metadata/ and targets/ in it: https://…,
	// http://… or file:///…
	URL     string `json:"url"`
	Channel string `json:"channel"`
	// Root is the root.json that the device trusts, byte for byte.
	Root      []byte `json:"root"`
	CAFile    string `json:"ca_file,omitempty"`    // certificates to trust instead of the system's
	CertFile  string `json:"cert_file,omitempty"`  // the device's own, with KeyFile
	KeyFile   string `json:"key_file,omitempty"`   // of CertFile
	TokenFile string `json:"token_file,omitempty"` // holds the token that the server asks for
}

// Check reports what is wrong with it. Files that it names are not looked at.
func (e Enrolment) Check() error {
	if err := release.CheckChannel(e.Channel); err != nil {
		return err
	}
	if err := CheckRoot(e.Root); err != nil {
		return err
	}
	u, err := checkURL(e.URL)
	if err != nil {
		return err
	}
	if e.TokenFile != "" && u.Scheme == "http" && !loopback(u.Hostname()) {
		return hint.Wrap(errors.New("a token would go through the network unencrypted"), "use an address that begins with https://")
	}
	if (e.CertFile == "") != (e.KeyFile == "") {
		return errors.New("a certificate without its key, or a key without its certificate")
	}
	return nil
}

// Source returns what the enrolment leads to. now is the time by which
// certificates are judged.
func (e Enrolment) Source(userAgent string, now func() time.Time) (Source, error) {
	u, err := checkURL(e.URL)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "file" {
		return Dir(u.Path)
	}
	return HTTP(HTTPConfig{
		URL: e.URL, CAFile: e.CAFile, CertFile: e.CertFile, KeyFile: e.KeyFile, TokenFile: e.TokenFile,
		UserAgent: userAgent, Now: now,
	})
}

// checkURL accepts what an enrolment may lead to.
func checkURL(text string) (*url.URL, error) {
	next := "give the address of the folder that has metadata/ and targets/ in it, such as https://updates.example.com/fleet"
	u, err := url.Parse(text)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("the address cannot be read"), next) // err may show a password
	}
	switch {
	case u.User != nil:
		return nil, hint.Wrap(errors.New("an address with a user or a password in it"), "write the password into a file, and give that as token")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, hint.Wrap(errors.New("an address with ? or # in it"), next)
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
	case u.Scheme == "file" && u.Host == "" && u.Path != "":
	default:
		return nil, hint.Wrap(fmt.Errorf("%q is no address of a repository", text), next)
	}
	return u, nil
}

// CheckRoot reports whether data is a root that can be pinned: a root.json that
// is signed by enough of its own keys.
func CheckRoot(data []byte) error {
	err := careful("root", func() error {
		_, err := trustedmetadata.New(data)
		return err
	})
	return hint.Wrap(err, "give the root.json of the repository, from a way that you trust")
}

// ReadEnrolment returns the enrolment in the folder dir: ErrNotEnrolled if there
// is none.
func ReadEnrolment(dir string) (Enrolment, error) {
	data, err := folder{dir: dir}.read(enrolmentName, maxEnrolment)
	if errors.Is(err, fs.ErrNotExist) {
		return Enrolment{}, hint.Wrap(ErrNotEnrolled, "edge update enrol URL --root root.json")
	}
	var e Enrolment
	if err == nil {
		e, err = parseEnrolment(data)
	}
	if err != nil {
		return Enrolment{}, hint.Wrap(fmt.Errorf("read what the device follows: %w", err), "enrol it again: edge update enrol URL --root root.json")
	}
	return e, nil
}

func parseEnrolment(data []byte) (Enrolment, error) {
	var e Enrolment
	if err := json.Unmarshal(data, &e); err != nil {
		return Enrolment{}, fmt.Errorf("it is %w: %w", ErrForm, err)
	}
	if err := e.Check(); err != nil {
		return Enrolment{}, err
	}
	return e, nil
}

// Write makes the enrolment that of the device with the state folder dir. What
// was verified of another root is not used any more, and stays until Clean.
func (e Enrolment) Write(ctx context.Context, dir string) error {
	if err := e.write(ctx, folder{dir: dir}); err != nil {
		return fmt.Errorf("enrol the device: %w", err)
	}
	return nil
}

func (e Enrolment) write(ctx context.Context, d folder) error {
	if err := e.Check(); err != nil {
		return err
	}
	data, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		return err
	}
	lock, err := d.lock(ctx, "update.lock")
	if err != nil {
		return err
	}
	defer lock.release()
	return d.replace(enrolmentName, append(data, '\n'), 0o600)
}
