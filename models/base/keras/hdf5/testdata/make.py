"""Writes the files that the tests read, with h5py, and what h5py reads in them.

    PYTHONPATH=.deps/keras python3 models/base/keras/hdf5/testdata/make.py FOLDER [--large]

FOLDER gets one .h5 a case and expected.json. The committed ones were made with
h5py 3.14.0 over HDF5 1.14.6. --large adds groups that are too large to commit.
"""

import json
import os
import sys

import h5py
import numpy as np


def numbers(*shape):
    """Numbers that every float type holds exactly."""
    n = int(np.prod(shape))
    return ((np.arange(n) * 7 % 61) / 4 - 5).astype(np.float32).reshape(shape)


def fill(f, links):
    """A bit of everything that Keras and h5py write."""
    f.attrs["backend"] = "tensorflow"
    f.attrs["fixed"] = np.array([b"Conv1", b"bn_Conv1", b"a longer name"])
    f.attrs["texts"] = ["input_layer", "", "Conv1", "\u03b1 = 0.35"]
    f.attrs["long"] = "x" * 5000
    f.attrs["number"] = 3
    f.attrs["numbers"] = np.arange(3.0)
    f.attrs["none"] = h5py.Empty("f")
    g = f.create_group("layers/conv2d/vars")
    g.attrs["name"] = "Conv1"
    for i in range(12):  # more than fit into an object header
        g.attrs[f"note {i:02d}"] = f"text {i}"
    g["0"] = numbers(3, 3, 3, 4)
    g["scalar"] = np.float32(1.5)
    g["double"] = numbers(5, 3).astype("<f8")
    g["half"] = numbers(5, 3).astype("<f2")
    g["big-endian"] = numbers(5, 3).astype(">f4")
    g["big-endian double"] = numbers(4).astype(">f8")
    g["empty"] = np.zeros((0, 4), np.float32)
    g["null"] = h5py.Empty("f4")
    g["integers"] = np.arange(5)
    g["words"] = ["a", "bc"]
    g["compound"] = np.zeros(3, [("a", "f4"), ("b", "i2")])
    g["bfloat-like"] = np.zeros(2, h5py.h5t.IEEE_F32LE.dtype)
    g.create_dataset("unwritten", (4, 2), "f4")
    g["soft"] = h5py.SoftLink("/layers/conv2d/vars/0")
    g["elsewhere"] = h5py.ExternalLink("other.h5", "/x")
    f["committed"] = np.dtype("f4")
    f.create_dataset("of a committed type", data=numbers(3), dtype=f["committed"])
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    data = numbers(6)
    h5py.h5d.create(f.id, b"compact", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((6,)), compact).write(h5py.h5s.ALL, h5py.h5s.ALL, data)
    many = f.create_group("many")
    for i in range(links):
        many[f"link {i * 37 % links:05d}" + "." * (i % 50)] = g["0"]


def chunked(f):
    data = numbers(13, 9, 5)
    f.create_dataset("plain", data=data, chunks=(4, 9, 2))
    f.create_dataset("deflate", data=data, chunks=(13, 4, 5), compression=4)
    f.create_dataset("shuffle", data=data, chunks=(5, 5, 5), shuffle=True)
    f.create_dataset("checksum", data=data, chunks=(5, 5, 5), fletcher32=True)
    f.create_dataset("odd checksum", data=numbers(7).astype("<f2"), chunks=(7,), fletcher32=True)
    f.create_dataset("all", data=data, chunks=(2, 9, 5), compression=9, shuffle=True, fletcher32=True)
    f.create_dataset("one", data=data, chunks=True, compression=1)
    f.create_dataset("double", data=data.astype("f8"), chunks=(13, 9, 1), shuffle=True, compression=1)
    f.create_dataset("growing", data=numbers(3, 2), maxshape=(None, 2), chunks=(64, 2))
    f.create_dataset("row", data=numbers(200), chunks=(3,))  # a B-tree of several levels
    f.create_dataset("lzf", data=data, chunks=(13, 9, 5), compression="lzf")
    f.create_dataset("unwritten", (4, 2), "f4", chunks=(2, 2))
    sparse = f.create_dataset("sparse", (6,), "f4", chunks=(2,))
    sparse[4] = 1


def expected(path):
    """What h5py reads: texts and floats; null for what is no text and no float."""
    seen = {"datasets": {}, "texts": {}}

    def visit(name, o):
        for key, value in o.attrs.items():
            texts = None
            if isinstance(value, str):
                texts = [value]
            elif isinstance(value, np.ndarray) and value.dtype.kind in "SO":
                texts = [x.decode() if isinstance(x, bytes) else x for x in value.ravel()]
            if isinstance(o, h5py.Group):
                seen["texts"][f"{name}:{key}"] = texts
        if isinstance(o, h5py.Dataset):
            seen["datasets"][name] = {
                "shape": list(o.shape) if o.shape is not None else [0],
                "values": None if o.dtype.kind != "f" else [] if o.shape is None else [float(x) for x in np.asarray(o[()]).ravel()],
            }

    def walk(prefix, group):
        # Each name, also of what was met under another one; hard links only.
        visit(prefix, group)
        for name in group:
            if isinstance(group.get(name, getlink=True), h5py.HardLink):
                o, path = group[name], f"{prefix}/{name}".strip("/")
                if isinstance(o, h5py.Group):
                    walk(path, o)
                elif prefix == "many":
                    seen["datasets"][path] = {"shape": list(o.shape), "values": None, "many": True}
                else:
                    visit(path, o)

    with h5py.File(path) as f:
        walk("", f)
    return seen


def main(folder, large):
    os.makedirs(folder, exist_ok=True)
    cases = {
        "earliest": dict(),
        "v108": dict(libver=("v108", "v108")),
        "latest": dict(libver="latest"),
        "ordered": dict(libver="latest", track_order=True),
        "userblock": dict(userblock_size=1024),
    }
    if large:
        cases = {"large": dict(), "large_latest": dict(libver="latest")}
    want = {}
    for name, how in cases.items():
        path = os.path.join(folder, name + ".h5")
        with h5py.File(path, "w", **how) as f:
            fill(f, {"ordered": 5, "userblock": 5}.get(name, 60) if not large else 12000)
        want[name] = expected(path)
    if not large:
        path = os.path.join(folder, "chunked.h5")
        with h5py.File(path, "w") as f:
            chunked(f)
        want["chunked"] = expected(path)
        path = os.path.join(folder, "chunked_latest.h5")
        with h5py.File(path, "w", libver="latest") as f:
            f.create_dataset("plain", data=numbers(4, 4), chunks=(2, 2))
            f["whole"] = numbers(4, 4)
        want["chunked_latest"] = expected(path)
    with open(os.path.join(folder, "expected.json"), "w") as out:
        json.dump(want, out, separators=(",", ":"), sort_keys=True)
        out.write("\n")


if __name__ == "__main__":
    main(sys.argv[1], "--large" in sys.argv)
