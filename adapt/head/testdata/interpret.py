"""Runs a head in the LiteRT interpreter: python3 interpret.py HEAD FEATURES.json

Prints its names and its scores, row by row and as one batch, as JSON.
"""

import json
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

model, path = sys.argv[1:]
with open(path) as f:
    features = np.array(json.load(f), np.float32)

interpreter = Interpreter(model_path=model)


def run(batch):
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, batch.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, batch)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tolist()


single = [run(row[None])[0] for row in features]
print(json.dumps({
    "input": interpreter.get_input_details()[0]["name"],
    "output": interpreter.get_output_details()[0]["name"],
    "single": single,
    "batch": run(features),
}))
