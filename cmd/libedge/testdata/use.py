"""Classifies through the library: use.py LIBRARY STORE IMAGE prints the answer."""

import ctypes
import json
import sys

edge = ctypes.CDLL(sys.argv[1])
edge.edge_free.argtypes = [ctypes.c_void_p]
edge.edge_version.restype = ctypes.c_char_p
edge.edge_open.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_size_t), ctypes.POINTER(ctypes.c_void_p)]
edge.edge_classify.argtypes = [ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_void_p)]
edge.edge_close.argtypes = [ctypes.c_size_t]


def call(function, *args):
    text = ctypes.c_void_p()
    code = function(*args, ctypes.byref(text))
    answer = json.loads(ctypes.string_at(text))
    edge.edge_free(text)
    if code:
        raise RuntimeError(f"{answer['error']} (hint: {answer.get('hint')})")
    return answer


handle = ctypes.c_size_t()
call(edge.edge_open, json.dumps({"store": sys.argv[2]}).encode(), ctypes.byref(handle))
image = open(sys.argv[3], "rb").read()
print(json.dumps(call(edge.edge_classify, handle, image, len(image))))
try:
    call(edge.edge_classify, handle, b"no image", 8)
except RuntimeError as e:
    print(e, file=sys.stderr)
else:
    raise SystemExit("rubbish was classified")
assert edge.edge_close(handle) == 0 and edge.edge_version()
