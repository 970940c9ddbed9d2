"""The photos: the unlabelled pool, decoded once, and the small labelled sets that the probes use."""

import io
import pathlib
import tarfile

import numpy as np
from PIL import Image

SIDE = 144  # the pool's photos have 128 to 144 px; one common size makes one flat array
INPUT = 128  # what the base sees

# How often a photo of a set is drawn, against one of the largest set. The largest
# has ten classes only, so the two varied sets are drawn more often.
DRAW = {"imagenet_sample": 3.0, "grocery_rest": 2.0, "imagenette_rest": 1.0}

PROBES = ("grocery10", "sign_digits10", "imagenette10")


def pool(data: pathlib.Path, scratch: pathlib.Path):
    """Returns the pool as uint8 [N, SIDE, SIDE, 3] (RGB, memory-mapped) and a drawing probability per photo.

    Decoding happens on the first call; the array is kept in scratch.
    """
    tars = sorted((data / "pool").glob("*.tar"))
    if not tars:
        raise SystemExit(f"distil: no pool/*.tar under {data}")
    pixels, weights = scratch / "pool.npy", scratch / "pool_draw.npy"
    if not (pixels.exists() and weights.exists()):
        shots, draw = [], []
        for tar in tars:
            with tarfile.open(tar) as archive:
                for member in archive:
                    if not member.isfile():
                        continue
                    shots.append(decode(archive.extractfile(member).read(), SIDE))
                    draw.append(DRAW.get(tar.stem, 1.0))
        scratch.mkdir(parents=True, exist_ok=True)
        np.save(pixels, np.stack(shots))
        np.save(weights, np.asarray(draw))
    draw = np.load(weights)
    return np.load(pixels, mmap_mode="r"), draw / draw.sum()


def decode(data: bytes, side: int) -> np.ndarray:
    """Decodes a picture to uint8 [side, side, 3], squeezed to the square as the runtime does."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.BILINEAR))


def labelled(data: pathlib.Path, name: str, part: str, scratch: pathlib.Path):
    """Returns the pictures (uint8 [n, 128, 128, 3]) and class numbers of one part of a labelled set."""
    kept = scratch / f"{name}_{part}.npz"
    if not kept.exists():
        root = data / name / part
        shots, classes = [], []
        for number, folder in enumerate(sorted(p for p in root.iterdir() if p.is_dir())):
            for file in sorted(folder.iterdir()):
                if file.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"):
                    shots.append(decode(file.read_bytes(), INPUT))
                    classes.append(number)
        scratch.mkdir(parents=True, exist_ok=True)
        np.savez(kept, x=np.stack(shots), y=np.asarray(classes))
    with np.load(kept) as z:
        return z["x"], z["y"]
