"""Makes the tiny models beside it with TensorFlow's own converter.

usage: make.py [FOLDER]    (TensorFlow 2.21; the random weights are seeded)
"""

import os
import sys

import numpy as np
import tensorflow as tf

keras = tf.keras
layers = keras.layers
SIZE = 16


def body(x, width=12):
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    y = layers.DepthwiseConv2D(3, padding="same", activation=tf.nn.relu6)(x)
    x = layers.Add()([x, y])
    return layers.Conv2D(width, 1, activation=tf.nn.relu6)(x)


def model(top, rescale=False, batch=1, width=12):
    keras.utils.set_random_seed(1)
    image = keras.Input((SIZE, SIZE, 3), batch_size=batch)
    x = layers.Rescaling(1 / 127.5, offset=-1)(image) if rescale else image
    return keras.Model(image, top(body(x, width)))


def pooled(x):
    x = layers.GlobalAveragePooling2D()(x)
    return layers.Dense(5, activation="softmax")(x)


def convolution(x):
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Conv2D(5, 1)(x)
    x = layers.Reshape((5,))(x)
    return layers.Softmax()(x)


def hidden(x):
    """As in MobileNetV3: squeeze and excite within, a hidden layer behind."""
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = layers.Conv2D(4, 1, activation="relu")(s)
    s = layers.Conv2D(12, 1, activation="hard_sigmoid")(s)
    x = layers.Multiply()([x, s])
    x = layers.Activation("hard_swish")(x)
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Conv2D(16, 1)(x)
    x = layers.Activation("hard_swish")(x)
    x = layers.Conv2D(5, 1)(x)
    x = layers.Flatten()(x)
    return layers.Softmax()(x)


def squeezenet(x):
    """Classes first, pooling after."""
    x = layers.Conv2D(5, 1, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return layers.Softmax()(x)


def flattened(x):
    x = layers.MaxPooling2D(4)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(7, activation="relu")(x)
    return layers.Dense(5, activation="softmax")(x)


def extractor(x):
    return x


def vector(x):
    return layers.GlobalAveragePooling2D()(x)


def samples():
    random = np.random.default_rng(2)
    for _ in range(8):
        yield [random.uniform(-1, 1, (1, SIZE, SIZE, 3)).astype(np.float32)]


def convert(m, quantised=None, float16=False):
    c = tf.lite.TFLiteConverter.from_keras_model(m)
    if quantised is not None:
        c.optimizations = [tf.lite.Optimize.DEFAULT]
        c.representative_dataset = samples
        c.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        c.inference_input_type = c.inference_output_type = quantised
    if float16:
        c.optimizations = [tf.lite.Optimize.DEFAULT]
        c.target_spec.supported_types = [tf.float16]
    return c.convert()


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    models = {
        "pooled": convert(model(pooled)),
        "pooled_batch": convert(model(pooled, batch=None)),
        "pooled_rescaling": convert(model(pooled, rescale=True)),
        "pooled_int8": convert(model(pooled), quantised=tf.int8),
        "pooled_uint8": convert(model(pooled), quantised=tf.uint8),
        "pooled_float16": convert(model(pooled, width=136), float16=True),  # short constants stay float32
        "convolution": convert(model(convolution)),
        "hidden": convert(model(hidden)),
        "hidden_int8": convert(model(hidden), quantised=tf.int8),
        "squeezenet": convert(model(squeezenet)),
        "flattened": convert(model(flattened)),
        "flattened_batch": convert(model(flattened, batch=None)),
        "map": convert(model(extractor)),
        "vector": convert(model(vector)),
    }
    for name, data in models.items():
        print(name, len(data))
        with open(os.path.join(out, name + ".tflite"), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main()
