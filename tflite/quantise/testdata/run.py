"""Runs each model given with Python's LiteRT, item by item: the float32 values
in MODEL.in become those in MODEL.out, both little-endian.

usage: run.py MODEL...    (with tflite/testdata on the path, for litert.py)
"""

import sys

import litert
import numpy as np

for model in sys.argv[1:]:
    litert.run(model, np.fromfile(model + ".in", "<f4")).astype("<f4").tofile(model + ".out")
