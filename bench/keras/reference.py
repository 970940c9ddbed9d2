"""The reference experiment's first phase in Keras, as a whole process.

    python reference.py --data DIR [--split FILE] [--weights FILE] [--seed N]

A frozen MobileNetV2 at 128x128, global average pooling, Dense(128, relu),
Dropout(0.5), Dense(n, softmax); 5 epochs of Adam at 1e-3 in batches of 32,
sparse categorical cross-entropy. Prints one JSON object on the last line:
history, train, val and test {accuracy, loss}, seconds, peak_rss_mib.

DIR holds a folder per class, or train/ and test/ of such folders. Without
--split, a fifth of each class of DIR (or DIR/train) is held back for
validation, chosen by --seed. With it, FILE says what is used for what:

    {"train": [["path", label], ...], "val": [...], "test": [...]}

where paths are relative to DIR, labels are class names or their numbers, and
"test" may be absent.
"""

import time

START = time.monotonic()

import argparse
import json
import os
import pathlib
import random
import resource

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
import numpy as np
import tensorflow as tf

SIZE = 128
BATCH = 32
ENDINGS = {".jpg", ".jpeg", ".png"}
SPLITS = ("train", "val", "test")


def options():
    here = pathlib.Path(__file__).resolve().parent
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--data", type=pathlib.Path, required=True, metavar="DIR")
    p.add_argument("--split", type=pathlib.Path, metavar="FILE")
    p.add_argument("--weights", type=pathlib.Path, metavar="FILE",
                   default=here.parents[2] / "shared/data/weights/mobilenet_v2_1.0_224w_no_top.bnrecal.weights.h5")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--epochs", type=int, default=5)
    p.add_argument("--features-out", type=pathlib.Path, metavar="DIR",
                   help="also write SPLIT_features.npy, SPLIT_labels.npy and SPLIT_paths.json")
    return p.parse_args()


def classes_of(folder):
    return sorted(d.name for d in folder.iterdir() if d.is_dir() and not d.name.startswith("."))


def images_of(folder, labels):
    for number, label in enumerate(labels):
        for path in sorted((folder / label).iterdir()):
            if path.suffix.lower() in ENDINGS and not path.name.startswith("."):
                yield str(path), number


def divide(data, seed):
    """Returns the labels and, for each split, a list of (path, number)."""
    apart = (data / "train").is_dir()
    root = data / "train" if apart else data
    labels = classes_of(root)
    split = {"train": [], "val": [], "test": []}
    rng = random.Random(seed)
    for number in range(len(labels)):
        images = [i for i in images_of(root, labels) if i[1] == number]
        rng.shuffle(images)
        held = max(1, round(0.2 * len(images)))
        split["val"] += images[:held]
        split["train"] += images[held:]
    if apart and (data / "test").is_dir():
        split["test"] = list(images_of(data / "test", labels))
    return labels, split


def given(data, path):
    """The same, from a file."""
    lists = json.loads(path.read_text())
    every = {label for name in SPLITS for _, label in lists.get(name, [])}
    labels = sorted(every)
    number = {label: i for i, label in enumerate(labels)}
    split = {name: [(str(data / p), number[label]) for p, label in lists.get(name, [])] for name in SPLITS}
    return [str(label) for label in labels], split


def pixels(path):
    image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    image.set_shape((None, None, 3))
    return tf.image.resize(image, (SIZE, SIZE), method="bilinear") / 127.5 - 1


def batches(images, seed=None):
    paths, numbers = [p for p, _ in images], [n for _, n in images]
    d = tf.data.Dataset.from_tensor_slices((paths, numbers))
    if seed is not None:
        d = d.shuffle(len(images), seed=seed)
    d = d.map(lambda p, n: (pixels(p), n), num_parallel_calls=tf.data.AUTOTUNE)
    return d.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def base_of(weights):
    """MobileNetV2 without its classifier, with weights from a file."""
    base = keras.applications.MobileNetV2(input_shape=(SIZE, SIZE, 3), include_top=False, weights=None)
    base.load_weights(weights)
    return base


def head(features, classes):
    """The reference's head over a tensor of features."""
    y = keras.layers.Dense(128, activation="relu")(features)
    y = keras.layers.Dropout(0.5)(y)
    return keras.layers.Dense(classes, activation="softmax")(y)


def main():
    o = options()
    labels, split = given(o.data, o.split) if o.split else divide(o.data, o.seed)
    keras.utils.set_random_seed(o.seed)

    base = base_of(o.weights)
    base.trainable = False
    image = keras.Input((SIZE, SIZE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(base(image, training=False))
    model = keras.Model(image, head(pooled, len(labels)))
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])

    begin = time.monotonic()
    fit = model.fit(batches(split["train"], o.seed), validation_data=batches(split["val"]), epochs=o.epochs, verbose=0)
    result = {
        "data": o.data.name, "seed": o.seed, "labels": labels,
        "images": {name: len(split[name]) for name in SPLITS},
        "history": [
            {"epoch": i + 1, **{key: float(values[i]) for key, values in fit.history.items()}}
            for i in range(o.epochs)
        ],
    }
    train_seconds = time.monotonic() - begin
    for name in SPLITS:
        if split[name]:
            loss, accuracy = model.evaluate(batches(split[name]), verbose=0)
            result[name] = {"accuracy": float(accuracy), "loss": float(loss)}
    result["seconds"] = {"total": time.monotonic() - START, "train": train_seconds}
    result["peak_rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    if o.features_out:
        o.features_out.mkdir(parents=True, exist_ok=True)
        extractor = keras.Model(image, pooled)
        for name in SPLITS:
            if split[name]:
                np.save(o.features_out / f"{name}_features.npy", extractor.predict(batches(split[name]), verbose=0))
                np.save(o.features_out / f"{name}_labels.npy", np.array([n for _, n in split[name]], np.int32))
                (o.features_out / f"{name}_paths.json").write_text(json.dumps([p for p, _ in split[name]]))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
