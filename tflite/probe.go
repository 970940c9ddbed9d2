package tflite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// maxProbed bounds what a model gives for one input of a Probe, in values.
const maxProbed = 1 << 20

// Probe tries the model at path as Trial does. If that succeeds, the same child
// runs it on each of inputs, with each number of threads in a new interpreter,
// and out[t][i] is what it gave with threads[t] for inputs[i].
//
// An input has the shape [n, …] that Interpreter.Run wants. The model has one
// output. Nothing of the model runs in this process, so that the answer can be
// had of a file that nobody trusts yet. The timeout is for all of it.
func Probe(ctx context.Context, path string, inputs [][]float32, threads []int, o TrialOptions) (out [][][]float32, err error) {
	o = o.withDefaults()
	request, err := newTrialRequest([]string{path}, o)
	if err != nil {
		return nil, err
	}
	request.ProbeThreads = threads
	for _, input := range inputs {
		request.ProbeInputs = append(request.ProbeInputs, packFloats(input))
	}
	results, err := tryInChild(ctx, request, o)
	if err != nil {
		return nil, fmt.Errorf("try model %s: %w", path, err)
	}
	if results[0].err != nil {
		return nil, results[0].err
	}
	if len(results[0].outputs) != len(threads)*len(inputs) {
		return nil, fmt.Errorf("try model %s: the child gave %d outputs, want %d", path, len(results[0].outputs), len(threads)*len(inputs))
	}
	for t := range threads {
		var of [][]float32
		for i := range inputs {
			of = append(of, unpackFloats(results[0].outputs[t*len(inputs)+i]))
		}
		out = append(out, of)
	}
	return out, nil
}

// probe runs the model as a request for it says and returns the outputs, threads
// by threads, input by input.
func probe(path string, request trialRequest) (outputs [][]byte, err error) {
	for _, threads := range request.ProbeThreads {
		some, err := probeThreads(path, request, threads)
		if err != nil {
			return nil, err
		}
		outputs = append(outputs, some...)
	}
	return outputs, nil
}

func probeThreads(path string, request trialRequest, threads int) (outputs [][]byte, err error) {
	it, err := Open(path, Options{Threads: threads, NoXNNPACK: request.NoXNNPACK, NativeLog: true})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	if it.unfit != nil {
		return nil, fmt.Errorf("model %s: %w", path, it.unfit)
	}
	if len(it.outs) != 1 {
		return nil, fmt.Errorf("model %s: it has %d outputs, want 1", path, len(it.outs))
	}
	for _, packed := range request.ProbeInputs {
		input := unpackFloats(packed)
		if len(input) == 0 || len(input)%it.in.per != 0 {
			return nil, fmt.Errorf("model %s: %d input values, want a multiple of %d", path, len(input), it.in.per)
		}
		n := len(input) / it.in.per
		if it.outs[0].per > maxProbed/n {
			return nil, fmt.Errorf("model %s: %w", path, errors.New("its output is too large"))
		}
		output := make([]float32, n*it.outs[0].per)
		if err := it.Run(output, input); err != nil {
			return nil, err
		}
		outputs = append(outputs, packFloats(output))
	}
	return outputs, nil
}

// packFloats and unpackFloats carry numbers through JSON bit by bit.
func packFloats(values []float32) []byte {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data
}

func unpackFloats(data []byte) []float32 {
	values := make([]float32, len(data)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return values
}
