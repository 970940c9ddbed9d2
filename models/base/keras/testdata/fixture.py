"""Writes the network that tests without Keras read, and its features.

    PYTHONPATH=.deps/keras python3 models/base/keras/testdata/fixture.py models/base/keras/testdata

The weights repeat after some hundred values, so that the packed file is small.
Made with Keras 3.15.1 and TensorFlow 2.21.0.
"""

import gzip
import os
import sys
import tempfile

import keras
import numpy as np

from reference import build, features

SIDE = 64


def cycle(n, step):
    """Numbers from -1 to 1 that repeat after 251."""
    return ((np.arange(n) * step % 251) / 125 - 1).astype(np.float32)


def main(folder):
    model = build(0.35, SIDE, include_top=False)
    for i, layer in enumerate(model.layers):
        step = 3 + i % 5
        if isinstance(layer, keras.layers.BatchNormalization):
            n = layer.gamma.shape[0]
            layer.set_weights([1 + cycle(n, step) / 2, cycle(n, 7) / 3, cycle(n, 11) / 2, 1.25 + cycle(n, 13)])
        elif layer.get_weights():
            (shape,) = [w.shape for w in layer.get_weights()]
            fan = np.prod(shape[:2]) if "depthwise" in layer.name else np.prod(shape[:-1])
            layer.set_weights([cycle(np.prod(shape), 17 + step).reshape(shape) * np.float32(2 / np.sqrt(fan))])
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "network.weights.h5")
        model.save_weights(path)
        with open(path, "rb") as f:
            data = f.read()
    with open(os.path.join(folder, "network.weights.h5.gz"), "wb") as f:
        f.write(gzip.compress(data, 9, mtime=0))
    features(model, SIDE, SIDE).tofile(os.path.join(folder, "network.f32"))


if __name__ == "__main__":
    main(sys.argv[1])
