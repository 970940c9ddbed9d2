package config

import (
	"net/url"
	"time"
)

// GC is what of the store is kept beside what is needed.
type GC struct {
	Newest int  `key:"newest"` // generations of each task; zero: nothing is ever removed
	Limit  Size `key:"limit"`  // of the store; zero: none
}

// Update is how the daemon looks for models over the air. It needs a device that
// is enrolled.
type Update struct {
	Every  Duration `key:"every"`  // give or take a quarter; zero: only when told
	Apply  bool     `key:"apply"`  // take what suits the device; false: only say so
	Folder string   `key:"folder"` // a repository on a stick or a share; looked at too
	Nudge  Nudge    `key:"nudge"`
}

// Nudge is the MQTT broker that tells of something new.
type Nudge struct {
	Broker       string `key:"broker"` // "": none
	Username     string `key:"username"`
	PasswordFile string `key:"password_file"`
	CAFile       string `key:"ca_file"`
	CertFile     string `key:"cert_file"`
	KeyFile      string `key:"key_file"`
}

// Report is where the daemon tells how it fares.
type Report struct {
	URL       string   `key:"url"` // "": nowhere
	Every     Duration `key:"every"`
	Labels    bool     `key:"labels"`     // names of classes too
	TokenFile string   `key:"token_file"` // of enrolling, the first time
	CAFile    string   `key:"ca_file"`
	CertFile  string   `key:"cert_file"`
	KeyFile   string   `key:"key_file"`
}

func (g GC) validate(k *checks) {
	k.between(g.Newest, 0, 1e6, "gc.newest")
	k.that(g.Limit == 0 || g.Newest > 0, "gc.limit", "nothing is removed while gc.newest is 0")
}

func (u Update) validate(k *checks) {
	k.that(u.Every == 0 || u.Every.D() >= time.Minute, "update.every", "%v is too often: want 0s for never, or 1m and more", u.Every)
	n := u.Nudge
	if n.Broker != "" {
		at, err := url.Parse(n.Broker)
		k.that(err == nil && (at.Scheme == "mqtt" || at.Scheme == "mqtts") && at.Hostname() != "" && at.User == nil,
			"update.nudge.broker", "is no broker: want for example mqtts://broker.example.org:8883, without a password")
	}
	k.that((n.CertFile == "") == (n.KeyFile == ""), "update.nudge", "cert_file and key_file go together")
}

func (r Report) validate(k *checks) {
	if r.URL != "" {
		at, err := url.Parse(r.URL)
		k.that(err == nil && (at.Scheme == "http" || at.Scheme == "https") && at.Hostname() != "" && at.User == nil,
			"report.url", "is no address: want for example https://fleet.example.org")
	}
	k.that(r.Every.D() >= 10*time.Second && r.Every.D() <= 30*day, "report.every", "%v is out of range: want 10s to 30d", r.Every)
	k.that((r.CertFile == "") == (r.KeyFile == ""), "report", "cert_file and key_file go together")
}
