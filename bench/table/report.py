"""The table: as text, and as JSON from which the next run starts."""

import dataclasses
import json
import os
import pathlib
import platform

from lines import Line

MARKS = {True: "reached", False: "**missed**"}


class Table:
    """All rows, those of earlier runs too. The results of --quick go where they are not committed."""

    def __init__(self, out, quick):
        self.folder = out / "tmp" if quick else out
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / "table.json"
        self.rows = json.loads(self.path.read_text())["rows"] if self.path.exists() else {}

    def put(self, row, about, lines, records):
        """Takes a row that was run."""
        self.rows[row] = {**about, "lines": [packed(line) for line in lines], "runs": records}

    def ordered(self, order):
        return {row: self.rows[row] for row in order if row in self.rows}

    def write(self, order):
        """Writes table.json and table.md, each in one go."""
        rows = self.ordered(order)
        values = {line["id"]: round(line["value"], 4) for row in rows.values() for line in row["lines"]}  # as bench/guard reads them
        replace(self.path, json.dumps({"machine": machine(), "ratios": values, "rows": rows}, indent=1) + "\n")
        replace(self.folder / "table.md", self.text(order))

    def text(self, order):
        rows = self.ordered(order)
        wanted = [line for row in rows.values() for line in map(unpacked, row["lines"]) if line.wanted()]
        met = sum(line.met() for line in wanted)
        out = [f"Written by `make bench` on {machine()}; [how](../table/README.md), [plot](table.svg). Whole processes where nothing else is said: medians, in",
               "brackets the least and the largest of the rounds. Where at least something is wanted, a figure says how many times faster or smaller edge",
               f"is; where at most something is, how many times as much it takes. The recipes are those of `edge adapt`. {met} of {len(wanted)} wishes were met.", "",
               "| what | against | of | reached | wanted | | by processor time |", "|---|---|---|---|---|---|---|"]
        for row in rows.values():
            for data in row["lines"]:
                out.append("| " + " | ".join(cells(data)) + " |")
        out += ["", "| row | rounds | begun | load before | edge | JPEG decoder |", "|---|---|---|---|---|---|"]
        for name, row in rows.items():
            v = row["versions"]
            out.append(f"| {name} | {row['rounds']}{' (--quick)' * row['quick']} | {row['begun']} | {row['load']:.1f} | {v['edge']} | "
                       f"{v.get('jpeg', {}).get('name', '')} |")
        out += [""] * any("failed" in row for row in rows.values())
        out += [f"Row {name} failed: {row['failed'].splitlines()[0]}" for name, row in rows.items() if "failed" in row]
        return "\n".join(out) + "\n"


def packed(line):
    """A line as JSON has it."""
    data = {key: value for key, value in dataclasses.asdict(line).items() if value not in (None, "")}
    return data | ({"met": line.met()} if line.wanted() else {})


def unpacked(data):
    """The line that packed made data of."""
    return Line(**{f.name: data[f.name] for f in dataclasses.fields(Line) if f.name in data})


def cells(data):
    line = unpacked(data)
    reached = figure(line.value, line.unit)
    if line.low is not None:
        reached += f" ({figure(line.low, '')} to {figure(line.high, '')})"
    if line.note:
        reached += f", {line.note}"
    wish = f"at least {figure(line.at_least, line.unit)}" if line.at_least is not None else \
        f"at most {figure(line.at_most, line.unit)}" if line.at_most is not None else ""
    return [line.what, line.against, line.of, reached, wish, MARKS[line.met()] if line.wanted() else "",
            figure(line.cpu, "x") if line.cpu is not None else ""]


def figure(value, unit):
    """Three figures, as many as a ratio deserves."""
    if unit == "points":
        return f"{value:+.1f} points" if value else "0 points"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text + {"x": "x", "": "", "pictures": " pictures"}[unit]


def machine():
    """The processor and how many of its threads there are."""
    model = platform.machine()
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return f"{len(os.sched_getaffinity(0))} x {model}"


def replace(path, text):
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.replace(path)
