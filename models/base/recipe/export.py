"""Writes a trained student as a float32 .tflite with batch norm folded, and checks the file."""

import pathlib

import numpy as np
import tensorflow as tf

import student
from probe import features


def standardise(model: tf.keras.Model, pictures: np.ndarray) -> tf.keras.Model:
    """Appends a scale and an offset a feature, after which each has mean 0 and deviation 1 on the pictures.

    A student that has learnt for long enough has the teacher's features; until then it says the mean
    with little around it, and a head that starts from such features takes hundreds of epochs. A
    feature that hardly moves is not blown up.
    """
    seen = model.predict(student.scaled(pictures), batch_size=64, verbose=0)
    mean, sd = seen.mean(0), seen.std(0)
    sd = np.maximum(sd, 0.3 * sd.mean())
    x = tf.keras.layers.Rescaling(1 / sd, -mean / sd, name="standardised")(model.output)
    return tf.keras.Model(model.input, x, name=model.name)


def network(layers) -> tf.keras.Model:
    """The folded network in Keras: pictures scaled to [-1, 1] in, pooled features out."""
    x = inputs = tf.keras.Input((128, 128, 3), name="image")
    kept = x
    made = []
    for i, (kind, cin, cout, stride, relu, residual) in enumerate(student.PLAN):
        if residual == "open":
            kept = x
        if kind == "deep":
            layer = tf.keras.layers.DepthwiseConv2D(3, stride, "same", name=f"conv_{i:02d}")
        else:
            layer = tf.keras.layers.Conv2D(cout, 3 if kind == "full" else 1, stride, "same", name=f"conv_{i:02d}")
        made.append(layer)
        x = layer(x)
        if relu:
            x = tf.keras.layers.ReLU(6.0, name=f"relu_{i:02d}")(x)
        if residual == "add":
            x = tf.keras.layers.Add(name=f"add_{i:02d}")([kept, x])
    x = tf.keras.layers.GlobalAveragePooling2D(name="features")(x)
    model = tf.keras.Model(inputs, x, name="mobilenet_v2_0_35_128")
    for layer, (w, b) in zip(made, layers):
        layer.set_weights([w if w.ndim == 4 else w[None, None], b])
    return model


def write(net: student.Student, stats, path: pathlib.Path, pictures: np.ndarray, typical: np.ndarray) -> float:
    """Writes the file, its features standardised on the typical pictures.

    Returns the largest difference to the unfolded network on the pictures.
    """
    plain = network(student.folded(net, stats))
    model = standardise(plain, typical)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    part = path.with_suffix(".part")
    part.write_bytes(converter.convert())
    want = tf.reduce_mean(net(student.scaled(pictures), moments=[(np.float32(m), np.float32(v)) for m, v in stats]), [1, 2])
    worst = float(np.abs(plain.predict(student.scaled(pictures), verbose=0) - want.numpy()).max())
    keras = float(np.abs(features(part, pictures) - model.predict(student.scaled(pictures), verbose=0)).max())
    worst = max(worst, keras)
    if worst > 1e-4:
        raise SystemExit(f"distil: {part} differs from the trained network by {worst:.2g}")
    part.rename(path)
    return worst
