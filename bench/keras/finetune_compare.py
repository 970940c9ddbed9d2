"""Compares `edge finetune --recipe seed` with finetune.py, split by split.

    python finetune_compare.py --trainer bin/edge-trainer --data ../shared/data --out bench/results

For each set, seed and mode of batch norm edge chooses a split and fine-tunes;
finetune.py then does so on exactly that split with the same weights. Both are
whole processes, one after the other, from pictures on disk. Keras' mode frozen
stands beside edge's folded. In mode batch edge measures its layers' first
statistics on pool/imagenet_sample.tar, pictures such as those that Keras' file
has them from.

edge keeps its best epoch, Keras its last: "last" is the last one's validation
on both sides, "kept" and "test" are what edge hands out. Times: the second
phase with what is computed for it alone (Keras: fit; edge: frozen layers,
training, checkpoints), and the whole process, for Keras less what measuring
took. Writes finetune.md and finetune.json into --out.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tarfile
import tempfile

from compare import HERE, split_of, whole_process

FOLDED = {"frozen": "folded", "batch": "batch"}


def options():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--trainer", type=pathlib.Path, required=True)
    p.add_argument("--data", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--sets", default="grocery10,sign_digits10,imagenette10")
    p.add_argument("--seeds", default="1,2,3")
    p.add_argument("--modes", default="frozen,batch")
    p.add_argument("--unfreeze", default="0.2")
    return p.parse_args()


def edge(o, name, seed, mode, scratch):
    """Runs edge; returns what it says, the split it chose, and seconds."""
    env = dict(os.environ, XDG_DATA_HOME=str(scratch), XDG_CACHE_HOME=str(scratch), HOME=str(scratch))
    command = [str(o.trainer), "finetune", "--quiet", "--json", "--recipe", "seed", "--seed", str(seed),
               "--dir", str(o.data / name), "--base", str(o.data / "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite"),
               "--unfreeze", o.unfreeze, "--bn", FOLDED[mode], "--out", str(scratch / "out")]
    if mode == "batch":
        with tarfile.open(o.data / "pool/imagenet_sample.tar") as tar:
            tar.extractall(scratch / "imagenet", filter="data")
        command += ["--bn-calibrate", str(scratch / "imagenet")]
    result, seconds = whole_process(command, env)
    split = scratch / "split.json"
    split_of(result["path"], split)
    return result, split, seconds


def keras(o, name, seed, mode, split):
    return whole_process([sys.executable, str(HERE / "finetune.py"), "--data", str(o.data / name), "--seed", str(seed),
                          "--split", str(split), "--unfreeze", o.unfreeze, "--bn", mode], dict(os.environ))


def compare(o, name, seed, mode, scratch):
    ours, split, whole = edge(o, name, seed, mode, scratch)
    theirs, their_whole = keras(o, name, seed, mode, split)
    first, second = theirs["phases"]
    row = {
        "set": name, "seed": seed, "bn": mode, "unfreeze": float(o.unfreeze),
        "whole_seconds": {"edge": whole, "keras": their_whole - theirs["seconds"]["measure"]},
        "second_seconds": {"edge": ours["seconds"]["prefix"] + ours["seconds"]["train"], "keras": second["seconds"]},
        "peak_rss_mib": {"edge": ours["peak_rss_mib"], "keras": theirs["peak_rss_mib"]},
        "first": {"edge": 100 * ours["before"]["val"]["accuracy"], "keras": 100 * first["val"]["accuracy"]},
        "last": {"edge": 100 * ours["history"][-1]["val_accuracy"], "keras": 100 * second["val"]["accuracy"]},
        "kept": 100 * ours["after"]["val"]["accuracy"],
        "first_test": {"edge": 100 * ours["before"]["test"]["accuracy"], "keras": 100 * first["test"]["accuracy"]},
        "test": {"edge": 100 * ours["after"]["test"]["accuracy"], "keras": 100 * second["test"]["accuracy"]},
    }
    print(json.dumps(row), flush=True)
    return row


def table(rows):
    lines = ["| set | batch norm | val, phase 1: edge | Keras | val, last: edge | Keras | val, kept: edge | test, phase 1: edge | Keras | test: edge | Keras | second phase, Keras / edge | whole, Keras / edge | memory, Keras / edge |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for name, mode in dict.fromkeys((r["set"], r["bn"]) for r in rows):
        of = [r for r in rows if (r["set"], r["bn"]) == (name, mode)]

        def both(measure):
            return [f"{statistics.fmean(r[measure][who] for r in of):.1f}" for who in ("edge", "keras")]

        def ratio(measure):
            edge, keras = (statistics.median(r[measure][who] for r in of) for who in ("edge", "keras"))
            return f"{keras / edge:.1f}x"

        cells = [name, mode, *both("first"), *both("last"), f"{statistics.fmean(r['kept'] for r in of):.1f}",
                 *both("first_test"), *both("test"), *map(ratio, ("second_seconds", "whole_seconds", "peak_rss_mib"))]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    o = options()
    rows = []
    for name in o.sets.split(","):
        for seed in o.seeds.split(","):
            for mode in o.modes.split(","):
                with tempfile.TemporaryDirectory() as scratch:
                    rows.append(compare(o, name, int(seed), mode, pathlib.Path(scratch)))
    o.out.mkdir(parents=True, exist_ok=True)
    (o.out / "finetune.json").write_text(json.dumps(rows, indent=1) + "\n")
    seeds = len(o.seeds.split(","))
    (o.out / "finetune.md").write_text(
        f"The last {100 * float(o.unfreeze):.0f} % of the layers fine-tuned; per cent, mean of {seeds} seeds on the same splits; ratios of medians.\n\n" + table(rows))
    print(table(rows))


if __name__ == "__main__":
    main()
