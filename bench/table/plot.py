"""Draws table.json: how much of each wish was reached.

    PYTHONPATH=.deps/table python plot.py table.json table.svg
"""

import json
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from report import figure, unpacked

# The first two colours of Okabe and Ito's palette that tell apart for everybody.
MET, MISSED = "#0072b2", "#d55e00"


def bars(rows):
    """The lines that have a share, the first at the top."""
    for row in rows.values():
        for data in row["lines"]:
            line = unpacked(data)
            if line.reached():
                yield line


def main():
    source, to = map(pathlib.Path, sys.argv[1:])
    lines = list(bars(json.loads(source.read_text())["rows"]))[::-1]
    plt.rcParams.update({"svg.hashsalt": "edge", "svg.fonttype": "none", "font.size": 8})
    fig, ax = plt.subplots(figsize=(9, 1.2 + 0.2 * len(lines)), layout="constrained")
    shares = [line.reached() for line in lines]
    ax.barh(range(len(lines)), [s - 1 for s in shares], left=1, height=0.7, color=[MET if line.met() else MISSED for line in lines])
    ax.set_xscale("log")
    ax.axvline(1, color="black", linewidth=0.8)
    ax.set_yticks(range(len(lines)), [f"{line.what.replace('`', '')} / {line.against} ({line.of})" for line in lines])
    ax.set_ylim(-0.7, len(lines) - 0.3)
    ax.set_xlim(min([1, *shares]) / 8, max([1, *shares]) * 8)
    ticks = [t for t in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if min(shares, default=1) / 1.5 <= t <= max(shares, default=1) * 2]
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.minorticks_off()
    for i, (line, share) in enumerate(zip(lines, shares)):
        wish = f"at least {line.at_least:g}" if line.at_least is not None else f"at most {line.at_most:g}"
        ax.annotate(f"{figure(line.value, line.unit)} ({wish})", (share, i), (4 if share >= 1 else -4, 0),
                    textcoords="offset points", va="center", ha="left" if share >= 1 else "right", fontsize=7)
    ax.set_xlabel("share of what was wanted, logarithmic; 1 and more is reached")
    fig.savefig(to, metadata={"Date": None})


if __name__ == "__main__":
    main()
