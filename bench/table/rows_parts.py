"""Parts of edge by themselves: the head's training, the base's forward, one classification."""

import statistics

import place
import process
from lines import better, faster, within

STACKS = (("Keras", "head_keras.py", ["keras"]), ("PyTorch", "head_torch.py", ["torch", "table"]), ("scikit-learn", "head_sklearn.py", ["table"]))


def steady(r):
    """The median of all epochs but the first, in which stacks compile and warm up."""
    return statistics.median(r.answer["epoch_seconds"][1:])


def heads(at):
    """The head alone, on the same arrays."""
    for name in at.sets:
        arrays = at.scratch / f"{name}-arrays"
        at.work(process.Side("features", [at.alone, "features", "--base", at.base, "--dir", at.set(name), "--out", arrays]))
        for epochs in (5, 50):
            want = ["--arrays", arrays, "--epochs", epochs, "--seed", "{round}"]
            runs = at.alternate(process.Side("edge", [at.alone, "head", *want]), *(
                at.python(stack, place.THEIRS / script, *want, stacks=where) for stack, script, where in STACKS))
            edge, of = runs["edge"], f"{name}, {epochs} epochs"
            best = min((s[0] for s in STACKS), key=lambda s: process.median(runs[s], process.seconds))
            quickest = min((s[0] for s in STACKS), key=lambda s: process.median(runs[s], steady))
            for stack, *_ in STACKS:
                id = f"{stack.lower()}/{name}/{epochs}"
                yield faster(f"head-process/{id}", "head alone, whole process", stack, of, edge, runs[stack], at_least=5 if stack == best else None)
                wish = 5 if stack == "Keras" else 1 if stack == quickest else None
                yield faster(f"head-epoch/{id}", "head alone, an epoch", stack, of, edge, runs[stack], steady, at_least=wish)
                alike = stack != "scikit-learn"  # which has no dropout
                yield better(f"head-accuracy/{id}", "head alone, test accuracy", stack, of, edge, runs[stack], process.answered("test"),
                             at_least=-2 if alike else None, note="" if alike else ", without dropout")


def forward(at):
    """The base's forward: int8 against float, and edge's interpreter against Python's."""
    images, few = at.amount(1500, 200), sorted({1, at.threads})
    sides = []
    for threads in few:
        sides += [at.forward(f"edge float {threads}", at.base, images, threads), at.forward(f"edge int8 {threads}", at.int8(), images, threads),
                  at.python(f"LiteRT float {threads}", place.THEIRS / "forward.py", "--base", at.base, "--images", images,
                            "--threads", threads, stacks=["python"])]
    runs = at.alternate(*sides)
    took = process.answered("ms")
    for threads in few:
        of = f"{threads} thread{'s' * (threads > 1)}"
        yield faster(f"int8/{threads}", "forward, int8 base", "edge, float base", of, runs[f"edge int8 {threads}"], runs[f"edge float {threads}"], took, 1.6)
        yield within(f"interpreter/{threads}", "forward, float base", "Python LiteRT", of,
                     runs[f"edge float {threads}"], runs[f"LiteRT float {threads}"], 1.03, took)


def classify(at):
    """From start to answer, with the embedded base and a head of ./samples."""
    home = at.fresh("classify")
    first = at.work(at.adapt("first", at.samples, home=home)).answer
    model, labels = home / "model.tflite", home / "names.txt"
    at.work(process.Side("export", [at.edge, "export", "--out", model], place.homely(home)))
    labels.write_text("\n".join(first["labels"]) + "\n")
    image = sorted((at.samples / "lamp_red").glob("*.jpg"))[0]
    runs = at.alternate(
        process.Side("edge classify", [at.edge, "classify", image], place.homely(home)),
        at.python("LiteRT script", place.THEIRS / "classify.py", model, labels, image, stacks=["python"]),
    )
    said = {name: {r.text.split("\t")[0] for r in of} for name, of in runs.items()}
    if len(set.union(*said.values())) != 1:
        raise process.Failed(f"the two do not say the same of {image}: {said}")
    yield faster("classify", "`edge classify`, start to answer", "Python LiteRT script", "the embedded base", runs["edge classify"], runs["LiteRT script"], at_least=10)
