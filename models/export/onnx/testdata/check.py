"""Compares .tflite files with the ONNX models made of them.

usage: check.py (TFLITE ONNX)...

Checks each ONNX model with ONNX's own checker and its strict inference of
shapes, runs it with onnxruntime on three pictures at once, and the .tflite file
with LiteRT on one after the other. Prints a line of JSON for each pair.
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime
from ai_edge_litert.interpreter import Interpreter

random = np.random.default_rng(5)
for tflite, path in zip(sys.argv[1::2], sys.argv[2::2]):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)

    interpreter = Interpreter(tflite, num_threads=1)
    interpreter.allocate_tensors()
    (inlet,) = interpreter.get_input_details()
    (outlet,) = interpreter.get_output_details()
    pictures = random.uniform(-1, 1, (3, *inlet["shape"][1:])).astype("<f4")
    want = []
    for i in range(3):
        interpreter.set_tensor(inlet["index"], np.repeat(pictures[i : i + 1], inlet["shape"][0], axis=0))
        interpreter.invoke()
        want.append(interpreter.get_tensor(outlet["index"])[:1])
    want = np.concatenate(want)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {session.get_inputs()[0].name: pictures})
    (alone,) = session.run(None, {session.get_inputs()[0].name: pictures[1:2]})
    meta = session.get_modelmeta()
    print(
        json.dumps(
            {
                "input": [session.get_inputs()[0].name, session.get_inputs()[0].type, session.get_inputs()[0].shape],
                "output": [session.get_outputs()[0].name, session.get_outputs()[0].type, session.get_outputs()[0].shape],
                "same_shape": got.shape == want.shape,
                "difference": float(np.abs(got - want).max()),
                "difference_alone": float(np.abs(alone - want[1:2]).max()),
                "size": float(np.abs(want).max()),
                "varies": float(np.abs(want[0] - want[1]).max()),
                "operators": sorted({n.op_type for n in model.graph.node}),
                "open": [v.name for v in inferred.graph.value_info if not v.type.tensor_type.HasField("shape")],
                "properties": meta.custom_metadata_map,
                "producer": meta.producer_name,
                "description": meta.description,
                "name": meta.graph_name,
            }
        )
    )
