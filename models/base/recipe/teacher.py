"""The teacher: MobileNetV2 alpha 1.0 through LiteRT, and its ImageNet classifier."""

import pathlib

import numpy as np
from ai_edge_litert.interpreter import Interpreter

MODEL = "mobilenet_v2_1.0_128in_no_top_float32.tflite"
HEAD = "imagenet_head_1001_dequantised.npz"
CHUNK = 8  # larger batches fall out of the cache


class Teacher:
    """Not safe for concurrent use."""

    def __init__(self, weights: pathlib.Path, threads: int):
        self.model = Interpreter(str(weights / MODEL), num_threads=threads)
        self.input = self.model.get_input_details()[0]["index"]
        self.output = self.model.get_output_details()[0]["index"]
        self.model.resize_tensor_input(self.input, [CHUNK, 128, 128, 3])
        self.model.allocate_tensors()

    def maps(self, pictures: np.ndarray) -> np.ndarray:
        """Returns float32 [n, 4, 4, 1280] for uint8 [n, 128, 128, 3]; n is a multiple of CHUNK."""
        out = np.empty((len(pictures), 4, 4, 1280), np.float32)
        for i in range(0, len(pictures), CHUNK):
            x = pictures[i:i + CHUNK].astype(np.float32)
            x /= 127.5
            x -= 1
            self.model.set_tensor(self.input, x)
            self.model.invoke()
            out[i:i + CHUNK] = self.model.get_tensor(self.output)
        return out


def head(weights: pathlib.Path):
    """Returns the classifier's kernel [1280, 1001] and bias [1001]."""
    with np.load(weights / HEAD) as z:
        return z["kernel"].astype(np.float32), z["bias"].astype(np.float32)
