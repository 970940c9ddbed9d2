"""Talks to a server with NVIDIA's client, as its users do, and prints what it got as one JSON object.

    python triton.py ADDRESS TOKEN FOLDER

FOLDER holds red.png, green.png and blue.png. The model lamps reads 8x8 pixels.
"""

import json
import pathlib
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

COLOURS = ("red", "green", "blue")


def pixels(*colours):
    a = np.zeros((len(colours), 8, 8, 3), np.float32)
    for i, c in enumerate(colours):
        a[i, :, :, COLOURS.index(c)] = 1
    return a


def text(element):
    return element if isinstance(element, str) else element.decode()


def tensor(name, data, datatype, binary=True):
    t = triton.InferInput(name, list(data.shape), datatype)
    t.set_data_from_numpy(data, binary_data=binary)
    return t


def main():
    address, token, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    headers = {"Authorization": "Bearer " + token}
    client = triton.InferenceServerClient(address)
    got = {
        "live": client.is_server_live(headers), "ready": client.is_server_ready(headers),
        "model": client.is_model_ready("lamps", headers=headers), "version": client.is_model_ready("lamps", "1", headers=headers),
        "nobody": client.is_model_ready("nobody", headers=headers),
        "server": client.get_server_metadata(headers), "metadata": client.get_model_metadata("lamps", headers=headers),
    }

    def infer(inputs, **more):
        return client.infer("lamps", inputs, headers=dict(headers), **more)  # which it writes into

    def labels(result):
        return [COLOURS[i] for i in result.as_numpy("scores").argmax(axis=1)], [text(b) for b in result.as_numpy("label")]

    got["binary"] = labels(infer([tensor("pixels", pixels("red", "blue"), "FP32")]))
    got["json"] = labels(infer([tensor("pixels", pixels("green"), "FP32", binary=False)]))
    image = np.zeros((1, 30, 50, 3), np.uint8)
    image[..., 2] = 255
    got["image"] = labels(infer([tensor("image", image, "UINT8")]))
    files = np.array([(folder / f"{c}.png").read_bytes() for c in COLOURS], np.object_)
    got["encoded"] = labels(infer([tensor("encoded", files, "BYTES")]))
    for binary in (True, False):
        outputs = [triton.InferRequestedOutput(n, binary_data=binary) for n in ("label", "scores")]
        result = infer([tensor("pixels", pixels("blue", "green"), "FP32")], outputs=outputs, request_id="mine")
        got["outputs binary" if binary else "outputs json"] = labels(result)
        got["response"] = {k: result.get_response()[k] for k in ("id", "model_name", "model_version")}
    classes = infer([tensor("pixels", pixels("green"), "FP32")], outputs=[triton.InferRequestedOutput("scores", class_count=2)])
    got["classes"] = [text(b) for b in classes.as_numpy("scores").flatten()]
    got["async"] = labels(client.async_infer("lamps", [tensor("pixels", pixels("red"), "FP32")], headers=dict(headers)).get_result())
    try:
        infer([tensor("pixels", np.zeros((1, 4, 4, 3), np.float32), "FP32")])
    except InferenceServerException as e:
        got["error"] = [e.status(), e.message()]
    try:
        client.infer("lamps", [tensor("pixels", pixels("red"), "FP32")])
    except InferenceServerException as e:
        got["no token"] = e.status()
    print(json.dumps(got))


if __name__ == "__main__":
    main()
