"""Classifies pictures with an exported SavedModel in TensorFlow.

Arguments: the folder, then pictures of the size of its input. Prints a JSON object: the labels of
its asset, and the row of scores of each picture.
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
del sys.path[0]  # this folder, whose litert.py is not the one that TensorFlow imports

import numpy as np
import tensorflow as tf
from PIL import Image

model = tf.saved_model.load(sys.argv[1])
pictures = np.stack([np.asarray(Image.open(path).convert("RGB"), np.float32) for path in sys.argv[2:]])
scores = model.signatures["serving_default"](image=tf.constant(pictures / np.float32(127.5) - 1))["scores"]
with open(os.path.join(sys.argv[1], "assets", "labels.txt"), encoding="utf-8") as labels:
    print(json.dumps({"labels": labels.read().splitlines(), "scores": scores.numpy().tolist()}))
