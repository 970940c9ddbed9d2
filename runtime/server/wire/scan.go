package wire

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may lie in each other.
const maxDepth = 32

// errEnd is what is wrong with JSON that stops too early.
var errEnd = errors.New("the JSON text ends too early")

// scanner reads JSON (RFC 8259) from memory, value by value, without building
// anything. It accepts what encoding/json accepts, but that strings must be
// valid UTF-8 and keys are told apart by their case.
//
// A method that has failed leaves the scanner where the fault is.
type scanner struct {
	data  []byte
	pos   int
	depth int
}

// fault says what is wrong at the scanner's place.
func (s *scanner) fault(want string) error {
	if s.pos >= len(s.data) {
		return errEnd
	}
	return fmt.Errorf("byte %d of the JSON text is %q: want %s", s.pos, s.data[s.pos], want)
}

// next skips white space and returns the byte that follows, or 0 at the end.
func (s *scanner) next() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// take skips white space and the byte c, which must follow.
func (s *scanner) take(c byte) error {
	if s.next() != c {
		return s.fault(fmt.Sprintf("%q", c))
	}
	s.pos++
	return nil
}

// end reports an error if anything but white space is left.
func (s *scanner) end() error {
	if s.next(); s.pos < len(s.data) {
		return s.fault("the end of the JSON text")
	}
	return nil
}

func (s *scanner) enter(open byte) error {
	if err := s.take(open); err != nil {
		return err
	}
	if s.depth++; s.depth > maxDepth {
		return fmt.Errorf("arrays or objects lie in each other more than %d deep", maxDepth)
	}
	return nil
}

// more reports whether an element follows, as the i-th of what close ends. It
// takes the comma or close.
func (s *scanner) more(i int, closing byte) (bool, error) {
	switch c := s.next(); {
	case c == closing:
		s.pos++
		s.depth--
		return false, nil
	case i == 0:
		return true, nil
	case c == ',':
		s.pos++
		return true, nil
	}
	return false, s.fault(fmt.Sprintf("a comma or %q", closing))
}

// array reads an array. fn must read the element i.
func (s *scanner) array(fn func(i int) error) error {
	if err := s.enter('['); err != nil {
		return err
	}
	for i := 0; ; i++ {
		more, err := s.more(i, ']')
		if err != nil || !more {
			return err
		}
		if err := fn(i); err != nil {
			return err
		}
	}
}

// object reads an object. fn must read the value of key, which is valid until
// then. Keys that come twice are given twice.
func (s *scanner) object(fn func(key []byte) error) error {
	if err := s.enter('{'); err != nil {
		return err
	}
	for i := 0; ; i++ {
		more, err := s.more(i, '}')
		if err != nil || !more {
			return err
		}
		key, err := s.text()
		if err != nil {
			return err
		}
		if err := s.take(':'); err != nil {
			return err
		}
		if err := fn(key); err != nil {
			return err
		}
	}
}

// text reads a string. The result is a part of the scanner's data, or a copy if
// the string has escapes.
func (s *scanner) text() ([]byte, error) {
	if s.next() != '"' {
		return nil, s.fault("a string")
	}
	s.pos++
	rest := s.data[s.pos:]
	n := bytes.IndexByte(rest, '"')
	if n < 0 {
		s.pos = len(s.data)
		return nil, errEnd
	}
	ascii := true
	for i, c := range rest[:n] {
		switch {
		case c == '\\':
			return s.escaped(i)
		case c < ' ':
			s.pos += i
			return nil, s.fault("no control character in a string")
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	if !ascii && !utf8.Valid(rest[:n]) {
		return nil, s.fault("valid UTF-8")
	}
	s.pos += n + 1
	return rest[:n], nil
}

// escaped reads the rest of a string of which plain bytes have been looked at.
func (s *scanner) escaped(plain int) ([]byte, error) {
	out := append([]byte(nil), s.data[s.pos:s.pos+plain]...)
	s.pos += plain
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		switch {
		case c == '"':
			s.pos++
			if !utf8.Valid(out) {
				return nil, errors.New("a string of the JSON text is not valid UTF-8")
			}
			return out, nil
		case c < ' ':
			return nil, s.fault("no control character in a string")
		case c != '\\':
			out = append(out, c)
			s.pos++
		default:
			var err error
			if out, err = s.escape(out); err != nil {
				return nil, err
			}
		}
	}
	return nil, errEnd
}

// letters are the escapes of one letter.
var letters = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads one escape and appends what it stands for.
func (s *scanner) escape(out []byte) ([]byte, error) {
	s.pos++ // the backslash
	if s.pos >= len(s.data) {
		return nil, errEnd
	}
	c := s.data[s.pos]
	if c != 'u' {
		if letters[c] == 0 {
			return nil, s.fault("an escape")
		}
		s.pos++
		return append(out, letters[c]), nil
	}
	r, err := s.unit()
	if err != nil {
		return nil, err
	}
	if utf16.IsSurrogate(r) {
		at := s.pos
		second := rune(utf8.RuneError)
		if s.pos+1 < len(s.data) && s.data[s.pos] == '\\' && s.data[s.pos+1] == 'u' {
			s.pos++
			if second, err = s.unit(); err != nil {
				return nil, err
			}
		}
		if r = utf16.DecodeRune(r, second); r == utf8.RuneError {
			s.pos = at // half a pair stands for U+FFFD, as encoding/json has it
		}
	}
	return utf8.AppendRune(out, r), nil
}

// unit reads u and four hexadecimal digits.
func (s *scanner) unit() (rune, error) {
	if s.pos+5 > len(s.data) {
		s.pos = len(s.data)
		return 0, errEnd
	}
	var r rune
	for range 4 {
		s.pos++
		c := s.data[s.pos]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, s.fault("a hexadecimal digit")
		}
		r = r<<4 | rune(c)
	}
	s.pos++
	return r, nil
}

// skip reads one value of any kind and checks its form.
func (s *scanner) skip() error {
	switch c := s.next(); c {
	case '{':
		return s.object(func([]byte) error { return s.skip() })
	case '[':
		return s.array(func(int) error { return s.skip() })
	case '"':
		_, err := s.text()
		return err
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		_, err := s.literal()
		return err
	}
}

// word takes true, false or null.
func (s *scanner) word(w string) error {
	if !bytes.HasPrefix(s.data[s.pos:], []byte(w)) {
		return s.fault("a value")
	}
	s.pos += len(w)
	return nil
}

// boolean reads true or false.
func (s *scanner) boolean() (bool, error) {
	switch s.next() {
	case 't':
		return true, s.word("true")
	case 'f':
		return false, s.word("false")
	}
	return false, s.fault("true or false")
}
