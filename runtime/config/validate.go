package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/edge-adapt/edge/camera/open"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime"
)

// checks collects what is wrong.
type checks struct{ problems Problems }

// that refuses key for a reason unless ok.
func (c *checks) that(ok bool, key, reason string, args ...any) {
	if !ok {
		c.problems = append(c.problems, Problem{Key: key, Reason: fmt.Sprintf(reason, args...)})
	}
}

// no refuses key if err is not nil, with the next step that err carries.
func (c *checks) no(err error, key string) {
	if err == nil {
		return
	}
	reason := err.Error()
	if next := hint.Of(err); next != "" {
		reason += " (" + next + ")"
	}
	c.that(false, key, "%s", reason)
}

// between refuses a number outside of [from, to].
func (c *checks) between(n, from, to int, key string) {
	c.that(n >= from && n <= to, key, "%d is out of range: want %d to %d", n, from, to)
}

// oneOf refuses a word that is not in list.
func (c *checks) oneOf(word, key string, list ...string) {
	if slices.Contains(list, word) {
		return
	}
	reason := fmt.Sprintf("%s: want %s", quote(word), strings.Join(list, ", "))
	if near := nearest(word, list); near != "" {
		reason += "; did you mean " + near + "?"
	}
	c.that(false, key, "%s", reason)
}

// Validate returns all that is wrong with c, or nil.
func (c Config) Validate() error {
	if problems := c.validate(); len(problems) > 0 {
		return problems
	}
	return nil
}

func (c Config) validate() Problems {
	k := &checks{}
	k.that(len(c.Listen) > 0, "listen", "want at least one address, such as 127.0.0.1:8080 or unix:/run/edge.sock")
	for i, address := range c.Listen {
		_, err := ParseAddress(address)
		k.no(err, "listen")
		k.that(!slices.Contains(c.Listen[:i], address), "listen", "%s stands there twice", quote(address))
	}
	k.that((c.TLS.Cert == "") == (c.TLS.Key == ""), "tls", "cert and key go together")
	k.that(!c.TLS.SelfMade || c.TLS.Cert == "", "tls", "self_made is for where there is no cert")
	c.Limits.validate(k)
	k.oneOf(c.Log.Level, "log.level", "debug", "info", "warn", "error")
	k.oneOf(c.Log.Format, "log.format", "auto", "text", "json")
	k.between(c.Workers, 0, 256, "workers")
	k.between(c.Threads, 0, 256, "threads")
	k.that(c.Memory.Bytes == 0 || c.Memory.Bytes >= 64<<20, "memory", "%v is too little: want 64MiB or more", c.Memory)
	k.that(c.Poll.D() >= 100*time.Millisecond && c.Poll.D() <= time.Hour, "poll", "%v is out of range: want 100ms to 1h", c.Poll)
	k.that(c.Grace.D() >= time.Second && c.Grace.D() <= 10*time.Minute, "grace", "%v is out of range: want 1s to 10m", c.Grace)
	spelt := map[string]string{}
	for _, name := range c.Names() {
		c.Tasks[name].validate(k, name)
		if other, ok := spelt[spell(name)]; ok {
			k.that(false, "tasks."+name, "has the same variables as task %s", other)
		}
		spelt[spell(name)] = name
	}
	c.Events.validate(k, c.Tasks)
	c.GC.validate(k)
	c.Update.validate(k)
	c.Report.validate(k)
	return k.problems
}

func (l Limits) validate(k *checks) {
	k.that(l.Body >= 1<<10, "limits.body", "%v is too little: want 1KiB or more", l.Body)
	k.that(l.Memory >= l.Body, "limits.memory", "%v is less than limits.body, %v", l.Memory, l.Body)
	k.between(l.Pictures, 1, 1<<16, "limits.pictures")
	k.between(l.Requests, 1, 1<<16, "limits.requests")
	k.that(l.Rate > 0, "limits.rate", "%v is out of range: want above 0", l.Rate)
	k.between(l.Burst, 1, 1<<20, "limits.burst")
}

func (t Task) validate(k *checks, name string) {
	path := "tasks." + name + "."
	k.no(models.CheckTask(name), "tasks")
	if t.Source != "" {
		k.no(open.Check(t.Source), path+"source")
	}
	x, y, w, h := t.Crop.X, t.Crop.Y, t.Crop.Width, t.Crop.Height
	k.that(w > 0 && h > 0, path+"crop", "width and height must be above 0%%")
	const slack = 1e-9 // 70% and 30% are 1.0000000000000002 together
	k.that(x+w <= 1+slack && y+h <= 1+slack, path+"crop", "reaches beyond the picture: x + width and y + height are 100%% at most")
	k.that(t.Threshold > 0, path+"threshold", "0%% is out of range: want above 0%%, up to 100%%")
	k.between(t.InARow, 1, 3600, path+"in_a_row")
	k.between(t.Window, 1, 3600, path+"window")
	k.that(t.Share > 0.5, path+"share", "%v is out of range: want above 50%%, up to 100%%", t.Share)
	k.that(t.Heartbeat == 0 || t.Heartbeat.D() >= time.Second, path+"heartbeat", "%v is too often: want 0s for none, or 1s and more", t.Heartbeat)
	k.that(!t.Adapt.OnChange || t.Samples != "", path+"adapt.on_change", "without samples there is nothing to adapt to; set %ssamples", path)
	k.that(t.Adapt.Debounce.D() >= time.Second && t.Adapt.Debounce.D() <= 24*time.Hour, path+"adapt.debounce", "%v is out of range: want 1s to 1d", t.Adapt.Debounce)
	k.between(t.Adapt.Cores, 1, 256, path+"adapt.cores")
	k.that(t.Adapt.Memory.Bytes == 0 || t.Adapt.Memory.Bytes >= 64<<20, path+"adapt.memory", "%v is too little: want 64MiB or more", t.Adapt.Memory)
	k.oneOf(t.Adapt.Recipe, path+"adapt.recipe", "default", "seed")
	t.Probation.validate(k, path+"probation.")
}

func (e Events) validate(k *checks, tasks map[string]Task) {
	k.that(e.JSONL.MaxSize >= 4<<10, "events.jsonl.max_size", "%v is too little: want 4KiB or more", e.JSONL.MaxSize)
	k.between(e.JSONL.Keep, 0, 1000, "events.jsonl.keep")
	k.between(e.History.MaxRows, 0, 1e9, "events.history.max_rows")
	for _, name := range slices.Sorted(maps.Keys(e.Webhooks)) {
		e.Webhooks[name].validate(k, name, tasks)
	}
}

func (w Webhook) validate(k *checks, name string, tasks map[string]Task) {
	path := "events.webhooks." + name + "."
	k.no(models.CheckTask(name), "events.webhooks") // names of one kind
	u, err := url.Parse(w.URL)
	switch {
	case w.URL == "":
		k.that(false, path+"url", "is missing: where events are posted to")
	case err != nil:
		// What url.Parse says has the address in it, and so a password.
		k.that(false, path+"url", "is no address: want for example https://example.org/hook")
	default:
		k.that((u.Scheme == "https" || u.Scheme == "http") && u.Host != "", path+"url", "want https:// or http:// and a host")
		k.that(u.User == nil, path+"url", "has a password in it; receivers check the signature instead, see secret_file")
	}
	k.that(w.Timeout.D() >= 100*time.Millisecond && w.Timeout.D() <= 5*time.Minute, path+"timeout", "%v is out of range: want 100ms to 5m", w.Timeout)
	k.that(w.GiveUp.D() <= 24*time.Hour, path+"give_up", "%v is out of range: want up to 1d", w.GiveUp)
	k.that(w.Secret == "" || len(w.Secret) >= minSecret, path+"secret", "is too short: want %d characters or more", minSecret)
	for _, kind := range w.Kinds {
		k.oneOf(kind, path+"kinds", kinds...)
	}
	for _, task := range w.Tasks {
		_, ok := tasks[task]
		k.that(ok, path+"tasks", "there is no task %s", quote(task))
	}
}

// minSecret is the fewest characters of a secret that nobody guesses.
const minSecret = 16

// kinds are the words for events.
var kinds = func() []string {
	var words []string
	for _, k := range []runtime.Kind{
		runtime.KindStart, runtime.KindChange, runtime.KindHeartbeat, runtime.KindSourceLost, runtime.KindSourceBack, runtime.KindSourceEnded,
		runtime.KindGeneration, runtime.KindRefused, runtime.KindRollback, runtime.KindGood, runtime.KindShadow,
		runtime.KindAdaptStart, runtime.KindAdaptDone, runtime.KindAdaptFailed,
	} {
		words = append(words, string(k))
	}
	return words
}()

// Address is where the daemon listens.
type Address struct {
	Network string // tcp or unix
	Address string // host:port, or a path; "" for a unix socket at its usual place
}

// Loopback reports whether only this machine can reach a.
func (a Address) Loopback() bool {
	if a.Network == "unix" {
		return true
	}
	host, _, err := net.SplitHostPort(a.Address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// ParseAddress reads 127.0.0.1:8080, :8080, [::1]:8080, unix:/path, or unix: for
// the usual place of the socket.
func ParseAddress(text string) (Address, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		path = strings.TrimPrefix(path, "//") // unix:///run/edge.sock
		switch {
		case path != "" && !strings.HasPrefix(path, "/"):
			return Address{}, fmt.Errorf("%s: the path of a socket begins with /", quote(text))
		case len(path) > 107 || strings.ContainsRune(path, 0):
			return Address{}, fmt.Errorf("%s: the path of a socket has 107 bytes at most", quote(text))
		}
		return Address{"unix", path}, nil
	}
	want := errors.New(quote(text) + " is no address: want for example 127.0.0.1:8080, :8080 or unix:/run/edge.sock")
	host, port, err := net.SplitHostPort(text)
	if err != nil || strings.ContainsAny(host, "/?#@ \t\n\x00") {
		return Address{}, want
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return Address{}, want
	}
	return Address{"tcp", text}, nil
}
