"""The optimiser: AdamW, with Muon for the 1x1 convolutions if asked.

Muon (Jordan et al., 2024) replaces a matrix's momentum by the nearest orthogonal matrix, found by
five Newton-Schulz steps; it needs fewer steps than Adam for the same loss.
"""

import tensorflow as tf


def orthogonal(g):
    """Approximates U V^T of g = U S V^T; singular values end in about [0.7, 1.2]."""
    tall = g.shape[0] > g.shape[1]
    x = tf.transpose(g) if tall else g
    x /= tf.norm(x) + 1e-7
    for _ in range(5):
        a = tf.matmul(x, x, transpose_b=True)
        x = 3.4445 * x + tf.matmul(-4.7750 * a + 2.0315 * tf.matmul(a, a), x)
    return tf.transpose(x) if tall else x


class Optimiser(tf.Module):
    """Updates variables in place. muon lists the indices of the matrices that Muon takes."""

    def __init__(self, variables, muon=(), decay=(), momentum=0.95, beta2=0.98):
        super().__init__()
        self.variables_ = variables
        self.muon, self.decay = set(muon), set(decay)
        self.momentum, self.beta1, self.beta2 = momentum, 0.9, beta2
        self.first = [tf.Variable(tf.zeros_like(v)) for v in variables]
        self.second = [tf.Variable(tf.zeros_like(v) if i not in self.muon else tf.zeros([])) for i, v in enumerate(variables)]
        self.steps = tf.Variable(0.0)

    def apply(self, gradients, rate, muon_rate, weight_decay):
        """One step. rate is Adam's, muon_rate Muon's; weight_decay is relative to the rate."""
        t = self.steps.assign_add(1.0)
        correct1, correct2 = 1 - self.beta1**t, 1 - self.beta2**t
        for i, (v, g, m, s) in enumerate(zip(self.variables_, gradients, self.first, self.second)):
            if i in self.muon:
                m.assign(self.momentum * m + g)
                stretch = max(1.0, v.shape[1] / v.shape[0]) ** 0.5
                v.assign_sub(muon_rate * (stretch * orthogonal(g + self.momentum * m) + weight_decay * v))
                continue
            m.assign(self.beta1 * m + (1 - self.beta1) * g)
            s.assign(self.beta2 * s + (1 - self.beta2) * g * g)
            d = (m / correct1) / (tf.sqrt(s / correct2) + 1e-8)
            if i in self.decay:
                d += weight_decay * v
            v.assign_sub(rate * d)
