"""Numbers that the Go side of the tests draws too."""

import numpy as np

MASK = 2**64 - 1


def draws(seed, *shape):
    """Returns float32 in [-1, 1), as draws of support_test.go."""
    n = int(np.prod(shape))
    values = np.empty(n, np.float32)
    x = (seed * 0x9E3779B97F4A7C15 + 1) & MASK
    for i in range(n):
        x = (x * 6364136223846793005 + 1442695040888963407) & MASK
        values[i] = (x >> 40) / (1 << 23) - 1
    return values.reshape(shape)
