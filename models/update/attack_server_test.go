package update

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// impatient has the device ask with little patience.
func (w *world) impatient(p Patience) {
	s, err := HTTP(HTTPConfig{URL: w.URL, Patience: p})
	must(w.t, err)
	w.cfg.Retry.Tries = 1
	w.cfg.Source = s
}

// secure is a server with TLS in front of a handler, and a device that trusts it.
func (w *world) secure(h http.HandlerFunc) {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	w.t.Cleanup(s.Close)
	ca := filepath.Join(w.t.TempDir(), "ca.pem")
	must(w.t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	source, err := HTTP(HTTPConfig{URL: s.URL, CAFile: ca, Patience: quickPatience})
	must(w.t, err)
	w.t.Cleanup(func() { source.Close() })
	w.cfg.Source = source
}

func redirectTo(address string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, address, http.StatusFound) }
}

var serverAttacks = []attack{
	{name: "slow-loris timestamp", does: "sends timestamp.json a byte at a time", device: "hangs up: it wants 256 bytes a second over a minute", reason: ErrNetwork,
		try: func(w *world) error {
			w.impatient(Patience{Stall: time.Minute, Window: 200 * time.Millisecond, Rate: 1000})
			w.handle("metadata/timestamp.json", trickle(w.read("metadata/timestamp.json"), 10*time.Millisecond))
			return w.check()
		}},
	{name: "slow-loris base", does: "sends the base a byte at a time", device: "the same, and keeps what came", reason: ErrNetwork,
		try: func(w *world) error {
			w.impatient(Patience{Stall: time.Minute, Window: 200 * time.Millisecond, Rate: 1000})
			w.handle(w.targetTwo(), trickle(noise(300_000), 10*time.Millisecond))
			return w.fetch()
		}},
	{name: "server that stalls", does: "sends half of the base, then nothing, and holds the connection", device: "hangs up after 30 seconds without a byte, goes on from there", reason: ErrNetwork,
		try: func(w *world) error {
			w.impatient(Patience{Stall: 100 * time.Millisecond})
			w.handle(w.targetTwo(), func(rw http.ResponseWriter, r *http.Request) {
				rw.Write(noise(300_000)[:150_000])
				http.NewResponseController(rw).Flush()
				<-r.Context().Done()
			})
			return w.fetch()
		}},
	{name: "server that does not answer", does: "accepts the connection, and says nothing", device: "the same", reason: ErrNetwork,
		try: func(w *world) error {
			w.impatient(Patience{Stall: 100 * time.Millisecond})
			w.handle("metadata/timestamp.json", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			return w.check()
		}},
	{name: "server that breaks off", does: "closes the connection after every 20,000 bytes", device: "goes on after each, gives up when too little comes, keeps what it has", reason: ErrNetwork,
		try: func(w *world) error {
			w.handle(w.targetTwo(), breaking(noise(300_000), 20_000))
			return w.fetch()
		}},
	{name: "wrong part", does: "answers a request for the rest with another part", device: "refuses it, and keeps what it has", reason: ErrForm,
		try: func(w *world) error {
			p, err := w.at.openPart(w.t.Context(), w.two.Digest, w.two.Bytes)
			must(w.t, err)
			must(w.t, p.resume())
			must(w.t, p.add(noise(300_000)[:100_000]))
			p.close()
			w.handle(w.targetTwo(), ranged("bytes 7-299999/300000"))
			return w.fetch()
		}},
	{name: "redirects in a circle", does: "redirects to itself", device: "follows five", reason: ErrRedirect,
		try: func(w *world) error {
			w.handle("metadata/timestamp.json", redirectTo("/metadata/timestamp.json"))
			return w.check()
		}},
	{name: "redirect from https to http", does: "redirects an https address to an http one", device: "does not follow", reason: ErrRedirect,
		try: func(w *world) error {
			w.secure(redirectTo(w.URL + "/metadata/timestamp.json"))
			return w.check()
		}},
	{name: "redirect to a file", does: "redirects to file:///etc/passwd", device: "does not follow", reason: ErrRedirect,
		try: func(w *world) error {
			w.handle("metadata/timestamp.json", redirectTo("file:///etc/passwd"))
			return w.check()
		}},
	{name: "server of another certificate", does: "answers for the address with a certificate that is not its own", device: "does not speak to it", reason: ErrNetwork,
		try: func(w *world) error {
			w.secure(w.ServeHTTP)
			good := w.cfg.Source.(*httpSource)
			bad, err := HTTP(HTTPConfig{URL: good.cfg.URL, Patience: quickPatience})
			must(w.t, err)
			w.cfg.Source = bad
			return w.check()
		}},
	{name: "page of a hotel", does: "a captive portal answers everything with a page", device: "refuses it", reason: ErrForm,
		try: func(w *world) error {
			w.dirs(w.t.TempDir())
			for _, name := range []string{"metadata/2.root.json", "metadata/timestamp.json"} {
				w.instead(name, []byte("<!DOCTYPE html><html>Welcome</html>"))
			}
			return w.check()
		}, heal: func(w *world) { w.dirs(w.repo.dir) }},
	{name: "everything is denied", does: "answers 403 to everything", device: "says that it is not allowed", reason: ErrDenied,
		try: func(w *world) error { w.handle("metadata/timestamp.json", status(403)); return w.check() }},
}

// dirs changes the folder that the server has.
func (s *server) dirs(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dir = dir
}

// tarred is what the device says to an archive of these entries behind the
// repository's own.
func tarred(w *world, more ...tar.Header) error {
	var b bytes.Buffer
	a := tar.NewWriter(&b)
	must(w.t, a.AddFS(os.DirFS(w.repo.dir)))
	for _, h := range more {
		h.Mode = 0o644
		must(w.t, a.WriteHeader(&h))
		a.Write(make([]byte, h.Size))
	}
	must(w.t, a.Close())
	return archived(w, b.Bytes())
}

func archived(w *world, data []byte) error {
	path := filepath.Join(w.t.TempDir(), "pack.tar")
	must(w.t, os.WriteFile(path, data, 0o600))
	return w.from(Tar(path))
}

// from is what the device says to release 2 out of another source.
func (w *world) from(s Source, err error) error {
	if err != nil {
		return err
	}
	w.open(w.pinned(), s)
	if err := w.check(); err != nil {
		return err
	}
	_, err = w.Fetch(w.t.Context(), *w.two.Full, nil)
	return err
}

// foldered is what the device says to a folder in which something was changed.
func foldered(w *world, change func(dir string)) error {
	dir := filepath.Join(w.t.TempDir(), "stick")
	must(w.t, os.CopyFS(dir, os.DirFS(w.repo.dir)))
	change(dir)
	return w.from(Dir(dir))
}

var localAttacks = []attack{
	{name: "zip-slip", does: "packs a file named targets/../../../etc/cron.d/evil", device: "refuses the archive", reason: ErrForm,
		try: func(w *world) error { return tarred(w, tar.Header{Name: "targets/../../../etc/cron.d/evil", Size: 10}) }},
	{name: "absolute name in an archive", does: "packs a file named /etc/passwd", device: "refuses the archive", reason: ErrForm,
		try: func(w *world) error { return tarred(w, tar.Header{Name: "/etc/passwd", Size: 10}) }},
	{name: "link in an archive", does: "packs a symbolic link to /etc/passwd as a target", device: "refuses the archive", reason: ErrForm,
		try: func(w *world) error {
			return tarred(w, tar.Header{Name: "targets/x", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"})
		}},
	{name: "hard link in an archive", does: "packs a hard link", device: "refuses the archive", reason: ErrForm,
		try: func(w *world) error {
			return tarred(w, tar.Header{Name: "targets/x", Typeflag: tar.TypeLink, Linkname: "metadata/timestamp.json"})
		}},
	{name: "device in an archive", does: "packs a device file", device: "refuses the archive", reason: ErrForm,
		try: func(w *world) error { return tarred(w, tar.Header{Name: "targets/x", Typeflag: tar.TypeChar}) }},
	{name: "name twice in an archive", does: "packs a second timestamp.json behind the first", device: "refuses the archive", reason: ErrForm,
		try: func(w *world) error { return tarred(w, tar.Header{Name: "metadata/timestamp.json", Size: 10}) }},
	{name: "archive cut short", does: "cuts the archive in the middle of a file", device: "refuses it", reason: ErrForm,
		try: func(w *world) error {
			var b bytes.Buffer
			a := tar.NewWriter(&b)
			must(w.t, a.AddFS(os.DirFS(w.repo.dir)))
			must(w.t, a.Close())
			return archived(w, b.Bytes()[:b.Len()-200_000])
		}},
	{name: "old archive", does: "gives the device an archive of release 1, which it has seen later states than", device: "knows a newer one", reason: ErrRollback,
		try: func(w *world) error {
			w.finds(2)
			dir := w.t.TempDir()
			for name, data := range w.old {
				must(w.t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
				must(w.t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
			}
			path := filepath.Join(w.t.TempDir(), "old.tar")
			pack(w.t, path, dir)
			data, err := os.ReadFile(path)
			must(w.t, err)
			return archived(w, data)
		}},
	{name: "link that leaves a folder", does: "puts a symbolic link to a file elsewhere on the USB stick, as a target", device: "does not follow it", reason: ErrForm,
		try: func(w *world) error {
			return foldered(w, func(dir string) {
				path := filepath.Join(dir, w.targetTwo())
				must(w.t, os.Remove(path))
				must(w.t, os.Symlink("/etc/passwd", path))
			})
		}},
	{name: "folder that is a link", does: "makes targets/bases a link to a folder elsewhere", device: "does not follow it", reason: ErrForm,
		try: func(w *world) error {
			return foldered(w, func(dir string) {
				must(w.t, os.Rename(filepath.Join(dir, "targets", "bases"), dir+"-elsewhere"))
				must(w.t, os.Symlink(dir+"-elsewhere", filepath.Join(dir, "targets", "bases")))
			})
		}},
	{name: "pipe in a folder", does: "puts a named pipe in the place of a target, which nobody writes to", device: "does not wait for it", reason: ErrForm,
		try: func(w *world) error {
			return foldered(w, func(dir string) {
				path := filepath.Join(dir, w.targetTwo())
				must(w.t, os.Remove(path))
				must(w.t, unix.Mkfifo(path, 0o600))
			})
		}},
	{name: "folder swapped", does: "changes a base on the USB stick", device: "throws the copy away", reason: ErrDamaged,
		try: func(w *world) error {
			return foldered(w, func(dir string) {
				must(w.t, os.WriteFile(filepath.Join(dir, w.targetTwo()), make([]byte, 300_000), 0o600))
			})
		}},
}
