package file

import (
	"math"
	"reflect"
	"strconv"
	"strings"

	flatbuffers "github.com/google/flatbuffers/go"
)

// optionField is what a slot tag says about a field of an options struct.
type optionField struct {
	slot     int
	fallback int  // the value of a field that the table leaves out
	zero     bool // a zero in Go stands for fallback
	not      bool // Go holds the opposite of the file's boolean
}

func parseSlotTag(f reflect.StructField) optionField {
	parts := strings.Split(f.Tag.Get("slot"), ",")
	var o optionField
	o.slot, _ = strconv.Atoi(parts[0])
	if len(parts) > 1 {
		o.fallback, _ = strconv.Atoi(parts[1])
	}
	if len(parts) > 2 {
		o.zero, o.not = parts[2] == "zero", parts[2] == "not"
	}
	return o
}

// encodeOptions writes the table of o and returns its offset, or 0 if o is nil
// or needs no table.
func encodeOptions(b *flatbuffers.Builder, o Options) flatbuffers.UOffsetT {
	if o == nil || o.kind() == kindNone {
		return 0
	}
	v := reflect.ValueOf(o)
	if _, plain := o.(PlainOptions); plain {
		b.StartObject(0)
		return b.EndObject()
	}
	// Vectors must be written before the table that refers to them is begun.
	vectors := make([]flatbuffers.UOffsetT, v.NumField())
	slots := 0
	for i := range v.NumField() {
		if list, ok := v.Field(i).Interface().([]int32); ok && list != nil {
			vectors[i] = encodeInt32s(b, list)
		}
		slots = max(slots, parseSlotTag(v.Type().Field(i)).slot+1)
	}
	b.StartObject(slots)
	for i := range v.NumField() {
		f, field := v.Field(i), parseSlotTag(v.Type().Field(i))
		switch f.Kind() {
		case reflect.Bool:
			b.PrependBoolSlot(field.slot, f.Bool() != field.not, field.fallback != 0)
		case reflect.Float32:
			b.PrependFloat32Slot(field.slot, float32(f.Float()), float32(field.fallback))
		case reflect.Slice:
			b.PrependUOffsetTSlot(field.slot, vectors[i], 0)
		case reflect.Int8, reflect.Int32:
			x := int32(f.Int())
			if field.zero && x == 0 {
				x = int32(field.fallback)
			}
			if f.Kind() == reflect.Int8 {
				b.PrependInt8Slot(field.slot, int8(x), int8(field.fallback))
			} else {
				b.PrependInt32Slot(field.slot, x, int32(field.fallback))
			}
		}
	}
	return b.EndObject()
}

// decodeOptions reads the table t of kind k. Its result is an UnknownOptions
// if the table sets a field that the package does not know.
func decodeOptions(op string, k optionsKind, t table) (Options, error) {
	set := t.fields()
	zero := newOptions(k)
	if zero == nil {
		if set == 0 {
			return PlainOptions{uint8(k)}, nil
		}
		return UnknownOptions{op, "options of kind " + strconv.Itoa(int(k))}, nil
	}
	v := reflect.New(reflect.TypeOf(zero)).Elem()
	known := 0
	for i := range v.NumField() {
		f, field := v.Field(i), parseSlotTag(v.Type().Field(i))
		if t.has(field.slot) {
			known++
		}
		var err error
		switch f.Kind() {
		case reflect.Bool:
			var x uint8
			x, err = t.uint8(field.slot, uint8(field.fallback))
			f.SetBool((x != 0) != field.not)
		case reflect.Float32:
			var x uint32
			x, err = t.uint32(field.slot, math.Float32bits(float32(field.fallback)))
			f.SetFloat(float64(math.Float32frombits(x)))
		case reflect.Slice:
			var x []int32
			x, err = t.int32s(field.slot)
			f.Set(reflect.ValueOf(x))
		case reflect.Int8:
			var x uint8
			x, err = t.uint8(field.slot, uint8(field.fallback))
			f.SetInt(int64(int8(x)))
		case reflect.Int32:
			var x uint32
			x, err = t.uint32(field.slot, uint32(field.fallback))
			f.SetInt(int64(int32(x)))
		}
		if err != nil {
			return nil, err
		}
	}
	if known != set {
		return UnknownOptions{op, "an option that is newer than this program"}, nil
	}
	return v.Interface().(Options), nil
}
