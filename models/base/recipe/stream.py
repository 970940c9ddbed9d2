"""The stream of training batches: augmented pictures and what the teacher says of them."""

import pathlib
import queue
import threading

import numpy as np

import augment
import photos
from teacher import Teacher


class Stream:
    """Makes batches in a thread of its own, so that teacher and student share the processor.

    Every teacher answer is used `reuse` times: an older batch comes again mirrored, with its
    answers mirrored too. The teacher costs almost as much as the student's step, and to a student
    that sees each photo in hundreds of variants a mirrored one is nearly as good as a new one.
    `kept` batches wait for their next use (6 MB each): the more, the further apart are the uses.
    """

    def __init__(self, pool, draw, weights: pathlib.Path, batch: int, reuse: int, kept: int, strength: float, threads: int):
        self.pool, self.draw, self.batch, self.reuse, self.kept, self.strength = pool, draw, batch, reuse, kept, strength
        self.teacher = Teacher(weights, threads)
        self.size = photos.INPUT  # side of the student's pictures; may be changed between batches
        self.ready: queue.Queue = queue.Queue(maxsize=3)
        self.stopped = threading.Event()

    def start(self, seed):
        """seed is anything numpy takes; a resumed run passes its step too, so as not to repeat itself."""
        self.thread = threading.Thread(target=self._work, args=(np.random.default_rng(seed),), daemon=True)
        self.thread.start()

    def next(self):
        """Returns uint8 [b, size, size, 3] and the teacher's maps float16 [b, 4, 4, 1280]."""
        item = self.ready.get()
        if isinstance(item, Exception):
            raise item
        return item

    def stop(self):
        self.stopped.set()
        while self.thread.is_alive():
            try:
                self.ready.get(timeout=0.1)
            except queue.Empty:
                pass

    def fresh(self, rng):
        rows = rng.choice(len(self.pool), self.batch, p=self.draw)
        x = augment.batch(rng, self.pool, rows, photos.INPUT, self.strength)
        return x, self.teacher.maps(x).astype(np.float16)

    def clean(self, seed: int, batches: int):
        """Plain photos for batch norm's statistics: whole, unmixed, every second one mirrored."""
        rng = np.random.default_rng(seed)
        for _ in range(batches):
            rows = rng.choice(len(self.pool), self.batch, p=self.draw)
            x = augment.smaller(np.stack([self.pool[i] for i in rows]), photos.INPUT)
            x[::2] = x[::2, :, ::-1]
            yield x

    def _work(self, rng):
        try:
            old = []
            while not self.stopped.is_set():
                x, t = self.fresh(rng)
                self._put(x, t)
                old.append((x, t, self.reuse - 1))
                while len(old) > self.kept and not self.stopped.is_set():
                    x, t, left = old.pop(rng.integers(0, len(old) // 2))
                    if left > 0:
                        x, t = x[:, :, ::-1], t[:, :, ::-1]
                        self._put(x, t)
                        if left > 1:
                            old.append((x, t, left - 1))
        except Exception as e:  # a dead thread would leave the training waiting for ever
            self.ready.put(e)

    def _put(self, x, t):
        self.ready.put((np.ascontiguousarray(augment.smaller(np.ascontiguousarray(x), self.size)), t))
