package file

import (
	"reflect"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
)

// throughTable writes options and reads them back.
func throughTable(t *testing.T, o Options) Options {
	t.Helper()
	b := flatbuffers.NewBuilder(64)
	b.Finish(encodeOptions(b, o))
	r := newReader(b.FinishedBytes())
	pos, err := r.follow(0)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := r.tableAt(pos)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeOptions("OP", o.kind(), sub)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestOptions sets every field of every kind in turn, so that a wrong slot, type
// or default shows.
func TestOptions(t *testing.T) {
	kinds := 0
	for k := range 256 {
		zero := newOptions(optionsKind(k))
		if zero == nil {
			continue
		}
		kinds++
		if zero.kind() != optionsKind(k) {
			t.Errorf("kind %d makes %T of kind %d", k, zero, zero.kind())
		}
		typ := reflect.TypeOf(zero)
		slots := map[int]string{}
		for i := range typ.NumField() {
			field := typ.Field(i)
			if other, twice := slots[parseSlotTag(field).slot]; twice {
				t.Errorf("%T: %s and %s share a slot", zero, field.Name, other)
			}
			slots[parseSlotTag(field).slot] = field.Name
			v := reflect.New(typ).Elem()
			switch f := v.Field(i); f.Kind() {
			case reflect.Bool:
				f.SetBool(true)
			case reflect.Float32:
				f.SetFloat(0.25)
			case reflect.Int8, reflect.Int32:
				f.SetInt(2)
			case reflect.Slice:
				f.Set(reflect.ValueOf([]int32{-1, 7}))
			default:
				t.Fatalf("%T.%s is of a type that encodeOptions does not write", zero, field.Name)
			}
			got := reflect.ValueOf(throughTable(t, v.Interface().(Options))).Field(i).Interface()
			if want := v.Field(i).Interface(); !reflect.DeepEqual(got, want) {
				t.Errorf("%T.%s = %v, want %v", zero, field.Name, got, want)
			}
		}
	}
	if kinds < 25 {
		t.Errorf("%d kinds", kinds)
	}
}

func TestOptionDefaults(t *testing.T) {
	if got := throughTable(t, Conv2DOptions{}); got != (Conv2DOptions{DilationW: 1, DilationH: 1}) {
		t.Errorf("no dilation reads back as %+v", got)
	}
	if got := throughTable(t, AddOptions{}); got != (AddOptions{}) {
		t.Errorf("defaults read back as %+v", got)
	}
	if got := throughTable(t, PlainOptions{22}); got != (PlainOptions{22}) {
		t.Errorf("an empty table reads back as %+v", got)
	}
}

func TestOptionsFromTheFuture(t *testing.T) {
	b := flatbuffers.NewBuilder(64)
	b.StartObject(9)
	b.PrependInt32Slot(8, 5, 0)
	b.Finish(b.EndObject())
	r := newReader(b.FinishedBytes())
	pos, _ := r.follow(0)
	sub, err := r.tableAt(pos)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []optionsKind{kindConv2D, 14} {
		got, err := decodeOptions("OP", k, sub)
		if _, unknown := got.(UnknownOptions); err != nil || !unknown {
			t.Errorf("kind %d: %+v, %v", k, got, err)
		}
	}
}

func TestOpNames(t *testing.T) {
	// Spot checks against the schema, and the far end.
	for code, want := range map[OpCode]string{
		0: "ADD", 3: "CONV_2D", 9: "FULLY_CONNECTED", 25: "SOFTMAX", 40: "MEAN", 60: "PADV2",
		114: "QUANTIZE", 117: "HARD_SWISH", 126: "BATCH_MATMUL", 150: "GELU", 209: "STABLEHLO_CASE",
		210: "OP_210", -1: "OP_-1",
	} {
		if got := code.String(); got != want {
			t.Errorf("operator %d is %s, want %s", code, got, want)
		}
	}
	seen := map[string]bool{}
	for _, n := range opNames {
		if n == "" || seen[n] {
			t.Errorf("%q stands twice or is empty", n)
		}
		seen[n] = true
	}
}
