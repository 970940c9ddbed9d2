"""The recipe of Frigate 0.17's custom classification, written anew in Keras.

    PYTHONPATH=.deps/keras:.deps/table python frigate.py --dir DIR --weights FILE --out FILE

MobileNetV2 alpha 0.35 at 224x224, frozen; pooling, Dense(128, relu),
Dropout(0.3), Dense(n, softmax); pixels over 255; 50 epochs of Adam at 1e-3 in
batches of 16 on four fifths of DIR, a folder a class; then int8 with the ranges
of up to 300 images, uint8 in and out. --test DIR measures FILE, made before, on
other images instead, as Frigate runs it: uint8 pixels, bilinear.
"""

import argparse
import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np

SIZE = 224


def options():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--dir", type=pathlib.Path)
    p.add_argument("--weights", type=pathlib.Path)
    p.add_argument("--epochs", type=int, default=50)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--test", type=pathlib.Path)
    return p.parse_args()


def picture(path):
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR, reducing_gap=None), np.uint8)


def train(o):
    import keras
    import tensorflow as tf
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    images = ImageDataGenerator(rescale=1 / 255, validation_split=0.2).flow_from_directory(
        o.dir, target_size=(SIZE, SIZE), batch_size=16, class_mode="categorical", subset="training")
    base = keras.applications.MobileNetV2(input_shape=(SIZE, SIZE, 3), include_top=False, weights=None, alpha=0.35)
    base.load_weights(o.weights)
    base.trainable = False
    model = keras.Sequential([base, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(128, activation="relu"),
                              keras.layers.Dropout(0.3), keras.layers.Dense(len(images.class_indices), activation="softmax")])
    model.compile(keras.optimizers.Adam(1e-3), "categorical_crossentropy", metrics=["accuracy"])
    model.fit(images, epochs=o.epochs, verbose=0)

    def ranges():
        for path in sorted(p for p in o.dir.rglob("*") if p.is_file())[:300]:
            yield [picture(path)[None].astype(np.float32) / 255]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = ranges
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    o.out.write_bytes(converter.convert())
    return {"labels": sorted(images.class_indices)}


def test(o):
    import tensorflow as tf

    it = tf.lite.Interpreter(str(o.out))
    it.allocate_tensors()
    into, out = it.get_input_details()[0]["index"], it.get_output_details()[0]["index"]
    right = total = 0
    for label, folder in enumerate(sorted(p for p in o.test.iterdir() if p.is_dir())):
        for path in sorted(folder.iterdir()):
            it.set_tensor(into, picture(path)[None])
            it.invoke()
            right += int(it.get_tensor(out)[0].argmax() == label)
            total += 1
    return {"test": right / total}


def main():
    o = options()
    print(json.dumps(test(o) if o.test else train(o)))


if __name__ == "__main__":
    main()
