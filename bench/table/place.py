"""Where everything is: programs, stacks, sets, weights, and folders to make more in."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import process

HERE = pathlib.Path(__file__).resolve().parent
THEIRS = HERE / "theirs"
REFERENCE = HERE.parent / "keras/reference.py"


class Place:
    """What the rows need to know. Folders made here go when the driver ends.

    sets are the names of the sets, of which --quick takes a part; rounds is how
    often each side runs; records are of all that ran in turns, for who takes them.
    """

    def __init__(self, o, scratch):
        self.edge, self.alone, self.deps, self.data, self.samples = (
            path.resolve() for path in (o.edge, o.alone, o.deps, o.data, o.samples))
        self.scratch, self.rounds, self.quick = scratch, o.rounds, o.quick
        self.sets = [s for s in o.sets.split(",") if s]
        self.many = o.many or self.amount(100_000, 1_600)
        self.records = []
        self.threads = len(os.sched_getaffinity(0))
        weights = self.data / "weights"
        self.base = weights / "mobilenet_v2_1.0_128in_no_top_float32.tflite"
        self.keras_base = weights / "mobilenet_v2_1.0_224w_no_top.bnrecal.weights.h5"
        self.narrow_base = weights / "mobilenet_v2_0.35_224_no_top.weights.h5"

    def has_data(self):
        return self.base.exists()

    def amount(self, usual, quick):
        return quick if self.quick else usual

    # ---- processes

    def python(self, name, script, *arguments, stacks=(), env=None):
        """A side that runs a script with the packages of these stacks, the first before the others."""
        path = os.pathsep.join(str(self.deps / s) for s in stacks)
        return process.Side(name, [sys.executable, script, *arguments],
                            {"PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3", **(env or {})})

    def adapt(self, name, folder, *arguments, base=None, home=None, env=None):
        """A side that runs `edge adapt`: cold, with a new home every time, or warm in the one given."""
        command = [self.edge, "adapt", "--quiet", "--json", "--dir", folder, *(["--base", base] if base else []), *arguments]
        if home:
            return process.Side(name, command, {**homely(home), **(env or {})})
        return process.Side(name, command, env or {}, prepare=lambda: homely(self.fresh("cold")))

    def forward(self, name, base, images, threads=0):
        return process.Side(name, [self.alone, "forward", "--base", base, "--images", images, "--threads", threads])

    def work(self, side, number=1):
        """Runs a side that only prepares something, or measures what another one made."""
        return process.run(side, number)

    def alternate(self, *sides):
        """Runs the sides in turns, and records how long each run took. Returns the runs of each by name."""
        runs = process.alternate(list(sides), self.rounds)
        for name, of in runs.items():
            self.records.append({"side": name, **{key: [round(getattr(r, key), 4) for r in of] for key in ("seconds", "cpu", "peak_mib")}})
        return runs

    # ---- folders

    def fresh(self, name):
        """An empty folder; the one of that name before it goes."""
        folder = self.scratch / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def images(self, name, what, source, *arguments):
        """A folder of images that images.py makes, once."""
        folder = self.scratch / "images" / name
        if not folder.exists():
            part = folder.with_name(f"{name}.part")
            shutil.rmtree(part, ignore_errors=True)
            self.work(self.python(name, HERE / "images.py", what, "--dir", source, "--to", part, *map(str, arguments), stacks=["table"]))
            part.rename(folder)
        return folder

    def set(self, name):
        """A set's folder; with --quick a part of the set, as links."""
        whole = self.data / name
        if not self.quick:
            return whole
        part = self.scratch / "images" / f"{name}-quick"
        for split, each in (("train", 12), ("test", 4)):
            for label in sorted(p for p in (whole / split).iterdir() if p.is_dir()):
                (part / split / label.name).mkdir(parents=True, exist_ok=True)
                for path in sorted(label.iterdir())[:each]:
                    to = part / split / label.name / path.name
                    if not to.exists():
                        to.symlink_to(path)
        return part

    def int8(self):
        """The base as TensorFlow's converter makes it of int8, its ranges measured on the first set."""
        path = self.scratch / "mobilenet_v2_1.0_128_int8.tflite"
        if not path.exists():
            self.work(self.python("int8", THEIRS / "int8.py", "--weights", self.keras_base, "--dir", self.data / self.sets[0] / "train",
                                  "--out", path, stacks=["keras"]))
        return path


def homely(folder):
    """The variables that make edge keep all it keeps in a folder."""
    return {name: str(folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}


def split_of(generation, path):
    """Writes which images a generation was trained and measured on in the form that reference.py reads."""
    import csv

    split = {"train": [], "val": [], "test": []}
    with open(pathlib.Path(generation) / "samples.csv", newline="") as f:
        for row in csv.DictReader(f):
            split[row["split"]].append([row["path"], row["label"]])
    path.write_text(json.dumps(split))
    return path
