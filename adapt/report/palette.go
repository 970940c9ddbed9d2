package report

import (
	"fmt"
	"image/color"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// role is what a colour of the page is for. Pictures are drawn in roles, and the
// page's style sheet gives each role a colour for light and one for dark, so one
// picture serves both.
type role uint8

const (
	roleBack role = iota
	rolePanel
	roleInk
	roleMuted
	roleRule
	roleTrain
	roleVal
	roleBar
	roleHit                             // the first of heatLevels shades for right answers
	roleMiss    = roleHit + heatLevels  // the same for wrong ones
	roleHitInk  = roleMiss + heatLevels // the text on each shade
	roleMissInk = roleHitInk + heatLevels
	roles       = roleMissInk + heatLevels
)

const heatLevels = 6

// shade is the colour of a role, #rrggbb, on a light and on a dark page.
type shade struct{ light, dark string }

// palette returns the shade of every role. Blue against orange stays apart for
// all common kinds of colour blindness (M. Okabe and K. Ito, 2008, Color
// Universal Design); the darker and lighter forms keep their hues.
func palette() [roles]shade {
	p := [roles]shade{
		roleBack:  {"#ffffff", "#11171d"},
		rolePanel: {"#f4f6f8", "#1a222b"},
		roleInk:   {"#1a2530", "#e8edf2"},
		roleMuted: {"#52606d", "#a4b1be"},
		roleRule:  {"#d3dae1", "#35424f"},
		roleTrain: {"#0069a8", "#5ab6ea"},
		roleVal:   {"#b84c00", "#f2a134"},
		roleBar:   {"#4d8fbf", "#3d7fb0"},
	}
	hits := [heatLevels]shade{
		{"#dfecf7", "#1b2f42"}, {"#b9d6ed", "#1f4463"}, {"#86b9e0", "#275f8b"},
		{"#4f98ce", "#4089c2"}, {"#1c6dab", "#74b4e6"}, {"#0a4a7f", "#b4d9f9"},
	}
	misses := [heatLevels]shade{
		{"#fdebd8", "#4a3018"}, {"#fbd2a8", "#6d4416"}, {"#f6ae6a", "#965c15"},
		{"#eb8a3c", "#c67d20"}, {"#b9520c", "#eea648"}, {"#8c3b00", "#fdd29a"},
	}
	for i := range role(heatLevels) {
		p[roleHit+i], p[roleHitInk+i] = hits[i], inkOn(hits[i])
		p[roleMiss+i], p[roleMissInk+i] = misses[i], inkOn(misses[i])
	}
	return p
}

// inkOn returns black or white text, whichever is easier to read on s.
func inkOn(s shade) shade {
	ink := func(on string) string {
		if contrast("#0b1219", on) >= contrast("#ffffff", on) {
			return "#0b1219"
		}
		return "#ffffff"
	}
	return shade{ink(s.light), ink(s.dark)}
}

// contrast is the ratio of the Web Content Accessibility Guidelines 2.2, from 1 to 21.
func contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(hex string) float64 {
	rgb, _ := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	linear := func(shift uint) float64 {
		c := float64(rgb>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0)
}

// name is the role's variable in the style sheet.
func (r role) name() string {
	for _, group := range []struct {
		first role
		name  string
	}{{roleMissInk, "miss-ink"}, {roleHitInk, "hit-ink"}, {roleMiss, "miss"}, {roleHit, "hit"}} {
		if r >= group.first {
			return fmt.Sprintf("--%s-%d", group.name, r-group.first+1)
		}
	}
	return "--" + [...]string{"back", "panel", "ink", "muted", "rule", "train", "val", "bar"}[r]
}

// variables returns the style sheet's declarations of every role.
func variables(dark bool) string {
	var b strings.Builder
	for r, s := range palette() {
		value := s.light
		if dark {
			value = s.dark
		}
		fmt.Fprintf(&b, "%s:%s;", role(r).name(), value)
	}
	return b.String()
}

// paint is the stand-in for the role's colour while a picture is drawn.
func (r role) paint() color.Color { return color.RGBA{0xed, 0x6e, uint8(r), 0xff} }

// styled replaces the stand-ins within the style attributes of a drawing by the
// style sheet's variables. Text cannot be taken for one: its quotes are escaped.
func styled(svg string) string {
	attribute := regexp.MustCompile(`style="[^"]*"`)
	standIn := regexp.MustCompile(`#ED6E[0-9A-F]{2}`)
	return attribute.ReplaceAllStringFunc(svg, func(style string) string {
		return standIn.ReplaceAllStringFunc(style, func(hex string) string {
			r, err := strconv.ParseUint(hex[5:], 16, 8)
			if err != nil || role(r) >= roles {
				return hex
			}
			return "var(" + role(r).name() + ")"
		})
	})
}
