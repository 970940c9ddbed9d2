"""Compares .tflite files with the saved models made of them.

usage: check.py (TFLITE FOLDER)...

Loads each folder as TensorFlow and as Keras do, runs it on three pictures at
once, and the .tflite file with LiteRT on one after the other. Prints a line of
JSON for each pair.
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

random = np.random.default_rng(5)
for tflite, folder in zip(sys.argv[1::2], sys.argv[2::2]):
    interpreter = Interpreter(tflite, num_threads=1)
    interpreter.allocate_tensors()
    (inlet,) = interpreter.get_input_details()
    (outlet,) = interpreter.get_output_details()
    pictures = random.uniform(-1, 1, (3, *inlet["shape"][1:])).astype("<f4")
    want = []
    for i in range(3):
        interpreter.set_tensor(inlet["index"], pictures[i : i + 1])
        interpreter.invoke()
        want.append(interpreter.get_tensor(outlet["index"]))
    want = np.concatenate(want)

    loaded = tf.saved_model.load(folder)
    serve = loaded.signatures["serving_default"]
    got = serve(image=tf.constant(pictures))["scores"].numpy()
    alone = serve(image=tf.constant(pictures[1:2]))["scores"].numpy()
    layer = keras.layers.TFSMLayer(folder, call_endpoint="serving_default")
    by_keras = layer(pictures)["scores"].numpy()
    (asset,) = [a.asset_path.numpy().decode() if hasattr(a, "asset_path") else a.numpy().decode() for a in loaded.asset_paths]
    print(
        json.dumps(
            {
                "tags": tf.saved_model.contains_saved_model(folder),
                "inputs": {k: [v.shape.as_list(), v.dtype.name] for k, v in serve.structured_input_signature[1].items()},
                "outputs": {k: [v.shape.as_list(), v.dtype.name] for k, v in serve.structured_outputs.items()},
                "same_shape": got.shape == want.shape,
                "difference": max(float(np.abs(got - want).max()), float(np.abs(alone - want[1:2]).max()), float(np.abs(by_keras - want).max())),
                "size": float(np.abs(want).max()),
                "varies": float(np.abs(want[0] - want[1]).max()),
                "asset": os.path.relpath(asset, folder),
                "labels": open(asset, encoding="utf-8").read().splitlines(),
                "variables": len(getattr(loaded, "variables", [])),
            }
        )
    )
