"""Writes golden.json: what Keras computes for small heads.

    python make_golden.py          (tensorflow-cpu==2.21.0, which brings Keras 3)

Each case holds the start of a head, one batch, and Keras' scores, loss,
gradients, and parameters after one and after three steps of Adam on that batch
without dropout. Numbers are float32, written so that they read back exactly.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf


def numbers(a):
    return [float(str(v)) for v in np.asarray(a, np.float32).ravel()]


def case(name, features, hidden, classes, rows, rate, seed, weighted=False):
    rng = np.random.default_rng(seed)
    layers = [keras.Input((features,))]
    if hidden:
        layers.append(keras.layers.Dense(hidden, activation="relu"))
    layers.append(keras.layers.Dense(classes, activation="softmax"))
    model = keras.Sequential(layers)
    for v in model.trainable_variables:
        scale = 0.1 if len(v.shape) == 1 else np.sqrt(6 / sum(v.shape))
        v.assign(rng.uniform(-scale, scale, v.shape).astype(np.float32))
    x = rng.uniform(0, 3, (rows, features)).astype(np.float32)
    y = rng.integers(0, classes, rows)
    w = rng.uniform(0.2, 2, rows).astype(np.float32) if weighted else None
    loss = keras.losses.SparseCategoricalCrossentropy()
    optimizer = keras.optimizers.Adam(rate)

    start = [numbers(v) for v in model.trainable_variables]
    result = {
        "name": name, "features": features, "hidden": hidden, "classes": classes,
        "rate": rate, "start": start,
        "batch": numbers(x), "labels": [int(v) for v in y],
        "weights": numbers(w) if weighted else None,
        "scores": numbers(model(x)), "after": {},
    }
    for step in (1, 2, 3):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True), sample_weight=w)
        gradients = tape.gradient(value, model.trainable_variables)
        if step == 1:
            result["loss"] = float(value)
            result["gradients"] = [numbers(g) for g in gradients]
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        if step != 2:
            result["after"][str(step)] = [numbers(v) for v in model.trainable_variables]
    return result


cases = [
    case("small", 7, 5, 3, 6, 1e-3, 1),
    case("one row", 4, 8, 2, 1, 1e-3, 2),
    case("weighted", 9, 6, 4, 10, 1e-2, 3, weighted=True),
    case("linear", 6, 0, 5, 8, 1e-3, 4),
    case("wide", 40, 16, 10, 32, 1e-3, 5),
]
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "golden.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
