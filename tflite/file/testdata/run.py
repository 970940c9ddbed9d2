"""Runs each model given on the same pseudo-random input with the LiteRT
interpreter and prints, as one JSON object a line, a digest of every output and
of the tensors asked for by name.

usage: run.py MODEL[:TENSOR][@HEIGHTxWIDTH]...    (a size: the interpreter resizes the input first)
"""

import hashlib
import json
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType


def main():
    for arg in sys.argv[1:]:
        arg, _, size = arg.partition("@")
        path, _, name = arg.partition(":")
        interpreter = Interpreter(
            path,
            num_threads=1,
            # The plain kernels keep every intermediate tensor and round alike.
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=bool(name),
        )
        if size:
            height, width = map(int, size.split("x"))
            interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], [1, height, width, 3])
        interpreter.allocate_tensors()
        random = np.random.default_rng(1)
        for d in interpreter.get_input_details():
            if d["dtype"] == np.float32:
                x = random.uniform(-1, 1, d["shape"]).astype(np.float32)
            else:
                info = np.iinfo(d["dtype"])
                x = random.integers(info.min, info.max, d["shape"], dtype=d["dtype"], endpoint=True)
            interpreter.set_tensor(d["index"], x)
        interpreter.invoke()
        details = interpreter.get_output_details()
        if name:
            details = [d for d in interpreter.get_tensor_details() if d["name"] == name]
        print(json.dumps([
            {
                "shape": [int(n) for n in d["shape"]],
                "type": np.dtype(d["dtype"]).name,
                "scale": float(d["quantization"][0]),
                "zero": int(d["quantization"][1]),
                "sum": float(np.sum(interpreter.get_tensor(d["index"]), dtype=np.float64)),
                "digest": hashlib.sha256(interpreter.get_tensor(d["index"]).tobytes()).hexdigest(),
            }
            for d in details
        ]))


if __name__ == "__main__":
    main()
