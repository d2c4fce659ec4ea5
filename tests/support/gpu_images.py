"""Containers (fatbin) of one image each, for packages of the toy nixpkgs to put together: machine code as
nvcc made it (tests/fixtures/fatbin), and its PTX for each capability.
"""

import os
import shutil
import struct

FIXTURES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fixtures", "fatbin")
NUMBERS = (75, 80, 86, 89, 90)


def ptx_container(text, number):
    """As CUDA 13 writes one: a header, and an entry of 64 bytes with the text behind it."""
    payload = text + b"\0" * (-len(text) % 8)
    entry = struct.pack("<HHIQIIHHIIIQQQ", 1, 0x0101, 64, len(payload), 0, 0, 0, 9, number, 0, 0, 0x11, 0, 0) + payload
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(entry)) + entry


def write(directory):
    """arch_80.fatbin and ptx_80.fatbin, and so on."""
    os.mkdir(directory)
    with open(f"{FIXTURES}/arch_86.ptx", "rb") as f:
        text = f.read()
    for number in NUMBERS:
        shutil.copy(f"{FIXTURES}/arch_{number}.fatbin", directory)
        with open(f"{directory}/ptx_{number}.fatbin", "wb") as f:
            f.write(ptx_container(text.replace(b"sm_86", b"sm_%d" % number), number))
