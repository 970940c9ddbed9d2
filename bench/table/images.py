"""Makes the folders of images that rows are measured on. Runs as a process of its own, since pictures take memory.

    python images.py sized --dir DIR --to DIR --width W [--height H] [--count N]
    python images.py flat --dir DIR --to DIR --count N [--skip N]
    python images.py many --dir DIR --to DIR --count N [--links]

sized writes JPEGs of another size: with a width alone the longer side gets it,
with both they are stretched. flat links N of a set's images, evenly over its
classes, those of train before those of test, after skipping N; many does so as often as it takes, each
time with eight bytes more behind the picture, so that no two files are alike;
with --links they are links to the set's files and do not differ.
"""

import argparse
import itertools
import pathlib


def options():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("what", choices=("sized", "flat", "many"))
    p.add_argument("--dir", type=pathlib.Path, required=True)
    p.add_argument("--to", type=pathlib.Path, required=True)
    p.add_argument("--width", type=int)
    p.add_argument("--height", type=int)
    p.add_argument("--count", type=int)
    p.add_argument("--skip", type=int, default=0)
    p.add_argument("--links", action="store_true")
    return p.parse_args()


def images(folder):
    return sorted(p for p in folder.rglob("*") if p.is_file())


def evenly(folder, parts=("train", "test")):
    """Yields (class, path): the first image of each class, the second of each, …"""
    for part in parts:
        classes = sorted(d for d in (folder / part).iterdir() if d.is_dir())
        for row in itertools.zip_longest(*(images(c) for c in classes)):
            yield from ((c.name, path) for c, path in zip(classes, row) if path)


def sized(o):
    from PIL import Image

    kept = None
    if o.count:
        kept = {path for part, share in (("train", 0.8), ("test", 0.2))
                for _, path in itertools.islice(evenly(o.dir, (part,)), round(o.count * share))}
    for path in images(o.dir):
        if kept is not None and path not in kept:
            continue
        image = Image.open(path).convert("RGB")
        size = (o.width, o.height)
        if not o.height:
            scale = o.width / max(image.size)
            size = tuple(max(1, round(side * scale)) for side in image.size)
        to = (o.to / path.relative_to(o.dir)).with_suffix(".jpg")
        to.parent.mkdir(parents=True, exist_ok=True)
        image.resize(size, Image.Resampling.BICUBIC).save(to, quality=90)


def flat(o):
    for label, path in itertools.islice(evenly(o.dir), o.skip, o.skip + o.count):
        to = o.to / label / f"{path.parts[-3]}_{path.name}"
        to.parent.mkdir(parents=True, exist_ok=True)
        to.symlink_to(path.resolve())


def many(o):
    for i, (label, path) in enumerate(itertools.islice(itertools.cycle(evenly(o.dir)), o.count)):
        to = o.to / label / f"{i:06d}{path.suffix}"
        to.parent.mkdir(parents=True, exist_ok=True)
        if o.links:
            to.symlink_to(path.resolve())
        else:
            to.write_bytes(path.read_bytes() + i.to_bytes(8, "little"))


def main():
    o = options()
    {"sized": sized, "flat": flat, "many": many}[o.what](o)


if __name__ == "__main__":
    main()
