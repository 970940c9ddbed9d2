"""Makes small.json: what Keras computes for the small network of small_test.go.

    PYTHONPATH=.deps/keras python3 adapt/finetune/graph/testdata/golden_small.py

Keras 3.15.1 on TensorFlow 2.21 wrote the committed file. All numbers that go
in come from a generator that the Go side has too.
"""

import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf

from draws import draws

IMAGES, SIZE, HIDDEN, CLASSES = 5, 8, 7, 3


class Small:
    """The network, with batch norm behind its convolutions or with biases."""

    def __init__(self, batch):
        self.batch, self.seed, self.variables = batch, 0, {}
        conv, depth = keras.layers.Conv2D, keras.layers.DepthwiseConv2D
        self.stem = self.layer("stem", conv(6, 3, 2, "valid"), 3, 6)
        self.expand = self.layer("expand", conv(8, 1), 6, 8)
        self.depth = self.layer("depth", depth(3, 1, "same"), 8, 8)
        self.project = self.layer("project", conv(6, 1), 8, 6)
        self.gate = self.layer("gate", keras.layers.Dense(6), 6, 6)
        self.wide = self.layer("wide", conv(5, 3, padding="same", dilation_rate=2), 6, 5)
        self.spread = self.layer("spread", depth(3, padding="same", dilation_rate=2), 5, 5)
        self.twice = self.layer("twice", depth(3, 2, "same", depth_multiplier=2), 5, 10)
        hidden, classes = keras.layers.Dense(HIDDEN), keras.layers.Dense(CLASSES)
        self.hidden = self.head("head_0/hidden", hidden, 51, 10, HIDDEN)
        self.classes = self.head("head_0/classes", classes, 53, HIDDEN, CLASSES)

    def layer(self, name, layer, inputs, outputs):
        """Gives a layer its weights, and returns it with what follows it."""
        seed, self.seed = self.seed, self.seed + 1
        normed = self.batch and not isinstance(layer, keras.layers.Dense)
        layer.use_bias = not normed
        layer.build((None, inputs) if isinstance(layer, keras.layers.Dense) else (None, None, None, inputs))
        shape = layer.kernel.shape
        if isinstance(layer, keras.layers.Conv2D):
            kernel = draws(2 * seed + 1, shape[3], shape[0], shape[1], shape[2]).transpose(1, 2, 3, 0)
        elif isinstance(layer, keras.layers.Dense):
            kernel = draws(2 * seed + 1, outputs, inputs).T
        else:
            kernel = draws(2 * seed + 1, *shape)
        bias = draws(2 * seed + 2, outputs) * np.float32(0.3)
        layer.kernel.assign(kernel * np.float32(0.7))
        self.variables[name + "/kernel"] = layer.kernel
        if not normed:
            layer.bias.assign(bias)
            self.variables[name + "/bias"] = layer.bias
            return lambda x, training: layer(x)
        norm = keras.layers.BatchNormalization(epsilon=1e-3, momentum=0.999)
        norm.build((None, None, None, outputs))
        mean = draws(100 + seed, outputs) * np.float32(0.2)
        variance = draws(200 + seed, outputs) * np.float32(0.4) + np.float32(0.5)
        norm.set_weights([np.sqrt(variance + np.float32(1e-3)), bias + mean, mean, variance])
        for attribute in ("gamma", "beta", "moving_mean", "moving_variance"):
            self.variables[f"{name}/{attribute}"] = getattr(norm, attribute)
        return lambda x, training: norm(layer(x), training=training)

    def head(self, name, layer, seed, inputs, outputs):
        layer.build((None, inputs))
        layer.set_weights([draws(seed, inputs, outputs), draws(seed + 1, outputs)])
        self.variables[name + "/kernel"], self.variables[name + "/bias"] = layer.kernel, layer.bias
        return layer

    def logits(self, x, keep, training):
        stem = tf.nn.relu6(self.stem(tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]]), training))
        x = tf.nn.relu6(self.expand(stem, training))
        x = keras.activations.hard_swish(self.depth(x, training))
        x = self.project(x, training) + stem
        gate = tf.nn.relu(self.gate(tf.reduce_mean(x, [1, 2]), training))[:, None, None, :]
        x = x * (tf.nn.relu6(gate + draws(61, 6) + np.float32(3)) * (draws(62, 6) * np.float32(0.1) + np.float32(1 / 6)))
        x = tf.nn.relu(self.wide(x, training))
        x = self.spread(x, training)
        x = tf.nn.relu6(self.twice(x, training))
        x = tf.nn.avg_pool2d(x, 2, 1, "SAME")
        hidden = tf.nn.relu(self.hidden(tf.reduce_mean(x, [1, 2])))
        return self.classes(hidden * keep)


def rounded(values):
    return [float("%.9g" % v) for v in np.asarray(values, np.float32).ravel()]


def case(batch, decay):
    small = Small(batch)
    x = draws(71, IMAGES, SIZE, SIZE, 3)
    keep = np.where(draws(72, IMAGES, HIDDEN) > 0, np.float32(2), np.float32(0))
    targets = np.full((IMAGES, CLASSES), np.float32(0.1) / np.float32(3), np.float32)
    for i in range(IMAGES):
        targets[i, i % CLASSES] += np.float32(0.9)
    trained = {n: v for n, v in small.variables.items() if v.trainable}
    fixed = [v for n, v in trained.items() if not n.endswith("/kernel")]
    optimiser = keras.optimizers.AdamW(1e-3, weight_decay=decay) if decay else keras.optimizers.Adam(1e-3)
    if decay:
        optimiser.exclude_from_weight_decay(var_list=fixed)
    optimiser.build(list(trained.values()))
    result = {"steps": []}
    for _ in range(2):
        with tf.GradientTape() as tape:
            logits = small.logits(x, keep, training=True)
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits))
        gradients = tape.gradient(loss, [v.value for v in trained.values()])
        result.setdefault("gradients", {n: rounded(g) for n, g in zip(trained, gradients)})
        correct = np.sum(np.argmax(logits, 1) == np.argmax(targets, 1))
        result["steps"].append({"loss": float(loss), "correct": int(correct)})
        optimiser.apply(gradients, list(trained.values()))
        result.setdefault("after", {n: rounded(v) for n, v in small.variables.items()})
    result["scores"] = rounded(tf.nn.softmax(small.logits(x, np.float32(1), training=False)))
    return result


def main():
    golden = {"folded": case(False, 0), "batch": case(True, 0.1)}
    path = pathlib.Path(__file__).with_name("small.json")
    path.write_text(json.dumps(golden, separators=(",", ":")).replace('},"', '},\n"').replace('],"', '],\n"') + "\n")


main()
