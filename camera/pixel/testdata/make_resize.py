"""Makes resize.json and resize_aliased.json: what Pillow's BILINEAR and
tf.image.resize make of noise, in float, before any rounding. Needs pillow,
numpy and tensorflow.

    python3 make_resize.py

The noise is a linear congruential generator that the test repeats.
"""
import json
import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image

SIZES = [  # source width, height, target width, height
    (7, 5, 4, 3),
    (31, 17, 8, 8),
    (8, 8, 8, 8),
    (5, 4, 9, 7),
    (3, 3, 8, 2),
    (12, 2, 5, 6),
    (1, 1, 4, 4),
    (1, 40, 3, 7),
    (301, 1, 7, 3),
    (2, 500, 6, 5),
    (223, 149, 6, 7),
    (100, 100, 12, 12),
    (9, 9, 10, 8),
    (1001, 3, 1, 1),
]


def noise(n):
    state, out = 1, np.empty(n, np.uint8)
    for i in range(n):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = state >> 24
    return out


def pillow(pix, width, height):
    channels = [Image.fromarray(pix[..., c]).resize((width, height), Image.BILINEAR) for c in range(3)]
    return np.stack([np.asarray(c) for c in channels], -1)


def tensorflow(pix, width, height):
    return tf.image.resize(pix, (height, width), method="bilinear").numpy()


for name, resize in (("resize", pillow), ("resize_aliased", tensorflow)):
    cases = []
    for w, h, dw, dh in SIZES:
        values = resize(noise(w * h * 3).reshape(h, w, 3).astype(np.float32), dw, dh)
        cases.append({"size": [w, h], "to": [dw, dh], "values": [round(float(v), 3) for v in values.ravel()]})
    text = "[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n"
    (pathlib.Path(__file__).parent / f"{name}.json").write_text(text)
