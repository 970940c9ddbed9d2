"""Makes golden.txt: records as TensorBoard's own writer frames and encodes them, in hexadecimal.

    PYTHONPATH=.deps/python python3 adapt/tensorboard/testdata/golden.py > adapt/tensorboard/testdata/golden.txt
"""

import io

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


class Keep(io.BytesIO):
    def close(self):
        self.kept = self.getvalue()


def show(name, **fields):
    out = Keep()
    writer = RecordWriter(out)
    writer.write(event_pb2.Event(wall_time=1700000000.25, **fields).SerializeToString(deterministic=True))
    writer.close()
    print(name, out.kept.hex())


def summary(**fields):
    return summary_pb2.Summary(value=[summary_pb2.Summary.Value(**fields)])


text = summary(tag="verdict")
text.value[0].tensor.dtype = 7
text.value[0].tensor.tensor_shape.dim.add().size = 1
text.value[0].tensor.string_val.append("*Generalises* – ja".encode())
text.value[0].metadata.plugin_data.plugin_name = "text"
picture = summary_pb2.Summary.Image(height=2, width=300, colorspace=3, encoded_image_string=b"\x89PNG")

show("version", file_version="brain.Event:2")
show("start", session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
show("scalar", step=3, summary=summary(tag="epoch_loss", simple_value=0.625))
show("negative", step=-1, summary=summary(tag="x", simple_value=float("-inf")))
show("image", step=4, summary=summary(tag="confusion", image=picture))
show("text", summary=text)
show("large_step", step=1 << 40, summary=summary(tag="epoch_accuracy", simple_value=1))
