"""The student: MobileNetV2 alpha 0.35 without its classifier, from random weights.

Written as plain TensorFlow instead of keras.applications because the training step is the
bottleneck on a small processor: 1x1 convolutions as matrix products, and batch norm without the
running averages that nothing reads (the statistics are measured once, at the end: see moments).
Layer for layer it is the Keras network; on even sides its paddings equal SAME.
"""

import numpy as np
import tensorflow as tf

from norm import EPSILON, normalise

FEATURES = 1280
# expansion, channels at alpha 0.35, blocks, stride of the first
STAGES = [(1, 8, 1, 1), (6, 8, 2, 2), (6, 16, 3, 2), (6, 24, 4, 2), (6, 32, 3, 1), (6, 56, 3, 2), (6, 112, 1, 1)]


def plan():
    """Yields every convolution as (kind, in, out, stride, relu, residual).

    kind is full, wide (1x1) or deep (3x3 on each channel). residual is "open" where a block with a
    shortcut begins, "add" where it ends, and empty elsewhere.
    """
    yield "full", 3, 16, 2, True, ""
    c = 16
    for expand, out, blocks, stride in STAGES:
        for i in range(blocks):
            s = stride if i == 0 else 1
            shortcut = s == 1 and c == out
            mid = c * expand
            if expand > 1:
                yield "wide", c, mid, 1, True, "open" if shortcut else ""
            yield "deep", mid, mid, s, True, ""
            yield "wide", mid, out, 1, False, "add" if shortcut else ""
            c = out
    yield "wide", c, FEATURES, 1, True, ""


PLAN = list(plan())


def shape(kind: str, cin: int, cout: int):
    return {"full": (3, 3, cin, cout), "wide": (cin, cout), "deep": (3, 3, cin, 1)}[kind]


class Student(tf.Module):
    """Trainable variables: a kernel, a scale and an offset per convolution, in PLAN's order."""

    def __init__(self, seed: int):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.kernels, self.scales, self.offsets = [], [], []
        for i, (kind, cin, cout, _, _, _) in enumerate(PLAN):
            s = shape(kind, cin, cout)
            fan = {"full": 27, "wide": cin, "deep": 9}[kind]
            w = rng.normal(0, np.sqrt(2 / fan), s).astype(np.float32)
            self.kernels.append(tf.Variable(w, name=f"kernel_{i:02d}_{kind}"))
            self.scales.append(tf.Variable(tf.ones([cout]), name=f"scale_{i:02d}"))
            self.offsets.append(tf.Variable(tf.zeros([cout]), name=f"offset_{i:02d}"))

    def __call__(self, x, moments=None, collect=None):
        """Maps float32 [n, s, s, 3] in [-1, 1] to [n, s/32, s/32, 1280].

        Batch norm uses the batch's statistics, or the given ones: a list of (mean, variance) in
        PLAN's order. A list passed as collect receives the batch's in either case.
        """
        kept = x
        for i, (kind, cin, cout, stride, relu, residual) in enumerate(PLAN):
            if residual == "open":
                kept = x
            w = self.kernels[i]
            if kind == "full":
                x = tf.nn.conv2d(x, w, stride, "SAME")
            elif kind == "deep":
                x = tf.nn.depthwise_conv2d(x, w, [1, stride, stride, 1], "SAME")
            else:
                x = resized(tf.matmul(flat(x), w), x)
            if moments is None:
                x, mean, var = normalise(x, self.scales[i], self.offsets[i], relu)
                if collect is not None:
                    collect.append((mean, var))
            else:
                mean, var = moments[i]
                if collect is not None:
                    collect.append(tf.nn.moments(x, [0, 1, 2]))
                k = self.scales[i] * tf.math.rsqrt(var + EPSILON)
                x = x * k + (self.offsets[i] - mean * k)
                if relu:
                    x = tf.nn.relu6(x)
            if residual == "add":
                x = x + kept
        return x


def flat(x):
    """[n, h, w, c] to [n*h*w, c]."""
    return tf.reshape(x, [-1, x.shape[-1]])


def resized(rows, like):
    """Rows back to the pictures they came from: [n*h*w, c] to [n, h, w, c]."""
    n, h, w = like.shape[:3]
    return tf.reshape(rows, [-1 if n is None else n, h, w, rows.shape[-1]])


def scaled(x):
    """uint8 pictures to the float range of the base."""
    return tf.cast(x, tf.float32) / 127.5 - 1.0


def moments(net: Student, batches, used=None) -> list:
    """Measures batch norm's statistics layer by layer over uint8 batches.

    While measuring, the layers normalise by each batch's statistics, or by those in used.

    Returns numpy pairs (mean, variance) in PLAN's order; the variance is of all pictures together,
    from the batches' means and mean squares.
    """
    @tf.function
    def one(x):
        seen = []
        net(scaled(x), used, seen)
        return seen

    mean = square = None
    for x in batches:
        seen = one(tf.constant(x))
        m = [a.numpy().astype(np.float64) for a, _ in seen]
        q = [v.numpy() + a * a for (_, v), a in zip(seen, m)]
        mean = m if mean is None else [a + b for a, b in zip(mean, m)]
        square = q if square is None else [a + b for a, b in zip(square, q)]
    n = len(batches)
    return [(a / n, b / n - (a / n) ** 2) for a, b in zip(mean, square)]


def folded(net: Student, stats) -> list:
    """Returns (kernel, bias) per convolution with batch norm folded in, numpy float32."""
    out = []
    for (kind, *_), w, g, b, (mean, var) in zip(PLAN, net.kernels, net.scales, net.offsets, stats):
        k = g.numpy().astype(np.float64) / np.sqrt(var + EPSILON)
        w = w.numpy().astype(np.float64)
        w = w * (k[:, None] if kind == "deep" else k)
        out.append((w.astype(np.float32), (b.numpy() - mean * k).astype(np.float32)))
    return out
