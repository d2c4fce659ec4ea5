"""What the tests of capq-push share: a cache to push to, and pushes to run.

    with pushing.Cache() as cache:
        pushed = cache.push(path)
        self.assertEqual(pushed.status, 0)
        self.assertEqual(pushed.done(), [path])
"""

import base64
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import urllib.request

import nacl.signing

BIN = os.environ.get("CAPQ_BIN", "build/bin")
DOUBLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cachix_double.py")
TOKEN = "secret-token"


class SigningKey:
    """A key as Cachix keeps it (`secret`) and as Nix does (`named`)."""

    def __init__(self, seed=bytes(range(32))):
        key = nacl.signing.SigningKey(seed)
        public = bytes(key.verify_key)
        self.secret = base64.b64encode(seed + public).decode()
        self.named = f"some.cache-1:{self.secret}"
        self.public = base64.b64encode(public).decode()
        self.trusted = f"some.cache-1:{self.public}"  # As Nix wants it to be told.


class Cache:
    """A double of the service with one cache, `mine`, whose settings are given; see cachix_double.py."""

    def __init__(self, settings="", arguments=(), key=None):
        self.key = key
        if key:
            settings += f",signing=client,key={key.public}"
        self.command = ["/usr/bin/python3", DOUBLE, "--cache", f"mine{settings}", *arguments]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.end(signal.SIGTERM)

    def start(self, *more):
        self.process = subprocess.Popen([*self.command, *more], stdout=subprocess.PIPE)
        ready = json.loads(self.process.stdout.readline())
        self.url, self.public_key = ready["url"], ready["public_keys"]["mine"]

    def end(self, signum):
        self.process.send_signal(signum)
        self.process.wait()
        self.process.stdout.close()

    def restart(self):
        """Killed, and back at the same place; remembers what it should if it has a --state."""
        self.end(signal.SIGKILL)
        self.start("--port", self.url.rsplit(":", 1)[1])

    @contextlib.contextmanager
    def back(self):
        """At the same place as before its end."""
        self.start("--port", self.url.rsplit(":", 1)[1])
        yield self

    # -- the controls --

    def control(self, name, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/control/{name}", data) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def faults(self, *rules):
        self.control("faults", list(rules))

    def state(self):
        return self.control("state")

    def calls(self, kind):
        return self.state()["calls"].get(kind, 0)

    def completed(self):
        """The paths in the order in which they were completed, however often."""
        return [c["path"] for c in self.state()["completed"]]

    def reset(self):
        """As it was at first."""
        self.control("reset", {})

    def quiet(self):
        """Wait until all that dead clients have sent has had its effect."""
        assert self.control("quiet")["quiet"], "connections stay open"

    def left_open(self):
        """Uploads that are open though the client knows of them. Of one whose `create` was not answered nobody
        knows the id; it holds no part, and the service drops it by itself."""
        return [u for u in self.state()["open"] if u["is_known"] or u["parts"]]

    def wait_for(self, kind, count=1):
        assert self.control(f"wait?call={kind}&count={count}")["came"], f"no {count} calls of {kind} came"

    # -- pushes --

    def start_push(self, *arguments, token=TOKEN, key=None, environment=None, url=None):
        """A push that runs; `finish()` says how it ended."""
        key = key or (self.key.secret if self.key else None)
        secrets = {"CACHIX_AUTH_TOKEN": token, "CACHIX_SIGNING_KEY": key}
        return Push(["--cache", "mine", "--host", url or self.url, "--json", *arguments],
                    {**{n: v for n, v in secrets.items() if v is not None}, **(environment or {})})

    def push(self, *arguments, **more):
        return self.start_push(*arguments, **more).finish()


def typed(text):
    """Standard input that holds the text."""
    read, write = os.pipe()
    os.write(write, text.encode())
    os.close(write)
    return read


class PlainCache:
    """A server that keeps what is PUT (bench/put_server.c) in `directory`, and pushes to it with --to."""

    def __enter__(self):
        self.holder = tempfile.TemporaryDirectory(prefix="plain-")
        self.directory = self.holder.name
        self.process = subprocess.Popen([f"{BIN}/capq-put-server", self.directory], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().strip()}"
        return self

    def __exit__(self, *_):
        with self.process:
            self.process.stdin.close()
        self.holder.cleanup()

    def push(self, *arguments, key=None):
        """`key`: a SigningKey."""
        words = ["--to", self.url, "--json", *arguments]
        with tempfile.NamedTemporaryFile("w", prefix="key-") as file:
            if key:
                file.write(f"{key.named}\n")
                file.flush()
                words += ["--signing-key", file.name]
            return Push(words, {}).finish()

    def files(self):
        return sorted(os.listdir(f"{self.directory}/nar"))

    def narinfo(self, path):
        """Its lines as a dictionary; what comes more than once is the last."""
        with open(f"{self.directory}/{os.path.basename(path)[:32]}.narinfo", encoding="ascii") as f:
            return dict(line.rstrip("\n").split(": ", 1) for line in f)


class Push:
    """A capq-push that runs, and how it ended."""

    def __init__(self, arguments, environment, stdin=subprocess.DEVNULL):
        self.stdout, self.error_file = "", tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [f"{BIN}/capq-push", *arguments], env={**os.environ, **environment}, stdin=stdin,
            stdout=subprocess.PIPE, stderr=self.error_file, text=True)

    def wait_for(self, event):
        """Until it has reported one."""
        for line in self.process.stdout:
            self.stdout += line
            if json.loads(line)["event"] == event:
                return
        raise AssertionError(f"there was no {event}")

    def finish(self, timeout=120):
        guard = threading.Timer(timeout, self.process.kill)
        guard.start()
        with self.process, self.error_file:
            self.stdout += self.process.stdout.read()
            self.status = self.process.wait()
            self.error_file.seek(0)
            self.stderr = self.error_file.read().decode()
        guard.cancel()
        with contextlib.suppress(ValueError):
            self.events = [json.loads(line) for line in self.stdout.splitlines()]
        return self

    def of(self, event):
        return [e for e in self.events if e["event"] == event]

    def done(self):
        return [e["path"] for e in self.of("done")]

    def skipped(self):
        return {e["path"]: e["reason"] for e in self.of("skip")}

    def failed(self):
        return {e["path"]: e["class"] for e in self.of("fail")}

    def message(self, path):
        return next(e["message"] for e in self.of("fail") if e["path"] == path)

    def end(self):
        return self.of("end")[0]
