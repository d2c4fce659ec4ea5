#!/usr/bin/python3
"""The main job, shown: `./dev demo [--keep]`.

Everything is real but nixpkgs, which is the toy set of the tests, and Cachix, which is their strict
double: capqd builds with Nix, capq-push pushes, Nix fetches back. Nix gets a /nix of its own, in the
demo's directory, so nothing is left when that is removed at the end.
"""

import argparse
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, f"{SOURCE}/tests/support")
import capqd  # noqa: E402
import nixbox  # noqa: E402
import pushing  # noqa: E402

INSIDE = "CAPQ_DEMO_INSIDE"  # Set once we are where a /nix may be mounted.
ATTRS = ["python3Packages.torch", "python3Packages.torchvision", "python3Packages.jaxlib", "magma"]
SETS = ["8.0", "8.6", "8.0,8.6,9.0"]
SLOTS = 4  # Builds of the toy set sleep; they need no cores.
SECONDS_PER_COST = 0.8


class Ended(BaseException):
    """Somebody wants us to end: Ctrl-C, SIGTERM, SIGHUP."""


class Failed(Exception):
    """A command of the demo went wrong."""


def on_signal(signum, _):
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)  # Once is enough: we are cleaning up.
    raise Ended(signum)


class Stage:
    """What the person sees. Standard output belongs to the commands shown; all else, what stays up after
    --keep too, writes to a log."""

    def __init__(self, log_path):
        self.out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        self.is_terminal = self.out.isatty()
        self.log_path = log_path
        with open(log_path, "wb") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)

    def paint(self, style, text):
        plain = not self.is_terminal or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return text if plain else f"\033[{style}m{text}\033[0m"

    def say(self, text=""):
        print(text, file=self.out, flush=True)

    def tell(self, text):
        """A paragraph about what comes next."""
        lines = textwrap.wrap(" ".join(text.split()), 90)
        self.say("\n" + "\n".join(self.paint("32", f"# {line}") for line in lines))

    def show(self, *words):
        """A command as one would type it, and what it says."""
        self.say(self.paint("1", "$ " + shown(words)))
        status = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.out, check=False).returncode
        if status != 0:
            raise Failed(f"{words[0]} {words[1]}: exit status {status}")


def shown(words, width=90):
    """A command line. One that is too long goes on in the next line, with the next option."""
    parts = [[]]
    for word in words:
        if word.startswith("--"):
            parts.append([])
        parts[-1].append(word)
    lines = [""]
    for part in map(shlex.join, parts):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("     ")
        lines[-1] += f" {part}" if lines[-1] else part
    return " \\\n".join(lines)


# ---- what is shown ----


def play(stage, cache, daemon):
    stage.tell("nixpkgs is a git repository of toys, Cachix a local double; capqd serves on a socket.")
    stage.say(stage.paint("1", f"$ export CAPQ_SERVER={os.environ['CAPQ_SERVER']}"))

    stage.tell("Four packages for two GPUs each, and once as a fat package for three:")
    sets = [word for caps in SETS for word in ("--caps", caps)]
    stage.show("capq", "submit", *ATTRS, *sets, "--rev", "master")

    stage.tell("""capqd evaluates them, finds which derivations are missing, builds each of them once, whoever needs
               it, and pushes it as soon as it is there:""")
    stage.show("capq", "watch")

    stage.tell("All of them are in the cache.")
    stage.show("capq", "status")
    stage.show("capq", "show", "python3Packages.torch@8.6")
    stage.show("capq", "log", "python3Packages.torchvision@8.0,8.6,9.0")

    stage.tell("""Anybody's Nix can fetch them, here into another store: signatures are required, and nothing may be
               built.""")
    [torch] = daemon.jobs("&attr=python3Packages.torch&caps=8.6")
    path, store = torch["outputs"]["out"], f"{os.path.dirname(daemon.socket)}/other"
    stage.show("nix", "build", path, "--no-link", "--store", store, "--max-jobs", "0",
               "--option", "require-sigs", "true", "--option", "substituters", f"{cache.url}/mine",
               "--option", "trusted-public-keys", cache.public_key)
    stage.show("nix", "path-info", path, "--recursive", "--store", store)
    stage.show("cat", f"{store}{path}/share/info")


def invite(stage, daemon):
    stage.tell("Everything stays up. To talk to it:")
    stage.say(textwrap.dedent(f"""\
        export CAPQ_SERVER={os.environ["CAPQ_SERVER"]}
        export PATH={capqd.BIN}:$PATH
        capq help
        capq submit python3Packages.cupy --caps 9.0 --wait"""))
    stage.tell(f"Its configuration, log and data base are in {daemon.directory}. This ends it and removes everything:")
    stage.say(f"kill {os.getpid()}")


# ---- how it is set up ----


def perform(directory, stage, on_shown):
    """The whole demo. `on_shown`, if any, is called when everything stays up until we are told to end."""
    address = f"unix:{directory}/capqd.sock"
    os.environ.update({"CAPQ_SERVER": address, "PATH": f"{capqd.BIN}:{os.environ['PATH']}"})
    began = time.monotonic()
    toy = {"delay": SECONDS_PER_COST, "sizeKiB": 64}
    with pushing.Cache() as cache, capqd.Repository() as nixpkgs, \
            capqd.Daemon(nixpkgs, cache, toy, listen=[address],
                         builders=[{"name": "local", "max_jobs": SLOTS}]) as daemon:
        daemon.socket = f"{directory}/capqd.sock"
        play(stage, cache, daemon)
        stage.tell(f"That was the demo; it took {time.monotonic() - began:.0f} seconds.")
        if on_shown:
            invite(stage, daemon)
            on_shown()
            daemon.process.wait()


def go_behind():
    """For --keep. A child in a session of its own does everything; this process ends when the child says that
    all was shown. Returns, in the child, the function that says so."""
    shown_read, shown_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.close(shown_read)
        return lambda: os.write(shown_write, b"!") and os.close(shown_write)
    os.close(shown_write)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda *_: os.kill(child, signal.SIGTERM))
    if os.read(shown_read, 1):
        sys.exit(0)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def main():
    parser = argparse.ArgumentParser(prog="./dev demo", description="Show capq at work, from submit to the cache and back.")
    parser.add_argument("--keep", action="store_true", help="leave capqd up, and say how to talk to it and end it")
    options = parser.parse_args()
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "yes"
        os.execvp("unshare", nixbox.again())
    on_shown = go_behind() if options.keep else None
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, on_signal)
    directory = tempfile.mkdtemp(prefix="capq-demo-")
    stage = Stage(f"{directory}/demo.log")
    try:
        nixbox.settle(directory)
        perform(directory, stage, on_shown and (lambda: (stage.out.close(), on_shown())))
    except Ended as ended:
        return 128 + ended.args[0]
    except Failed as failed:
        stage.say(f"\nThe demo went wrong: {failed}")
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
