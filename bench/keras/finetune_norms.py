"""Why the second phase as written falls: the same weights, measured under other statistics.

    python finetune_norms.py --data ../shared/data --out bench/results RUN…

A RUN is a folder that `finetune.py --bn batch --save RUN` wrote. For both of
its phases the accuracy is measured with the moving averages that inference
uses, and again after those averages were replaced by the training images' own
statistics, which are what the network saw while training. Beside it: how far
the first unfrozen normalisation's moving mean lies from the training images'
mean there, which training does not change, since nothing below it trains; and
how far the features move when one statistic is put in the other's place.

Then the second phase is run anew from the first's weights, with normalisation
put in so that it computes the same function but starts from the training
images' own statistics.

Writes finetune-norms.json and finetune-norms.md into --out.
"""

import argparse
import json
import pathlib

from finetune import network, phase, unfreeze
from finetune_sweep import Images, above, frontier
from reference import BATCH, SPLITS, given

import keras
import numpy as np

MOMENTUM = 0.999  # of keras.applications' MobileNetV2


def options():
    here = pathlib.Path(__file__).resolve().parent
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--data", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--weights", type=pathlib.Path,
                   default=here.parents[2] / "shared/data/weights/mobilenet_v2_1.0_224w_no_top.bnrecal.weights.h5")
    p.add_argument("runs", nargs="+", type=pathlib.Path)
    return p.parse_args()


def accuracy(model, images):
    return {name: float((model.predict(images.arrays[name], batch_size=BATCH, verbose=0).argmax(1)
                         == images.numbers[name]).mean()) for name in images.numbers}


def recalibrate(top, norms, arrays):
    """Makes the moving averages of norms the means over all batches.

    The batches are drawn at random: in order they would be of one class each.
    """
    order = np.random.default_rng(1).permutation(len(arrays[0]))
    for seen in range(0, len(order), BATCH):
        batch = [a[order[seen:seen + BATCH]] for a in arrays]
        for norm in norms:
            norm.momentum = seen / (seen + len(batch[0]))
        top(batch, training=True)


def distance(norm, mean):
    """Returns the mean over channels of |norm's moving mean - mean| in standard deviations."""
    deviation = np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    return float((np.abs(norm.moving_mean.numpy() - mean) / deviation).mean())


def restate(cut, norms, arrays):
    """Makes the moving averages of norms what they receive in inference, and gamma and beta what keeps the function."""
    made = keras.Model(cut, [norm.output for norm in norms]).predict(arrays, batch_size=BATCH, verbose=0)
    for norm, y in zip(norms, made):
        # y = factor * (x - moving mean) + beta, and it is x whose moments are wanted.
        factor = norm.gamma.numpy() / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
        mean, variance = y.mean((0, 1, 2), dtype=np.float64), y.var((0, 1, 2), dtype=np.float64) / factor**2
        norm.moving_mean.assign(norm.moving_mean.numpy() + (mean - norm.beta.numpy()) / factor)
        norm.moving_variance.assign(variance)
        norm.gamma.assign(factor * np.sqrt(variance + norm.epsilon))
        norm.beta.assign(mean)


def examine(run, root, weights):
    result = json.loads((run / "result.json").read_text())
    labels, split = given(root / result["data"], run / "split.json")
    keras.backend.clear_session()
    base, model = network(len(labels), weights)
    count = result["phases"][1]["unfrozen"]
    unfreeze(base, count, norms=True)
    norms = [layer for layer in base.layers if layer.trainable and isinstance(layer, keras.layers.BatchNormalization)]
    cut = frontier(base, count)
    fed = Images(split).through(keras.Model(base.input, cut))
    top, whole = keras.Model(cut, base.output), above(base, model, cut)
    row = {"data": result["data"], "seed": result["seed"],
           "steps": len(result["phases"][1]["history"]) * -(-len(split["train"]) // BATCH), "phases": []}

    def features():
        return top.predict(fed.arrays["val"], batch_size=BATCH, verbose=0).mean((1, 2))

    for number in (1, 2):
        model.load_weights(run / f"phase{number}.weights.h5")
        moving, mean, before = accuracy(whole, fed), norms[0].moving_mean.numpy(), features()
        recalibrate(top, norms, fed.arrays["train"])
        moved = np.linalg.norm(features() - before, axis=1) / np.linalg.norm(before, axis=1)
        row["phases"].append({"moving": moving, "own": accuracy(whole, fed),
                              "mean_distance": distance(norms[0], mean), "features_moved": float(moved.mean())})
    model.load_weights(run / "phase1.weights.h5")
    for norm in norms:
        norm.momentum = MOMENTUM
    restate(cut, norms, fed.arrays["train"])
    restated = accuracy(whole, fed)
    second = phase(whole, fed.draw, 1e-4, 5, result["seed"] + 2)
    row["restated"] = [restated, {name: second[name]["accuracy"] for name in fed.numbers}]
    return row


def table(rows):
    lines = ["| set | weights after | moving averages: train | val | test | the set's own: train | val | test | distance of means | features move by |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        for i, p in enumerate(row["phases"], start=1):
            cells = [row["data"], f"phase {i}"]
            cells += [f"{100 * p[which][name]:.1f}" for which in ("moving", "own") for name in SPLITS]
            cells += [f"{p['mean_distance']:.3f}", f"{100 * p['features_moved']:.0f} %"]
            lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| set | the function restated, phase 1: train | val | test | phase 2 from there: train | val | test |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        lines.append(f"| {row['data']} | " + " | ".join(f"{100 * measured[name]:.1f}" for measured in row["restated"] for name in SPLITS) + " |")
    return "\n".join(lines) + "\n"


def main():
    o = options()
    rows = [examine(run, o.data, o.weights) for run in o.runs]
    o.out.mkdir(parents=True, exist_ok=True)
    (o.out / "finetune-norms.json").write_text(json.dumps(rows, indent=1) + "\n")
    (o.out / "finetune-norms.md").write_text(
        "The same weights under two statistics in the unfrozen layers, per cent. Distance of means: at the first unfrozen\n"
        "normalisation, mean over channels, in standard deviations. Features: length of the change over their own, on val.\n\n"
        + table(rows))
    print(table(rows))


if __name__ == "__main__":
    main()
