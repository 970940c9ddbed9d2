"""Measures a base and a head in the LiteRT interpreter: litert_eval.py BASE HEAD PIXELS CLASSES.

PIXELS holds, an image after the other, the label as int32 and the base's input as float32. Prints JSON:
the confusion matrix, accuracy, mean cross-entropy, and the scores of each image.
"""

import json
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

base, head = Interpreter(sys.argv[1], num_threads=2), Interpreter(sys.argv[2])
for model in (base, head):
    model.allocate_tensors()
shape = base.get_input_details()[0]["shape"]
classes = int(sys.argv[4])


def run(model, values):
    given, made = model.get_input_details()[0], model.get_output_details()[0]
    model.set_tensor(given["index"], values.reshape(given["shape"]))
    model.invoke()
    return model.get_tensor(made["index"])


images = np.fromfile(sys.argv[3], np.dtype([("label", "<i4"), ("pixels", "<f4", int(np.prod(shape)))]))
confusion = np.zeros((classes, classes), int)
scores, losses = [], []
for image in images:
    features = run(base, image["pixels"])
    if features.ndim == 4:  # a base without its pooling
        features = features.mean(axis=(1, 2))
    s = run(head, features)[0]
    confusion[image["label"], np.argmax(s)] += 1
    losses.append(-np.log(s[image["label"]].astype(np.float64)))
    scores.append(s.tolist())
json.dump({
    "accuracy": int(np.trace(confusion)) / len(images), "loss": float(np.mean(losses)),
    "confusion": confusion.tolist(), "scores": scores,
}, sys.stdout)
