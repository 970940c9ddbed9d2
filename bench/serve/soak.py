"""Runs `edge run` on a test pattern at full speed and shows whether anything grows.

    python soak.py --edge bin/edge --out bench/results [--minutes 20]

The daemon classifies every frame of test://, which delivers as fast as it is
read. Every two seconds its memory, descriptors, threads and goroutines are
noted; soak.md has their means over each tenth of the run. Fails if the last
tenth lies above the second by more than a tenth and 8 MiB.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PORT = 18082


def options():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--edge", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--samples", type=pathlib.Path, default=ROOT / "samples")
    p.add_argument("--source", default="test://?rate=0&width=320&height=240")
    p.add_argument("--minutes", type=float, default=20)
    return p.parse_args()


def get(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=10) as answer:
        return answer.read().decode()


def metric(text, name):
    """The sum of a metric over its labels."""
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith((name + " ", name + "{")))


def note(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    task = json.loads(get("/api/tasks/default"))
    return {"rss_mib": int(status.split("VmRSS:")[1].split()[0]) / 1024, "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
            "threads": int(status.split("Threads:")[1].split()[0]), "goroutines": metric(get("/metrics"), "go_goroutines"),
            "frames": task["counts"]["frames"], "failed": task["counts"]["failed"], "p99_ms": task["timings"]["latency"]["p99"]}


def table(o, notes, seconds):
    tenths = [notes[len(notes) * i // 10:len(notes) * (i + 1) // 10] for i in range(10)]
    lines = [f"`{o.source}` for {seconds / 60:.0f} minutes: {notes[-1]['frames']} frames, {notes[-1]['frames'] / seconds:.0f} a second, {notes[-1]['failed']} failed.", "",
             "| tenth of the run | MiB | descriptors | threads | goroutines | p99 ms, capture to decision |", "|---|---|---|---|---|---|"]
    for i, part in enumerate(tenths):
        mean = {k: statistics.fmean(n[k] for n in part) for k in part[0]}
        lines.append(f"| {i + 1} | {mean['rss_mib']:.1f} | {mean['descriptors']:.1f} | {mean['threads']:.1f} | {mean['goroutines']:.1f} | {mean['p99_ms']:.2f} |")
    grown = []
    for what, slack in (("rss_mib", 8), ("descriptors", 2), ("threads", 4), ("goroutines", 4)):
        early, late = (statistics.fmean(n[what] for n in tenths[i]) for i in (1, 9))
        if late > 1.1 * early and late > early + slack:
            grown.append(f"{what}: {early:.1f} to {late:.1f}")
    return "\n".join(lines) + "\n", grown


def main():
    o = options()
    scratch = pathlib.Path(tempfile.mkdtemp())
    env = dict(os.environ, XDG_DATA_HOME=str(scratch), XDG_CACHE_HOME=str(scratch), HOME=str(scratch))
    store = ["--store", str(scratch / "store")]
    subprocess.run([str(o.edge), "adapt", "--quiet", "--dir", str(o.samples), *store], env=env, stdout=subprocess.DEVNULL, check=True)
    daemon = subprocess.Popen([str(o.edge), "run", "--source", o.source, "--listen", f"127.0.0.1:{PORT}", *store], env=env, stdout=sys.stderr, stderr=sys.stderr)
    try:
        for _ in range(300):
            try:
                get("/readyz")
                break
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
        start, notes = time.monotonic(), []
        while time.monotonic() - start < 60 * o.minutes:
            notes.append(note(daemon.pid))
            time.sleep(2)
        seconds = time.monotonic() - start
    finally:
        daemon.send_signal(signal.SIGTERM)
        code = daemon.wait(30)
        shutil.rmtree(scratch, ignore_errors=True)
    text, grown = table(o, notes, seconds)
    o.out.mkdir(parents=True, exist_ok=True)
    (o.out / "soak.md").write_text(text)
    (o.out / "soak.json").write_text(json.dumps(notes) + "\n")
    print(text)
    if grown or code:
        raise SystemExit(f"grown: {', '.join(grown) or 'nothing'}; the daemon ended with {code}")


if __name__ == "__main__":
    main()
