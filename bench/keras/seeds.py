"""Compares `edge adapt --recipe seed` with the Keras reference over many seeds.

    python seeds.py --edge bin/edge --data ../shared/data --out bench/results [--seeds 20]

One mean of three seeds varies by about a point, so compare.py's accuracies say
little about a difference of less. The base is frozen and everything random is
in the head: here Keras computes the features of all photos once, by
reference.py's own loader and base, and then trains reference.py's head on them
for each seed and split, which is the same computation as reference.py's.
Writes seeds.md and seeds.json into --out.
"""

import argparse
import json
import os
import pathlib
import statistics
import tempfile

import reference as ref
from compare import split_of, whole_process

import keras
import numpy as np


def options():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--edge", type=pathlib.Path, required=True)
    p.add_argument("--data", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--sets", default="grocery10,sign_digits10,imagenette10")
    p.add_argument("--seeds", type=int, default=20)
    return p.parse_args()


def features_of(data, weights):
    """Keras' features of every photo, by its path below data."""
    paths = sorted(str(p) for p in data.rglob("*") if p.suffix.lower() in ref.ENDINGS)
    base = ref.base_of(weights)
    image = keras.Input((ref.SIZE, ref.SIZE, 3))
    pooled = keras.Model(image, keras.layers.GlobalAveragePooling2D()(base(image, training=False)))
    values = pooled.predict(ref.batches([(p, 0) for p in paths]), verbose=0)
    return {os.path.relpath(p, data): v for p, v in zip(paths, values)}


def head_of(features, labels, split, seed):
    """Trains the reference's head; returns its accuracy on val and test, in per cent."""
    keras.utils.set_random_seed(seed)
    vector = keras.Input((1280,))
    model = keras.Model(vector, ref.head(vector, len(labels)))
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    parts = {name: (np.stack([features[p] for p, _ in rows]), np.array([labels.index(c) for _, c in rows]))
             for name, rows in split.items() if rows}
    model.fit(*parts["train"], epochs=5, batch_size=ref.BATCH, verbose=0)
    return {name: 100 * model.evaluate(*parts[name], verbose=0)[1] for name in ("val", "test")}


def main():
    o = options()
    rows = []
    for name in o.sets.split(","):
        data = o.data / name
        features = features_of(data, o.data / "weights/mobilenet_v2_1.0_224w_no_top.bnrecal.weights.h5")
        with tempfile.TemporaryDirectory() as scratch:
            env = dict(os.environ, XDG_DATA_HOME=scratch, XDG_CACHE_HOME=scratch, HOME=scratch)
            for seed in range(1, o.seeds + 1):
                ours, _ = whole_process(
                    [str(o.edge), "adapt", "--quiet", "--json", "--recipe", "seed", "--seed", str(seed), "--dir", str(data),
                     "--base", str(o.data / "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite")], env)
                split = pathlib.Path(scratch) / "split.json"
                split_of(ours["path"], split)
                theirs = head_of(features, ours["labels"], json.loads(split.read_text()), seed)
                rows.append({"set": name, "seed": seed, "keras": theirs,
                             "edge": {part: 100 * ours[part]["accuracy"] for part in theirs}})
                print(json.dumps(rows[-1]), flush=True)
    o.out.mkdir(parents=True, exist_ok=True)
    (o.out / "seeds.json").write_text(json.dumps(rows) + "\n")
    (o.out / "seeds.md").write_text(table(rows, o.seeds))
    print(table(rows, o.seeds))


def table(rows, seeds):
    lines = [f"Accuracy in per cent, mean of {seeds} seeds, each with its own split, the same for both sides. The difference "
             "is edge less Keras, with its standard error.", "",
             "| set | val edge | val Keras | difference | test edge | test Keras | difference |", "|---|---|---|---|---|---|---|"]
    for name in dict.fromkeys(r["set"] for r in rows):
        cells = []
        for part in ("val", "test"):
            edge, other = ([r[who][part] for r in rows if r["set"] == name] for who in ("edge", "keras"))
            apart = [a - b for a, b in zip(edge, other)]
            cells += [f"{statistics.fmean(edge):.1f}", f"{statistics.fmean(other):.1f}",
                      f"{statistics.fmean(apart):+.2f} ± {statistics.stdev(apart) / len(apart) ** 0.5:.2f}"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
