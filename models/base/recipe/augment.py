"""Augmentation on uint8 pictures, one thread, about 0.2 ms a picture.

Geometry is one affine warp and colour is one 3x4 matrix, whatever is switched on, so that
stronger augmentation costs no more time. strength is 1 for the full amounts and 0 for none but
the flip; it scales how far pictures are changed, and how often mixed, blurred and made noisy.
"""

import cv2
import numpy as np

cv2.setNumThreads(1)  # the second core belongs to the training step

_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_RGB = np.linalg.inv(_YIQ)


def warp(rng, side: int, out: int, strength: float) -> np.ndarray:
    """A 2x3 matrix from output to source pixels: random resized crop, flip, rotation."""
    area = np.exp(rng.uniform(strength * np.log(0.12), 0)) if rng.random() < 0.85 else 1.0
    ratio = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
    w, h = side * min(1, np.sqrt(area * ratio)), side * min(1, np.sqrt(area / ratio))
    cx, cy = rng.uniform(w / 2, side - w / 2), rng.uniform(h / 2, side - h / 2)
    kind = rng.random() / max(strength, 1e-9)
    angle = rng.uniform(-np.pi, np.pi) if kind < 0.1 else rng.uniform(-0.35, 0.35) if kind < 0.5 else 0.0
    sx, sy = w / out, h / out
    if rng.random() < 0.5:
        sx = -sx
    c, s = np.cos(angle), np.sin(angle)
    a = np.array([[c * sx, -s * sy], [s * sx, c * sy]])
    return np.column_stack([a, np.array([cx, cy]) - a @ np.full(2, out / 2)])


def colour(rng, strength: float) -> np.ndarray:
    """A 3x4 matrix on RGB: hue, saturation, contrast, brightness, sometimes grey or negative."""
    hue, sat = strength * rng.normal(0, 0.25), np.exp(strength * rng.normal(0, 0.35))
    if rng.random() < 0.08 * strength:
        sat = 0.0
    c, s = np.cos(hue) * sat, np.sin(hue) * sat
    m = _RGB @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ _YIQ
    gain, level = np.exp(strength * rng.normal(0, 0.3)), strength * rng.normal(0, 25)
    shift = np.full(3, 128 * (1 - gain) + level)
    if rng.random() < 0.03 * strength:
        gain, shift = -gain, 255 - shift
    return np.column_stack([m * gain, shift])


def picture(rng, source: np.ndarray, out: int, strength: float) -> np.ndarray:
    """One augmented picture, uint8 [out, out, 3]."""
    x = cv2.warpAffine(
        source, warp(rng, source.shape[0], out, strength), (out, out),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT_101,
    )
    if rng.random() < 0.85:
        x = cv2.transform(x, colour(rng, strength))
    if rng.random() < 0.15 * strength:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 2.0))
    if rng.random() < 0.15 * strength:
        noise = rng.standard_normal(x.shape, dtype=np.float32) * rng.uniform(3, 20)
        x = np.clip(x + noise, 0, 255).astype(np.uint8)
    return x


def mix(rng, batch: np.ndarray, strength: float) -> np.ndarray:
    """Mixes about half of the pictures, at strength 1, with a neighbour, by blending or by pasting a rectangle.

    The teacher looks at the mixture itself, so no target has to be mixed.
    """
    n, side = batch.shape[:2]
    mixed = batch.copy()
    for i in range(n):
        kind = rng.random() / max(strength, 1e-9)
        if kind < 0.2:
            k = rng.uniform(0.2, 0.8)
            mixed[i] = cv2.addWeighted(batch[i], k, batch[i - 1], 1 - k, 0)
        elif kind < 0.5:
            share = np.sqrt(rng.uniform(0.1, 0.6))
            ratio = np.exp(rng.uniform(-0.6, 0.6))
            w, h = (int(np.clip(side * share * r, 8, side)) for r in (ratio, 1 / ratio))
            x, y = rng.integers(0, side - w + 1), rng.integers(0, side - h + 1)
            mixed[i, y:y + h, x:x + w] = batch[i - 1, y:y + h, x:x + w]
    return mixed


def batch(rng, pool: np.ndarray, rows: np.ndarray, out: int, strength: float) -> np.ndarray:
    """Augments the pool's rows to uint8 [len(rows), out, out, 3]."""
    x = np.stack([picture(rng, np.ascontiguousarray(pool[i]), out, strength) for i in rows])
    return mix(rng, x, strength)


def smaller(batch: np.ndarray, side: int) -> np.ndarray:
    """Shrinks a batch by area averaging; returns it unchanged if it has that side."""
    if batch.shape[1] == side:
        return batch
    return np.stack([cv2.resize(x, (side, side), interpolation=cv2.INTER_AREA) for x in batch])
