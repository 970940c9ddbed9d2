"""Makes image classifiers of the families that are imported, with random weights
and batch norm, and what Keras gives as their features at another input size.

usage: make_families.py FOLDER    (TensorFlow 2, a minute of processor time; the random numbers are seeded)

Into FOLDER go NAME.tflite, a classifier for 96 pixels, and NAME.json with
"features": of the picture in picture.bin (bytes of 128x128x3) at 128 pixels,
for the float classifiers; those that are quantised name their float twin. The
smallest is committed in families/.
"""

import json
import os
import sys

import numpy as np
import tensorflow as tf

keras = tf.keras
FROM, TO, CLASSES = 96, 128, 7


def randomised(model, pictures, seed):
    """Batch norm as training leaves it: statistics of pictures, other scales."""
    random = np.random.default_rng(seed)
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.momentum = 0.0
        n = layer.gamma.shape
        layer.gamma.assign(random.uniform(0.7, 1.4, n))
        layer.beta.assign(random.normal(0.2, 0.3, n))
    model(pictures, training=True)
    return model


def efficientnet_lite(side, seed=5):
    """The blocks of EfficientNet-Lite: relu6, no squeeze and excite."""
    layers = keras.layers

    def conv(x, width, kernel=1, stride=1, act=True):
        x = layers.Conv2D(width, kernel, stride, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        return layers.ReLU(6.0)(x) if act else x

    keras.utils.set_random_seed(seed)
    image = keras.Input((side, side, 3))
    x = conv(image, 16, 3, 2)
    for width, kernel, stride in ((8, 3, 1), (12, 3, 2), (12, 3, 1), (20, 5, 2), (20, 5, 1), (32, 3, 2), (32, 3, 1)):
        y = conv(x, 4 * x.shape[-1])
        y = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False)(y)
        y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
        y = conv(y, width, act=False)
        x = layers.Add()([x, y]) if stride == 1 and x.shape[-1] == width else y
    x = conv(x, 64)
    features = layers.GlobalAveragePooling2D()(x)
    return image, features


def lite(side, top):
    image, features = efficientnet_lite(side)
    if top:
        features = keras.layers.Dense(CLASSES, activation="softmax")(features)
    return keras.Model(image, features)


def application(make, **options):
    def build(side, top):
        keras.utils.set_random_seed(3)
        image = keras.Input((side, side, 3))
        kind = dict(include_top=True, classes=CLASSES) if top else dict(include_top=False, pooling="avg")
        return make(input_tensor=image, weights=None, **kind, **options)
    return build


FAMILIES = {
    # name: builder, what the bytes of a picture become
    "mobilenet_v1": (application(keras.applications.MobileNet, alpha=0.25), lambda x: x / 127.5 - 1),
    "mobilenet_v2": (application(keras.applications.MobileNetV2, alpha=0.35), lambda x: x / 127.5 - 1),
    "mobilenet_v3": (application(keras.applications.MobileNetV3Small, alpha=0.25), lambda x: x),
    "efficientnet_lite": (lite, lambda x: x / 127.5 - 1),
}
QUANTISED = ["mobilenet_v2", "mobilenet_v3"]


def convert(model, samples=None):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if samples is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([s[None]] for s in samples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    return converter.convert()


def main():
    folder = sys.argv[1]
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:TO, 0:TO] / TO
    picture = np.stack([np.sin(9 * x + c) + np.cos(7 * y - 2 * c * x) for c in range(3)], -1) * 60 + 128
    picture = np.clip(picture + random.normal(0, 15, picture.shape), 0, 255).astype(np.uint8)
    picture.tofile(os.path.join(folder, "picture.bin"))
    for name, (build, scale) in FAMILIES.items():
        crops = np.stack([picture[i:i + FROM, j:j + FROM] for i in (0, 16, 32) for j in (0, 16, 32)]).astype(np.float32)
        whole = randomised(build(FROM, True), scale(crops * random.uniform(0.3, 1.0, (9, 1, 1, 3)).astype(np.float32)), 2)
        extractor = build(TO, False)
        theirs = whole.weights[:len(extractor.weights)]
        assert [w.shape for w in theirs] == [w.shape for w in extractor.weights], name
        extractor.set_weights([w.numpy() for w in theirs])
        features = extractor.predict(scale(picture[None].astype(np.float32)), verbose=0)[0]
        write(folder, name, convert(whole), {"features": [round(float(f), 7) for f in features]})
        if name in QUANTISED:
            samples = [scale(picture[i:i + FROM, i:i + FROM].astype(np.float32)) for i in (0, 9, 32)]
            write(folder, name + "_quant", convert(whole, samples), {"twin": name})


def write(folder, name, model, facts):
    with open(os.path.join(folder, name + ".tflite"), "wb") as f:
        f.write(model)
    with open(os.path.join(folder, name + ".json"), "w") as f:
        json.dump(facts, f)


if __name__ == "__main__":
    main()
