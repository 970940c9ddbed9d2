"""Lets PyPI's torch load without NVIDIA's libraries, of which it wants two gigabytes.

    python without_cuda.py FOLDER

FOLDER holds torch as `pip install --no-deps` leaves it. The wheel is linked to
CUDA's libraries, also for those who only ever compute on the processor. For
each of them that the linker wants and that is not there, this writes a small
one whose functions all answer "no device". Wants gcc and readelf.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

NO_DEVICE = 100  # cudaErrorNoDevice
SYSTEM = re.compile(r"lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s|gomp|gfortran|util)\.so|ld-linux")


def readelf(flag, path):
    return subprocess.run(["readelf", "-W", flag, str(path)], stdout=subprocess.PIPE, text=True, check=True).stdout


def main():
    folder = pathlib.Path(sys.argv[1]) / "torch/lib"
    here = sorted(folder.glob("*.so*"))
    wanted, missing, defined = {}, {}, set()  # wanted: the version of each symbol
    home = {}  # the library of each version
    for path in here:
        for name in re.findall(r"\(NEEDED\).*\[(.*)\]", readelf("-d", path)):
            if not SYSTEM.match(name) and not (folder / name).exists():
                missing[name] = {}
        for part in readelf("-V", path).split("File: ")[1:]:
            for version in re.findall(r"Name: (\S+)", part):
                home[version] = part.split()[0]
        for line in readelf("--dyn-syms", path).splitlines():
            cells = line.split()
            if len(cells) < 8 or not cells[0].rstrip(":").isdigit():
                continue
            symbol, _, version = cells[7].partition("@")
            if cells[6] == "UND":
                wanted[symbol] = version.lstrip("@")
            else:
                defined.add(symbol)
    if not missing:
        return
    spare = next(iter(missing))
    for symbol, version in wanted.items():
        if home.get(version) in missing:
            missing[home[version]][symbol] = version
        elif not version and symbol not in defined and re.match(r"(cu|nv|nccl)[A-Za-z]|_?nvshmem", symbol):
            missing[spare][symbol] = ""
    for name, symbols in missing.items():
        write(folder / name, symbols)
    print(f"torch without CUDA: {len(missing)} libraries, {sum(map(len, missing.values()))} functions")


def write(path, symbols):
    with tempfile.TemporaryDirectory() as scratch:
        source, script = pathlib.Path(scratch, "none.c"), pathlib.Path(scratch, "none.map")
        source.write_text("".join(f"int {s}(void) {{ return {NO_DEVICE}; }}\n" for s in sorted(symbols)) or "static int none;\n")
        command = ["gcc", "-w", "-shared", "-fPIC", "-Os", f"-Wl,-soname,{path.name}", "-o", str(path), str(source)]
        versions = sorted(set(symbols.values()) - {""})
        if versions:
            script.write_text("".join(
                f"{v} {{ global: {' '.join(f'{s};' for s in sorted(symbols) if symbols[s] == v)} }};\n" for v in versions))
            command.insert(1, f"-Wl,--version-script={script}")
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
