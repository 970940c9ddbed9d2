"""Linear probes: how well a base's features tell classes apart.

    python probe.py --data DIR FILE.tflite ...

prints, for each labelled set, the test accuracy of a ridge regression in closed form and of a
Dense(128) head trained for 60 epochs with Adam, both on plain photos.
"""

import argparse
import pathlib
import tempfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import photos


def features(path: pathlib.Path, pictures: np.ndarray) -> np.ndarray:
    """Pooled features of uint8 [n, 128, 128, 3] through LiteRT, float32 [n, F]."""
    model = Interpreter(str(path), num_threads=2)
    model.allocate_tensors()
    i, o = model.get_input_details()[0]["index"], model.get_output_details()[0]["index"]
    out = []
    for x in pictures:
        model.set_tensor(i, x[None].astype(np.float32) / 127.5 - 1)
        model.invoke()
        out.append(model.get_tensor(o)[0].reshape(-1, model.get_output_details()[0]["shape"][-1]).mean(0))
    return np.stack(out)


def standardised(train, test):
    mu, sd = train.mean(0), train.std(0) + 1e-3
    return (train - mu) / sd, (test - mu) / sd


def ridge(train, labels, test, truth, strength: float = 0.03) -> float:
    """Fits one-hot targets in closed form on standardised features; returns the accuracy on test.

    strength is relative to the mean diagonal of the kernel matrix. It is fixed, so that no setting
    is chosen on the test photos.
    """
    a, b = (v.astype(np.float64) for v in standardised(train, test))
    y = np.eye(labels.max() + 1)[labels]
    kernel = a @ a.T  # as many photos as features or fewer: the dual is the cheaper form
    kernel[np.diag_indices(len(kernel))] += strength * kernel.trace() / len(a)
    alpha = np.linalg.solve(kernel, y - y.mean(0))
    return float(((b @ (a.T @ alpha) + y.mean(0)).argmax(1) == truth).mean())


def dense(train, labels, test, truth, seed: int = 1) -> float:
    """Dense(128, ReLU) and softmax on plain features, 60 epochs of Adam at 1e-3, batches of 32."""
    import tensorflow as tf  # not needed for ridge

    tf.keras.utils.set_random_seed(seed)
    model = tf.keras.Sequential([
        tf.keras.layers.Dense(128, "relu"),
        tf.keras.layers.Dense(int(labels.max()) + 1, "softmax"),
    ])
    model.compile(tf.keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train, labels, batch_size=32, epochs=60, verbose=0)
    return float(model.evaluate(test, truth, verbose=0)[1])


def sets(data: pathlib.Path, scratch: pathlib.Path) -> dict:
    """Set name to (pictures, classes, test pictures, test classes)."""
    return {n: (*photos.labelled(data, n, "train", scratch), *photos.labelled(data, n, "test", scratch)) for n in photos.PROBES}


def run(path: pathlib.Path, sets: dict, fit=ridge) -> dict:
    """Set name to test accuracy of the base in the file."""
    return {n: fit(features(path, x), y, features(path, xt), yt) for n, (x, y, xt, yt) in sets.items()}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", type=pathlib.Path, required=True)
    p.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "edge-distil")
    p.add_argument("files", type=pathlib.Path, nargs="+")
    a = p.parse_args()
    known = sets(a.data, a.scratch)
    for file in a.files:
        for fit in (ridge, dense):
            print(file.name, fit.__name__, *(f"{n} {100 * v:.1f}" for n, v in run(file, known, fit).items()), flush=True)


if __name__ == "__main__":
    main()
