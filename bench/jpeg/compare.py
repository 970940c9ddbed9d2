"""Compares the two JPEG decoders by what comes of them: accuracy, scores and processor time.

For each set and recipe a head is adapted with Go's decoder and with libjpeg-turbo, for several seeds; the
heads that Go's pixels trained are then asked about the test images through both, as they are and, some of
them, blown up to 12 megapixels, where libjpeg-turbo decodes at a reduced scale.

    PYTHONPATH=.deps/table python3 bench/jpeg/compare.py --edge bin/edge --data ../shared/data --out bench/results [--seeds 8]
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import tempfile

from PIL import Image

SETS = ["grocery10", "sign_digits10", "imagenette10"]
RECIPES = {"default": [], "seed": ["--recipe", "seed"]}
DECODERS = {"Go": "go", "libjpeg-turbo": ""}
BASE = "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite"
LARGE = 40  # images of a set that are blown up


class Edge:
    """The command, with a store and a cache of its own for each decoder, set and recipe."""

    def __init__(self, program, home):
        self.program, self.home = program, home

    def run(self, decoder, place, *arguments):
        """Returns the lines of JSON that it prints, and its processor time in seconds."""
        home = self.home / place
        home.mkdir(parents=True, exist_ok=True)
        env = dict(os.environ, HOME=home, XDG_DATA_HOME=home, XDG_CACHE_HOME=home, EDGE_JPEG=DECODERS[decoder])
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([self.program, *arguments], env=env, stdout=subprocess.PIPE, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        time = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return [json.loads(line) for line in done.stdout.splitlines()], time

    def adapt(self, decoder, place, folder, base, seed, recipe):
        lines, time = self.run(decoder, place, "adapt", "--dir", folder, "--base", base, "--seed", str(seed),
                               "--json", "--quiet", *recipe)
        return 100 * lines[-1]["test"]["accuracy"], time

    def scores(self, decoder, place, images):
        """Returns a dictionary of scores an image, and the time."""
        lines, time = self.run(decoder, place, "classify", "--json", "--top", "1000", *images)
        return [{row["label"]: row["score"] for row in line["top"]} for line in lines], time


def blown_up(images, folder):
    """Writes some of the images at 12 megapixels, as a phone has them."""
    folder.mkdir()
    step = max(1, len(images) // LARGE)
    for i, path in enumerate(images[::step][:LARGE]):
        image = Image.open(path).convert("RGB").resize((4032, 3024), Image.Resampling.LANCZOS)
        image.save(folder / f"{i}.jpg", quality=90)
    return sorted(folder.iterdir())


def apart(pairs):
    """How far scores are apart: the largest, the 99th of 100, the mean; and how many images change class."""
    largest = sorted(max(abs(a[k] - b[k]) for k in a) for a, b in pairs)
    every = [abs(a[k] - b[k]) for a, b in pairs for k in a]
    flips = sum(max(a, key=a.get) != max(b, key=b.get) for a, b in pairs)
    return {"images": len(largest), "largest": largest[-1], "p99": largest[int(0.99 * len(largest))],
            "mean": statistics.mean(every), "flips": flips}


def compare(edge, name, recipe, folder, base, seeds, home):
    row = {"set": name, "recipe": recipe, "accuracy": {}, "adapt_s": {}}
    for decoder in DECODERS:
        runs = [edge.adapt(decoder, f"{name}-{recipe}-{decoder}", folder, base, seed, RECIPES[recipe])
                for seed in range(1, seeds + 1)]
        row["accuracy"][decoder] = [accuracy for accuracy, _ in runs]
        row["adapt_s"][decoder] = runs[0][1]  # the first has no cache to read
    images = sorted((folder / "test").glob("*/*"))
    place = f"{name}-{recipe}-Go"
    for size, paths in {"as they are": images, "12 megapixels": blown_up(images, home / f"{name}-{recipe}")}.items():
        (a, slow), (b, fast) = (edge.scores(decoder, place, paths) for decoder in DECODERS)
        row[size] = apart(list(zip(a, b, strict=True))) | {"go_s": slow, "turbo_s": fast}
    return row


def table(rows):
    """Returns the rows as Markdown."""
    out = ["# JPEG decoders", "", "Made by `make bench-jpeg`. Test accuracy in per cent, mean over seeds with the "
           "spread of one; the difference with its standard error. Scores of one head, asked through both decoders: "
           "how far apart the largest is, the 99th of 100 images, and all on average, of 1. Processor time in seconds.", "",
           "| set, recipe | Go | libjpeg-turbo | difference | adapting cold, Go | libjpeg-turbo |",
           "|---|---|---|---|---|---|"]
    for r in rows:
        go, turbo = r["accuracy"].values()
        gaps = [b - a for a, b in zip(go, turbo)]
        spread = statistics.stdev(gaps) if len(gaps) > 1 else float("nan")
        out.append(f"| {r['set']}, {r['recipe']} | {statistics.mean(go):.2f} ± {statistics.pstdev(go):.2f} | "
                   f"{statistics.mean(turbo):.2f} ± {statistics.pstdev(turbo):.2f} | "
                   f"{statistics.mean(gaps):+.2f} ± {spread / len(gaps) ** 0.5:.2f} | "
                   f"{r['adapt_s']['Go']:.1f} | {r['adapt_s']['libjpeg-turbo']:.1f} |")
    out += ["", "| set, recipe | images | number | largest | 99 % | mean | other class | classifying, Go | libjpeg-turbo |",
            "|---|---|---|---|---|---|---|---|---|"]
    for r in rows:
        for size in ("as they are", "12 megapixels"):
            s = r[size]
            out.append(f"| {r['set']}, {r['recipe']} | {size} | {s['images']} | {s['largest']:.4f} | {s['p99']:.4f} | "
                       f"{s['mean']:.5f} | {s['flips']} | {s['go_s']:.1f} | {s['turbo_s']:.1f} |")
    return "\n".join(out) + "\n"


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--edge", type=pathlib.Path, required=True)
    p.add_argument("--data", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--seeds", type=int, default=8)
    o = p.parse_args()
    with tempfile.TemporaryDirectory() as home:
        home = pathlib.Path(home)
        edge = Edge(o.edge.resolve(), home)
        version, _ = edge.run("libjpeg-turbo", "version", "version", "--json")
        if version[0]["jpeg"]["name"] != "libjpeg-turbo":
            raise SystemExit(f"there is no libjpeg-turbo to compare with: {version[0]['jpeg'].get('reason')}")
        rows = [compare(edge, name, recipe, o.data / name, o.data / BASE, o.seeds, home)
                for name in SETS for recipe in RECIPES]
    (o.out / "jpeg.json").write_text(json.dumps({"seeds": o.seeds, "rows": rows}, indent=1) + "\n")
    (o.out / "jpeg.md").write_text(table(rows))
    print(table(rows))


if __name__ == "__main__":
    main()
