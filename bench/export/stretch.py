"""Measures what it costs that other programs stretch pictures by other rules than edge does.

Exported models give edge's scores for pictures of their own size (a test holds that); larger ones are
made smaller by whoever runs the model. For each set and base this adapts a head, and classifies the test
images as they are with `edge eval`, with MediaPipe Tasks' ImageClassifier, and as Frigate's custom
classification does: OpenCV stretches to 224x224, bytes in, bytes out.

    PYTHONPATH=.deps/python:.deps/mediapipe python3 bench/export/stretch.py --edge bin/edge --data ../shared/data --out bench/results
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import cv2
import mediapipe as mp
from ai_edge_litert.interpreter import Interpreter
from mediapipe.tasks.python import BaseOptions, vision

SETS = ["grocery10", "sign_digits10", "imagenette10"]


def pictures(folder):
    for path in sorted(folder.glob("*/*")):
        image = cv2.imread(str(path))
        if image is not None:
            yield path.parent.name, cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def accuracy(folder, classify):
    right = [label == classify(image) for label, image in pictures(folder)]
    return 100 * sum(right) / len(right)


def by_mediapipe(model, folder):
    options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=str(model)), max_results=1)
    with vision.ImageClassifier.create_from_options(options) as classifier:
        def classify(image):
            answer = classifier.classify(mp.Image(image_format=mp.ImageFormat.SRGB, data=image))
            return answer.classifications[0].categories[0].category_name
        return accuracy(folder, classify)


def by_frigate(exported, folder):
    labels = (exported / "labelmap.txt").read_text().splitlines()
    model = Interpreter(str(exported / "model.tflite"), num_threads=2)
    model.allocate_tensors()
    inp, out = model.get_input_details()[0]["index"], model.get_output_details()[0]["index"]

    def classify(image):
        model.set_tensor(inp, cv2.resize(image, (224, 224))[None])
        model.invoke()
        return labels[int(model.get_tensor(out)[0].argmax())]
    return accuracy(folder, classify)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edge", required=True)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    args = parser.parse_args()
    bases = {"embedded": [], "MobileNetV2 1.0": ["--base", str(args.data / "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite")]}
    lines = [
        "# What other programs' stretching costs", "",
        "Test accuracy in per cent, one seed: the same generation, run by edge, by MediaPipe Tasks, and as Frigate does.", "",
        "| set | base | edge eval | MediaPipe | as Frigate does |", "|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)

        def edge(*command):
            return subprocess.run([args.edge, *command, "--quiet", "--store", str(work / "store")], check=True, capture_output=True).stdout

        for name in SETS:
            test = args.data / name / "test"
            for base, flags in bases.items():
                edge("adapt", "--dir", str(args.data / name / "train"), *flags)
                ours = 100 * json.loads(edge("eval", "--dir", str(test), "--json"))["measures"]["accuracy"]
                edge("export", "--force", "--out", str(work / "model.tflite"))
                edge("export", "--force", "--format", "frigate", "--out", str(work / "frigate"))
                row = [ours, by_mediapipe(work / "model.tflite", test), by_frigate(work / "frigate", test)]
                lines.append(f"| {name} | {base} | " + " | ".join(f"{x:.1f}" for x in row) + " |")
                print(lines[-1])
    (args.out / "export.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
