package report

import (
	"os"
	"strings"

	"golang.org/x/term"
)

// TextOptions says what the place that Text writes to can show.
type TextOptions struct {
	Width   int  // columns; zero means 80, and less than 56 counts as 56, which the tables need
	Colour  bool // ANSI colours
	Unicode bool // lines, dots and signs beyond ASCII; labels and paths are always written as they are
}

// Terminal returns the options that suit f. What is not a terminal gets 80
// columns of plain ASCII; a terminal gets its own width, Unicode when the locale
// says UTF-8, and colours unless NO_COLOR is set or it is a dumb one.
func Terminal(f *os.File) TextOptions {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return TextOptions{}
	}
	width, _, err := term.GetSize(fd)
	if err != nil {
		width = 0
	}
	return terminalOptions(width, os.Getenv)
}

// terminalOptions decides from the environment; see https://no-color.org.
func terminalOptions(width int, getenv func(string) string) TextOptions {
	locale := getenv("LC_ALL")
	for _, name := range []string{"LC_CTYPE", "LANG"} {
		if locale == "" {
			locale = getenv(name)
		}
	}
	locale = strings.ToUpper(strings.ReplaceAll(locale, "-", ""))
	dumb := getenv("TERM") == "dumb"
	return TextOptions{
		Width:   width,
		Colour:  getenv("NO_COLOR") == "" && !dumb,
		Unicode: strings.Contains(locale, "UTF8") && !dumb,
	}
}

// style draws with what the options allow.
type style struct {
	TextOptions
}

func newStyle(o TextOptions) style {
	if o.Width == 0 {
		o.Width = 80
	}
	// Beyond 120 columns lines are hard to follow.
	o.Width = min(max(o.Width, 56), 120)
	return style{o}
}

// Select Graphic Rendition codes. Blue and orange stay apart for every common
// kind of colour blindness; nothing is told by colour alone.
const (
	sgrBold   = "1"
	sgrDim    = "2"
	sgrBlue   = "38;5;33"
	sgrOrange = "38;5;208"
)

func (s style) paint(code, text string) string {
	if !s.Colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// pick returns the Unicode form of a sign where that can be shown.
func (s style) pick(unicode, ascii string) string {
	if s.Unicode {
		return unicode
	}
	return ascii
}

// signs rewrites the few signs beyond ASCII that our own sentences use.
func (s style) signs(text string) string {
	if s.Unicode {
		return text
	}
	return strings.NewReplacer("\u00b1", "+-", "\u2013", "-", "\u00b7", "-").Replace(text)
}
