package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/edge-adapt/edge/internal/hint"
)

// Role is one of the four roles of a TUF repository.
type Role string

// The roles, in the order in which devices read their metadata backwards.
const (
	Root      Role = "root"
	Targets   Role = "targets"
	Snapshot  Role = "snapshot"
	Timestamp Role = "timestamp"
)

// Roles returns the roles in the order in which a change is signed.
func Roles() []Role { return []Role{Root, Targets, Snapshot, Timestamp} }

// ParseRole reads the name of a role.
func ParseRole(name string) (Role, error) {
	if r := Role(name); slices.Contains(Roles(), r) {
		return r, nil
	}
	return "", fmt.Errorf("%q is no role: want root, targets, snapshot or timestamp", name)
}

const (
	settingsName     = "publish.yaml"
	settingsFormat   = 1
	maxSettingsBytes = 1 << 20
	maxLife          = Life(100 * 366 * 24 * time.Hour)
)

// Settings are publish.yaml.
type Settings struct {
	Format int `yaml:"format"`
	// Expires is how long metadata of a role holds from when it is signed. A role
	// that is missing has its usual life: root 365d, targets 180d, snapshot 30d,
	// timestamp 7d.
	Expires map[Role]Life `yaml:"expires"`
	// Keys says where the private part of a key is. Which keys count for a role is
	// said by root metadata alone.
	Keys []KeyEntry `yaml:"keys"`
}

// KeyEntry is a key by its TUF ID, and the reference under which a KeyRing finds
// its private part.
type KeyEntry struct {
	ID        string `yaml:"id"`
	Role      Role   `yaml:"role"` // that it was made for
	Reference string `yaml:"reference"`
}

// life is how long metadata of a role holds.
func (s Settings) life(r Role) time.Duration {
	if l, ok := s.Expires[r]; ok {
		return time.Duration(l)
	}
	return usualLife(r)
}

func usualLife(r Role) time.Duration {
	days := map[Role]int{Root: 365, Targets: 180, Snapshot: 30, Timestamp: 7}[r]
	return time.Duration(days) * 24 * time.Hour
}

func (s Settings) check() error {
	if s.Format != settingsFormat {
		return fmt.Errorf("format %d: want %d", s.Format, settingsFormat)
	}
	for role, life := range s.Expires {
		if _, err := ParseRole(string(role)); err != nil {
			return fmt.Errorf("expires: %w", err)
		}
		if life < Life(time.Minute) || life > maxLife {
			return fmt.Errorf("expires: %s for %s: want a minute to a hundred years", life, role)
		}
	}
	for _, k := range s.Keys {
		if err := checkReference(k.Reference); err != nil {
			return fmt.Errorf("keys: %w", err)
		}
		if k.ID == "" {
			return errors.New("keys: one without an id")
		}
		if _, err := ParseRole(string(k.Role)); err != nil {
			return fmt.Errorf("keys: %w", err)
		}
	}
	return nil
}

func readSettings(path string) (Settings, error) {
	s, err := parseSettingsFile(path)
	if err != nil {
		return Settings{}, fmt.Errorf("settings of the repository: %s: %w", path, err)
	}
	return s, nil
}

func parseSettingsFile(path string) (Settings, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Settings{}, hint.Wrap(err, "make a repository first: edge publish init DIR")
	}
	if err != nil {
		return Settings{}, err
	}
	if info.Size() > maxSettingsBytes {
		return Settings{}, fmt.Errorf("%d bytes: at most %d", info.Size(), maxSettingsBytes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Settings{}, err
	}
	var s Settings
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&s); err != nil {
		return Settings{}, err
	}
	return s, s.check()
}

const settingsHead = `# Settings of an edge repository; docs/publishing.md says what each does. No secrets are here.
`

func (s Settings) encode() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(settingsHead)
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(s); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}

// Life is how long something holds, written as "7d" or "12h".
type Life time.Duration

// ParseLife reads a life: what time.ParseDuration reads, or a whole number of days
// such as "30d".
func ParseLife(text string) (Life, error) {
	if digits, ok := strings.CutSuffix(text, "d"); ok {
		days, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || days > 36600 {
			return 0, fmt.Errorf("%q is no time: want for example 12h or 30d", text)
		}
		return Life(time.Duration(days) * 24 * time.Hour), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no time: want for example 12h or 30d", text)
	}
	return Life(d), nil
}

func (l Life) String() string {
	if day := Life(24 * time.Hour); l > 0 && l%day == 0 {
		return fmt.Sprintf("%dd", l/day)
	}
	return time.Duration(l).String()
}

// UnmarshalYAML reads what ParseLife reads.
func (l *Life) UnmarshalYAML(n *yaml.Node) (err error) {
	*l, err = ParseLife(n.Value)
	return err
}

// MarshalYAML writes what String returns.
func (l Life) MarshalYAML() (any, error) { return l.String(), nil }
