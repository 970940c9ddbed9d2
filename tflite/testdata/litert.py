"""Runs a model with the Python LiteRT interpreter, item by item.

As a program, `python3 litert.py MODEL` reads float32 inputs from standard
input and writes float32 outputs to standard output, both little-endian.
"""

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def store(x, detail):
    scale, zero = detail["quantization"]
    if detail["dtype"] in (np.int8, np.uint8):
        limits = np.iinfo(detail["dtype"])
        q = np.rint(x * (np.float32(1) / np.float32(scale or 1))) + zero
        x = np.clip(q, limits.min, limits.max)
    return x.astype(detail["dtype"])


def load(y, detail):
    scale, zero = detail["quantization"]
    if detail["dtype"] in (np.int8, np.uint8):
        return (y.astype(np.int32) - zero).astype(np.float32) * np.float32(scale or 1)
    return y.astype(np.float32)


def run(path, values):
    """Returns one output an item, [items, ...], for inputs [items * item size]."""
    it = Interpreter(path, num_threads=1)
    it.allocate_tensors()
    source, target = it.get_input_details()[0], it.get_output_details()[0]
    outputs = []
    for item in values.reshape(-1, *source["shape"]):
        it.set_tensor(source["index"], store(item, source))
        it.invoke()
        outputs.append(load(it.get_tensor(target["index"]), target))
    return np.concatenate(outputs)


def item_size(path):
    return int(np.prod(Interpreter(path).get_input_details()[0]["shape"][1:]))


if __name__ == "__main__":
    data = np.frombuffer(sys.stdin.buffer.read(), "<f4")
    sys.stdout.buffer.write(run(sys.argv[1], data).astype("<f4").tobytes())
