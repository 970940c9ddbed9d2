"""The reference's experiment as a whole: `edge adapt --recipe seed` and the Keras script's first phase."""

import shutil

import place
import process
from lines import better, faster, smaller, within

SEED = ("--recipe", "seed", "--seed", "{round}")


def keras(at, folder, home):
    """The Keras script, on the split that edge chooses in each round. Edge's cache is warm in home afterwards."""
    name = f"{folder.name}-split-{{round}}.json"
    for number in range(1, at.rounds + 1):
        first = at.work(at.adapt("first", folder, *SEED, base=at.base, home=home), number)
        place.split_of(first.answer["path"], at.scratch / name.format(round=number))
    return at.python("Keras script", place.REFERENCE, "--data", folder, "--seed", "{round}", "--split", at.scratch / name,
                     "--weights", at.keras_base, stacks=["keras"])


def total(r):
    """How many images a run of edge looked at."""
    return sum(r.answer["images"][split] for split in ("train", "val", "test"))


def seed(at):
    """Cold and warm, float and int8, against the script and against the base alone."""
    for name in at.sets:
        folder, home = at.set(name), at.fresh("warm")
        runs = at.alternate(
            keras(at, folder, home),
            at.adapt("edge cold", folder, *SEED, base=at.base),
            at.adapt("edge warm", folder, *SEED, base=at.base, home=home),
            at.adapt("edge int8 cold", folder, *SEED, base=at.int8()),
            at.adapt("edge cold, Go's decoder", folder, *SEED, base=at.base, env={"EDGE_JPEG": "go"}),
        )
        theirs, cold, warm, int8, plain = runs.values()
        yield faster(f"seed-cold/{name}", "recipe seed, cold", "Keras script", name, cold, theirs, at_least=20)
        yield smaller(f"seed-cold-memory/{name}", "recipe seed, cold, peak memory", "Keras script", name, cold, theirs, at_least=8)
        yield faster(f"seed-int8/{name}", "recipe seed, cold, int8 base", "Keras script", name, int8, theirs, at_least=25)
        yield smaller(f"seed-int8-memory/{name}", "recipe seed, cold, int8 base, peak memory", "Keras script", name, int8, theirs, at_least=8)
        yield faster(f"seed-warm/{name}", "recipe seed, warm", "Keras script", name, warm, theirs, at_least=100)
        accuracy = process.answered("test", "accuracy")
        yield better(f"seed-accuracy/{name}", "recipe seed, test accuracy", "Keras script", name, cold, theirs, accuracy, at_least=-2)
        yield better(f"seed-int8-accuracy/{name}", "recipe seed, int8 base, test accuracy", "Keras script", name, int8, theirs, accuracy, at_least=-2)
        yield faster(f"decoder/{name}", "recipe seed, cold", "edge, Go's JPEG decoder", name, cold, plain)
        yield better(f"decoder-accuracy/{name}", "recipe seed, test accuracy", "edge, Go's JPEG decoder", name, cold, plain, accuracy, at_least=-1)


def limit(at):
    """Cold, against the bare forward of all images with all cores, on JPEGs of 250 pixels."""
    for name in at.sets:
        folder = at.images(f"{at.set(name).name}-250", "sized", at.set(name), "--width", 250)
        images = total(at.work(at.adapt("first", folder, *SEED, base=at.base)))
        runs = at.alternate(at.adapt("edge cold", folder, *SEED, base=at.base), at.forward("forward", at.base, images))
        yield within(f"limit/{name}", "recipe seed, cold, 250 px JPEGs", "the base's forward alone", name,
                     runs["edge cold"], runs["forward"], 1.5, process.seconds, process.answered("seconds"))


def more(at):
    """Ten images more than the thousand that the cache knows."""
    for name in at.sets:
        thousand, ten = at.amount(1000, 100), 10
        folder = at.images(f"{name}-{thousand}", "flat", at.data / name, "--count", thousand)
        both = at.images(f"{name}-{thousand}-and-{ten}", "flat", at.data / name, "--count", thousand + ten)
        known = at.fresh("known")
        at.work(at.adapt("first", folder, *SEED, base=at.base, home=known))

        def again():
            home = at.fresh("again")
            shutil.copytree(known, home, dirs_exist_ok=True)
            return place.homely(home)

        side = at.adapt("edge, ten more", both, *SEED, base=at.base)
        side.prepare = again
        runs = at.alternate(at.adapt("edge cold", both, *SEED, base=at.base), side)
        computed = {r.answer["cache"]["misses"] for r in runs[side.name]}
        if computed != {ten}:
            raise process.Failed(f"{name}: {computed} images went through the base, not {ten}")
        yield faster(f"ten-more/{name}", f"recipe seed, {ten} images more than {thousand}", "edge, cold", name,
                     runs[side.name], runs["edge cold"], at_least=20)
