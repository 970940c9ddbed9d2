package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestScannerAgreesWithJSON(t *testing.T) {
	for _, text := range []string{
		`null`, `true`, ` false `, `0`, `-0`, `12.5e-3`, `""`, `"a\"b\\\/\b\f\n\r\t"`, `"\u00e9\ud83d\ude00\ud83d"`, `[]`, `[ ]`,
		`[1,2 , 3]`, `{}`, `{"a":{"b":[{}]}}`, "\t{\"ä\" : \"ö\"}\r\n",
		``, ` `, `nul`, `nulll`, `tru`, `01`, `1.`, `.5`, `+1`, `1e`, `1e+`, `--1`, `-`, `NaN`, `Infinity`, `"`, `"a`, `"\x"`, `"\u12g4"`, `"\u12`,
		"\"\x01\"", "\"a\\n\x01\"", `[`, `[1`, `[1,`, `[1,]`, `[,1]`, `[1 2]`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{1:2}`, `{"a" 1}`, `]`, `1 2`,
	} {
		s := scanner{data: []byte(text)}
		err := s.skip()
		if err == nil {
			err = s.end()
		}
		if valid := json.Valid([]byte(text)); valid != (err == nil) {
			t.Errorf("%q: %v, encoding/json says %v", text, err, valid)
		}
		var want string
		if json.Unmarshal([]byte(text), &want) == nil && text[0] == '"' {
			s := scanner{data: []byte(text)}
			if got, err := s.text(); err != nil || string(got) != want {
				t.Errorf("%q: %q %v, want %q", text, got, err, want)
			}
		}
	}
}

func TestScannerBoundsDepth(t *testing.T) {
	for depth, ok := range map[int]bool{maxDepth: true, maxDepth + 1: false, 1 << 20: false} {
		s := scanner{data: []byte(strings.Repeat("[", depth) + strings.Repeat("]", depth))}
		if err := s.skip(); (err == nil) != ok {
			t.Errorf("depth %d: %v", depth, err)
		}
	}
}

func TestNumberRoundsAsStrconv(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	check := func(text string) {
		t.Helper()
		want, err := strconv.ParseFloat(text, 32)
		s := scanner{data: []byte(text)}
		got, ours := s.number()
		if (err == nil) != (ours == nil) || err == nil && math.Float32bits(float32(want)) != math.Float32bits(got) {
			t.Fatalf("%s: %v %v, want %v %v", text, got, ours, want, err)
		}
	}
	for range 10_000 {
		f := math.Float32frombits(random.Uint32())
		if f != f || math.IsInf(float64(f), 0) {
			continue
		}
		next := math.Nextafter32(f, float32(math.Inf(1)))
		middle := (float64(f) + float64(next)) / 2 // exactly between two float32
		for _, v := range []float64{float64(f), middle, math.Nextafter(middle, 0), random.Float64()*2 - 1, random.NormFloat64()} {
			for _, format := range []byte{'g', 'f'} {
				for _, precision := range []int{-1, 5, 9, 17} {
					if math.Abs(v) > 1e-12 && math.Abs(v) < 1e12 || format == 'g' {
						check(strconv.FormatFloat(v, format, precision, 64))
					}
				}
			}
		}
	}
	for _, text := range []string{
		"0", "-0", "0.0", "-0.000", "1", "255", "1e38", "3.4028235e38", "3.4028236e38", "1e39", "-1e39", "1e-45", "1e-46", "1e-400", "1e400",
		"16777217", "16777217.0000000000", "33554434.5", "0.000000000000000000000000000000000000011754943", "9999999999999999999", "99999999999999999999", "0.99999999999999999999",
	} {
		check(text)
	}
}

func FuzzScanner(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-2.5e3,"x\u00e9",true,null]}`, `[[[0.1,0.2,0.3]]]`, `"\ud800"`, `1e999`, "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := scanner{data: data}
		err := s.skip()
		if err == nil {
			err = s.end()
		}
		if err != nil && (!utf8.Valid(data) || strings.Contains(err.Error(), "deep")) {
			return // stricter than encoding/json
		}
		if json.Valid(data) != (err == nil) {
			t.Fatalf("%v, and encoding/json disagrees", err)
		}
	})
}

func FuzzNumber(f *testing.F) {
	for _, seed := range []string{"0", "-1.5", "0.21568627655506134", "1e-7", "00", "1.", "9007199254740993.5", "0.0000000000000000000000000000000000000000000001"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := scanner{data: []byte(text)}
		got, err := s.number()
		if err == nil {
			err = s.end()
		}
		var want float32
		trouble := json.Unmarshal([]byte(text), &want)
		if strings.TrimSpace(text) == "null" {
			trouble = fmt.Errorf("null")
		}
		if (trouble == nil) != (err == nil) || err == nil && math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("%v %v, want %v %v", got, err, want, trouble)
		}
	})
}
