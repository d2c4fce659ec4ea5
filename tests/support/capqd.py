"""capqd under test: a git repository of the toy nixpkgs, a configuration, the real daemon, and a client
that speaks its API.

    with nixbox.Nix() as nix, capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs) as daemon:
        [job] = daemon.submit("python3Packages.torch", "8.6")
        self.assertEqual(daemon.wait(job)["state"], "done")

Waiting is always for an event that the daemon stores, never for time to pass.
"""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import gpu_images

BIN = os.environ.get("CAPQ_BIN", "build/bin")
TOY = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "toy-nixpkgs")
FINAL = ("done", "failed", "cancelled", "superseded")
PATIENCE = int(os.environ.get("CAPQ_PATIENCE", "120"))  # Seconds without anything that is waited for: the test has failed.


def until(is_so, what):
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


class Repository:
    """A git repository that holds the toy nixpkgs on its branch master; `with_code`, also the GPU code that
    its packages in `gpu` hold."""

    def __init__(self, with_code=False):
        self.with_code = with_code

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="nixpkgs-")
        for name in os.listdir(TOY):
            shutil.copy(f"{TOY}/{name}", self.directory)
        if self.with_code:
            gpu_images.write(f"{self.directory}/code")
        self.git("init", "--quiet", "--initial-branch=master")
        self.git("config", "uploadpack.allowAnySHA1InWant", "true")
        self.commit("one")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory, ignore_errors=True)

    def git(self, *words):
        command = ["git", "-C", self.directory, "-c", "user.name=t", "-c", "user.email=t@t", *words]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode().strip()

    def write(self, name, text):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as f:
            f.write(text)

    def commit(self, message):
        self.write("message", message)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    @property
    def url(self):
        return f"file://{self.directory}"


class ApiError(Exception):
    def __init__(self, status, problem):
        super().__init__(f"{status}: {problem}")
        self.status = status
        self.problem = problem


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)  # With a timeout it would not wait for a place in the queue.
        self.sock.settimeout(self.timeout)


class Daemon:
    """A running capqd. `settings` are merged over a small configuration; `toy` goes to config.toy of the
    toy nixpkgs."""

    def __init__(self, repository, cache=None, toy=None, environment=None, **settings):
        self.cache, self.process = cache, None
        self.directory = tempfile.mkdtemp(prefix="capqd-")
        self.state, self.socket = f"{self.directory}/state", f"{self.directory}/sock"
        self.log_path = f"{self.directory}/log"
        self.environment = {**os.environ, **(environment or {})}
        self.settings = {
            "state_dir": self.state, "listen": [f"unix:{self.socket}"],
            "nixpkgs": {"url": repository.url, "branches": ["master"], "max_age": "0s"},
            "builders": [{"name": "local", "max_jobs": 2}],
            "flavours": [{"name": "default", "config": {"toy": {"salt": os.path.basename(self.directory), **(toy or {})}}}],
            "build": {"kill_grace": "2s"}, "stop_grace": "30s", "limits": {"state_free": "1MiB"},
        }
        if cache:
            self.credentials()
            self.settings["cache"] = {"name": "mine", "host": cache.url, "credentials": f"{self.directory}/credentials"}
        for name, value in settings.items():
            old = self.settings.get(name)
            self.settings[name] = {**old, **value} if isinstance(old, dict) else value
        self.settings["nixpkgs"] = {k: v for k, v in self.settings["nixpkgs"].items() if v is not None}
        os.makedirs(self.state)

    def credentials(self):
        os.makedirs(f"{self.directory}/credentials")
        self.write("credentials/cachix-auth-token", "secret-token")
        if self.cache.key:
            self.write("credentials/cachix-signing-key", self.cache.key.secret)

    def write(self, name, text):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as f:
            f.write(text)

    # -- life --

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, _):
        if self.process:
            self.stop(signal.SIGTERM)
        if kind:
            print(f"--- {kind.__name__}: {value}\n--- the log of capqd\n{self.log()}---", flush=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def configure(self):
        self.write("capqd.yaml", json.dumps(self.settings, indent=1))

    def spawn(self, **environment):
        """Start it and look no further."""
        self.configure()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([f"{BIN}/capqd", "--config", f"{self.directory}/capqd.yaml"], stderr=log,
                                            env={**self.environment, **environment})

    def start(self):
        """Returns when it says that it is ready."""
        notify = f"{self.directory}/notify"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(notify)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(notify)
            self.spawn(NOTIFY_SOCKET=notify)
            ready.settimeout(0.2)
            while True:
                with contextlib.suppress(TimeoutError):
                    if ready.recv(100).startswith(b"READY=1"):
                        return
                if self.process.poll() is not None:
                    raise AssertionError(f"capqd did not start:\n{self.log()}")

    def stop(self, signum):
        """Returns the exit status."""
        self.process.send_signal(signum)
        status = self.process.wait(PATIENCE)
        self.process = None
        return status

    def restart(self, signum=signal.SIGKILL):
        self.stop(signum)
        self.start()

    def log(self):
        with open(self.log_path, encoding="utf-8") as f:
            return f.read()

    # -- the API --

    def request(self, verb, path, body=None, headers=None):
        """Status, headers and bytes of the answer."""
        connection = Connection(self.socket)
        with contextlib.closing(connection):
            connection.request(verb, f"/api/v1{path}", body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()

    def call(self, verb, path, body=None, **headers):
        text = None if body is None else json.dumps(body)
        status, _, answer = self.request(verb, path, text, {"Content-Type": "application/json", **headers})
        parsed = json.loads(answer)
        if status >= 400:
            raise ApiError(status, parsed)
        return parsed

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None, **headers):
        return self.call("POST", path, body, **headers)

    def submit(self, attrs, caps="8.6", rev="master", **more):
        """Ids of the jobs for an attribute or a list of them."""
        attrs = [attrs] if isinstance(attrs, str) else attrs
        caps = [caps] if isinstance(caps, str) else caps
        jobs = [{"attr": a, "caps": c, "rev": rev, **more} for a in attrs for c in caps]
        return [job["id"] for job in self.post("/jobs", jobs)["jobs"]]

    def job(self, number):
        return self.get(f"/jobs/{number}")

    def build(self, number):
        return self.get(f"/builds/{number}")

    def jobs(self, query=""):
        return self.get(f"/jobs?limit=1000{query}")["jobs"]

    def builds(self, query=""):
        return self.get(f"/builds?limit=1000{query}")["builds"]

    def log_of(self, what, number, query=""):
        status, _, text = self.request("GET", f"/{what}/{number}/log{query}")
        assert status in (200, 206), (status, text)
        return text.decode()

    def events(self, after=0, path="/events"):
        """(kind, data) of each event, from the one behind `after` on, as they come; no progress."""
        connection = Connection(self.socket)
        with contextlib.closing(connection):
            connection.request("GET", f"/api/v1{path}", headers={"Last-Event-ID": str(after)})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            kind, heard = None, time.monotonic()
            for line in answer:
                line = line.decode().rstrip("\n")
                if line and not line.startswith(":"):
                    heard = time.monotonic()
                assert time.monotonic() - heard < PATIENCE, "nothing happens any more"
                if line.startswith("event: "):
                    kind = line[len("event: "):]
                elif line.startswith("data: "):
                    yield kind, json.loads(line[len("data: "):])

    def stored_events(self, wanted):
        """The events of a kind so far."""
        last, found = self.get("/status")["last_event"], []
        if last > 0:
            for kind, data in self.events():
                if kind == wanted:
                    found.append(data)
                if data.get("id") == last:
                    break
        return found

    def await_event(self, wanted, after=0):
        """The first event for which wanted(kind, data) is true."""
        for kind, data in self.events(after):
            if wanted(kind, data):
                return data
        raise AssertionError("the stream of events ended")

    def await_job(self, number, *states):
        """The job, once it is, or was, in one of the states."""
        self.await_event(lambda kind, e: kind == "job" and e["subject"] == number and e["to"] in states)
        return self.job(number)

    def await_build(self, name, *states):
        """The build of that name, once it is, or was, in one of the states."""
        found = []

        def is_it(kind, event):
            if kind != "build" or event["to"] not in states:
                return False
            found[:] = [self.build(event["subject"])]
            return found[0]["name"] == name
        self.await_event(is_it)
        return found[0]

    def wait(self, *numbers):
        """The jobs, once all are final; one job for one number."""
        left = {n for n in numbers if self.job(n)["state"] not in FINAL}
        if left:
            for kind, event in self.events():
                if kind == "job" and event["subject"] in left and self.job(event["subject"])["state"] in FINAL:
                    left.discard(event["subject"])
                if not left:
                    break
        jobs = [self.job(n) for n in numbers]
        return jobs[0] if len(jobs) == 1 else jobs

    # -- beside the API --

    def client(self, *words, **more):
        """Run `capq` against this daemon."""
        environment = {**self.environment, "CAPQ_SERVER": f"unix:{self.socket}", "NO_COLOR": "1"}
        return subprocess.run([f"{BIN}/capq", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False, env=environment, timeout=PATIENCE, **more)

    # What no event tells of is looked at until it is so.

    def until_empty(self, name):
        """Until the daemon has cleared a directory of its state, which it does within seconds."""
        until(lambda: not os.listdir(f"{self.state}/{name}"), f"{name} is not cleared")

    def await_line(self, text):
        until(lambda: text in self.log(), f"{text!r} is not logged")

    def await_no_child(self, name):
        until(lambda: not any(name in command for _, command in self.children()), f"{name} does not end")

    def roots(self):
        return sorted(os.listdir(f"{self.state}/roots"))

    def children(self):
        """Processes that the daemon started and that are still there."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    words = f.read().split(b"\0")
                if any(name in words[0] for name in (b"nix-", b"capq-push", b"capq-launch")) or b"toy-builder" in b" ".join(words):
                    found.append((int(pid), b" ".join(words).decode()))
        return found
