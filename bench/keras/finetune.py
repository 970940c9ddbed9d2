"""The reference experiment's both phases in Keras, as a whole process.

    python finetune.py --data DIR [--split FILE] [--unfreeze 0.2] [--bn batch|frozen] [--seed N] …

The first phase is reference.py's: a head on a frozen MobileNetV2. The second
unfreezes the last int(154 * F) of the base's 154 layers and trains them and
the head on, with a new Adam at a lower rate.

--bn batch is the script as written: an unfrozen BatchNormalization layer
normalises with each batch's own statistics while training, and with moving
averages when measured. --bn frozen leaves those layers out of the training, so
that only convolutions train.

Prints one JSON object on the last line: phases (for each its rate, epochs with
their history, seconds, and train, val and test {accuracy, loss} measured when
it ended, on whole splits, in inference mode), seconds, peak_rss_mib.
"""

import time

START = time.monotonic()

import argparse
import json
import pathlib
import resource

from compare import fewer
from reference import SIZE, SPLITS, base_of, batches, divide, given, head

import keras
import numpy as np


def options():
    here = pathlib.Path(__file__).resolve().parent
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--data", type=pathlib.Path, required=True, metavar="DIR")
    p.add_argument("--split", type=pathlib.Path, metavar="FILE", help="see reference.py")
    p.add_argument("--weights", type=pathlib.Path, metavar="FILE",
                   default=here.parents[2] / "shared/data/weights/mobilenet_v2_1.0_224w_no_top.bnrecal.weights.h5")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--unfreeze", type=float, default=0.2, metavar="F", help="fraction of the layers")
    p.add_argument("--all", action="store_true", help="train every layer from the first epoch on, in both phases")
    p.add_argument("--bn", choices=("batch", "frozen"), default="batch")
    p.add_argument("--epochs", default="5,5", metavar="N,N")
    p.add_argument("--rates", default="1e-3,1e-4", metavar="R,R")
    p.add_argument("--images-per-class", type=int, metavar="N", help="train on N images a class; val and test stay whole")
    p.add_argument("--save", type=pathlib.Path, metavar="DIR",
                   help="also write result.json, split.json, phase1.weights.h5, phase2.weights.h5 and SPLIT_scores.npy")
    return p.parse_args()


def network(classes, weights):
    """Returns the base and the whole model, nothing compiled, everything trainable."""
    base = base_of(weights)
    image = keras.Input((SIZE, SIZE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(base(image))
    return base, keras.Model(image, head(pooled, classes))


def unfreeze(base, count, norms):
    """Makes the last count layers trainable, normalisation only with norms."""
    base.trainable = True
    for i, layer in enumerate(base.layers):
        norm = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = i >= len(base.layers) - count and (norms or not norm)


def measure(model, draw):
    measured = {}
    for name in SPLITS:
        data = draw(name)
        if data is not None:
            loss, accuracy = model.evaluate(data, verbose=0)
            measured[name] = {"accuracy": float(accuracy), "loss": float(loss)}
    return measured


def phase(model, draw, rate, epochs, seed):
    """Trains model and measures it.

    draw(name) gives the batches of a split, or None if it is empty;
    draw(name, seed) gives them in an order chosen by seed, another each epoch.
    """
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    begin = time.monotonic()
    fit = model.fit(draw("train", seed), validation_data=draw("val"), epochs=epochs, verbose=0)
    seconds = time.monotonic() - begin
    history = [{key: float(values[i]) for key, values in fit.history.items()} for i in range(epochs)]
    return {"rate": rate, "parameters": sum(int(np.prod(w.shape)) for w in model.trainable_weights),
            "seconds": seconds, "history": history, **measure(model, draw), "measure_seconds": time.monotonic() - begin - seconds}


def save(folder, data, labels, split, model, result):
    (folder / "result.json").write_text(json.dumps(result) + "\n")
    lists = {name: [[str(pathlib.Path(p).relative_to(data)), labels[n]] for p, n in split[name]] for name in SPLITS}
    (folder / "split.json").write_text(json.dumps(lists))
    for name in SPLITS:
        if split[name]:
            np.save(folder / f"{name}_scores.npy", model.predict(batches(split[name]), verbose=0))


def main():
    o = options()
    labels, split = given(o.data, o.split) if o.split else divide(o.data, o.seed)
    if o.images_per_class:
        split["train"] = fewer(split["train"], o.images_per_class, o.seed)
    if o.save:
        o.save.mkdir(parents=True, exist_ok=True)
    def draw(name, seed=None):
        return batches(split[name], seed) if split[name] else None

    keras.utils.set_random_seed(o.seed)
    base, model = network(len(labels), o.weights)
    every = len(base.layers)
    unfrozen = (every, every) if o.all else (0, int(every * o.unfreeze))
    phases = []
    for i, (count, rate, epochs) in enumerate(zip(unfrozen, o.rates.split(","), o.epochs.split(",")), start=1):
        unfreeze(base, count, norms=o.bn == "batch")
        phases.append({"unfrozen": count, **phase(model, draw, float(rate), int(epochs), o.seed + i)})
        if o.save:
            model.save_weights(o.save / f"phase{i}.weights.h5")
    result = {
        "data": o.data.name, "seed": o.seed, "bn": o.bn, "unfreeze": 1.0 if o.all else o.unfreeze, "all": o.all,
        "images_per_class": o.images_per_class, "labels": labels,
        "images": {name: len(split[name]) for name in SPLITS}, "phases": phases,
        "seconds": {"total": time.monotonic() - START, "measure": sum(p["measure_seconds"] for p in phases)},
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if o.save:
        save(o.save, o.data, labels, split, model, result)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
