"""Writes golden.json: what the Python LiteRT interpreter computes with the
models of this folder. Needs ai-edge-litert 2.1.6 and numpy; run it here:

    PYTHONPATH=$EDGE_PYTHONPATH python3 make_golden.py
"""

import json
import pathlib

import numpy as np

import litert

HERE = pathlib.Path(__file__).parent
ITEMS = 4
MODELS = """float32 float16_weights dynamic_range int8 uint8 map map_int8 open_batch batch4
fixed_batch merged_batch grey vector rank5 computed_shape float16_io bytes""".split()


def ramp(n):
    """The inputs: n values in [-1,1] that look random enough."""
    k = (np.arange(n) * 37 + 11) % 256
    return k.astype(np.float32) / np.float32(127.5) - np.float32(1)


def entry(name):
    path = str(HERE / f"{name}.tflite")
    size = litert.item_size(path)
    values = ramp(ITEMS * size)
    if name == "bytes":
        values = (values + 1) * 100
    y = litert.run(path, values)
    entry = {"per_item": size, "output": y.reshape(ITEMS, -1).tolist()}
    if name.startswith("map"):
        entry["features"] = y.mean(axis=(1, 2)).tolist()
    return entry


def compact(value):
    return json.loads(json.dumps(value), parse_float=lambda text: float(f"{float(text):.9g}"))


golden = {name: compact(entry(name)) for name in MODELS}
text = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in golden.items())
(HERE / "golden.json").write_text("{\n" + text + "\n}\n")
