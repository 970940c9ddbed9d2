"""Makes an int8 base of Keras' MobileNetV2 at 128x128 with TensorFlow's converter.

    PYTHONPATH=.deps/keras python int8.py --weights FILE --dir DIR --out FILE

DIR holds the images, a folder a class, that the ranges are measured on: two
hundred, taken evenly.
"""

import argparse
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "keras"))
import keras
import reference
import tensorflow as tf


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("weights", "dir", "out"):
        p.add_argument(f"--{name}", type=pathlib.Path, required=True)
    o = p.parse_args()
    base = reference.base_of(o.weights)
    image = keras.Input((reference.SIZE, reference.SIZE, 3))
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(base(image, training=False)))
    paths = sorted(str(path) for path in o.dir.rglob("*") if path.is_file())

    def ranges():
        for path in paths[::max(1, len(paths) // 200)]:
            yield [reference.pixels(path)[None]]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = ranges
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    o.out.write_bytes(converter.convert())


if __name__ == "__main__":
    main()
