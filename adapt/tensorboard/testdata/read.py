"""Reads the event files of DIR/train and DIR/validation with TensorBoard's accumulator; prints one JSON object."""

import json
import sys

from tensorboard.backend.event_processing import event_accumulator


def read(folder):
    acc = event_accumulator.EventAccumulator(folder, size_guidance={event_accumulator.IMAGES: 0})
    acc.Reload()
    tags = acc.Tags()
    return {
        "scalars": {tag: [[e.wall_time, e.step, e.value] for e in acc.Scalars(tag)] for tag in tags["scalars"]},
        "images": {tag: [[e.step, e.width, e.height] for e in acc.Images(tag)] for tag in tags["images"]},
        "texts": {
            tag: [s.decode() for e in acc.Tensors(tag) for s in e.tensor_proto.string_val] for tag in tags["tensors"]
        },
    }


print(json.dumps({name: read(f"{sys.argv[1]}/{name}") for name in ("train", "validation")}))
