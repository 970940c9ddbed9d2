package wire

import (
	"errors"
	"fmt"
)

// The data types of the Open Inference Protocol that are used here.
const (
	typeFP32  = "FP32"
	typeUINT8 = "UINT8"
	typeBYTES = "BYTES"
)

// maxOutputs is how many outputs one request may ask for.
const maxOutputs = 8

// maxID is the longest id of a request that is echoed, in bytes.
const maxID = 1 << 10

// Infer is an inference request of the Open Inference Protocol, version 2, with
// its extensions for binary tensors and classification. It holds one input:
//
//	pixels   FP32  [n,H,W,3]  preprocessed
//	image    UINT8 [n,h,w,3]  raw RGB of any size
//	encoded  BYTES [n]        JPEG, PNG or WebP; in JSON, base64
//
// A request is decoded in two steps, so that the tensor's memory is taken when
// its size is known to be right, and its bytes are moved once:
//
//	err := q.Decode(header, length, shape, limits)
//	err = q.ReadBinary(body)
//
// An Infer may be decoded into again and again; it keeps its memory. It is used
// by one goroutine.
type Infer struct {
	Pictures
	ID      string   // echoed; "" if there was none
	Outputs []Output // what the answer holds, in this order

	input   input
	binary  int64 // bytes of the binary part
	pixels  []float32
	arena   []byte
	encoded [][]byte
	want    Shape
	limits  Limits
}

// Output is one tensor that is asked for.
type Output struct {
	Name   string // Scores or Label
	Binary bool
	// Classes turns Scores into so many "score:index:label" a picture, the
	// likeliest first. Zero: the scores themselves.
	Classes int
}

// input is what the JSON part says of an input.
type input struct {
	name, datatype string
	shape          []int64
	data           int   // where "data" stands in the JSON text; 0: nowhere
	binary         int64 // -1: not binary
}

// Decode reads the JSON part of a request. binary is how many bytes follow it;
// with none, the request is whole. It keeps no reference to header. Errors say
// what is wrong for the sender.
func (q *Infer) Decode(header []byte, binary int64, want Shape, limits Limits) error {
	*q = Infer{
		input: input{shape: q.input.shape[:0], binary: -1}, binary: binary,
		pixels: q.pixels[:0], arena: q.arena[:0], encoded: q.encoded[:0],
		Outputs: q.Outputs[:0], want: want, limits: limits,
	}
	s := scanner{data: header}
	inputs, allBinary := 0, false
	err := s.object(func(key []byte) error {
		switch string(key) {
		case "id":
			return q.id(&s)
		case "parameters":
			return s.parameters(func(name string) error {
				if name != "binary_data_output" {
					return s.skip()
				}
				var err error
				allBinary, err = s.boolean()
				return err
			})
		case "inputs":
			return s.array(func(int) error {
				if inputs++; inputs > 1 {
					return fmt.Errorf("give one of the inputs %q, %q and %q", Pixels, Image, Encoded)
				}
				return q.input.decode(&s)
			})
		case "outputs":
			return s.array(func(int) error { return q.output(&s) })
		default:
			return s.skip() // extensions that are not known are to be passed over
		}
	})
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return err
	}
	if inputs == 0 {
		return fmt.Errorf("the request has no input: give one of %q, %q and %q", Pixels, Image, Encoded)
	}
	if len(q.Outputs) == 0 {
		q.Outputs = append(q.Outputs, Output{Name: Scores}, Output{Name: Label})
	}
	for i := range q.Outputs {
		q.Outputs[i].Binary = q.Outputs[i].Binary || allBinary
	}
	if err := q.size(); err != nil {
		return fmt.Errorf("input %q: %w", clip([]byte(q.input.name)), err)
	}
	return q.take(header)
}

// Size returns how many bytes of memory q keeps for the next request.
func (q *Infer) Size() int { return cap(q.arena) + 4*cap(q.pixels) }

func (q *Infer) id(s *scanner) error {
	text, err := s.text()
	if err != nil {
		return err
	}
	if len(text) > maxID {
		return fmt.Errorf("the id is longer than %d bytes", maxID)
	}
	q.ID = string(text)
	return nil
}

// parameters reads an object, or null. fn must read the value of name.
func (s *scanner) parameters(fn func(name string) error) error {
	if s.next() == 'n' {
		return s.skip()
	}
	return s.object(func(key []byte) error { return fn(string(key)) })
}

// decode reads an input, its data excepted.
func (in *input) decode(s *scanner) error {
	return s.object(func(key []byte) error {
		switch string(key) {
		case "name":
			return in.text(s, &in.name)
		case "datatype":
			return in.text(s, &in.datatype)
		case "shape":
			if len(in.shape) > 0 {
				return errors.New("an input has two shapes")
			}
			return s.array(func(i int) error {
				if i == 8 {
					return errors.New("a shape has more than eight dimensions")
				}
				n, err := s.whole(1 << 31)
				in.shape = append(in.shape, n)
				return err
			})
		case "parameters":
			return s.parameters(func(name string) error {
				if name != "binary_data_size" {
					return s.skip()
				}
				var err error
				in.binary, err = s.whole(1 << 40)
				return err
			})
		case "data":
			s.next()
			in.data = s.pos
			return s.skip()
		default:
			return s.skip()
		}
	})
}

func (in *input) text(s *scanner, to *string) error {
	text, err := s.text()
	*to = string(text)
	return err
}

// output reads an output that is asked for.
func (q *Infer) output(s *scanner) error {
	if len(q.Outputs) == maxOutputs {
		return fmt.Errorf("more than %d outputs are asked for", maxOutputs)
	}
	var out Output
	err := s.object(func(key []byte) error {
		switch string(key) {
		case "name":
			text, err := s.text()
			out.Name = string(text)
			return err
		case "parameters":
			return s.parameters(func(name string) error {
				var err error
				switch name {
				case "binary_data":
					out.Binary, err = s.boolean()
				case "classification":
					var n int64
					n, err = s.whole(1 << 20)
					out.Classes = int(n)
				default:
					err = s.skip()
				}
				return err
			})
		default:
			return s.skip()
		}
	})
	if err != nil {
		return err
	}
	if out.Name != Scores && out.Name != Label {
		return fmt.Errorf("%q is no output: there are %q and %q", clip([]byte(out.Name)), Scores, Label)
	}
	if out.Name == Label && out.Classes > 0 {
		return fmt.Errorf("classification is of %q, not of %q", Scores, Label)
	}
	q.Outputs = append(q.Outputs, out)
	return nil
}

// size checks name, type and shape, and that the binary part is as long as they
// say. It sets N and, for an image, Height and Width.
func (q *Infer) size() error {
	in, shape := &q.input, q.input.shape
	var datatype string
	var fits bool
	var each int64 // bytes a picture; 0: any number
	switch in.name {
	case Pixels:
		h, w := int64(q.want.Height), int64(q.want.Width)
		datatype, each = typeFP32, h*w*3*4
		fits = len(shape) == 4 && shape[1] == h && shape[2] == w && shape[3] == 3
	case Image:
		datatype = typeUINT8
		fits = len(shape) == 4 && shape[1] > 0 && shape[2] > 0 && shape[3] == 3
	case Encoded:
		datatype = typeBYTES
		fits = len(shape) == 1 || len(shape) == 2 && shape[1] == 1
	default:
		return fmt.Errorf("there are the inputs %q, %q and %q", Pixels, Image, Encoded)
	}
	if in.datatype != datatype {
		return fmt.Errorf("the datatype is %q: want %s", clip([]byte(in.datatype)), datatype)
	}
	if !fits {
		return fmt.Errorf("the shape is %v: want %s", shape, q.wanted())
	}
	n := shape[0]
	if n == 0 {
		return errors.New("the request holds no picture")
	}
	if err := q.limits.count(n); err != nil {
		return err
	}
	q.N = int(n)
	if in.name == Image {
		// One after the other, so that no product is larger than an int64.
		if shape[1]*shape[2] > q.limits.pixels() || shape[1]*shape[2]*n > q.limits.pixels() {
			return fmt.Errorf("%d x %d pixels in %d pictures are %w: at most %d pixels",
				shape[2], shape[1], n, ErrTooMuch, q.limits.pixels())
		}
		q.Height, q.Width = int(shape[1]), int(shape[2])
		each = shape[1] * shape[2] * 3
	}
	return q.place(n * each)
}

// place checks that the tensor is in one place and has as many bytes as its
// shape says; 0: any number, as for BYTES.
func (q *Infer) place(size int64) error {
	in := &q.input
	switch {
	case in.binary < 0 && in.data == 0:
		return errors.New("it has neither data nor binary_data_size")
	case in.binary >= 0 && in.data > 0:
		return errors.New("it has data and binary_data_size: give one")
	case in.binary < 0 && q.binary > 0:
		return fmt.Errorf("%d bytes follow the JSON part, and no binary_data_size speaks of them", q.binary)
	case in.binary >= 0 && in.binary != q.binary:
		return fmt.Errorf("binary_data_size is %d, but %d bytes follow the JSON part", in.binary, q.binary)
	case in.binary >= 0 && size > 0 && in.binary != size:
		return fmt.Errorf("binary_data_size is %d: a tensor of shape %v has %d bytes", in.binary, in.shape, size)
	}
	return nil
}

// wanted is the shape that the input should have.
func (q *Infer) wanted() string {
	switch q.input.name {
	case Pixels:
		return fmt.Sprintf("[n,%d,%d,3]", q.want.Height, q.want.Width)
	case Image:
		return "[n,height,width,3]"
	}
	return "[n]"
}
