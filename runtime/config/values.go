package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// value is a setting as a person writes it: one line of text. What MarshalText
// writes, UnmarshalText reads as the same value.
type value interface {
	encoding.TextMarshaler
	encoding.TextUnmarshaler
}

var (
	_ value = (*Duration)(nil)
	_ value = (*Size)(nil)
	_ value = (*Share)(nil)
	_ value = (*Memory)(nil)
	_ value = (*Secret)(nil)
)

// Duration is a length of time, written 250ms, 10s, 2m30s, 12h or 30d.
type Duration time.Duration

// D is d as the rest of the program has it.
func (d Duration) D() time.Duration { return time.Duration(d) }

func (d Duration) String() string {
	t := time.Duration(d)
	if t != 0 && t%day == 0 {
		return strconv.FormatInt(int64(t/day), 10) + "d"
	}
	s := t.String()
	// 1m0s is 1m, 12h0m0s is 12h: as people write them.
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

const day = 24 * time.Hour

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 32)
		if err == nil && n <= uint64(math.MaxInt64/day) {
			*d = Duration(n) * Duration(day)
			return nil
		}
	}
	t, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is no length of time: want for example 250ms, 10s, 2m or 30d", s)
	}
	if t < 0 {
		return fmt.Errorf("%q is below zero", s)
	}
	*d = Duration(t)
	return nil
}

// Size is a number of bytes, written 512MiB, 10MB or 4096.
type Size int64

var units = []struct {
	name  string
	bytes int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

func (s Size) String() string {
	for _, u := range units {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// MarshalText implements encoding.TextMarshaler.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(text []byte) error {
	in := strings.TrimSpace(string(text))
	if n, err := strconv.ParseInt(in, 10, 64); err == nil && n >= 0 {
		*s = Size(n) // whole numbers exactly; the library goes through float64
		return nil
	}
	n, err := humanize.ParseBytes(in)
	if err != nil || n > 1<<50 {
		return fmt.Errorf("%q is no size: want for example 512MiB, 10MB or 0", in)
	}
	*s = Size(n)
	return nil
}

// Share is a part of a whole from 0 to 1, written 60% or 0.6.
type Share float64

func (s Share) String() string {
	percent := float64(s) * 100
	// The shortest number of per cent that reads back as the same share: 0.07 is
	// 7%, though 0.07 * 100 is not 7.
	for digits := range 17 {
		text := strconv.FormatFloat(percent, 'f', digits, 64)
		if back, err := strconv.ParseFloat(text, 64); err == nil && Share(back/100) == s {
			return text + "%"
		}
	}
	return strconv.FormatFloat(float64(s), 'g', -1, 64)
}

// MarshalText implements encoding.TextMarshaler.
func (s Share) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Share) UnmarshalText(text []byte) error {
	in := strings.TrimSpace(string(text))
	number, percent := strings.CutSuffix(in, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		f /= 100
	}
	if err != nil || !(f >= 0 && f <= 1) { // written so that NaN fails
		return fmt.Errorf("%q is no share: want 0%% to 100%%, or 0 to 1", in)
	}
	*s = Share(f + 0) // -0 is 0
	return nil
}

// Memory is a ceiling: a number of bytes, a share of what the machine or the
// control group has, or auto, the zero value.
type Memory struct {
	Bytes Size
	Share Share
}

func (m Memory) String() string {
	switch {
	case m.Bytes > 0:
		return m.Bytes.String()
	case m.Share > 0:
		return m.Share.String()
	}
	return "auto"
}

// Of is the ceiling in bytes where there are total bytes; 0 for auto.
func (m Memory) Of(total int64) int64 {
	if m.Bytes > 0 {
		return int64(m.Bytes)
	}
	return int64(float64(m.Share) * float64(total))
}

// MarshalText implements encoding.TextMarshaler.
func (m Memory) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Memory) UnmarshalText(text []byte) error {
	in := strings.TrimSpace(string(text))
	var got Memory
	var err error
	switch {
	case in == "auto":
	case strings.HasSuffix(in, "%"):
		err = got.Share.UnmarshalText([]byte(in))
	default:
		err = got.Bytes.UnmarshalText([]byte(in))
	}
	if err != nil || in != "auto" && got == (Memory{}) {
		return fmt.Errorf("%q is no amount of memory: want auto, for example 512MiB, or for example 60%%", in)
	}
	*m = got
	return nil
}

// Secret is text that is never printed. It comes from a variable or, through
// the key beside it, from a file; the configuration file has no place for it.
type Secret string

// Redacted stands where a secret would.
const Redacted = "[hidden]"

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Redacted
}

// GoString keeps %#v from printing it.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText implements encoding.TextMarshaler; it does not give the secret away.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Secret) UnmarshalText(text []byte) error {
	if len(text) > maxSecret {
		return errors.New("longer than 4 KiB")
	}
	*s = Secret(strings.TrimRight(string(text), "\r\n"))
	return nil
}

const maxSecret = 4 << 10
