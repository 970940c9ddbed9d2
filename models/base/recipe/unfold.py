"""Reads a written base back into a student: the way from a .tflite to a network that can go on training.

The file holds each convolution with its batch norm folded in. Here every convolution gets one again, whose
statistics are those of the folded convolution over photos and whose scale and offset undo them, so that the
network computes what the file does. What the file does to the pooled features at its end (see
export.standardise) is left out: the target is the teacher's features, not standardised ones.
"""

import pathlib

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from norm import EPSILON
from probe import features
from student import FEATURES, PLAN, Student, moments, scaled, shape


def read(path: pathlib.Path):
    """Returns the file's (kernel, bias) per convolution in PLAN's order and layout, and the scale and the
    offset that standardise its features."""
    model = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    model.allocate_tensors()
    operations = model._get_ops_details()  # private, and the only way to tell which constant is whose
    convolutions = [o["inputs"] for o in operations if o["op_name"].endswith("CONV_2D")]
    if len(convolutions) != len(PLAN) or [o["op_name"] for o in operations[-3:]] != ["MEAN", "MUL", "ADD"]:
        raise SystemExit(f"distil: {path} was not written by this recipe")
    layers = []
    for (kind, cin, cout, *_), (_, kernel, bias) in zip(PLAN, convolutions):
        w = model.get_tensor(kernel)  # [out, h, w, in], or [1, h, w, channels] of a depthwise one
        w = np.moveaxis(w, 0, -1)
        layers.append((w.reshape(shape(kind, cin, cout)), model.get_tensor(bias)))
    return layers, [model.get_tensor(o["inputs"][1]).reshape(FEATURES) for o in operations[-2:]]


def student(path: pathlib.Path, batches) -> tuple[Student, float]:
    """Returns a student that computes the file's features, with statistics over the uint8 batches.

    The second value is the largest difference to the file on the first batch, in standardised features;
    above 1e-3 the program ends. In training mode batch norm takes each batch's own statistics, and the
    agreement is as loose as those are.
    """
    layers, (scale, offset) = read(path)
    net = Student(0)
    for v, b, (w, bias) in zip(net.kernels, net.offsets, layers):
        v.assign(w)
        b.assign(bias)
    # With mean 0 and this variance the norm multiplies by 1 and adds the offset, here the bias.
    idle = [(np.float32(0), np.float32(1 - EPSILON))] * len(PLAN)
    stats = []
    for (kind, *_), v, g, b, (mean, var) in zip(PLAN, net.kernels, net.scales, net.offsets, moments(net, batches, idle)):
        # Batch norm makes the length of a kernel a matter of the learning rate alone: a fresh one's is taken.
        length = np.sqrt((v.numpy() ** 2).sum((0, 1, 3) if kind == "deep" else tuple(range(len(v.shape) - 1))))
        k = np.sqrt(2) / np.maximum(length, 1e-6)
        v.assign(v * (k[:, None] if kind == "deep" else k))
        b.assign_add(mean)
        stats.append((np.float32(mean * k), np.float32(var * k * k)))
        g.assign(np.sqrt(stats[-1][1] + EPSILON) / k)
    got = net(scaled(batches[0]), moments=stats).numpy().mean((1, 2)) * scale + offset
    worst = float(np.abs(got - features(path, batches[0])).max())
    if worst > 1e-3:
        raise SystemExit(f"distil: the network read from {path} differs from it by {worst:.2g}")
    return net, worst
