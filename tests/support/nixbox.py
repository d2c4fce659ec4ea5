"""A private Nix for a test: its own /nix, its own settings, no network.

    import nixbox
    nixbox.enter()                       # first of all: from here on we are inside
    with nixbox.Nix() as nix:            # a Nix to work with
        path = nix.build("stdenv")

`enter()` starts the script again in new mount and process namespaces, in which a fresh directory is
bound to /nix; everything that the test starts shares it and ends with it. The outer process waits,
removes the directory, and hands on the exit status. Several tests may run at a time. Who is not root
becomes it inside, and there only, by a user namespace.
"""

import ctypes
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile

INSIDE = "NIXBOX_DIRECTORY"  # Set inside; the test's own directory.
TOY = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "toy-nixpkgs")


def enter():
    """Return inside the box; outside, run it and exit."""
    directory = os.environ.get(INSIDE)
    if directory:
        settle(directory)
        return
    directory = tempfile.mkdtemp(prefix="nixbox-")
    try:
        sys.exit(_run_inside(directory))
    finally:
        if os.geteuid() != 0:  # Store paths are read-only.
            subprocess.run(["chmod", "--recursive", "u+w", directory], check=False)
        shutil.rmtree(directory, ignore_errors=True)


def _run_inside(directory):
    command = again("--pid", "--fork", "--kill-child", "--mount-proc")
    environment = {**os.environ, INSIDE: directory}
    with subprocess.Popen(command, env=environment, preexec_fn=_die_with_parent) as box:
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, lambda *_: box.kill())  # --kill-child takes the rest along.
        return box.wait()


def again(*options):
    """The command that starts this script again where it may mount a /nix of its own."""
    is_root = os.geteuid() == 0
    if is_root:
        os.makedirs("/nix", exist_ok=True)
    elif not os.path.isdir("/nix"):
        sys.exit("there is no directory /nix to mount one over: sudo mkdir /nix")
    user = [] if is_root else ["--map-root-user"]
    return ["unshare", "--mount", *user, *options, sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]]


def _die_with_parent():
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def settle(directory):
    """Inside: our own /nix, made of `directory`, and an environment that leads nowhere else."""
    for name in ("nix", "home", "cache", "conf", "tmp"):
        os.makedirs(f"{directory}/{name}", exist_ok=True)
    subprocess.run(["mount", "--bind", f"{directory}/nix", "/nix"], check=True)
    for name in [n for n in os.environ if n.startswith(("NIX_", "CACHIX_", "CAPQ_PUSH"))]:
        del os.environ[name]
    os.environ.update({
        "HOME": f"{directory}/home", "XDG_CACHE_HOME": f"{directory}/cache", "NIX_CONF_DIR": f"{directory}/conf",
        "TMPDIR": f"{directory}/tmp", "NIX_PATH": "", "no_proxy": "127.0.0.1",
        "NIX_CONFIG": "build-users-group =\nsandbox = false\nsubstituters =\n"
                      "experimental-features = nix-command\n"})
    tempfile.tempdir = None  # Forget the TMPDIR of before.
    # Nix makes its data base in no single step: who is killed in the middle of that leaves a broken one.
    subprocess.run(["nix-store", "--init"], check=True)


class Nix:
    """What tests do with Nix. As a context manager it is a directory of its own, gone at the end."""

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="nix-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, *command, **more):
        """Standard output of a command that must go well."""
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **more)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {done.stderr.decode()}")
        return done.stdout.decode()

    def build(self, attribute, salt="", toy=""):
        """The store path of an attribute of the toy nixpkgs. `salt` makes a new one, `toy` sets more of
        config.toy, such as 'sizeKiB = 9;'."""
        expression = (f'(import {TOY} {{ config = {{ cudaSupport = true; allowUnfree = true; '
                      f'cudaCapabilities = [ "8.6" ]; toy = {{ salt = "{salt}"; {toy} }}; }}; }}).{attribute}')
        return self.run("nix-build", "--no-out-link", "-E", expression).strip()

    @staticmethod
    def nix_paths(value):
        """A store path, or a list of them, as an expression."""
        if isinstance(value, str):
            return f'(builtins.storePath "{value}")'
        return "[" + " ".join(f'(builtins.storePath "{path}")' for path in value) + "]"

    def script(self, name, script, **variables):
        """The store path that the shell `script` makes at $out; `variables`, each a store path or a list of some,
        are in its environment, and become references if they end up in the output."""
        sets = "".join(f" {k} = {self.nix_paths(v)};" for k, v in variables.items())
        text = json.dumps("PATH=/usr/bin:/bin\nset -e\n" + script).replace("${", "\\${")
        expression = (f'derivation {{ name = "{name}"; system = builtins.currentSystem; builder = "/bin/sh"; '
                      f'args = [ "-c" {text} ];{sets} }}')
        return self.run("nix-build", "--no-out-link", "-E", expression).strip()

    def add(self, directory):
        return self.run("nix-store", "--add", directory).strip()

    def many(self, n, depth):
        """A store path that refers to `n` tiny ones, which refer to each other in chains of `depth`."""
        expression = f"""
          let
            paths = builtins.genList make {n};
            make = i: builtins.toFile "tiny-${{toString i}}" (toString i + (
              if i < {n // depth} then "" else " " + builtins.elemAt paths (i - {n // depth})));
          in builtins.toFile "many" (toString paths)"""
        text = self.run("nix-instantiate", "--eval", "--read-write-mode", "-E", expression)
        return json.loads(text)

    def closure(self, *paths):
        return sorted(self.run("nix-store", "--query", "--requisites", *paths).split())

    def nar(self, path, store="/nix/store"):
        """The bytes of its NAR, from this store or from another that holds it."""
        with subprocess.Popen(["nix-store", "--dump", path.replace("/nix/store", store)],
                              stdout=subprocess.PIPE) as dump:
            return dump.stdout.read()

    def fetch(self, path, url, public_key):
        """Substitute `path` into a fresh store, signatures required; returns that store's directory."""
        store = tempfile.mkdtemp(prefix="store-", dir=self.directory)
        self.run("nix-store", "--store", store, "--realise", path,
                 "--option", "substituters", url, "--option", "trusted-public-keys", public_key,
                 "--option", "require-sigs", "true", "--option", "narinfo-cache-negative-ttl", "0",
                 "--option", "sandbox", "false")
        return f"{store}/nix/store"


def collect_garbage():
    subprocess.run(["nix-store", "--gc"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def damage(path):
    """Change a byte of a store path behind Nix's back: of itself, or of the first file in it."""
    if os.path.isdir(path):
        path = next(os.path.join(d, f) for d, _, files in sorted(os.walk(path)) for f in sorted(files)
                    if not os.path.islink(os.path.join(d, f)))
    os.chmod(path, stat.S_IRUSR | stat.S_IWUSR)
    with open(path, "r+b") as f:
        first = f.read(1)
        f.seek(0)
        f.write(bytes([first[0] ^ 1]))
