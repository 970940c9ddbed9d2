"""Puts made-up pixels through a model with Python's LiteRT, an image at a time.

    PYTHONPATH=.deps/python python forward.py --base FILE --images N --threads N
"""

import argparse
import json
import statistics
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter

WARM_UP = 20


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--base", required=True)
    p.add_argument("--images", type=int, default=1000)
    p.add_argument("--threads", type=int, required=True)
    o = p.parse_args()
    it = Interpreter(o.base, num_threads=o.threads)
    it.allocate_tensors()
    into, out = it.get_input_details()[0], it.get_output_details()[0]
    values = (np.arange(np.prod(into["shape"])) * 7919 % 256).reshape(into["shape"])
    pixels = (values / 127.5 - 1).astype(np.float32) if into["dtype"] == np.float32 else (values - 128).astype(into["dtype"])
    took = []
    for i in range(-WARM_UP, o.images):
        start = time.perf_counter()
        it.set_tensor(into["index"], pixels)
        it.invoke()
        it.get_tensor(out["index"])
        if i >= 0:
            took.append(time.perf_counter() - start)
    print(json.dumps({"seconds": sum(took), "ms": 1000 * statistics.median(took)}))


if __name__ == "__main__":
    main()
