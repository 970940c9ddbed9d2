"""Makes shared.json: Keras' gradients of the top of MobileNetV2 1.0.

    PYTHONPATH=.deps/keras python3 adapt/finetune/graph/testdata/golden_shared.py \
        ../shared/data/weights/mobilenet_v2_1.0_224w_no_top.bnrecal.weights.h5

Keras 3.15.1 on TensorFlow 2.21 wrote the committed file. Batch norm is folded
into the convolutions first, as in the .tflite file of the same weights, and
left as a layer with mean 0, variance 1 - epsilon, gamma 1 and the bias as beta;
where batch norm is to train, beta is 0, which keeps most of the units alive.
"""

import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf

from draws import draws

IMAGES, FEATURES, HIDDEN, CLASSES, SAMPLE = 4, 1280, 128, 10, 8

# Of each case the number of unfrozen layers, whether batch norms train as
# layers, and the layers whose outputs are fed.
CASES = {
    "0.1 folded": (15, False, ["block_14_add", "block_15_depthwise_relu"]),
    "0.1 batch": (15, True, ["block_14_add", "block_15_depthwise_relu"]),
    "0.2 folded": (30, False, ["block_13_project_BN"]),
    "0.2 batch": (30, True, ["block_13_depthwise_relu"]),
    "0.5 folded": (77, False, ["block_7_add", "block_8_depthwise_relu"]),
    "0.5 batch": (77, True, ["block_7_add", "block_8_depthwise_relu"]),
    "1 folded": (154, False, ["input"]),
    "1 batch": (154, True, ["input"]),
}


def folded(path):
    """Returns the model with its batch norms folded into the convolutions."""
    model = keras.applications.MobileNetV2(input_shape=(128, 128, 3), include_top=False, weights=path)
    for norm in model.layers:
        if not isinstance(norm, keras.layers.BatchNormalization):
            continue
        conv = norm.input._keras_history.operation
        gamma, beta, mean, variance = (v.astype(np.float64) for v in norm.get_weights())
        scale = gamma / np.sqrt(variance + norm.epsilon)
        kernel = conv.get_weights()[0].astype(np.float64)
        shape = (-1, 1) if isinstance(conv, keras.layers.DepthwiseConv2D) else (-1,)
        conv.set_weights([(kernel * scale.reshape(shape)).astype(np.float32)])
        ones = np.ones_like(gamma)
        norm.set_weights([ones, beta - mean * scale, 0 * ones, (1 - norm.epsilon) * ones])
    return model


def run(model, first, training, fed):
    """Computes the model's features from the outputs of some layers."""
    values = {}
    for name, x in fed.items():
        layer = model.layers[0] if name == "input" else model.get_layer(name)
        values[id(layer.output)] = x
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer) or id(layer.output) in values:
            continue
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        if any(id(x) not in values for x in inputs):
            continue
        x = [values[id(x)] for x in inputs]
        if isinstance(layer, keras.layers.BatchNormalization):
            y = layer(x[0], training=training)
        else:
            y = layer(x if len(x) > 1 else x[0])
        values[id(layer.output)] = y
    return tf.reduce_mean(values[id(model.output)], [1, 2])


def case(model, count, batch, frontier):
    first = len(model.layers) - count
    fed = {}
    for i, name in enumerate(frontier):
        layer = model.layers[0] if name == "input" else model.get_layer(name)
        fed[name] = draws(1000 + i, IMAGES, *layer.output.shape[1:])
    start = {l: l.get_weights() for l in model.layers if isinstance(l, keras.layers.BatchNormalization)}
    variables, convolutions = {}, set()
    for layer in model.layers[first:]:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
            variables[layer.name + "/kernel"] = layer.kernel
            convolutions.add(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            conv = layer.input._keras_history.operation
            if batch:
                layer.beta.assign(np.zeros(layer.beta.shape))
                variables[conv.name + "/gamma"], variables[conv.name + "/beta"] = layer.gamma, layer.beta
            elif conv in convolutions:
                variables[conv.name + "/bias"] = layer.beta
    limit = lambda inputs, outputs: np.float32(np.sqrt(6 / (inputs + outputs)))
    for i, (name, inputs, outputs) in enumerate([("hidden", FEATURES, HIDDEN), ("classes", HIDDEN, CLASSES)]):
        kernel = draws(51 + 2 * i, inputs, outputs) * limit(inputs, outputs)
        variables[f"head_0/{name}/kernel"] = keras.Variable(kernel)
        variables[f"head_0/{name}/bias"] = keras.Variable(draws(52 + 2 * i, outputs) * np.float32(0.1))
    w1, b1, w2, b2 = list(variables.values())[-4:]
    with tf.GradientTape() as tape:
        features = run(model, first, batch, fed)
        logits = tf.nn.relu(features @ w1.value + b1.value) @ w2.value + b2.value
        targets = np.eye(CLASSES, dtype=np.float32)[np.arange(IMAGES) % CLASSES]
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits))
    gradients = tape.gradient(loss, [v.value for v in variables.values()])
    for layer, weights in start.items():
        layer.set_weights(weights)
    return {"loss": float(loss), "gradients": {n: compact(g) for n, g in zip(variables, gradients)}}


def compact(g):
    """Returns the norm of a gradient and a few of its elements."""
    g = np.asarray(g, np.float64).ravel()
    sample = g[[i * (len(g) - 1) // (SAMPLE - 1) for i in range(SAMPLE)]]
    return [float("%.7g" % v) for v in [np.linalg.norm(g), *sample]]


def main():
    model = folded(sys.argv[1])
    golden = {name: case(model, *arguments) for name, arguments in CASES.items()}
    path = pathlib.Path(__file__).with_name("shared.json")
    path.write_text(json.dumps(golden, separators=(",", ":")).replace('],"', '],\n"') + "\n")


main()
