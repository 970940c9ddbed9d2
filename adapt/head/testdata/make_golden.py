"""Writes golden.json: what Keras computes for small heads.

    python make_golden.py          (tensorflow-cpu==2.21.0 with keras==3.15.1)

Each case holds the start of a head and a few batches, each with the factors of
dropout and the weights of its images if there are any. For the first batch
there are Keras' scores without dropout, its loss and its gradients with it; and
then the parameters after one, three and all steps of Adam. Numbers are float32,
written so that they read back exactly.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf


def numbers(a):
    return [float(str(v)) for v in np.asarray(a, np.float32).ravel()]


def case(name, features, hidden, classes, rows, rate, seed, weighted=False, dropout=0.0):
    """rows is the number of rows of each batch."""
    rng = np.random.default_rng(seed)
    first = keras.layers.Dense(hidden, activation="relu") if hidden else None
    last = keras.layers.Dense(classes, activation="softmax")

    def model(x, keep=None):
        if first:
            x = first(x)
        if keep is not None:
            x = x * keep
        return last(x)

    model(np.zeros((1, features), np.float32))
    variables = (first.trainable_variables if first else []) + last.trainable_variables
    for v in variables:
        scale = 0.1 if len(v.shape) == 1 else np.sqrt(6 / sum(v.shape))
        v.assign(rng.uniform(-scale, scale, v.shape).astype(np.float32))
    loss = keras.losses.SparseCategoricalCrossentropy()
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(variables)

    result = {
        "name": name, "features": features, "hidden": hidden, "classes": classes, "rate": rate,
        "start": [numbers(v) for v in variables], "steps": [], "after": {},
    }
    for step, n in enumerate(rows, 1):
        x = rng.uniform(0, 3, (n, features)).astype(np.float32)
        y = rng.integers(0, classes, n)
        w = rng.uniform(0.2, 2, n).astype(np.float32) if weighted else None
        keep = None
        if dropout:
            keep = np.where(rng.uniform(size=(n, hidden)) < dropout, 0, 1 / (1 - dropout)).astype(np.float32)
        with tf.GradientTape() as tape:
            value = loss(y, model(x, keep), sample_weight=w)
        gradients = tape.gradient(value, variables)
        if step == 1:
            result["scores"] = numbers(model(x))
            result["gradients"] = [numbers(g) for g in gradients]
        result["steps"].append({
            "batch": numbers(x), "labels": [int(v) for v in y], "loss": float(value),
            "weights": numbers(w) if weighted else None,
            "keep": numbers(keep) if dropout else None,
        })
        optimizer.apply(gradients, variables)
        if step in (1, 3, len(rows)):
            result["after"][str(step)] = [numbers(v) for v in variables]
    return result


cases = [
    case("small", 7, 5, 3, [6, 6, 6], 1e-3, 1),
    case("one row", 4, 8, 2, [1, 1, 1], 1e-3, 2),
    case("weighted", 9, 6, 4, [10, 7, 10], 1e-2, 3, weighted=True),
    case("linear", 6, 0, 5, [8, 8, 8], 1e-3, 4),
    case("dropout", 12, 10, 4, [8, 8, 3] * 4, 3e-3, 5, dropout=0.5),
    case("all of it", 24, 16, 10, [16, 16, 9] * 2, 1e-3, 6, weighted=True, dropout=0.25),
]
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "golden.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
