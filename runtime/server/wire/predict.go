package wire

import (
	"errors"
	"fmt"
	"strconv"
)

// Predict is a request of TensorFlow Serving's REST API:
//
//	{"instances": [picture, …]}                 the row format
//	{"instances": [{"pixels": picture}, …]}
//	{"inputs": [picture, …]}                    the column format
//	{"inputs": {"pixels": [picture, …]}}
//
// A picture is {"b64": "…"}, an encoded file, or nested arrays [H][W][3] of
// numbers, preprocessed; not both in one request. The names pixels and encoded
// may be given. A Predict may be decoded into again and again; it keeps its
// memory. It is used by one goroutine.
type Predict struct {
	Pictures
	Column    bool   // the column format
	Signature string // "" if none was named

	arena   []byte
	pixels  []float32
	encoded [][]byte
	limits  Limits
	want    Shape
	dims    [3]int
}

// Decode reads body, which must hold one request. It keeps no reference to body.
// Errors say what is wrong for the sender.
func (p *Predict) Decode(body []byte, want Shape, limits Limits) error {
	*p = Predict{
		arena: p.arena[:0], pixels: p.pixels[:0], encoded: p.encoded[:0],
		limits: limits, want: want, dims: [3]int{want.Height, want.Width, 3},
	}
	s := scanner{data: body}
	found := false
	err := s.object(func(key []byte) error {
		switch string(key) {
		case "signature_name":
			name, err := s.text()
			p.Signature = string(name)
			return err
		case "instances", "inputs":
			if found {
				return errors.New(`give one of "instances" and "inputs", once`)
			}
			found = true
			p.Column = string(key) == "inputs"
			if p.Column && s.next() == '{' {
				return p.named(&s, p.list)
			}
			return p.list(&s, "")
		default:
			return fmt.Errorf("%q is no part of a predict request", clip(key))
		}
	})
	if err == nil {
		err = s.end()
	}
	switch {
	case err != nil:
		return err
	case !found:
		return errors.New(`neither "instances" nor "inputs" is given`)
	case p.N == 0:
		return errors.New("the request holds no picture")
	}
	if len(p.encoded) > 0 {
		p.Encoded = p.encoded
	} else {
		p.Pixels = p.pixels
	}
	return nil
}

// Size returns how many bytes of memory p keeps for the next request.
func (p *Predict) Size() int { return cap(p.arena) + 4*cap(p.pixels) }

// list reads an array of pictures, all of the kind that name says unless "".
func (p *Predict) list(s *scanner, name string) error {
	if s.next() != '[' {
		return s.fault("an array of pictures")
	}
	return s.array(func(i int) error {
		if err := p.limits.count(int64(i) + 1); err != nil {
			return err
		}
		var err error
		if !p.Column && s.next() == '{' && !s.isFile() {
			err = p.named(s, p.picture)
		} else {
			err = p.picture(s, name)
		}
		if err != nil {
			return fmt.Errorf("picture %d: %w", i, err)
		}
		return nil
	})
}

// isFile reports whether the object that follows is {"b64": …}.
func (s scanner) isFile() bool {
	if s.take('{') != nil {
		return false
	}
	key, err := s.text()
	return err == nil && string(key) == "b64"
}

// named reads an object of one key, the name of an input, whose value fn reads.
func (p *Predict) named(s *scanner, fn func(*scanner, string) error) error {
	given := 0
	err := s.object(func(key []byte) error {
		name := string(key)
		if name != Pixels && name != Encoded {
			return fmt.Errorf("%q is no input: there are %q and %q", clip(key), Pixels, Encoded)
		}
		if given++; given > 1 {
			return fmt.Errorf("give one of %q and %q", Pixels, Encoded)
		}
		return fn(s, name)
	})
	if err == nil && given == 0 {
		err = fmt.Errorf("neither %q nor %q is given", Pixels, Encoded)
	}
	return err
}

// picture reads one picture of the kind that name says.
func (p *Predict) picture(s *scanner, name string) error {
	switch c := s.next(); {
	case c == '{' && name != Pixels:
		if len(p.pixels) > 0 {
			return errMixed
		}
		return p.file(s)
	case c == '[' && name != Encoded:
		if len(p.encoded) > 0 {
			return errMixed
		}
		p.pixels = grow(p.pixels, p.want.Len())
		var err error
		p.pixels, err = s.tensor(p.pixels, p.dims[:])
		p.N++
		return err
	case name == Encoded:
		return s.fault(`{"b64": "…"}`)
	default:
		return s.fault("nested arrays of numbers")
	}
}

var errMixed = errors.New("pixels and encoded pictures are mixed: send two requests")

// file reads {"b64": "…"}.
func (p *Predict) file(s *scanner) error {
	if p.arena == nil || cap(p.arena) < len(s.data)/4*3+3 {
		p.arena = make([]byte, 0, len(s.data)/4*3+3) // all pictures of the body fit in
	}
	given := false
	err := s.object(func(key []byte) error {
		if string(key) != "b64" || given {
			return fmt.Errorf(`%q in an encoded picture: want {"b64": "…"}`, clip(key))
		}
		given = true
		var file []byte
		var err error
		if file, p.arena, err = s.base64(p.arena); err != nil {
			return err
		}
		p.encoded = append(p.encoded, file)
		p.N++
		return nil
	})
	if err == nil && !given {
		err = errors.New(`an encoded picture is empty: want {"b64": "…"}`)
	}
	return err
}

// AppendPredictions appends the answer to a predict request to dst: scores has
// shape [n,classes]. column is the request's.
func AppendPredictions(dst []byte, column bool, scores []float32, classes int) []byte {
	if column {
		dst = append(dst, `{"outputs": [`...)
	} else {
		dst = append(dst, `{"predictions": [`...)
	}
	for i := 0; i+classes <= len(scores); i += classes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendFloats(append(dst, '['), scores[i:i+classes])
		dst = append(dst, ']')
	}
	return append(dst, "]}"...)
}

// appendFloats writes numbers with commas between them, each with the fewest
// digits that read back as the same float32. They must be finite.
func appendFloats(dst []byte, values []float32) []byte {
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendFloat(dst, float64(v), 'g', -1, 32)
	}
	return dst
}
