"""Compares `edge adapt --recipe seed` with the Keras reference, split by split.

    python compare.py --edge bin/edge --data ../shared/data --out bench/results

For each set and seed edge chooses a split and trains; reference.py then trains
on exactly that split with the same weights. Both are whole processes, one
after the other; edge starts without any cached features and then runs again
with them. Writes accuracy.md and accuracy.json into --out.
"""

import argparse
import csv
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


def options():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--edge", type=pathlib.Path, required=True)
    p.add_argument("--data", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--sets", default="grocery10,sign_digits10,imagenette10")
    p.add_argument("--seeds", default="1,2,3")
    return p.parse_args()


def whole_process(command, env):
    """Runs command; returns the JSON object on its last line, and seconds."""
    start = time.monotonic()
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1]), time.monotonic() - start


def split_of(generation, path):
    """Writes edge's receipt in the form that reference.py reads."""
    split = {"train": [], "val": [], "test": []}
    with open(pathlib.Path(generation) / "samples.csv", newline="") as f:
        for row in csv.DictReader(f):
            split[row["split"]].append([row["path"], row["label"]])
    path.write_text(json.dumps(split))


def fewer(images, count, seed):
    """Returns count images of each class, chosen by seed; an image is a pair of its path and its class."""
    rng = random.Random(seed)
    kept = []
    for number in sorted({n for _, n in images}):
        kept += rng.sample(sorted(i for i in images if i[1] == number), count)
    return kept


def compare(o, name, seed, scratch):
    data = o.data / name
    env = dict(os.environ, XDG_DATA_HOME=str(scratch), XDG_CACHE_HOME=str(scratch), HOME=str(scratch))
    adapt = [str(o.edge), "adapt", "--quiet", "--json", "--recipe", "seed", "--seed", str(seed), "--dir", str(data),
             "--base", str(o.data / "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite")]
    ours, cold = whole_process(adapt, env)
    _, warm = whole_process(adapt, env)
    split = scratch / "split.json"
    split_of(ours["path"], split)
    theirs, keras = whole_process([sys.executable, str(HERE / "reference.py"), "--data", str(data), "--seed", str(seed),
                                   "--split", str(split)], dict(os.environ))
    row = {"set": name, "seed": seed,
           "seconds": {"edge_cold": cold, "edge_warm": warm, "keras": keras},
           "peak_rss_mib": {"edge": ours["peak_rss_mib"], "keras": theirs["peak_rss_mib"]}}
    for part in ("train", "val", "test"):
        row[part] = {"edge": 100 * ours[part]["accuracy"], "keras": 100 * theirs[part]["accuracy"]}
    print(json.dumps(row), flush=True)
    return row


def table(rows):
    def mean(of, *keys):
        values = []
        for row in of:
            for key in keys:
                row = row[key]
            values.append(row)
        return statistics.fmean(values)

    lines = ["| set | val edge | val Keras | test edge | test Keras | train edge | train Keras | Keras / edge cold | Keras / edge warm | cold / warm | memory Keras / edge |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    for name in dict.fromkeys(r["set"] for r in rows):
        of = [r for r in rows if r["set"] == name]
        cells = [f"{mean(of, part, who):.1f}" for part in ("val", "test", "train") for who in ("edge", "keras")]
        s = {k: statistics.median(r["seconds"][k] for r in of) for k in of[0]["seconds"]}
        cells += [f"{s['keras'] / s['edge_cold']:.1f}x", f"{s['keras'] / s['edge_warm']:.1f}x", f"{s['edge_cold'] / s['edge_warm']:.1f}x",
                  f"{mean(of, 'peak_rss_mib', 'keras') / mean(of, 'peak_rss_mib', 'edge'):.1f}x"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    o = options()
    rows = []
    for name in o.sets.split(","):
        for seed in o.seeds.split(","):
            with tempfile.TemporaryDirectory() as scratch:
                rows.append(compare(o, name, int(seed), pathlib.Path(scratch)))
    o.out.mkdir(parents=True, exist_ok=True)
    (o.out / "accuracy.json").write_text(json.dumps(rows, indent=1) + "\n")
    seeds = len(o.seeds.split(","))
    (o.out / "accuracy.md").write_text(
        f"Accuracy in per cent, mean of {seeds} seeds on the same splits; times of whole processes as ratios of medians.\n\n" + table(rows))
    print(table(rows))


if __name__ == "__main__":
    main()
