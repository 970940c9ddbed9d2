"""Says what an image shows, with a model that `edge export` wrote and Python's LiteRT.

    PYTHONPATH=.deps/python python classify.py MODEL LABELS IMAGE

LABELS has a name a line. Prints label, score and file, as `edge classify` does.
"""

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image


def main():
    model, labels, path = sys.argv[1:]
    it = Interpreter(model)
    it.allocate_tensors()
    into, out = it.get_input_details()[0], it.get_output_details()[0]
    _, height, width, _ = into["shape"]
    image = Image.open(path).convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    it.set_tensor(into["index"], np.asarray(image, np.float32)[None] / 127.5 - 1)
    it.invoke()
    scores = it.get_tensor(out["index"])[0]
    best = int(scores.argmax())
    with open(labels) as f:
        print(f"{f.read().splitlines()[best]}\t{scores[best]:.3f}\t{path}")


if __name__ == "__main__":
    main()
