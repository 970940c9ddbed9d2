"""Runs a base and a head in the LiteRT interpreter: JSON in, JSON out."""

import json
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def run(model, values):
    inp, out = model.get_input_details()[0], model.get_output_details()[0]
    model.set_tensor(inp["index"], np.asarray(values, np.float32).reshape(inp["shape"]))
    model.invoke()
    result = model.get_tensor(out["index"])[0]
    return result if result.ndim == 1 else result.mean(axis=(0, 1))


task = json.load(sys.stdin)
base, head = Interpreter(task["base"]), Interpreter(task["head"])
base.allocate_tensors()
head.allocate_tensors()
answers = []
for image in task["images"]:
    features = run(base, image["pixels"])
    answers.append({"features": features.tolist(), "scores": run(head, features).tolist()})
json.dump(answers, sys.stdout)
