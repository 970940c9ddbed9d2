"""Compares edge with other stacks and writes a table, a plot and the numbers: `make bench`.

    python main.py --edge bin/edge --alone bin/alone --deps .deps --data ../shared/data --out bench/results

Each row runs whole processes, all its sides in turn, --rounds times; what is
said are ratios of medians, with the least and the largest ratio within a
round. Rows that are not run stay in the table as they were. --quick takes a
round and parts of the sets, to try it out: its numbers mean nothing.
"""

import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import place
import process
import report
import rows_others
import rows_parts
import rows_seed

ROWS = {
    "seed": rows_seed.seed, "limit": rows_seed.limit, "heads": rows_parts.heads, "frigate": rows_others.frigate, "more": rows_seed.more,
    "12mp": rows_others.large, "forward": rows_parts.forward, "classify": rows_parts.classify, "many": rows_others.many,
}
WITHOUT_DATA = {"classify"}


def options():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in (("edge", "bin/edge"), ("alone", "bin/alone"), ("deps", ".deps"), ("data", "../shared/data"),
                          ("samples", "samples"), ("out", "bench/results")):
        p.add_argument(f"--{name}", type=pathlib.Path, default=pathlib.Path(default))
    p.add_argument("--rows", default=",".join(ROWS), help="which, of: %(default)s")
    p.add_argument("--sets", default="imagenette10,grocery10")
    p.add_argument("--many", type=int, help="images of the row many; default: 100,000, with --quick 1,600")
    p.add_argument("--rounds", type=int, help="default: 5; with --quick 1")
    p.add_argument("--scratch", type=pathlib.Path, help="where a temporary folder of up to 10 GB may be")
    p.add_argument("--quick", action="store_true")
    o = p.parse_args()
    o.rounds = o.rounds or (1 if o.quick else 5)
    unknown = [row for row in o.rows.split(",") if row not in ROWS]
    if unknown:
        p.error(f"--rows: there is no {', '.join(unknown)}")
    return o


def versions(edge):
    return json.loads(subprocess.run([edge, "version", "--json"], stdout=subprocess.PIPE, text=True, check=True).stdout)


def main():
    o = options()
    table = report.Table(o.out, o.quick)
    failed = []
    with tempfile.TemporaryDirectory(dir=o.scratch, prefix="edge-bench-") as scratch:
        at = place.Place(o, pathlib.Path(scratch))
        for row in o.rows.split(","):
            if row not in WITHOUT_DATA and not at.has_data():
                print(f"{row}: left out, since {at.base} is not there", file=sys.stderr)
                continue
            print(row, file=sys.stderr, flush=True)
            about = {"rounds": o.rounds, "quick": o.quick, "versions": versions(at.edge), "threads": at.threads,
                     "begun": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "load": os.getloadavg()[0]}
            lines, at.records = [], []
            try:
                for line in ROWS[row](at):
                    lines.append(line)  # kept also when a later one fails
            except process.Failed as e:  # the other rows are worth having
                failed.append(row)
                about["failed"] = str(e)
                print(f"{row}: {e}", file=sys.stderr)
            table.put(row, about, lines, at.records)
            table.write(list(ROWS))
    print(table.text(list(ROWS)))
    # Plots take memory, which the processes timed above would inherit.
    path = os.pathsep.join([str(o.deps.resolve() / "table"), os.environ.get("PYTHONPATH", "")])
    subprocess.run([sys.executable, place.HERE / "plot.py", table.folder / "table.json", table.folder / "table.svg"],
                   env={**os.environ, "PYTHONPATH": path}, check=True)
    if failed:
        sys.exit(f"rows that failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
