package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestValues(t *testing.T) {
	for _, c := range []struct {
		into value
		in   string
		want string // as written again
	}{
		{new(Duration), "10s", "10s"},
		{new(Duration), "90m", "1h30m"},
		{new(Duration), "48h", "2d"},
		{new(Duration), "30d", "30d"},
		{new(Duration), "12h", "12h"},
		{new(Duration), "0", "0s"},
		{new(Duration), "250ms", "250ms"},
		{new(Size), "512MiB", "512MiB"},
		{new(Size), "10 MB", "10000000"},
		{new(Size), "1.5GiB", "1536MiB"},
		{new(Size), "4096", "4KiB"},
		{new(Size), "0", "0"},
		{new(Share), "60%", "60%"},
		{new(Share), "0.6", "60%"},
		{new(Share), "7 %", "7%"},
		{new(Share), "12.5%", "12.5%"},
		{new(Share), "0.123456789", "12.3456789%"},
		{new(Share), "1e-3", "0.1%"},
		{new(Memory), "auto", "auto"},
		{new(Memory), "1GiB", "1GiB"},
		{new(Memory), "50%", "50%"},
	} {
		if err := c.into.UnmarshalText([]byte(c.in)); err != nil {
			t.Errorf("%T %q: %v", c.into, c.in, err)
			continue
		}
		text, _ := c.into.MarshalText()
		if string(text) != c.want {
			t.Errorf("%T %q is written %q, want %q", c.into, c.in, text, c.want)
		}
		again := reflect.New(reflect.TypeOf(c.into).Elem())
		if err := again.Interface().(value).UnmarshalText(text); err != nil || !reflect.DeepEqual(again.Interface(), c.into) {
			t.Errorf("%T %q is not itself after %q: %v", c.into, c.in, text, err)
		}
	}
	for _, c := range []struct {
		into value
		in   []string
	}{
		{new(Duration), []string{"", "5", "-1s", "1x", "99999999d", "-1d", "d", "1e3s"}},
		{new(Size), []string{"", "-1", "much", "1XB", "99999999TiB", "NaN"}},
		{new(Share), []string{"", "-1%", "101%", "1.1", "NaN", "Inf", "%", "-0.1"}},
		{new(Memory), []string{"", "0", "0%", "-1", "all", "101%"}},
	} {
		for _, in := range c.in {
			if err := c.into.UnmarshalText([]byte(in)); err == nil {
				t.Errorf("%T takes %q as %v", c.into, in, c.into)
			}
		}
	}
}

func TestMemoryOf(t *testing.T) {
	for m, want := range map[Memory]int64{{}: 0, {Bytes: 5}: 5, {Share: 0.5}: 50} {
		if got := m.Of(100); got != want {
			t.Errorf("%v of 100 is %d, want %d", m, got, want)
		}
	}
}

func TestSecretIsNotPrinted(t *testing.T) {
	c := Webhook{Secret: "hush hush"}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%s %q %v", c.Secret, c.Secret, &c.Secret)} {
		if strings.Contains(text, "hush") {
			t.Errorf("printed as %s", text)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]Address{
		"127.0.0.1:8080":     {"tcp", "127.0.0.1:8080"},
		":0":                 {"tcp", ":0"},
		"[::1]:1":            {"tcp", "[::1]:1"},
		"unix:":              {"unix", ""},
		"unix:/a":            {"unix", "/a"},
		"unix:///run/e.sock": {"unix", "/run/e.sock"},
	} {
		if got, err := ParseAddress(text); err != nil || got != want {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "8080", "a", "a:b", ":99999", "http://x:1", "a/b:1", ":08", "unix:a", "unix:/" + strings.Repeat("x", 107), "a b:1"} {
		if got, err := ParseAddress(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
	for text, want := range map[string]bool{"127.0.0.1:1": true, "localhost:1": true, "[::1]:1": true, "unix:/a": true, ":1": false, "10.0.0.1:1": false} {
		if a, err := ParseAddress(text); err != nil || a.Loopback() != want {
			t.Errorf("%q is loopback: %v, %v", text, a.Loopback(), err)
		}
	}
}

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Minute: "1m", time.Hour: "1h", time.Hour + time.Minute: "1h1m", 24 * time.Hour: "1d", 25 * time.Hour: "25h",
		time.Hour + time.Second: "1h0m1s", 10 * time.Second: "10s",
	} {
		if got := Duration(d).String(); got != want {
			t.Errorf("%v is written %s, want %s", d, got, want)
		}
	}
}
