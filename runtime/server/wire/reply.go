package wire

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
)

// Reply is the answer to an inference request.
type Reply struct {
	Model   string
	Version string
	Labels  []string  // by class
	Scores  []float32 // [n,classes], finite
}

// Append appends the answer to q to dst: JSON, followed by the binary tensors
// that were asked for. header is the length of the JSON part, or 0 if nothing
// binary follows.
func (q *Infer) Append(dst []byte, r Reply) (out []byte, header int) {
	start, anyBinary := len(dst), false
	var tensors [maxOutputs]tensor
	dst = appendText(append(dst, `{"model_name":`...), r.Model)
	dst = appendText(append(dst, `,"model_version":`...), r.Version)
	if q.ID != "" {
		dst = appendText(append(dst, `,"id":`...), q.ID)
	}
	dst = append(dst, `,"outputs":[`...)
	for i, o := range q.Outputs {
		if i > 0 {
			dst = append(dst, ',')
		}
		tensors[i] = r.tensor(o)
		t := tensors[i]
		anyBinary = anyBinary || o.Binary
		dst = appendText(append(dst, `{"name":`...), o.Name)
		dst = appendText(append(dst, `,"datatype":`...), t.datatype())
		dst = strconv.AppendInt(append(dst, `,"shape":[`...), int64(t.rows()), 10)
		if t.columns > 0 {
			dst = strconv.AppendInt(append(dst, ','), int64(t.columns), 10)
		}
		if o.Binary {
			dst = strconv.AppendInt(append(dst, `],"parameters":{"binary_data_size":`...), int64(t.size()), 10)
			dst = append(dst, "}}"...)
			continue
		}
		dst = t.appendJSON(append(dst, `],"data":[`...))
		dst = append(dst, "]}"...)
	}
	dst = append(dst, "]}"...)
	if !anyBinary {
		return dst, 0
	}
	header = len(dst) - start
	for i, o := range q.Outputs {
		if o.Binary {
			dst = tensors[i].appendBinary(dst)
		}
	}
	return dst, header
}

// tensor is an output: numbers, or texts. Texts of shape [n] have no columns.
type tensor struct {
	floats  []float32
	texts   []string
	columns int
}

func (r Reply) tensor(o Output) tensor {
	classes := len(r.Labels)
	switch {
	case o.Name == Scores && o.Classes == 0:
		return tensor{floats: r.Scores, columns: classes}
	case o.Name == Scores:
		return r.classification(min(o.Classes, classes))
	}
	var t tensor
	for row := range slices.Chunk(r.Scores, classes) {
		t.texts = append(t.texts, r.Labels[likeliest(row)])
	}
	return t
}

// classification names the k likeliest classes of each picture, as Triton does.
func (r Reply) classification(k int) tensor {
	t := tensor{columns: k}
	order := make([]int, len(r.Labels))
	for row := range slices.Chunk(r.Scores, len(r.Labels)) {
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			switch {
			case row[a] > row[b]:
				return -1
			case row[a] < row[b]:
				return 1
			}
			return 0
		})
		for _, class := range order[:k] {
			text := strconv.AppendFloat(nil, float64(row[class]), 'f', 6, 32)
			text = strconv.AppendInt(append(text, ':'), int64(class), 10)
			text = append(append(text, ':'), r.Labels[class]...)
			t.texts = append(t.texts, string(text))
		}
	}
	return t
}

// likeliest returns the first of the greatest scores.
func likeliest(scores []float32) (class int) {
	for i, s := range scores {
		if s > scores[class] {
			class = i
		}
	}
	return class
}

func (t tensor) datatype() string {
	if t.texts != nil {
		return typeBYTES
	}
	return typeFP32
}

func (t tensor) rows() int {
	n := len(t.floats) + len(t.texts)
	if t.columns > 0 {
		n /= t.columns
	}
	return n
}

// size is how many bytes the tensor has in binary form.
func (t tensor) size() int {
	n := 4 * (len(t.floats) + len(t.texts))
	for _, text := range t.texts {
		n += len(text)
	}
	return n
}

func (t tensor) appendJSON(dst []byte) []byte {
	for i, text := range t.texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, text)
	}
	return appendFloats(dst, t.floats)
}

func (t tensor) appendBinary(dst []byte) []byte {
	for _, v := range t.floats {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
	}
	for _, text := range t.texts {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text)))
		dst = append(dst, text...)
	}
	return dst
}

// appendText writes a string as JSON.
func appendText(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
