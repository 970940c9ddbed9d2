"""Classifies pictures with an exported model in the LiteRT interpreter.

Arguments: the model, then pictures of the size of its input. Prints a JSON object: what the
interpreter says of input and output, and the row of scores of each picture, as the output holds it.
"""

import json
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

model = Interpreter(sys.argv[1])
model.allocate_tensors()
inp, out = model.get_input_details()[0], model.get_output_details()[0]
run = Interpreter(sys.argv[1]).get_signature_runner("serving_default")
scores, signature = [], []
for path in sys.argv[2:]:
    pixels = np.asarray(Image.open(path).convert("RGB"))[None]
    if inp["dtype"] == np.float32:
        pixels = pixels.astype(np.float32) / np.float32(127.5) - 1
    model.set_tensor(inp["index"], pixels)
    model.invoke()
    scores.append(model.get_tensor(out["index"])[0].tolist())
    signature.append(run(image=pixels)["scores"][0].tolist())
print(json.dumps({
    "input": [inp["name"], np.dtype(inp["dtype"]).name, inp["shape"].tolist()],
    "output": [out["name"], np.dtype(out["dtype"]).name, out["shape"].tolist()],
    "scores": scores,
    "signature": signature,
}))
