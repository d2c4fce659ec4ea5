"""capq inspect on a library as large as NVIDIA's largest, against reading it with cat. The file is in memory."""

import os
import struct
import subprocess
import tempfile
import time

import zstandard

TITLE = "inspect: a library of 500 MB with thousands of containers"

ARCHS = (75, 80, 86, 89, 90, 100, 103, 120)
SMALL = 0.2  # This part of the images is small, so that it has to be looked into.
CAPQ = os.path.join(os.environ.get("CAPQ_BIN", "build/bin"), "capq")


def cubin():
    """An ELF file with a section .text.k: 6 KB, of which half is code."""
    names = b"\0.shstrtab\0.text.k\0"
    out = bytearray(2048) + os.urandom(3072) + bytes(1024)
    out[:64] = b"\x7fELF" + bytes([2, 1, 1, 0x41, 8]) + bytes(7) + struct.pack(
        "<HHIQQQIHHHHHH", 2, 190, 1, 0, 0, 5632, 80 << 8, 64, 56, 0, 64, 3, 1)
    out[64:64 + len(names)] = names
    struct.pack_into("<IIQQQQIIQQ", out, 5696, 1, 3, 0, 0, 64, len(names), 0, 0, 1, 0)
    struct.pack_into("<IIQQQQIIQQ", out, 5760, 11, 1, 6, 0, 2048, 3072, 0, 0, 1, 0)
    return bytes(out)


def entry(arch, stored, size):
    padded = stored + bytes(-len(stored) % 8)
    return struct.pack("<HHIQIIIIIIQQQ", 2, 0x101, 64, len(padded), len(stored), 0, 0x10008, arch, 0, 0, 0x8011, 0,
                       size) + padded


def container(number):
    """An image for each architecture: two small ones, and others of 25 KB that stand for 100 KB each."""
    small = zstandard.compress(cubin())
    large = os.urandom(25000)
    n_small = int(len(ARCHS) * SMALL) + 1
    body = b"".join(entry(arch, small, 6144) if (number + i) % len(ARCHS) < n_small else entry(arch, large, 100000)
                    for i, arch in enumerate(ARCHS))
    return struct.pack("<IHHQ", 0xba55ed50, 1, 16, len(body)) + body


def make_library(path, size):
    """.nv_fatbin at 4096, wrappers and their relocations behind it. Returns how many containers."""
    addresses, at = [], 4096
    with open(path, "wb") as file:
        file.write(bytes(4096))
        while at < size:
            one = container(len(addresses))
            addresses.append(at)
            file.write(one)
            at += len(one)
        wrappers = b"".join(struct.pack("<IIQQ", 0x466243b1, 1, 0, 0) for _ in addresses)
        relocations = b"".join(struct.pack("<QQq", at + 24 * i + 8, 8, address) for i, address in enumerate(addresses))
        names = b"\0.nv_fatbin\0.nvFatBinSegment\0.rela.dyn\0.shstrtab\0"
        file.write(wrappers + relocations + names)
        table = at + len(wrappers) + len(relocations) + len(names)
        file.write(bytes(64))
        offset = at
        for name, kind, data in ((b".nvFatBinSegment", 1, wrappers), (b".rela.dyn", 4, relocations),
                                 (b".shstrtab", 3, names)):
            file.write(struct.pack("<IIQQQQIIQQ", names.index(name), kind, 2, offset, offset, len(data), 0, 0, 8, 0))
            offset += len(data)
        file.write(struct.pack("<IIQQQQIIQQ", 1, 1, 2, 4096, 4096, at - 4096, 0, 0, 8, 0))
        file.seek(0)
        file.write(b"\x7fELF" + bytes([2, 1, 1]) + bytes(9) + struct.pack(
            "<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, table, 0, 64, 56, 0, 64, 5, 3))
    return len(addresses)


def best_seconds(command):
    """Of five runs: the first may bring the file into memory."""
    seconds = []
    for _ in range(5):
        start = time.monotonic()
        subprocess.run(command, check=True, shell=True, stdout=subprocess.DEVNULL)
        seconds.append(time.monotonic() - start)
    return min(seconds)


def run(report, quick):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "library.so")
        n = make_library(path, (50 if quick else 500) * 2**20)
        size = os.path.getsize(path) / 2**20
        said = subprocess.run([CAPQ, "inspect", "--no-header", path], check=True, capture_output=True, text=True).stdout
        assert said.split("\t")[1] == str(n), said
        cat = best_seconds(f"cat {path} >/dev/null")
        inspect = best_seconds(f"{CAPQ} inspect {path}")
    report.ratio("capq inspect / cat >/dev/null, seconds", inspect, cat, "< 1.5")
    report.figure(f"capq inspect, {n} containers in {size:.0f} MiB", inspect, "s")
    report.figure("cat >/dev/null", cat, "s")
