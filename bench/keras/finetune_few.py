"""Recipes of edge finetune beside each other where images are few.

    python finetune_few.py --trainer bin/edge-trainer --data ../shared/data --out bench/results

For each case SET:N and seed, edge divides the whole set; N training images a
class are kept, chosen by seed, and validation and test stay whole, so that a
case is finetune_sweep.py's with the same name. The folders are links. Each
recipe, a string of flags, runs as a whole process.

Writes finetune-few.jsonl, an object a run, into --out, skips the runs that it
holds already, and finetune-few.md, the means over the seeds. Standard library only.
"""

import argparse
import json
import os
import pathlib
import shlex
import statistics
import tempfile

from compare import fewer, split_of, whole_process

SPLITS = ("train", "val", "test")
CASES = "grocery10:10,grocery10:20,imagenette10:10,imagenette10:20"


def options():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--trainer", type=pathlib.Path, required=True)
    p.add_argument("--data", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--base", type=pathlib.Path, help="default: MobileNetV2 1.0 at 128 px in --data/weights")
    p.add_argument("--cases", default=CASES)
    p.add_argument("--seeds", default="1,2,3")
    p.add_argument("--recipe", action="append", dest="recipes", metavar="FLAGS",
                   help='may be given several times, such as "generalise --dropout 0.7"; default: seed, generalise')
    p.add_argument("--link", type=pathlib.Path, metavar="DIR", help="only make the folders of the cases here, SET-N-SEED, and train nothing")
    o = p.parse_args()
    o.base = o.base or o.data / "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite"
    o.recipes = o.recipes or ["seed", "generalise"]
    return o


def divide(o, name, seed, scratch, env):
    """Returns the split that edge chooses: lists of [path, label]."""
    receipt, _ = whole_process([str(o.trainer.resolve()), "adapt", "--quiet", "--json", "--recipe", "seed", "--seed", str(seed),
                                "--dir", str(o.data / name)], env)
    path = scratch / "split.json"
    split_of(receipt["path"], path)
    return json.loads(path.read_text())


def link(split, data, folder):
    """Makes folder a set of links into data."""
    for part in SPLITS:
        for path, label in split[part]:
            to = folder / part / label / path.replace("/", "-")
            to.parent.mkdir(parents=True, exist_ok=True)
            to.symlink_to((data / path).resolve())


def score(outcome, part):
    return {k: outcome[part][k] for k in ("accuracy", "loss")}


def met(epoch):
    """Training as it met it: what Keras' history holds, running over the epoch, with dropout, on changed pictures."""
    return {k: epoch[k] for k in ("accuracy", "loss")}


def finetune(o, folder, recipe, seed, out, env):
    command = [str(o.trainer.resolve()), "finetune", "--quiet", "--json", "--dir", str(folder), "--base", str(o.base),
               "--seed", str(seed), "--out", str(out), "--recipe", *shlex.split(recipe)]
    done, seconds = whole_process(command, env)
    heads = done["phases"][0]["epochs"]
    before, after = done["history"][heads - 1], done["history"][done["best_epoch"] - 1]
    return {
        "kept": done["best_epoch"], "epochs": len(done["history"]), "seconds": seconds,
        "before": {"met": met(before), **{s: score(done["before"], s) for s in SPLITS}},
        "after": {"met": met(after), **{s: score(done["after"], s) for s in SPLITS}},
    }


def table(rows):
    """Keras' form first: training as met, validation, the gap between them; then what was measured clean."""
    lines = ["| set, images a class | recipe | train, as met | val | gap | train loss, as met | val loss | train, clean | gap, clean | test | test loss | kept epoch | seconds |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for case in dict.fromkeys((r["set"], r["images_per_class"]) for r in rows):
        of_case = [r for r in rows if (r["set"], r["images_per_class"]) == case]
        for recipe in dict.fromkeys(r["recipe"] for r in of_case):
            of = [r for r in of_case if r["recipe"] == recipe]
            columns = ([("phase 1", "before")] if recipe == of_case[0]["recipe"] else []) + [(recipe, "after")]
            for name, when in columns:
                def mean(part, what):
                    return statistics.fmean(r[when][part][what] for r in of)
                a = {p: 100 * mean(p, "accuracy") for p in ("met", *SPLITS)}
                cells = [f"{case[0]}, {case[1]}", name, f"{a['met']:.1f}", f"{a['val']:.1f}", f"{a['met'] - a['val']:.1f}",
                         f"{mean('met', 'loss'):.2f}", f"{mean('val', 'loss'):.2f}", f"{a['train']:.1f}", f"{a['train'] - a['val']:.1f}",
                         f"{a['test']:.1f}", f"{mean('test', 'loss'):.2f}",
                         "" if when == "before" else f"{statistics.fmean(r['kept'] for r in of):.0f}",
                         "" if when == "before" else f"{statistics.fmean(r['seconds'] for r in of):.0f}"]
                lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    o = options()
    o.out.mkdir(parents=True, exist_ok=True)
    results = o.out / "finetune-few.jsonl"
    rows = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    done = {(r["set"], r["images_per_class"], r["seed"], r["recipe"]) for r in rows}
    for case in o.cases.split(","):
        name, images = case.split(":")
        for seed in map(int, o.seeds.split(",")):
            left = [r for r in o.recipes if (name, int(images), seed, r) not in done]
            if not left and not o.link:
                continue
            with tempfile.TemporaryDirectory() as scratch:
                scratch = pathlib.Path(scratch)
                env = dict(os.environ, XDG_DATA_HOME=str(scratch), XDG_CACHE_HOME=str(scratch), HOME=str(scratch))
                split = divide(o, name, seed, scratch, env)
                split["train"] = fewer(split["train"], int(images), seed)
                if o.link:
                    link(split, o.data / name, o.link / f"{name}-{images}-{seed}")
                    continue
                link(split, o.data / name, scratch / "few")
                for i, recipe in enumerate(left):
                    run = {"set": name, "images_per_class": int(images), "seed": seed, "recipe": recipe,
                           "images": {s: len(split[s]) for s in SPLITS},
                           **finetune(o, scratch / "few", recipe, seed, scratch / f"out{i}", env)}
                    rows.append(run)
                    with open(results, "a") as f:
                        f.write(json.dumps(run) + "\n")
                    print(table([run]).splitlines()[-1], flush=True)
    if o.link:
        return
    (o.out / "finetune-few.md").write_text(
        "edge finetune on few images a class (finetune_few.py): accuracies in per cent, means of seeds "
        f"{', '.join(map(str, sorted({r['seed'] for r in rows})))}. \"As met\" is Keras' history: running over the kept epoch, with dropout, on the pictures as the recipe changed them; "
        "\"clean\" is measured afterwards, on the pictures as they are. Gaps are train less val, in points.\n\n" + table(rows))


if __name__ == "__main__":
    main()
