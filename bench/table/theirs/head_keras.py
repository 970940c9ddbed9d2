"""The reference's head in Keras, on arrays: Dense(128, relu), Dropout(0.5), Dense(n, softmax).

    PYTHONPATH=.deps/keras python head_keras.py --arrays DIR --epochs N --seed N
"""

import os
import time

import arrays

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras


class Clock(keras.callbacks.Callback):
    """Notes how long each epoch takes, with the validation that follows it."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.monotonic() - self.start)


def main():
    o = arrays.options(__doc__)
    classes, splits = arrays.read(o.arrays)
    keras.utils.set_random_seed(o.seed)
    model = keras.Sequential([keras.Input((splits["train"][0].shape[1],)), keras.layers.Dense(128, activation="relu"),
                              keras.layers.Dropout(0.5), keras.layers.Dense(classes, activation="softmax")])
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    clock = Clock()
    model.fit(*splits["train"], validation_data=splits["val"], epochs=o.epochs, batch_size=32, verbose=0, callbacks=[clock])
    val, test = (model.evaluate(*splits[name], verbose=0)[1] for name in ("val", "test"))
    arrays.answer(val, test, clock.seconds)


if __name__ == "__main__":
    main()
