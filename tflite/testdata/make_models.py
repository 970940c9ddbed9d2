"""Makes the tiny models of this folder. Needs tensorflow 2.21; run it here:

    python make_models.py

Weights are random with a fixed seed; every file is a few KB. The expected
outputs come from make_golden.py, which asks the Python LiteRT interpreter.
"""

import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import flatbuffers
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

HERE = pathlib.Path(__file__).parent
SIZE, CHANNELS, FEATURES = 8, 3, 16


def weights(rng, *shape):
    fan_in = int(np.prod(shape[:-1]))
    return tf.constant(rng.normal(0, 1.2 / np.sqrt(fan_in), shape), tf.float32)


class Net(tf.Module):
    """Two convolutions and a 1x1 expansion wide enough to be quantised."""

    def __init__(self, channels=CHANNELS):
        super().__init__()
        rng = np.random.default_rng(7)
        self.stem = weights(rng, 3, 3, channels, 8)
        self.stem_bias = tf.constant(rng.normal(0, 0.1, 8), tf.float32)
        self.depthwise = weights(rng, 3, 3, 8, 1)
        self.expand = weights(rng, 1, 1, 8, 64)
        self.project = weights(rng, 1, 1, 64, FEATURES)

    def map(self, x):
        x = tf.nn.relu6(tf.nn.conv2d(x, self.stem, 2, "SAME") + self.stem_bias)
        x = tf.nn.relu6(tf.nn.depthwise_conv2d(x, self.depthwise, [1, 1, 1, 1], "SAME"))
        x = tf.nn.relu6(tf.nn.conv2d(x, self.expand, 1, "SAME"))
        return tf.nn.conv2d(x, self.project, 1, "SAME")

    def pooled(self, x):
        return tf.reduce_mean(self.map(x), [1, 2])


def images(n):
    """n inputs in [-1,1], the range the golden inputs have."""
    rng = np.random.default_rng(11)
    return [rng.uniform(-1, 1, (1, SIZE, SIZE, CHANNELS)).astype(np.float32) for _ in range(n)]


def convert(name, function, *specs, configure=None):
    module = tf.Module()
    module.f = tf.function(function, input_signature=list(specs))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.f.get_concrete_function()], module)
    if configure:
        configure(converter)
    save(name, converter.convert())


def save(name, data):
    (HERE / f"{name}.tflite").write_bytes(bytes(data))
    print(f"{name}.tflite", len(data))


def float16_weights(converter):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def dynamic_range(converter):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def whole_integer(io):
    def configure(converter):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([x] for x in images(32))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = io
        converter.inference_output_type = io

    return configure


def tensor(name, kind, shape, buffer=0, scale=None, zero=0):
    t = schema.TensorT()
    t.name, t.type, t.shape, t.buffer = name, kind, shape, buffer
    if scale is not None:
        t.quantization = schema.QuantizationParametersT()
        t.quantization.scale, t.quantization.zeroPoint = [scale], [zero]
    return t


def operator(index, inputs, outputs, options=None, kind=0):
    op = schema.OperatorT()
    op.opcodeIndex, op.inputs, op.outputs = index, inputs, outputs
    op.builtinOptions, op.builtinOptionsType = options, kind
    return op


def code(builtin, version=1, custom=None):
    c = schema.OperatorCodeT()
    c.builtinCode, c.deprecatedBuiltinCode, c.version, c.customCode = builtin, min(builtin, 127), version, custom
    return c


def cast_options(source, target):
    options = schema.CastOptionsT()
    options.inDataType, options.outDataType = source, target
    return options


def by_hand(name, codes, tensors, operators, buffers=(b"",)):
    """Writes a model of one subgraph: the first tensor goes in, the last comes out."""
    graph = schema.SubGraphT()
    graph.name, graph.tensors, graph.operators = "main", tensors, operators
    graph.inputs, graph.outputs = [0], [len(tensors) - 1]
    model = schema.ModelT()
    model.version, model.description = 3, "made by hand"
    model.subgraphs, model.operatorCodes, model.buffers = [graph], codes, []
    for data in buffers:
        b = schema.BufferT()
        b.data = np.frombuffer(data, np.uint8) if data else None
        model.buffers.append(b)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    save(name, builder.Output())


def main():
    net, image = Net(), tf.TensorSpec([1, SIZE, SIZE, CHANNELS], tf.float32, "image")
    convert("float32", net.pooled, image)
    convert("float16_weights", net.pooled, image, configure=float16_weights)
    convert("dynamic_range", net.pooled, image, configure=dynamic_range)
    convert("int8", net.pooled, image, configure=whole_integer(tf.int8))
    convert("uint8", net.pooled, image, configure=whole_integer(tf.uint8))
    convert("map", net.map, image)
    convert("map_int8", net.map, image, configure=whole_integer(tf.int8))

    # Shapes that a base must not have, or that need care.
    convert("open_batch", net.pooled, tf.TensorSpec([None, SIZE, SIZE, CHANNELS], tf.float32, "image"))
    convert("open_size", net.pooled, tf.TensorSpec([1, None, None, CHANNELS], tf.float32, "image"))
    convert("batch4", net.pooled, tf.TensorSpec([4, SIZE, SIZE, CHANNELS], tf.float32, "image"))
    # Another batch is refused by the first, and mixed into one item by the second.
    convert("fixed_batch", lambda x: tf.reduce_mean(tf.reshape(net.map(x), [1, 16, FEATURES]), 1), image)
    convert("merged_batch", lambda x: tf.reduce_mean(tf.reshape(net.map(x), [1, -1, FEATURES]), 1), image)
    convert("grey", Net(1).pooled, tf.TensorSpec([1, SIZE, SIZE, 1], tf.float32, "image"))
    convert("vector", lambda x: tf.nn.softmax(x * 3.0), tf.TensorSpec([1, 10], tf.float32, "values"))
    convert("rank5", lambda x: tf.reshape(net.map(x), [1, 2, 2, 4, 16]), image)
    convert("two_inputs", lambda x, y: net.pooled(x + y), image, tf.TensorSpec(image.shape, tf.float32, "other"))
    convert("two_outputs", lambda x: (net.pooled(x), net.map(x)), image)
    # The batch is computed inside the graph, which XNNPACK refuses to take over.
    convert(
        "computed_shape",
        lambda x: tf.reshape(tf.tile(net.pooled(x), tf.stack([tf.cast(tf.reduce_sum(x * 0), tf.int32) + 1, 1])), [-1, FEATURES]),
        image,
    )
    # What a trial must survive: a loop without end, two GiB for one tensor, and infinities.
    values = tf.TensorSpec([1, 4], tf.float32, "values")
    convert("endless", lambda x: tf.while_loop(lambda v: tf.reduce_sum(v * 0) < 1, lambda v: (v * 0.5,), (x,))[0], values)
    convert("huge", lambda x: tf.reduce_sum(tf.tile(x, [1, 1 << 27]), 1, keepdims=True), values)
    convert("not_finite", lambda x: tf.math.log(tf.reduce_mean(x, [1, 2])), image)

    f32, f16, i8, u8 = (getattr(schema.TensorType, n) for n in ("FLOAT32", "FLOAT16", "INT8", "UINT8"))
    op, options = schema.BuiltinOperator, schema.BuiltinOptions
    cast = options.CastOptions

    # Half floats at both ends: y = float16(float32(x) * float32(x)).
    by_hand(
        "float16_io",
        [code(op.CAST), code(op.MUL)],
        [
            tensor("x", f16, [1, 2, 2, 3]),
            tensor("x32", f32, [1, 2, 2, 3]),
            tensor("y32", f32, [1, 2, 2, 3]),
            tensor("y", f16, [1, 2, 2, 3]),
        ],
        [
            operator(0, [0], [1], cast_options(f16, f32), cast),
            operator(1, [1, 1], [2], schema.MulOptionsT(), options.MulOptions),
            operator(0, [2], [3], cast_options(f32, f16), cast),
        ],
    )
    # The library's own rounding, to compare ours with.
    for name, kind, scale, zero in (("quantise_int8", i8, 0.05, -7), ("quantise_uint8", u8, 0.5, 128)):
        by_hand(
            name,
            [code(op.QUANTIZE)],
            [tensor("x", f32, [1, 64]), tensor("y", kind, [1, 64], scale=scale, zero=zero)],
            [operator(0, [0], [1], schema.QuantizeOptionsT(), options.QuantizeOptions)],
        )
    # Raw bytes without scale, as some image models take them.
    by_hand(
        "bytes",
        [code(op.CAST)],
        [tensor("x", u8, [1, 2, 2, 3]), tensor("y", f32, [1, 2, 2, 3])],
        [operator(0, [0], [1], cast_options(u8, f32), cast)],
    )
    i64 = schema.TensorType.INT64
    by_hand(
        "int64",
        [code(op.CAST)],
        [tensor("x", i64, [1, 4]), tensor("y", f32, [1, 4])],
        [operator(0, [0], [1], cast_options(i64, f32), cast)],
    )
    by_hand(
        "unknown_op",
        [code(op.CUSTOM, custom=b"EdgeTestOp")],
        [tensor("x", f32, [1, 4]), tensor("y", f32, [1, 4])],
        [operator(0, [0], [1])],
    )


main()
