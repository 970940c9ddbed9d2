"""What finetune.py ends at, for many sets, seeds, fractions and both modes of batch norm.

    python finetune_sweep.py --edge bin/edge --data ../shared/data --out bench/results

Accuracies only: what is frozen is computed once an image instead of once an
epoch, so the numbers are finetune.py's to float rounding at a small part of
the time. The splits are edge's, and equal what compare.py hands over.

A run is SET:FRACTION:IMAGES, where IMAGES is how many images a class are
trained on, or "every". Appends one JSON object a run to finetune-keras.jsonl in
--out, skips those that are there, and writes the means as finetune-keras.md.
"""

import argparse
import json
import os
import pathlib
import statistics
import tempfile

from compare import fewer, split_of, whole_process
from finetune import network, phase, unfreeze
from reference import BATCH, SPLITS, given, pixels

import keras
import numpy as np
import tensorflow as tf

MODES = ("batch", "frozen")
RUNS = ",".join([f"{s}:{f}:every" for f in (0.2, 0.1, 0.5) for s in ("grocery10", "sign_digits10", "imagenette10")]
                + [f"{s}:0.2:{n}" for s in ("grocery10", "imagenette10") for n in (10, 20)])


def options():
    here = pathlib.Path(__file__).resolve().parent
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--edge", type=pathlib.Path, required=True)
    p.add_argument("--data", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--weights", type=pathlib.Path,
                   default=here.parents[2] / "shared/data/weights/mobilenet_v2_1.0_224w_no_top.bnrecal.weights.h5")
    p.add_argument("--runs", default=RUNS)
    p.add_argument("--seeds", default="1,2,3")
    return p.parse_args()


def divide(o, name, seed):
    """Returns the split that edge chooses, as reference.given does."""
    with tempfile.TemporaryDirectory() as scratch:
        env = dict(os.environ, XDG_DATA_HOME=scratch, XDG_CACHE_HOME=scratch, HOME=scratch)
        receipt, _ = whole_process([str(o.edge), "adapt", "--quiet", "--json", "--recipe", "seed", "--seed", str(seed),
                                    "--dir", str(o.data / name)], env)
        path = pathlib.Path(scratch) / "split.json"
        split_of(receipt["path"], path)
        return given(o.data / name, path)


def frontier(base, unfrozen):
    """Returns the outputs of frozen layers that unfrozen ones read."""
    cut = len(base.layers) - unfrozen
    frozen = {id(layer.output) for layer in base.layers[:cut]}
    read = [t for layer in base.layers[cut:] for t in keras.tree.flatten(layer.input)]
    return list({id(t): t for t in read if id(t) in frozen}.values()) or [base.input]


class Images:
    """The pictures of a split, decoded, and what a frozen part made of them."""

    def __init__(self, split):
        self.numbers = {name: np.array([n for _, n in split[name]]) for name in SPLITS if split[name]}
        self.arrays = {name: [np.stack([pixels(p) for p, _ in split[name]])] for name in self.numbers}

    def through(self, model):
        made = object.__new__(Images)
        made.numbers, made.arrays = self.numbers, {}
        for name, arrays in self.arrays.items():
            out = model.predict(arrays[0], batch_size=BATCH, verbose=0)
            made.arrays[name] = out if isinstance(out, list) else [out]
        return made

    def draw(self, name, seed=None):
        if name not in self.numbers:
            return None
        d = tf.data.Dataset.from_tensor_slices((tuple(self.arrays[name]), self.numbers[name]))
        if seed is not None:
            d = d.shuffle(len(self.numbers[name]), seed=seed)
        return d.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def above(base, model, cut):
    """Returns the part of model that reads the tensors of cut, with the same layers and weights."""
    inputs = [keras.Input(t.shape[1:]) for t in cut]
    y = keras.Model(cut, base.output)(inputs) if cut[0] is not base.output else inputs[0]
    for layer in model.layers[2:]:
        y = layer(y)
    return keras.Model(inputs, y)


def runs(o, name, images, seed, fractions):
    """Yields the runs with one split: the first phase once, the second for each fraction and mode."""
    labels, split = divide(o, name, seed)
    if images:
        split["train"] = fewer(split["train"], images, seed)
    keras.utils.set_random_seed(seed)
    base, model = network(len(labels), o.weights)
    unfreeze(base, 0, norms=False)
    decoded = Images(split)
    head = above(base, model, [base.output])
    first = {"unfrozen": 0, **phase(head, decoded.through(base).draw, 1e-3, 5, seed + 1)}
    after = [v.numpy() for v in model.variables]
    for fraction in fractions:
        count = int(len(base.layers) * fraction)
        for v, value in zip(model.variables, after):
            v.assign(value)
        cut = frontier(base, count)
        fed = decoded.through(keras.Model(base.input, cut))
        for mode in MODES:
            for v, value in zip(model.variables, after):
                v.assign(value)
            unfreeze(base, count, norms=mode == "batch")
            second = {"unfrozen": count, **phase(above(base, model, cut), fed.draw, 1e-4, 5, seed + 2)}
            phases = [{k: v for k, v in p.items() if "seconds" not in k} for p in (first, second)]
            yield {"data": name, "seed": seed, "bn": mode, "unfreeze": fraction, "images_per_class": images,
                   "images": {s: len(split[s]) for s in SPLITS}, "phases": phases}


def key(run):
    return run["data"], run["unfreeze"], run["images_per_class"] or 0, run["seed"]


def table(rows):
    lines = ["| set | images a class | unfrozen | batch norm | seeds | train 1 | val 1 | test 1 | train 2 | val 2 | test 2 | gap 1 | gap 2 |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for which in dict.fromkeys((r["data"], r["images_per_class"], r["unfreeze"], r["bn"]) for r in rows):
        of = [r for r in rows if (r["data"], r["images_per_class"], r["unfreeze"], r["bn"]) == which]
        mean = [{s: 100 * statistics.fmean(r["phases"][i][s]["accuracy"] for r in of) for s in SPLITS} for i in (0, 1)]
        name, images, fraction, mode = which
        cells = [name, str(images or "every"), f"{100 * fraction:.0f} %", mode, str(len(of))]
        cells += [f"{m[s]:.1f}" for m in mean for s in SPLITS] + [f"{m['train'] - m['val']:.1f}" for m in mean]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    o = options()
    o.out.mkdir(parents=True, exist_ok=True)
    lines = o.out / "finetune-keras.jsonl"
    rows = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    for seed in map(int, o.seeds.split(",")):
        wanted = {}
        for run in o.runs.split(","):
            name, fraction, images = run.split(":")
            images = None if images == "every" else int(images)
            if (name, float(fraction), images or 0, seed) not in map(key, rows):
                wanted.setdefault((name, images), []).append(float(fraction))
        for (name, images), fractions in wanted.items():
            keras.backend.clear_session()
            for run in runs(o, name, images, seed, fractions):
                rows.append(run)
                with open(lines, "a") as f:
                    f.write(json.dumps(run) + "\n")
                print(table([run]).splitlines()[-1], flush=True)
    (o.out / "finetune-keras.md").write_text(
        "Keras' two phases (finetune.py, accuracies by finetune_sweep.py): per cent after the first and the second phase,\n"
        "in inference mode on whole splits, means of seeds; a gap is train less val.\n\n" + table(rows))


if __name__ == "__main__":
    main()
