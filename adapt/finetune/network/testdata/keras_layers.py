"""Prints how Keras names and counts the layers of its bases, as JSON.

usage: keras_layers.py > keras_layers.json    (TensorFlow 2.21, Keras 3.15; the weights do not matter)

For each base: its layers in Keras' order with name, class, output shape without
the batch and number of parameters, and for some fractions the name of the first
of the last int(layers * fraction), which is how the reference unfreezes.
"""

import json

import keras

BASES = {
    "mobilenet_v2_1.0_128": lambda: keras.applications.MobileNetV2(
        input_shape=(128, 128, 3), include_top=False, weights=None),
    "mobilenet_v2_0.35_128": lambda: keras.applications.MobileNetV2(
        input_shape=(128, 128, 3), alpha=0.35, include_top=False, weights=None),
    "mobilenet_v1_0.25_224": lambda: keras.applications.MobileNet(
        input_shape=(224, 224, 3), alpha=0.25, include_top=False, weights=None),
}
FRACTIONS = [0.05, 0.1, 0.2, 0.29, 0.5, 0.75, 1]

out = {}
for name, make in BASES.items():
    keras.backend.clear_session()
    layers = make().layers
    out[name] = {
        "layers": [
            {"name": l.name, "class": type(l).__name__, "shape": list(l.output.shape[1:]), "parameters": l.count_params()}
            for l in layers
        ],
        "first": {str(f): layers[-int(len(layers) * f)].name for f in FRACTIONS},
    }

# One layer a line: the file is read by people too.
print("{")
for i, (name, base) in enumerate(out.items()):
    print(f' {json.dumps(name)}: {{\n  "first": {json.dumps(base["first"])},\n  "layers": [')
    print(",\n".join("   " + json.dumps(l) for l in base["layers"]))
    print("  ]}" + ("," if i + 1 < len(out) else ""))
print("}")
