"""Writes onnx.pb.go: the part of ONNX's schema that the export writes.

usage: generate.py PROTOC_GEN_GO

The schema comes from the onnx package, compiled, so that there is no number to
mistype and no protoc to install. What WANTED does not name is left out: a
reader takes absent fields as unset. PROTOC_GEN_GO is the path of
google.golang.org/protobuf/cmd/protoc-gen-go, built at the version of go.mod.
`make onnx-schema` runs this.
"""

import pathlib
import subprocess
import sys

from google.protobuf import descriptor_pb2
from google.protobuf.compiler import plugin_pb2
from onnx import onnx_ml_pb2

WANTED = {
    "ModelProto": "ir_version opset_import producer_name producer_version model_version doc_string graph metadata_props",
    "OperatorSetIdProto": "domain version",
    "StringStringEntryProto": "key value",
    "GraphProto": "node name initializer doc_string input output",
    "NodeProto": "input output name op_type attribute",
    "AttributeProto": "name f i s ints type",
    "TensorProto": "dims data_type name raw_data",
    "ValueInfoProto": "name type doc_string",
    "TypeProto": "tensor_type",
    "TensorShapeProto": "dim",
}
NESTED = {
    "TypeProto": {"Tensor": "elem_type shape"},
    "TensorShapeProto": {"Dimension": "dim_value dim_param denotation"},
}
# Enumerations lie in messages: AttributeProto.AttributeType, TensorProto.DataType.
KEPT_ENUMS = {"AttributeProto": "AttributeType", "TensorProto": "DataType"}


def prune(message, wanted):
    fields = [f for f in message.field if f.name in wanted.split()]
    missing = set(wanted.split()) - {f.name for f in fields}
    if missing:
        sys.exit(f"{message.name} has no {missing} any more")
    del message.field[:]
    message.field.extend(fields)

    enums = [e for e in message.enum_type if e.name == KEPT_ENUMS.get(message.name)]
    del message.enum_type[:]
    message.enum_type.extend(enums)

    inner = NESTED.get(message.name, {})
    nested = [m for m in message.nested_type if m.name in inner]
    for m in nested:
        prune(m, inner[m.name])
    del message.nested_type[:]
    message.nested_type.extend(nested)
    del message.reserved_range[:], message.reserved_name[:]

    used = sorted({f.oneof_index for f in fields if f.HasField("oneof_index")})
    oneofs = [message.oneof_decl[i] for i in used]
    for f in fields:
        if f.HasField("oneof_index"):
            f.oneof_index = used.index(f.oneof_index)
    del message.oneof_decl[:]
    message.oneof_decl.extend(oneofs)


schema = descriptor_pb2.FileDescriptorProto()
onnx_ml_pb2.DESCRIPTOR.CopyToProto(schema)
messages = [m for m in schema.message_type if m.name in WANTED]
for m in messages:
    prune(m, WANTED[m.name])
del schema.message_type[:], schema.enum_type[:]
schema.message_type.extend(messages)
# A program may have another copy of ONNX's schema in it: this one has a name and
# a package of its own, of which nothing is written into a model.
schema.name, schema.package = "edge/onnx.proto", "edge.onnx"
for m in schema.message_type:
    for part in (m, *m.nested_type):
        for f in part.field:
            if f.type_name:
                f.type_name = f.type_name.replace(".onnx.", ".edge.onnx.")
schema.options.Clear()
schema.options.go_package = "github.com/edge-adapt/edge/models/export/onnx/internal/schema"

request = plugin_pb2.CodeGeneratorRequest(
    file_to_generate=[schema.name], parameter="paths=source_relative", proto_file=[schema]
)
answer = plugin_pb2.CodeGeneratorResponse()
answer.ParseFromString(subprocess.run(sys.argv[1:2], input=request.SerializeToString(), stdout=subprocess.PIPE, check=True).stdout)
if answer.error or len(answer.file) != 1:
    sys.exit(answer.error or f"{len(answer.file)} files")
pathlib.Path(__file__).with_name("onnx.pb.go").write_text(answer.file[0].content)
