"""The other side of the serving benchmark: LiteRT behind FastAPI, as small as one would write it.

    python litert_server.py --base BASE --head HEAD --labels LABELS --port PORT --threads N

POST /predict   a JPEG as the body          -> {"label": …, "score": …}
POST /infer     float32 [n, H, W, 3], raw   -> float32 [n, classes], raw
"""

import argparse
import io
import threading

import numpy as np
import uvicorn
from ai_edge_litert.interpreter import Interpreter
from fastapi import FastAPI, Request, Response
from PIL import Image
from starlette.concurrency import run_in_threadpool


class Classifier:
    """One interpreter a thread, since an interpreter serves one call at a time."""

    def __init__(self, base, head, threads):
        self.paths, self.threads, self.local = (base, head), threads, threading.local()

    def interpreters(self):
        if not hasattr(self.local, "made"):
            self.local.made = [Interpreter(model_path=p, num_threads=self.threads) for p in self.paths]
            for i in self.local.made:
                i.allocate_tensors()
        return self.local.made

    def features_to_scores(self, features):
        head = self.interpreters()[1]
        head.set_tensor(head.get_input_details()[0]["index"], features)
        head.invoke()
        return head.get_tensor(head.get_output_details()[0]["index"])

    def scores(self, pixels):
        base = self.interpreters()[0]
        rows = []
        for picture in pixels:
            base.set_tensor(base.get_input_details()[0]["index"], picture[None])
            base.invoke()
            features = base.get_tensor(base.get_output_details()[0]["index"])
            if features.ndim == 4:
                features = features.mean(axis=(1, 2))
            rows.append(self.features_to_scores(features))
        return np.concatenate(rows)


def application(o):
    app = FastAPI()
    classifier = Classifier(o.base, o.head, o.threads)
    labels = open(o.labels).read().split("\n")
    shape = Interpreter(model_path=o.base).get_input_details()[0]["shape"]
    side = (int(shape[2]), int(shape[1]))

    def picture(body):
        image = Image.open(io.BytesIO(body)).convert("RGB").resize(side, Image.Resampling.BILINEAR)
        scores = classifier.scores(np.asarray(image, np.float32)[None] / 127.5 - 1)[0]
        best = int(scores.argmax())
        return {"label": labels[best], "score": float(scores[best])}

    def floats(body):
        return classifier.scores(np.frombuffer(body, np.float32).reshape(-1, side[1], side[0], 3)).tobytes()

    @app.post("/predict")
    async def predict(request: Request):
        return await run_in_threadpool(picture, await request.body())

    @app.post("/infer")
    async def infer(request: Request):
        return Response(await run_in_threadpool(floats, await request.body()), media_type="application/octet-stream")

    return app


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("base", "head", "labels"):
        p.add_argument(f"--{name}", required=True)
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--threads", type=int, default=1)
    o = p.parse_args()
    uvicorn.run(application(o), host="127.0.0.1", port=o.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
