#!/usr/bin/env python3
"""Runs this package's tests as the only process of a kernel that has a made-up camera.

    vm.py KERNEL.deb TESTS [ARGUMENT...]

KERNEL.deb is Debian's linux-image package, whose module vivid is a complete camera
without hardware. TESTS is the statically linked test binary (CGO_ENABLED=0 go test -c),
which becomes /init, loads the modules, runs its tests with the arguments and
switches the machine off. The exit code is that of the tests.
"""
import gzip
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

# What the tests load, in any order; what these need comes by itself.
WANTED = ["vivid"]
LIMIT = 300  # seconds


def modules(folder):
    """Returns the paths of WANTED and of all they depend on, what is needed first."""
    paths = {p.stem.replace("_", "-"): p for p in folder.glob("lib/modules/*/kernel/**/*.ko")}
    ordered = []

    def add(name):
        path = paths.get(name.replace("_", "-"))
        if path is None:
            return  # built into the kernel
        for needed in re.search(rb"\0?depends=([^\0]*)\0", path.read_bytes()).group(1).decode().split(","):
            if needed:
                add(needed)
        if path not in ordered:
            ordered.append(path)

    for name in WANTED:
        add(name)
    return ordered


def archive(entries):
    """Returns an initramfs (cpio, newc) of (name, mode, content)."""
    out = bytearray()
    for number, (name, mode, content) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        header = [number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08X" % v for v in header) + name.encode() + b"\0"
        out += bytes(-len(out) % 4)
        out += content
        out += bytes(-len(out) % 4)
    return bytes(out)


def main():
    package, tests, arguments = sys.argv[1], sys.argv[2], sys.argv[3:]
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        subprocess.run(["dpkg-deb", "-x", package, folder / "kernel"], check=True)
        entries = [(name, 0o040755, b"") for name in ("dev", "proc", "sys", "tmp", "modules")]
        entries += [("dev/console", 0o020600, b"")]
        entries += [(f"modules/{i:02}-{p.name}", 0o100644, p.read_bytes()) for i, p in enumerate(modules(folder / "kernel"))]
        entries += [("init", 0o100755, pathlib.Path(tests).read_bytes())]
        initrd = folder / "initrd.gz"
        initrd.write_bytes(gzip.compress(archive(entries), 1))
        kernel = next((folder / "kernel" / "boot").glob("vmlinuz-*"))
        command = [
            # Emulated throughout: that works inside any machine, and is fast enough.
            "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "512", "-nographic", "-no-reboot", "-nodefaults",
            "-serial", "stdio", "-kernel", kernel, "-initrd", initrd,
            "-append", "console=ttyS0 quiet panic=-1 -- " + " ".join(arguments),
        ]
        code = None
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as machine:
            clock = threading.Timer(LIMIT, machine.kill)
            clock.start()
            try:
                for line in machine.stdout:
                    text = line.decode(errors="replace").rstrip()
                    print(text, flush=True)
                    if found := re.search(r"the tests end with (\d+)", text):
                        code = int(found.group(1))
            finally:
                clock.cancel()
                machine.kill()
        if code is None:
            sys.exit("the machine ended without a word of its tests")
        sys.exit(code)


main()
