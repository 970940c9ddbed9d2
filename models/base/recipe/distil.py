"""Distils MobileNetV2 alpha 0.35 at 128 px from the alpha 1.0 teacher, on unlabelled photos.

    python distil.py --data DIR --out DIR --minutes 90 --seed 1
    python distil.py --data DIR --out DIR --epochs 300 --seed 1

A run that was stopped goes on from its last epoch when the same command is given again. --init FILE
starts a new schedule from the weights of a finished checkpoint or of a written base. The log goes to OUT/log.txt, the base to
OUT/mobilenet_v2_0.35_128.tflite (rewritten at every probe, so that a stopped run leaves one).
"""

import argparse
import json
import os
import pathlib
import sys
import time

# oneDNN is off by default on processors without AVX-512 and is 2.5 times as fast there too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# Keeps freed memory in the process. By default every large tensor is fetched from the system anew and
# zeroed page by page. The C library reads this at its start only, hence the second start.
if __name__ == "__main__" and "MALLOC_TRIM_THRESHOLD_" not in os.environ:
    os.environ.update(MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_=str(1 << 40))
    os.execv(sys.executable, [sys.executable, *sys.argv])

import numpy as np
import tensorflow as tf

import export
import norm
import photos
import probe
import teacher
import unfold
from optim import Optimiser
from stream import Stream
from student import FEATURES, PLAN, Student, moments, scaled

NAME = "mobilenet_v2_0.35_128.tflite"


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", type=pathlib.Path, required=True, help="folder with pool/, weights/ and the labelled sets")
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--scratch", type=pathlib.Path, help="decoded photos (default OUT/scratch)")
    p.add_argument("--epochs", type=float, default=0, help="length of the schedule in passes over as many photos as the pool has")
    p.add_argument("--minutes", type=float, default=0, help="length of the schedule in minutes by the clock, probes included, instead of epochs")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--init", type=pathlib.Path, help="start a new schedule from the weights of this checkpoint (.npz) or base (.tflite)")
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--rate", type=float, default=3e-3, help="Adam's peak learning rate")
    p.add_argument("--muon-rate", type=float, default=0.02, help="Muon's for the 1x1 convolutions; 0 leaves all to Adam")
    p.add_argument("--weight-decay", type=float, default=0.05)
    p.add_argument("--ema", type=float, default=0.998)
    p.add_argument("--map-weight", type=float, default=0.5)
    p.add_argument("--logit-weight", type=float, default=0.2)
    p.add_argument("--temperature", type=float, default=2.0)
    p.add_argument("--sizes", default="64:0.2,96:0.6,128:1", help="side of the student's pictures, and up to which share of the schedule")
    p.add_argument("--reuse", type=int, default=3, help="times a teacher's answer is used")
    p.add_argument("--kept", type=int, default=16, help="batches that wait to be used again")
    p.add_argument("--strength", type=float, default=1.0, help="of the augmentation, 0 to 1")
    p.add_argument("--towers", type=int, default=2, help="parts a batch is split into, one thread each")
    p.add_argument("--probe-every", type=int, default=5)
    a = p.parse_args()
    a.plan = [(int(side), float(share)) for side, share in (part.split(":") for part in a.sizes.split(","))]
    if (a.epochs > 0) == (a.minutes > 0):
        p.error("give either --epochs or --minutes")
    return a


def shrink(to: int) -> np.ndarray:
    """The matrix [to, 4] that averages the teacher's 4 cells a side to the student's."""
    edge = np.arange(to + 1) * 4 / to
    return np.array([[max(0.0, min(edge[i + 1], j + 1) - max(edge[i], j)) * to / 4 for j in range(4)] for i in range(to)], np.float32)


class Trainer:
    def __init__(self, a, stream: Stream):
        self.a, self.stream = a, stream
        self.net, self.average = Student(a.seed), Student(a.seed)
        self.weights = [*self.net.kernels, *self.net.scales, *self.net.offsets]
        self.averages = [*self.average.kernels, *self.average.scales, *self.average.offsets]
        n = len(PLAN)
        # The last convolution is the regression onto the teacher's features: Adam's.
        wide = [i for i, layer in enumerate(PLAN[:-1]) if layer[0] == "wide"]
        self.optimiser = Optimiser(self.weights, wide if a.muon_rate > 0 else (), range(n))
        self.head = [tf.constant(x) for x in teacher.head(a.data / "weights")]
        self.norm = [tf.Variable(tf.zeros([FEATURES])) for _ in range(3)]  # mean, deviation pooled, deviation of maps
        self.done = {"epoch": 0, "step": 0, "seconds": 0.0}
        self._step = tf.function(self._train, reduce_retracing=False)
        self.began = time.monotonic()  # moved back by what earlier runs of the schedule took

    def state(self):
        o = self.optimiser
        return [*self.weights, *self.averages, *o.first, *o.second, o.steps, *self.norm]

    def save(self, path: pathlib.Path):
        self.done["seconds"] = self.seconds()
        part = path.with_suffix(".part.npz")
        np.savez(part, meta=json.dumps(self.done), **{f"v{i:03d}": v.numpy() for i, v in enumerate(self.state())})
        part.rename(path)

    def begin(self, path: pathlib.Path) -> str:
        """Takes the weights of a checkpoint or of a written base; returns a word on it for the log."""
        if path.suffix == ".tflite":
            net, worst = unfold.student(path, list(self.stream.clean(self.a.seed, 1024 // self.a.batch)))
            start, said = [*net.kernels, *net.scales, *net.offsets], f"base {path.name}, read back to {worst:.1g}"
        else:
            with np.load(path) as z:  # the averaged weights are the better start
                n = len(self.weights)
                start, said = [z[f"v{n + i:03d}"] for i in range(n)], f"checkpoint {path.name}"
        for v, m, w in zip(self.weights, self.averages, start):
            v.assign(w)
            m.assign(w)
        return said

    def load(self, path: pathlib.Path):
        with np.load(path) as z:
            for i, v in enumerate(self.state()):
                v.assign(z[f"v{i:03d}"])
            self.done = json.loads(str(z["meta"]))
        self.began = time.monotonic() - self.done["seconds"]

    def measure(self):
        """Measures the teacher's features, so that each of the 1280 counts alike."""
        rng = np.random.default_rng([self.a.seed, 7])
        maps = np.concatenate([self.stream.fresh(rng)[1] for _ in range(1024 // self.a.batch)]).astype(np.float32)
        pooled = maps.mean((1, 2))
        for v, x in zip(self.norm, (pooled.mean(0), pooled.std(0), maps.std((0, 1, 2)))):
            v.assign(x)
        for v in self.norm[1:]:  # a feature that is nearly never on must not shout
            v.assign(tf.maximum(v, 0.3 * tf.reduce_mean(v)))

    def _loss(self, x, maps):
        a = self.a
        maps = tf.cast(maps, tf.float32)
        want, got = tf.reduce_mean(maps, [1, 2]), self.net(scaled(x))
        cells = x.shape[1] // 32
        if cells != 4:
            m = tf.constant(shrink(cells))
            maps = tf.einsum("ah,bw,nhwc->nabc", m, m, maps)
        mean, sd, sd_map = self.norm
        by_cell = tf.reduce_mean(tf.square((got - maps) / sd_map))
        got = tf.reduce_mean(got, [1, 2])
        u, v = (got - mean) / sd, (want - mean) / sd
        pooled = tf.reduce_mean(tf.square(u - v))
        angle = 1 - tf.reduce_mean(tf.reduce_sum(tf.nn.l2_normalize(u, 1) * tf.nn.l2_normalize(v, 1), 1))
        kernel, bias = self.head
        t = a.temperature
        said, heard = [(tf.matmul(f, kernel) + bias) / t for f in (want, got)]
        p = tf.nn.softmax(said)
        logits = t * t * tf.reduce_mean(tf.reduce_sum(p * (tf.nn.log_softmax(said) - tf.nn.log_softmax(heard)), 1))
        total = pooled + angle + a.map_weight * by_cell + a.logit_weight * logits
        return total, tf.stack([total, pooled, angle, by_cell, logits])

    def _train(self, x, maps, rate, muon_rate, ema):
        gradients, parts = None, 0.0
        k = self.a.towers
        # The towers do not depend on each other, so each runs in a thread of its own: twice one
        # thread's speed, where two threads in each operation give a third more.
        for xs, ms in zip(tf.split(x, k), tf.split(maps, k)):
            with tf.GradientTape() as tape:
                loss, seen = self._loss(xs, ms)
            g = tape.gradient(loss, self.weights)
            gradients = g if gradients is None else [p + q for p, q in zip(gradients, g)]
            parts += seen / k
        self.optimiser.apply([g / k for g in gradients], rate, muon_rate, self.a.weight_decay)
        for m, v in zip(self.averages, self.weights):
            m.assign_add((1 - ema) * (v - m))
        return parts

    def seconds(self) -> float:
        return time.monotonic() - self.began

    def progress(self) -> float:
        """Share of the schedule that is done; a stopped or starved process finds itself further on."""
        a = self.a
        if a.minutes:
            return self.seconds() / 60 / a.minutes
        return self.done["step"] * a.batch / len(self.stream.pool) / a.epochs

    def epoch(self):
        """Trains on as many pictures as the pool has; returns the mean loss parts, the rate and the number of steps."""
        a, parts, rate = self.a, [], 0.0
        for _ in range(len(self.stream.pool) // a.batch):
            at = self.progress()
            if at >= 1:
                break
            self.stream.size = next((side for side, share in a.plan if at < share), photos.INPUT)
            warm = min(1.0, (self.done["step"] + 1) / 200)
            rate = warm * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * at)))
            ema = min(a.ema, (1 + self.done["step"]) / (10 + self.done["step"]))
            x, maps = self.stream.next()
            parts.append(self._step(x, maps, *(tf.constant(v, tf.float32) for v in (rate * a.rate, rate * a.muon_rate, ema))).numpy())
            self.done["step"] += 1
        self.done["epoch"] += 1
        return np.mean(parts, 0), rate, len(parts)


def measured(trainer: Trainer, sets, out: pathlib.Path):
    """Recalibrates batch norm for the averaged weights, writes the base and probes the file."""
    clean = list(trainer.stream.clean(trainer.a.seed, 1024 // trainer.a.batch))
    stats = moments(trainer.average, clean)
    worst = export.write(trainer.average, stats, out / NAME, sets["grocery10"][2][:8], np.concatenate(clean))
    return probe.run(out / NAME, sets), worst


def main():
    a = arguments()
    tf.config.threading.set_intra_op_parallelism_threads(1 if a.towers > 1 else 2)
    tf.config.threading.set_inter_op_parallelism_threads(a.towers)
    tf.random.set_seed(a.seed)
    a.out.mkdir(parents=True, exist_ok=True)
    scratch = a.scratch or a.out / "scratch"
    pool, draw = photos.pool(a.data, scratch)
    fast = norm.prepare(scratch)
    sets = probe.sets(a.data, scratch)
    stream = Stream(pool, draw, a.data / "weights", a.batch, a.reuse, a.kept, a.strength, threads=1)
    trainer = Trainer(a, stream)
    log = (a.out / "log.txt").open("a", buffering=1)

    def say(line):
        print(line, flush=True)
        log.write(line + "\n")

    kept = a.out / "checkpoint.npz"
    if kept.exists():
        trainer.load(kept)
        say(f"resumed after epoch {trainer.done['epoch']}")
    else:
        trainer.measure()
        if a.init:
            say(f"from {trainer.begin(a.init)}")
        plain = {k: v for k, v in vars(a).items() if not isinstance(v, pathlib.Path)}
        say(f"start {json.dumps(plain)} fused norm {fast}")
    stream.start([a.seed, trainer.done["step"]])
    while trainer.progress() < 1 - 1e-9:
        before = time.monotonic(), time.process_time()
        parts, rate, steps = trainer.epoch()
        trainer.save(kept)
        took, busy = time.monotonic() - before[0], time.process_time() - before[1]
        say(f"epoch {trainer.done['epoch']} size {stream.size} rate {rate:.3f} loss {parts[0]:.4f} pooled {parts[1]:.4f} "
            f"angle {parts[2]:.4f} maps {parts[3]:.4f} logits {parts[4]:.4f} {took:.0f} s {1e3 * busy / max(steps, 1) / a.batch:.2f} CPU ms/picture")
        if trainer.done["epoch"] % a.probe_every == 0 and trainer.progress() < 1:
            report(trainer, sets, a, say)
    stream.stop()
    report(trainer, sets, a, say)
    say(f"done {json.dumps(trainer.done)}")


def report(trainer, sets, a, say):
    accuracy, worst = measured(trainer, sets, a.out)
    say("probe " + " ".join(f"{n} {100 * v:.1f}" for n, v in accuracy.items()) + f" file differs by {worst:.1g}")


if __name__ == "__main__":
    main()
