"""Reads the arrays that `alone features` writes, and says how a head came out."""

import argparse
import json
import pathlib

import numpy as np


def options(doc):
    p = argparse.ArgumentParser(description=doc.partition("\n")[0])
    p.add_argument("--arrays", type=pathlib.Path, required=True, metavar="DIR")
    p.add_argument("--epochs", type=int, default=5)
    p.add_argument("--seed", type=int, default=1)
    return p.parse_args()


def read(folder):
    """Returns the number of classes, and for each split features [n, F] as float32 and labels [n] as int32."""
    shape = json.loads((folder / "shape.json").read_text())
    splits = {name: (np.fromfile(folder / f"{name}.f32", "<f4").reshape(-1, shape["features"]), np.fromfile(folder / f"{name}.i32", "<i4"))
              for name in ("train", "val", "test")}
    return shape["classes"], splits


def answer(val, test, epoch_seconds):
    print(json.dumps({"val": float(val), "test": float(test), "epoch_seconds": epoch_seconds}))
