package update

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// What is read of the state can be written, and is the same then.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"tasks": {"lamps": {"release": 3, "base": "sha256:00", "when": "2026-06-01T12:00:00Z", "refused": {"4": "worse"}}}, "last_error": "x"}`))
	f.Add([]byte(`{"tasks": {"../x": {}}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseState(data)
		if err != nil {
			return
		}
		written, err := s.encode()
		if err != nil {
			return // times that JSON cannot say
		}
		again, err := parseState(written)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if twice, err := again.encode(); err != nil || !bytes.Equal(twice, written) {
			t.Fatalf("%v\n%s\n%s", err, written, twice)
		}
	})
}

// What is read of an enrolment can be followed.
func FuzzEnrolment(f *testing.F) {
	root := []byte(`{}`)
	for _, url := range []string{"https://example.com", "file:///media/usb", "http://user:secret@h/", "http://[::1]:80/%zz"} {
		data, err := json.Marshal(Enrolment{URL: url, Channel: "stable", Root: root})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if e, err := parseEnrolment(data); err == nil && e.Check() != nil {
			t.Errorf("%+v: %v", e, e.Check())
		}
		var e Enrolment
		if json.Unmarshal(data, &e) == nil {
			if u, err := checkURL(e.URL); err == nil && (u.User != nil || u.Scheme == "") {
				t.Errorf("%q was accepted", e.URL)
			}
		}
	})
}

// What an archive is said to hold is in it, and has a repository's name.
func FuzzTar(f *testing.F) {
	for _, headers := range [][]tar.Header{
		{{Name: "metadata/timestamp.json", Size: 5}, {Name: "targets/bases/x.y", Size: 700}},
		{{Name: "targets/", Typeflag: tar.TypeDir}, {Name: "../x"}},
		{{Name: "metadata/x", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}},
		{{Name: "metadata/" + string(bytes.Repeat([]byte("long"), 60)), Size: 3, PAXRecords: map[string]string{"comment": "pax"}}},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range headers {
			h.Mode = 0o644
			w.WriteHeader(&h)
			w.Write(bytes.Repeat([]byte("x"), int(h.Size)))
		}
		w.Close()
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := index(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			if Reason(err) == "other" {
				t.Errorf("%v", err)
			}
			return
		}
		for name, e := range entries {
			if checkName(name) != nil || e.at < 512 || e.size < 0 || e.at+e.size > int64(len(data)) {
				t.Errorf("%q at %d, %d bytes of %d", name, e.at, e.size, len(data))
			}
		}
	})
}

// memory is a source of files in memory.
type memory map[string][]byte

func (m memory) Open(_ context.Context, name string, offset int64) (io.ReadCloser, int64, error) {
	data, ok := m[name]
	if !ok {
		return nil, 0, ErrNotThere
	}
	return io.NopCloser(bytes.NewReader(data[min(offset, int64(len(data))):])), int64(len(data)), nil
}

func (memory) Close() error { return nil }

// Whoever has keys may sign anything: what comes of it is an answer, or an error
// that has a reason, and the next good metadata is taken.
func FuzzSignedMetadata(f *testing.F) {
	r := newRepo(f)
	r.addChannel("stable", start)
	r.publish()
	good := memory{}
	for _, role := range append(roles[1:], "1.root") {
		name := fmt.Sprintf("metadata/%s.json", role)
		switch role {
		case metadata.TARGETS:
			name = fmt.Sprintf("metadata/%d.targets.json", r.targets.Signed.Version)
		case metadata.SNAPSHOT:
			name = fmt.Sprintf("metadata/%d.snapshot.json", r.snapshot.Signed.Version)
		}
		good[name] = r.read(name)
	}
	c := r.targets.Signed.Targets["channels/stable.json"]
	channel := "targets/channels/" + hex.EncodeToString(c.Hashes["sha256"]) + ".stable.json"
	good[channel] = r.read(channel)
	for i, role := range roles {
		var signed struct{ Signed json.RawMessage }
		data := r.pinned()
		if role != metadata.ROOT {
			data = r.signed(role)
		}
		if err := json.Unmarshal(data, &signed); err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), []byte(signed.Signed))
		f.Add(byte(i), []byte(`{"_type": "`+role+`", "version": 9, "spec_version": "1.0", "expires": "2030-01-01T00:00:00Z", "meta": {"snapshot.json": null}, "targets": {"x": null}, "keys": {"a": null}, "roles": {"root": null}}`))
	}
	pinned := r.pinned()
	f.Fuzz(func(t *testing.T, which byte, signed []byte) {
		role := roles[int(which)%len(roles)]
		var v any
		if json.Unmarshal(signed, &v) != nil {
			return
		}
		payload, err := cjson.EncodeCanonical(v)
		if err != nil {
			return
		}
		m := map[string]any{"signed": v}
		var signatures []map[string]string
		for _, s := range r.keys[role] {
			signatures = append(signatures, map[string]string{"keyid": s.id, "sig": hex.EncodeToString(ed25519.Sign(s.key, payload))})
		}
		m["signatures"] = signatures
		data, err := json.Marshal(m)
		if err != nil {
			return
		}
		evil := memory{}
		for name, data := range good {
			evil[name] = data
		}
		switch role {
		case metadata.ROOT:
			evil["metadata/2.root.json"] = data
		case metadata.TIMESTAMP:
			evil["metadata/timestamp.json"] = data
		case metadata.SNAPSHOT:
			evil[fmt.Sprintf("metadata/%d.snapshot.json", r.snapshot.Signed.Version)] = data
		default:
			evil[fmt.Sprintf("metadata/%d.targets.json", r.targets.Signed.Version)] = data
		}
		d := newDevice(t, pinned, evil)
		if _, err := d.newest(); err != nil && Reason(err) == "other" {
			t.Errorf("%v", err)
		}
		d.newest() //nolint:errcheck // what was kept is read again, and does not panic
	})
}

// What a mark, a clock or an identity says may be anything.
func FuzzSmallFiles(f *testing.F) {
	f.Add([]byte(`{"bytes": 5, "digest": "sha256:00", "boot": "x"}`))
	f.Add([]byte(`{"seen": "2026-06-01T12:00:00Z", "claimed": 5}`))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m := parseMark(data); m.Bytes < 0 {
			t.Errorf("%+v", m)
		}
		parseTimes(data)
		if i, err := parseIdentity(data); err == nil && len(i.ID()) != 32 {
			t.Errorf("ID %q", i.ID())
		}
	})
}
