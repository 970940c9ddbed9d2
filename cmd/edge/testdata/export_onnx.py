"""Classifies pictures with an exported model in ONNX Runtime.

Arguments: the model, then pictures of the size of its input. The pictures are normalised as the
model's own properties say, and run together. Prints a JSON object: the labels and the range that
the model states, and the row of scores of each picture.
"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
properties = session.get_modelmeta().custom_metadata_map
mean, std = (np.float32(json.loads(properties[name])) for name in ("mean", "std"))
pictures = np.stack([np.asarray(Image.open(path).convert("RGB"), np.float32) for path in sys.argv[2:]])
(scores,) = session.run(["scores"], {"image": (pictures - mean) / std})
print(json.dumps({
    "labels": json.loads(properties["labels"]),
    "range": properties["Image.NominalPixelRange"],
    "scores": scores.tolist(),
}))
