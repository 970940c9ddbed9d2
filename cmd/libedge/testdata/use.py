"""Classifies through the library: use.py LIBRARY STORE IMAGE prints the answer."""

import ctypes
import json
import multiprocessing
import sys


def load():
    edge = ctypes.CDLL(sys.argv[1])
    edge.edge_free.argtypes = [ctypes.c_void_p]
    edge.edge_version.restype = ctypes.c_char_p
    edge.edge_open.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_size_t), ctypes.POINTER(ctypes.c_void_p)]
    edge.edge_classify.argtypes = [ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_void_p)]
    edge.edge_close.argtypes = [ctypes.c_size_t]
    return edge


def call(edge, function, *args):
    text = ctypes.c_void_p()
    code = function(*args, ctypes.byref(text))
    answer = json.loads(ctypes.string_at(text))
    edge.edge_free(text)
    if code:
        raise RuntimeError(f"{answer['error']} (hint: {answer.get('hint')})")
    return answer


def open_store(edge):
    handle = ctypes.c_size_t()
    call(edge, edge.edge_open, json.dumps({"store": sys.argv[2]}).encode(), ctypes.byref(handle))
    return handle


def refused(edge, handle, data):
    """Returns the error that classifying ends with."""
    try:
        call(edge, edge.edge_classify, handle, data, len(data))
    except RuntimeError as e:
        return str(e)
    raise SystemExit("what should have been refused was classified")


def in_fork(function, *args):
    """Returns what function returns in a forked process, as multiprocessing's workers are on many systems."""
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    child = context.Process(target=lambda: send.send(function(*args)))
    child.start()
    send.close()
    try:
        if not receive.poll(60):
            raise SystemExit("a forked process waits for ever")
        answer = receive.recv()
    finally:
        child.kill()
        child.join()
    return answer


def load_and_classify(data):
    edge = load()
    return call(edge, edge.edge_classify, open_store(edge), data, len(data))


image = open(sys.argv[3], "rb").read()
early = in_fork(load_and_classify, image)  # nothing is loaded here yet

edge = load()
handle = open_store(edge)
answer = call(edge, edge.edge_classify, handle, image, len(image))
print(refused(edge, handle, b"no image"), file=sys.stderr)
late = in_fork(refused, edge, handle, image)
assert "forked after libedge was loaded" in late and "spawn" in late, late
assert call(edge, edge.edge_classify, handle, image, len(image))["top"] == answer["top"] == early["top"]
assert edge.edge_close(handle) == 0 and edge.edge_version()
print(json.dumps(answer))
