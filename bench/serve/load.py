"""Loads `edge run` on loopback while its heads and bases are swapped, and compares it with LiteRT behind FastAPI.

    PYTHONPATH=.deps/serve python load.py --edge bin/edge --vegeta VEGETA --out bench/results [--base BASE]

Four parts, all on one machine, client and server together:

  throughput  each kind of request as fast as it goes, edge and the Python server in turn, medians of --rounds
  quiet       --quiet seconds at 80 % of edge's capacity, nothing swapped
  adapting    as long, at the same rate, while the daemon trains heads one after the other
  swaps       --seconds at the same rate, a head swap every second and a base swap every twenty

Requests are those of tritonclient (binary tensors) and of TensorFlow Serving's
clients (JSON). Beside the generator a real tritonclient asks all the time and
checks the answer. Writes serve.json and serve.md into --out, and fails if any
request did.
"""

import argparse
import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import tritonclient.http as triton
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EDGE, PYTHON = 18080, 18081  # ports
KINDS = ("float", "float8", "jpeg", "json")
PHASES = ("quiet", "adapting", "swaps")


def options():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--edge", type=pathlib.Path, required=True)
    p.add_argument("--vegeta", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--base", type=pathlib.Path, help="a .tflite file; default: the embedded base")
    p.add_argument("--samples", type=pathlib.Path, default=ROOT / "samples")
    p.add_argument("--seconds", type=int, default=300)
    p.add_argument("--quiet", type=int, default=60)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--clients", type=int, default=4)
    return p.parse_args()


class Store:
    """A store with heads over two bases of equal cost."""

    def __init__(self, o, folder):
        self.dir, self.o = folder / "store", o
        self.env = dict(os.environ, XDG_DATA_HOME=str(folder), XDG_CACHE_HOME=str(folder), HOME=str(folder))
        first = self.adapt(o.base, 1)
        self.base = next((self.dir / "blobs/sha256").iterdir())
        other = folder / "other.tflite"
        other.write_bytes(nudged(self.base.read_bytes()))
        self.heads = [first["generation"], self.adapt(o.base, 2)["generation"]]
        self.others = [self.adapt(other, 1)["generation"]]
        self.folder = pathlib.Path(first["path"])

    def adapt(self, base, seed):
        command = [str(self.o.edge), "adapt", "--quiet", "--json", "--dir", str(self.o.samples), "--store", str(self.dir), "--seed", str(seed)]
        done = subprocess.run(command + (["--base", str(base)] if base else []), env=self.env, stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)


def nudged(model):
    """Returns the model with one weight's last bit flipped: another file that costs the same."""
    changed = bytearray(model)
    changed[len(model) // 2 // 4 * 4] ^= 1
    return bytes(changed)


@contextlib.contextmanager
def server(command, env, port, ready):
    """Runs a server until the block ends; yields its process once it answers."""
    process = subprocess.Popen(command, env=env, stdout=sys.stderr, stderr=sys.stderr)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}{ready}", timeout=5).read()
                break
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} ended with {process.returncode}")
            time.sleep(0.1)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


class Requests:
    """The bodies of all kinds of requests, in files, and what to send them as."""

    def __init__(self, o, folder):
        path = sorted((o.samples / "lamp_red").glob("*.jpg"))[0]
        self.label = "lamp_red"
        side = 128
        pixels = np.asarray(Image.open(path).convert("RGB").resize((side, side), Image.Resampling.BILINEAR), np.float32) / 127.5 - 1
        self.pixels, self.folder, jpeg = pixels, folder, path.read_bytes()
        for name, n in (("float", 1), ("float8", 8)):
            body, header = triton.InferenceServerClient.generate_request_body(self.tensors(n), outputs=self.outputs())
            self.put(f"edge-{name}", f"http://127.0.0.1:{EDGE}/v2/models/default/infer", body,
                     {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(header)})
            self.put(f"python-{name}", f"http://127.0.0.1:{PYTHON}/infer", np.repeat(pixels[None], n, 0).tobytes(),
                     {"Content-Type": "application/octet-stream"})
        self.put("edge-jpeg", f"http://127.0.0.1:{EDGE}/api/image?task=default", jpeg, {"Content-Type": "image/jpeg"})
        self.put("python-jpeg", f"http://127.0.0.1:{PYTHON}/predict", jpeg, {"Content-Type": "image/jpeg"})
        self.put("edge-json", f"http://127.0.0.1:{EDGE}/v1/models/default:predict",
                 json.dumps({"instances": [{"b64": base64.b64encode(jpeg).decode()}]}).encode(), {"Content-Type": "application/json"})

    def tensors(self, n):
        tensor = triton.InferInput("pixels", [n, *self.pixels.shape], "FP32")
        tensor.set_data_from_numpy(np.repeat(self.pixels[None], n, 0))
        return [tensor]

    def outputs(self):
        return [triton.InferRequestedOutput("scores", binary_data=True)]

    def put(self, name, url, body, header):
        (self.folder / name).write_bytes(body)
        target = {"method": "POST", "url": url, "header": {k: [v] for k, v in header.items()}, "body": base64.b64encode(body).decode()}
        (self.folder / f"{name}.json").write_text(json.dumps(target) + "\n")

    def mixed(self):
        """Three tritonclient requests and one of TensorFlow Serving's, in turn."""
        path = self.folder / "mixed.json"
        path.write_text((self.folder / "edge-float.json").read_text() * 3 + (self.folder / "edge-json.json").read_text())
        return path


def attack(o, targets, seconds, rate=0):
    """Sends requests for so long; returns vegeta's report. Rate 0: as fast as o.clients can."""
    command = [str(o.vegeta), "attack", "-format=json", f"-targets={targets}", f"-duration={seconds}s", f"-rate={rate}", "-timeout=10s",
               f"-workers={o.clients}"] + ([f"-max-workers={o.clients}"] if rate == 0 else ["-max-workers=256"])
    results = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(subprocess.run([str(o.vegeta), "report", "-type=json"], input=results, stdout=subprocess.PIPE, check=True).stdout)


def summary(report):
    return {"requests": report["requests"], "failed": report["requests"] - report["status_codes"].get("200", 0),
            "rate": report["throughput"], "errors": report.get("errors") or [],
            **{f"{q}_ms": report["latencies"][q] / 1e6 for q in ("50th", "99th", "max")}}


class Background(threading.Thread):
    """Does something over and over until the block ends; counts, and keeps what went wrong."""

    def __init__(self, every, do):
        super().__init__(daemon=True)
        self.every, self.do, self.stopped, self.count, self.wrong = every, do, threading.Event(), 0, []

    def run(self):
        due = time.monotonic()
        while not self.stopped.wait(max(0, due - time.monotonic())):
            due += self.every
            try:
                self.do(self.count)
                self.count += 1
            except Exception as e:  # whatever it is, it belongs into the report
                self.wrong.append(str(e))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.join()


def activate(n):
    request = urllib.request.Request(f"http://127.0.0.1:{EDGE}/api/tasks/default/generations/{n}/activate", data=b"{}",
                                     headers={"Content-Type": "application/json"}, method="POST")
    urllib.request.urlopen(request, timeout=30).read()


def adapt(_):
    """Asks for training on the samples, unless it is going on."""
    request = urllib.request.Request(f"http://127.0.0.1:{EDGE}/api/tasks/default/adapt", data=b"", method="POST")
    try:
        urllib.request.urlopen(request, timeout=30).read()
    except urllib.error.HTTPError as e:
        if e.code != 409:
            raise


def swapper(store):
    """Another head every second; every twentieth is one over the other base, and the next is one over the first again."""
    return lambda i: activate(store.others[0] if i % 20 == 19 else store.heads[i % 2])


def checker(requests):
    """A real tritonclient, made by the thread that uses it, as it wants to be."""
    made = []

    def client():
        if not made:
            made.append(triton.InferenceServerClient(f"127.0.0.1:{EDGE}"))
            assert made[0].is_server_ready() and made[0].is_model_ready("default") and made[0].get_model_metadata("default")["inputs"]
        return made[0]

    def ask(_):
        scores = client().infer("default", requests.tensors(1), outputs=requests.outputs()).as_numpy("scores")
        assert scores.shape == (1, len(labels)) and abs(scores.sum() - 1) < 1e-3, scores
        assert labels[int(scores[0].argmax())] == requests.label, scores

    labels = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{EDGE}/api/tasks/default").read())["model"]["labels"]
    return ask


def memory(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    rss = int(status.split("VmRSS:")[1].split()[0]) / 1024
    return {"rss_mib": rss, "descriptors": len(os.listdir(f"/proc/{pid}/fd")), "threads": int(status.split("Threads:")[1].split()[0])}


def under_load(o, requests, pid, seconds, rate, meanwhile=None):
    """Sends the mixed requests for so long, while meanwhile happens every second."""
    samples = []
    with contextlib.ExitStack() as stack:
        ask = stack.enter_context(Background(0.2, checker(requests)))
        stack.enter_context(Background(1, lambda _: samples.append(memory(pid))))
        other = stack.enter_context(Background(1, meanwhile)) if meanwhile else None
        row = summary(attack(o, requests.mixed(), seconds, rate))
    part = max(1, len(samples) // 5)
    row |= {"seconds": seconds, "checked": ask.count, "wrong": ask.wrong, "meanwhile": other.count if other else 0, "refused": other.wrong if other else [],
            "first_fifth": average(samples[:part]), "last_fifth": average(samples[-part:]), "peak_rss_mib": max(s["rss_mib"] for s in samples)}
    print(json.dumps(row), flush=True)
    return row


def average(samples):
    return {k: statistics.fmean(s[k] for s in samples) for k in samples[0]}


def processor(pid):
    """Seconds of processor time that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def throughput(o, requests, pids):
    rows = {}
    for kind in KINDS:
        for side in ("edge", "python"):
            if (requests.folder / f"{side}-{kind}.json").exists():
                rows[side, kind] = []
    for _ in range(o.rounds):
        for (side, kind), row in rows.items():
            before = processor(pids[side])
            row.append(summary(attack(o, requests.folder / f"{side}-{kind}.json", 5)))
            row[-1]["cpu_ms"] = 1000 * (processor(pids[side]) - before) / row[-1]["requests"]
    return {f"{side} {kind}": {"rate": statistics.median(r["rate"] for r in row), "failed": sum(r["failed"] for r in row),
                               "cpu_ms": statistics.median(r["cpu_ms"] for r in row),
                               "99th_ms": statistics.median(r["99th_ms"] for r in row)} for (side, kind), row in rows.items()}


def bare(base, seconds=5):
    """Images a second of LiteRT alone, one interpreter a processor, one thread each, as processes of their own."""
    code = ("import sys, time, numpy as np\nfrom ai_edge_litert.interpreter import Interpreter\n"
            "i = Interpreter(model_path=sys.argv[1], num_threads=1); i.allocate_tensors()\n"
            "x = i.get_input_details()[0]; i.set_tensor(x['index'], np.zeros(x['shape'], np.float32)); i.invoke()\n"
            "n, end = 0, time.monotonic() + float(sys.argv[2])\nwhile time.monotonic() < end: i.invoke(); n += 1\nprint(n / float(sys.argv[2]))")
    running = [subprocess.Popen([sys.executable, "-c", code, str(base), str(seconds)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
               for _ in range(os.cpu_count())]
    return sum(float(p.communicate()[0]) for p in running)


def table(r):
    alone = 1000 * r["cores"] / r["bare"]
    lines = [f"Base: {r['base']}, {r['cores']} cores, {r['clients']} clients on the same machine. LiteRT alone, a process a core: "
             f"{r['bare']:.0f} images a second, {alone:.2f} ms of processor time an image.", "",
             "| request | edge, images/s | LiteRT + FastAPI | ratio | edge of LiteRT alone | processor ms an image, edge | LiteRT + FastAPI | LiteRT alone / edge |",
             "|---|---|---|---|---|---|---|---|"]
    names = {"float": "128x128 floats", "float8": "the same, 8 at once", "jpeg": "a JPEG", "json": "a JPEG in TensorFlow Serving's JSON"}
    for kind in KINDS:
        n = 8 if kind == "float8" else 1
        edge, python = r["throughput"][f"edge {kind}"], r["throughput"].get(f"python {kind}")
        lines.append(f"| {names[kind]} | {edge['rate'] * n:.0f} | " + (f"{python['rate'] * n:.0f} | {edge['rate'] / python['rate']:.1f}x" if python else " | ")
                     + f" | {100 * edge['rate'] * n / r['bare']:.0f} % | {edge['cpu_ms'] / n:.2f} | " + (f"{python['cpu_ms'] / n:.2f}" if python else "")
                     + f" | {100 * alone * n / edge['cpu_ms']:.0f} % |")
    lines += ["", f"At {r['rate']:.0f} requests a second, 80 % of what it can:", "",
              "| | seconds | swaps or trainings asked for | requests | failed | p50 ms | p99 ms | MiB, first fifth | last fifth | descriptors, first | last |",
              "|---|---|---|---|---|---|---|---|---|---|---|"]
    for name in PHASES:
        row = r[name]
        lines.append(f"| {name} | {row['seconds']} | {row['meanwhile']} | {row['requests'] + row['checked']} | {row['failed'] + len(row['wrong'])} | {row['50th_ms']:.1f} | {row['99th_ms']:.1f} "
                     f"| {row['first_fifth']['rss_mib']:.0f} | {row['last_fifth']['rss_mib']:.0f} | {row['first_fifth']['descriptors']:.0f} | {row['last_fifth']['descriptors']:.0f} |")
    return "\n".join(lines) + "\n"


def main():
    o = options()
    scratch = pathlib.Path(tempfile.mkdtemp())
    try:
        store, requests = Store(o, scratch), Requests(o, scratch)
        edge = [str(o.edge), "run", "--store", str(store.dir), "--task", "default", "--listen", f"127.0.0.1:{EDGE}", "--samples", str(o.samples)]
        python = [sys.executable, str(HERE / "litert_server.py"), "--base", str(store.base), "--head", str(store.folder / "head.tflite"),
                  "--labels", str(store.folder / "labels.txt"), "--port", str(PYTHON)]
        result = {"base": o.base.name if o.base else "embedded", "cores": os.cpu_count(), "clients": o.clients, "bare": bare(store.base)}
        with server(edge, store.env, EDGE, "/readyz") as daemon:
            with server(python, dict(os.environ), PYTHON, "/docs") as other:
                result["throughput"] = throughput(o, requests, {"edge": daemon.pid, "python": other.pid})
            print(json.dumps(result["throughput"]), flush=True)
            result["rate"] = round(0.8 * summary(attack(o, requests.mixed(), 10))["rate"])
            result["quiet"] = under_load(o, requests, daemon.pid, o.quiet, result["rate"])
            result["adapting"] = under_load(o, requests, daemon.pid, o.quiet, result["rate"], adapt)
            result["swaps"] = under_load(o, requests, daemon.pid, o.seconds, result["rate"], swapper(store))
        o.out.mkdir(parents=True, exist_ok=True)
        (o.out / "serve.json").write_text(json.dumps(result, indent=1) + "\n")
        (o.out / "serve.md").write_text(table(result))
        print(table(result))
        failed = sum(result[p]["failed"] + len(result[p]["wrong"]) + len(result[p]["refused"]) for p in PHASES)
        if failed:
            raise SystemExit(f"{failed} requests failed or were answered wrongly")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
