"""What is large, and what others do: Frigate's recipe, pictures of twelve megapixels, a hundred thousand images."""

import place
import process
import rows_seed
from lines import Line, better, faster, within

MEGAPIXELS = (4000, 3000)
PICTURE_MIB = 3 * MEGAPIXELS[0] * MEGAPIXELS[1] / 2**20


def frigate(at):
    """The default recipe against that of Frigate 0.17's custom classification."""
    for name in at.sets:
        folder, model = at.set(name), at.scratch / f"{name}-frigate-{{round}}.tflite"
        script, stacks = place.THEIRS / "frigate.py", ["keras", "table"]
        theirs = at.python("Frigate's recipe", script, "--dir", folder / "train", "--weights", at.narrow_base, "--epochs", at.amount(50, 3),
                           "--out", model, stacks=stacks)
        runs = at.alternate(theirs, at.adapt("edge cold", folder, "--seed", "{round}", base=at.base))
        test = at.python("test", script, "--test", folder / "test", "--out", model, stacks=stacks)
        tested = [at.work(test, number) for number in range(1, at.rounds + 1)]
        yield faster(f"frigate/{name}", "default recipe, cold", "Frigate's recipe in Keras", name, runs["edge cold"], runs[theirs.name], at_least=100)
        yield better(f"frigate-accuracy/{name}", "default recipe, test accuracy", "Frigate's recipe in Keras", name, runs["edge cold"], tested,
                     process.answered("test", "accuracy"), process.answered("test"), at_least=0)


def large(at):
    """JPEGs of twelve megapixels, and the memory that they take beside small ones."""
    for name in at.sets:
        count = at.amount(200, 40)
        width, height = MEGAPIXELS
        big = at.images(f"{name}-12mp", "sized", at.data / name, "--count", count, "--width", width, "--height", height)
        small = at.images(f"{name}-small", "sized", at.data / name, "--count", count, "--width", 250)
        runs = at.alternate(
            rows_seed.keras(at, big, at.fresh("large")),
            at.adapt("edge, 12 megapixels", big, *rows_seed.SEED, base=at.base),
            at.adapt("edge, 12 megapixels, bilinear", big, *rows_seed.SEED, "--resize", "bilinear", base=at.base),
            at.adapt("edge, small", small, *rows_seed.SEED, base=at.base),
        )
        theirs, same, usual, little = runs.values()
        for id, which, edge in (("12mp", "12-megapixel JPEGs, as Keras resizes", same), ("12mp-bilinear", "12-megapixel JPEGs, as edge usually resizes", usual)):
            yield faster(f"{id}/{name}", f"recipe seed, cold, {which}", "Keras script", name, edge, theirs, at_least=10)
            more = process.median(edge, process.peak) - process.median(little, process.peak)
            yield Line(f"{id}-memory/{name}", f"{which}, memory in decoded pictures", "edge, small JPEGs", name, more / PICTURE_MIB, unit="pictures", at_most=4)
            yield better(f"{id}-accuracy/{name}", f"{which}, test accuracy", "Keras script", name, edge, theirs,
                         process.answered("test", "accuracy"), note=f", {count // 5} images")


def many(at):
    """A hundred thousand images: memory, time, and a run that is killed and goes on."""
    source, count = at.data / "imagenette10", at.many
    for kind, links in (("files", []), ("links", ["--links"])):
        whole = at.images(f"many-{kind}", "many", source, "--count", count, *links)
        part = at.images(f"some-{kind}", "many", source, "--count", count // 4, *links)
        runs = at.alternate(at.adapt(f"a quarter, {kind}", part, *rows_seed.SEED), at.adapt(f"all, {kind}", whole, *rows_seed.SEED))
        some, all = runs[f"a quarter, {kind}"], runs[f"all, {kind}"]
        of = f"{count:,} {kind}" + " to 1,400 images" * bool(links)
        yield within(f"many-memory/{kind}", "recipe seed, cold, peak memory", "edge, a quarter of them", of, all, some, 1.25, process.peak)
        yield within(f"many-time/{kind}", "recipe seed, cold, time an image", "edge, a quarter of them", of, all, some, 1.15,
                     lambda r: r.seconds / 4, process.seconds)
        if not links:
            yield from resumed(at, whole, of, all)


def resumed(at, whole, of, runs):
    """Kills a run in the middle and starts it again: both together against one that was left alone."""
    took, both = process.median(runs, process.seconds), []
    for _ in range(at.rounds):
        home = at.fresh("killed")
        killed = at.adapt("killed", whole, *rows_seed.SEED, home=home)
        killed.kill_after = took / 2
        first, second = at.work(killed), at.work(at.adapt("goes on", whole, *rows_seed.SEED, home=home))
        if first.answer or not second.answer["cache"]["hits"]:
            raise process.Failed(f"killed after {took / 2:.1f} s: it had ended, or nothing was kept: {second.answer['cache']}")
        both.append(process.Run(first.seconds + second.seconds, first.cpu + second.cpu, second.peak_mib, second.answer, ""))
    hits = process.median(both, process.answered("cache", "hits"))
    yield within("many-resumed", "recipe seed, killed and run again, both", "edge, left alone", of, both, runs, 1.25,
                 note=f"{hits:,.0f} were kept")
