"""Classifies pictures with an exported model in MediaPipe Tasks' ImageClassifier.

Arguments: the model, then pictures. Prints a JSON object: what MediaPipe's reader of metadata finds,
and for each picture the score of each label.
"""

import json
import sys
import zipfile

import mediapipe as mp
from mediapipe.tasks.metadata import metadata_schema_py_generated as schema
from mediapipe.tasks.python import BaseOptions, vision

with open(sys.argv[1], "rb") as f:
    data = f.read()
metadata = schema.ModelMetadataT.InitFromObj(schema.ModelMetadata.GetRootAs(data[data.index(b"M001") - 4:]))
image, scores = metadata.subgraphMetadata[0].inputTensorMetadata[0], metadata.subgraphMetadata[0].outputTensorMetadata[0]
files = zipfile.ZipFile(sys.argv[1])
options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=sys.argv[1]), max_results=-1)
answers = []
with vision.ImageClassifier.create_from_options(options) as classifier:
    for path in sys.argv[2:]:
        (head,) = classifier.classify(mp.Image.create_from_file(path)).classifications
        answers.append({c.category_name: c.score for c in head.categories})
print(json.dumps({
    "name": metadata.name.decode(),
    "min_parser_version": metadata.minParserVersion.decode(),
    "colour": image.content.contentProperties.colorSpace,
    "mean": image.processUnits[0].options.mean.tolist(),
    "std": image.processUnits[0].options.std.tolist(),
    "label_file": [f.name.decode() for f in scores.associatedFiles],
    "stored": [i.filename for i in files.infolist() if i.compress_type == zipfile.ZIP_STORED],
    "labels": files.read("labels.txt").decode(),
    "answers": answers,
}))
