"""Makes classifiers of the form that Teachable Machine exports and Frigate trains.

    PYTHONPATH=.deps/keras python3 models/foreign/testdata/make_teachable.py DIR [--full]

Teachable Machine nests its layers: a truncated MobileNet with global average pooling, and behind it a dense layer with relu
and one with softmax that has no biases; its converter goes through a SavedModel, with uint8 in and out where it quantises.
Frigate's recipe has biases in both layers. Weights are random. The small network stands in for MobileNetV2, which --full takes.
golden.json holds what the whole classifiers answer to four pictures, by TensorFlow Lite's own interpreter.
"""

import json
import os
import sys
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import keras
import numpy as np
import tensorflow as tf

out = sys.argv[1]
full = "--full" in sys.argv
side, classes = (224, 4) if full else (32, 3)
rng = np.random.default_rng(7)
keras.utils.set_random_seed(7)


def trunk():
    if full:
        model = keras.applications.MobileNetV2(input_shape=(side, side, 3), include_top=False, alpha=0.35, weights=None)
        # Statistics as a trained network has them, so that the folding is tested.
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                n = layer.gamma.shape[0]
                layer.set_weights([rng.uniform(0.5, 1.5, n), rng.normal(0, 0.2, n), rng.normal(0, 0.2, n), rng.uniform(0.5, 1.5, n)])
        return model
    x = inputs = keras.Input((side, side, 3))
    for filters in 8, 16:
        x = keras.layers.Conv2D(filters, 3, 2, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU(6.0)(x)
    return keras.Model(inputs, x)


def teachable():
    base = keras.Sequential([trunk(), keras.layers.GlobalAveragePooling2D()])
    features = base.output_shape[-1]
    scale = keras.initializers.VarianceScaling(8.0)  # so that the scores are apart
    top = keras.Sequential([
        keras.Input((features,)),
        keras.layers.Dense(100 if full else 10, activation="relu", kernel_initializer=scale),
        keras.layers.Dense(classes, activation="softmax", use_bias=False, kernel_initializer=scale),
    ])
    return keras.Sequential([keras.Input((side, side, 3)), base, top])


def frigate():
    bias = keras.initializers.RandomNormal(0, 0.3)
    return keras.Sequential([
        keras.Input((side, side, 3)),
        trunk(),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(128 if full else 12, activation="relu", bias_initializer=bias),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(classes, activation="softmax", bias_initializer=bias),
    ])


def pictures(n):
    """Squares of random colour, as bytes."""
    for i in range(n):
        cell = 2 ** (1 + i % 4)
        small = rng.integers(0, 256, (1, side // cell, side // cell, 3), dtype=np.uint8)
        yield small.repeat(cell, 1).repeat(cell, 2)


def convert(model, scale, quantise):
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if quantise:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.inference_input_type = converter.inference_output_type = tf.uint8
            converter.representative_dataset = lambda: ([scale(x.astype(np.float32))] for x in pictures(12 if full else 50))
        return converter.convert()


def drawn(k):
    """Picture k of golden.json, as the Go test draws it: a pattern in squares of 2, 4, 8 and 16 pixels."""
    y, x, c = np.meshgrid(np.arange(side), np.arange(side), np.arange(3), indexing="ij")
    cell = 2 ** (1 + k)
    return (((y // cell) * 131 + (x // cell) * 57 + c * 83 + k * 29) * 7 % 256).astype(np.uint8)[None]


def answers(model, scale):
    interpreter = tf.lite.Interpreter(model_content=model)
    interpreter.allocate_tensors()
    given, gives = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    found = []
    for x in map(drawn, range(4)):
        value = x if given["dtype"] == np.uint8 else scale(x.astype(np.float32))
        interpreter.set_tensor(given["index"], value)
        interpreter.invoke()
        y = interpreter.get_tensor(gives["index"])[0].astype(np.float64)
        if gives["dtype"] == np.uint8:
            y *= gives["quantization"][0]
        found.append(y.tolist())
    return found


balanced = lambda x: x / 127.5 - 1
unit = lambda x: x / 255
golden = {}
for name, make, scale, quantise in [
    ("teachable_float", teachable, balanced, False),
    ("teachable_uint8", teachable, balanced, True),
    ("frigate_uint8", frigate, unit, True),
]:
    if full and name.startswith("frigate"):
        continue
    model = convert(make(), scale, quantise)
    with open(os.path.join(out, name + ".tflite"), "wb") as f:
        f.write(model)
    golden[name] = answers(model, scale)
with open(os.path.join(out, "golden.json"), "w") as f:
    json.dump(golden, f, indent=1)
