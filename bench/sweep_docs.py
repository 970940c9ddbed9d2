"""The table and the plots of docs/unfreezing.md, from sweeps that edge has made.

    python bench/sweep_docs.py --out docs/unfreezing grocery10=SWEEP sign_digits10=SWEEP imagenette10=SWEEP

SWEEP is the --out of `edge finetune sweep`. Writes SET-accuracy.svg, SET-loss.svg
and SET-gap.svg into --out: the pictures of the sweep's own page, with their
captions and its light colours, so that they stand alone. Prints the table, in
Markdown. Standard library only.
"""

import argparse
import html
import json
import pathlib
import re
import statistics

PLOTS = (("accuracy", "Accuracy", "accuracy"), ("loss", "Loss", "loss"), ("gap", "Gap", "gap, points"))  # file, caption on the page, and here
CAPTION = 26  # pixels above the plot
HEADER = ("set", "unfrozen", "train, as met", "train, clean", "val", "test", "gap, as met", "gap, clean",
          "train loss, as met", "val loss", "test loss", "MiB")


def options():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("sweeps", nargs="+", metavar="SET=SWEEP")
    return p.parse_args()


def alone(figure, colours, title):
    """Returns a figure of the page as a file of its own."""
    keys = re.findall(r'<span class="key (\w+)">([^<]*)</span>', figure)
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', figure).groups())
    alt = re.search(r'aria-label="([^"]*)"', figure)[1]
    drawing = re.search(r"<svg[^>]*>(.*)</svg>", figure, re.S)[1]
    x, legend = 4, [f'<text x="4" y="17" fill="{colours["ink"]}" font-weight="bold">{html.escape(title)}</text>']
    x += 8 * len(title) + 12
    for key, label in keys:
        fill = colours[key if key in colours else "ink"]
        legend.append(f'<circle cx="{x}" cy="13" r="4" fill="{fill}"/><text x="{x + 8}" y="17" fill="{colours["ink"]}">{html.escape(label)}</text>')
        x += 7 * len(label) + 22
    body = re.sub(r"var\(--([\w-]+)\)", lambda m: colours[m[1]], drawing)
    width = max(width, x)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{alt}" viewBox="0 0 {width} {height + CAPTION}" '
            f'width="{width}" height="{height + CAPTION}" font-family="sans-serif" font-size="13">\n'
            f'<rect width="100%" height="100%" fill="{colours["back"]}"/>\n' + "\n".join(legend) +
            f'\n<g transform="translate(0, {CAPTION})">{body}</g>\n</svg>\n')


def plots(name, folder, out):
    page = (folder / "report.html").read_text()
    colours = {}
    for colour, value in re.findall(r"--([\w-]+):(#[0-9a-f]{6})", page):
        colours.setdefault(colour, value)  # the light ones come first
    figures = re.findall(r"<figure>.*?</figure>", page, re.S)
    for file, caption, short in PLOTS:
        figure = next(f for f in figures if re.search(rf"<figcaption>{caption}", f))
        (out / f"{name}-{file}.svg").write_text(alone(figure, colours, f"{name}: {short}"))


def rows(name, folder):
    runs = json.loads((folder / "sweep.json").read_text())["runs"]
    for fraction in sorted({r["unfreeze"]["fraction"] for r in runs}):
        of = [r for r in runs if r["unfreeze"]["fraction"] == fraction]

        def mean(*keys, scale=1.0):
            def get(r):
                for k in keys:
                    r = r[k]
                return scale * r
            return statistics.fmean(map(get, of))
        cells = [f"{mean('after', part, 'accuracy', scale=100):.1f}" for part in ("train_met", "train", "val", "test")]
        cells += [f"{mean('after', gap):.1f}" for gap in ("gap_met_points", "gap_points")]
        cells += [f"{mean('after', part, 'loss'):.3f}" for part in ("train_met", "val", "test")]
        yield [name, f"{100 * fraction:g} %", *cells, f"{mean('peak_rss_mib'):.0f}"]


def main():
    o = options()
    o.out.mkdir(parents=True, exist_ok=True)
    lines = ["| " + " | ".join(HEADER) + " |", "|" + "---|" * len(HEADER)]
    for sweep in o.sweeps:
        name, folder = sweep.split("=", 1)
        plots(name, pathlib.Path(folder), o.out)
        lines += ["| " + " | ".join(cells) + " |" for cells in rows(name, pathlib.Path(folder))]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
