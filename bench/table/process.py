"""Whole processes, timed, with the memory they took.

This module imports nothing heavy: Linux never says that a process took less
memory than its parent had when it started it.
"""

import dataclasses
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import typing


class Failed(Exception):
    """A side that ended with an error."""


@dataclasses.dataclass
class Side:
    """One side of a comparison."""

    name: str
    command: list  # {round} in it becomes the number of the round, from 1
    env: dict = dataclasses.field(default_factory=dict)  # beside the driver's own
    prepare: typing.Callable = None  # called before each run, untimed; the variables it returns are set too
    kill_after: float = None  # seconds after which it is killed; None: it ends by itself


@dataclasses.dataclass
class Run:
    """What one run of a side came to."""

    seconds: float
    cpu: float  # seconds of processor time, user and system
    peak_mib: float  # resident
    answer: dict  # the JSON object on the last line of its output, or {}
    text: str  # that line


def run(side, number=1):
    """Runs a side once, as a process of its own. Its output goes to files, so that nobody has to read along."""
    command = [str(c).replace("{round}", str(number)) for c in side.command]
    env = {**os.environ, **side.env, **(side.prepare() if side.prepare else {})}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        if side.kill_after is not None:
            timer = threading.Timer(side.kill_after, process.send_signal, [signal.SIGKILL])
            timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it, too
        if side.kill_after is not None:
            timer.cancel()
        elif process.returncode:
            err.seek(0)
            tail = err.read().decode(errors="replace")[-2000:]
            raise Failed(f"{side.name}: {' '.join(command)}: exit code {process.returncode}\n{tail}")
        out.seek(0)
        text = out.read().decode(errors="replace").strip().rpartition("\n")[2]
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, json.loads(text) if text.startswith("{") else {}, text)


def alternate(sides, rounds):
    """Runs all sides once a round, each round beginning with another one. Returns the runs of each by name."""
    runs = {side.name: [] for side in sides}
    for i in range(rounds):
        for side in sides[i % len(sides):] + sides[:i % len(sides)]:
            r = run(side, i + 1)
            runs[side.name].append(r)
            print(f"  round {i + 1}, {side.name}: {r.seconds:.2f} s, {r.cpu:.2f} s of processor time, {r.peak_mib:.0f} MiB", file=sys.stderr, flush=True)
    return runs


def seconds(r):
    return r.seconds


def cpu(r):
    return r.cpu


def peak(r):
    return r.peak_mib


def answered(*keys):
    """Returns a measure of a run that looks keys up in its answer."""

    def measure(r):
        value = r.answer
        for key in keys:
            value = value[key]
        return value

    return measure


def median(runs, measure):
    return statistics.median(map(measure, runs))


def mean(runs, measure):
    return statistics.fmean(map(measure, runs))


def ratio(above, below, measure, measure_below=None):
    """Returns the ratio of the medians, and the least and the largest of the ratios within a round."""
    measure_below = measure_below or measure
    of = median(above, measure) / median(below, measure_below)
    each = [measure(a) / measure_below(b) for a, b in zip(above, below)]
    return of, min(each), max(each)
