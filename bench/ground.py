"""What the benchmarks share: the programs, a capqd on private ground, and a look at its memory."""

import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.environ.setdefault("CAPQ_BIN", f"{ROOT}/build/bin")
sys.path.insert(0, f"{ROOT}/tests/support")

import capqd  # noqa: E402 - it is found by the line above.


# The toy nixpkgs, and packages beside it. Each salt makes all of them anew.
PACKAGES = """
{ system ? builtins.currentSystem, config ? { }, ... }@args:
import ./toy.nix args // {
  many = builtins.listToAttrs (map (n: {
    name = "p${toString n}";
    value = derivation {
      name = "many${toString n}-1.0"; inherit system; inherit (config.toy) salt;
      builder = "/bin/sh"; args = [ "-c" "SCRIPT" ];
    };
  }) (builtins.genList (n: n) 1000));
}
"""


class Packages(capqd.Repository):
    """The toy nixpkgs with packages `many.p0`, `many.p1`, ..., each built by the shell's `script`."""

    def __init__(self, script):
        self.script = script

    def __enter__(self):
        super().__enter__()
        self.git("mv", "default.nix", "toy.nix")
        self.write("default.nix", PACKAGES.replace("SCRIPT", self.script))
        self.commit("packages")
        return self


def directory():
    """One that goes at the end: `with ground.directory() as d`."""
    return tempfile.TemporaryDirectory(prefix="bench-")


def measure(program, *words):
    """Run a program of ours that prints one JSON object."""
    words = [str(word) for word in words]
    done = subprocess.run([f"{BIN}/{program}", *words], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def rate(result):
    return result["n"] / result["seconds"]


def load(kind, socket, clients, seconds, argument):
    return measure("capq-load", kind, socket, clients, seconds, argument)


class Watch:
    """Asks for `path` a millisecond after each answer, until the block ends; then `result` says how long
    answers took."""

    def __init__(self, daemon, path="/version"):
        self.command = [f"{BIN}/capq-load", "watch", daemon.socket, "1", "0", path]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(self, *_):
        out, _ = self.process.communicate()
        self.result = json.loads(out)


class Queue(capqd.Daemon):
    """A capqd that accepts jobs and starts none of them: it drains."""

    def __init__(self, nixpkgs, **settings):
        super().__init__(nixpkgs, **settings)
        self.settings["nixpkgs"]["max_age"] = "1h"

    def start(self):
        began = time.monotonic()
        super().start()
        self.get("/version")
        self.start_seconds = time.monotonic() - began  # Until the first request is answered.
        self.post("/drain", {"drain": True})

    def private_bytes(self):
        """Anonymous memory that is resident."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as f:
            [line] = [line for line in f if line.startswith("RssAnon:")]
        return int(line.split()[1]) * 1024
