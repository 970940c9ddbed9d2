"""Runs models with the LiteRT interpreter.

usage: run.py PICTURE MODEL...

PICTURE holds one picture as little-endian float32. Output i of MODEL is written
to MODEL.i in the same form.
"""

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

picture = np.fromfile(sys.argv[1], "<f4")
for model in sys.argv[2:]:
    interpreter = Interpreter(model, num_threads=1)
    interpreter.allocate_tensors()
    (inlet,) = interpreter.get_input_details()
    interpreter.set_tensor(inlet["index"], picture.reshape(inlet["shape"]))
    interpreter.invoke()
    for i, outlet in enumerate(interpreter.get_output_details()):
        interpreter.get_tensor(outlet["index"]).astype("<f4").tofile(f"{model}.{i}")
