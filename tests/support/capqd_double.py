#!/usr/bin/python3
"""A double of capqd: docs/openapi.yaml on a Unix socket, over a World that a test scripts.

Strict about what it is asked: unknown paths, methods, query parameters and members, values out of
bounds, a wrong content type are answered with 400, 404 or 405, so that a test fails when the client
asks for what is not in the description. Faults are scripted too: `answer_next()`, `stall`,
`stop()` and `start()`, `drop_streams()`.

Run by hand it plays a little world, to look at the client:

    capqd_double.py /tmp/capqd.sock &   CAPQ_SERVER=unix:/tmp/capqd.sock capq watch
"""

import http.server
import json
import os
import re
import socket
import socketserver
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from capqd_world import FINAL, BUILD_STATES, JOB_STATES, World, join_caps, now, sse  # noqa: E402

HEARTBEAT_SECONDS = 15
BODY_MAX = 64 << 20


class Problem(Exception):
    def __init__(self, status, title, detail=None, hint=None, **more):
        super().__init__(title)
        self.status = status
        self.body = {"status": status, "title": title, "detail": detail, "hint": hint, **more}


def integer(low, high=2**63 - 1):
    def check(text):
        return re.fullmatch("[0-9]+", text) and low <= int(text) <= high
    return check


def states(known):
    def check(text):
        return all(part in known or part == "live" for part in text.split(","))
    return check


def text_of(pattern):
    return lambda text: re.fullmatch(pattern, text)


ANY = text_of(".+")
CAPS = text_of(r"\d+\.\d[af]?(,\d+\.\d[af]?)*(\+PTX)?")
TIME = text_of(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
PAGE = {"limit": integer(1, 1000), "cursor": ANY}
LOG = {"follow": integer(0, 1), "offset": integer(0), "tail": integer(0)}

# (method, path, query parameters): checked against docs/openapi.yaml by a test.
ROUTES = [
    ("GET", "/version", {}, "version"),
    ("GET", "/health", {}, "health"),
    ("GET", "/status", {}, "status"),
    ("GET", "/jobs", {"state": states(JOB_STATES), "attr": ANY, "caps": CAPS,
                      "rev": text_of("[0-9a-f]{4,40}|sha256:[0-9a-z]{4,52}"), "flavour": ANY,
                      "system": ANY, "build": integer(1), **PAGE}, "list_jobs"),
    ("POST", "/jobs", {"dry_run": integer(0, 1)}, "submit"),
    ("GET", "/jobs/{id}", {}, "get_job"),
    ("GET", "/jobs/{id}/builds", {}, "job_builds"),
    ("GET", "/jobs/{id}/log", LOG, "job_log"),
    ("GET", "/jobs/{id}/why", {}, "why"),
    ("POST", "/jobs/{id}/cancel", {}, "act"),
    ("POST", "/jobs/{id}/retry", {}, "act"),
    ("POST", "/jobs/{id}/hold", {}, "act"),
    ("POST", "/jobs/{id}/release", {}, "act"),
    ("POST", "/jobs/{id}/bump", {}, "act"),
    ("GET", "/builds", {"state": states(BUILD_STATES), **PAGE}, "list_builds"),
    ("GET", "/builds/{id}", {}, "get_build"),
    ("GET", "/builds/{id}/log", {"attempt": integer(1), **LOG}, "build_log"),
    ("GET", "/builds/{id}/why", {}, "why"),
    ("GET", "/lookup", {"attr": ANY, "gpu": ANY, "rev": ANY, "branch": ANY, "flavour": ANY, "system": ANY, "driver": ANY,
                        "toolkit": ANY, "allow_jit": ANY, "newest": ANY}, "lookup"),
    ("GET", "/history", {"attr": ANY, "caps": CAPS, "system": ANY, **PAGE}, "history"),
    ("GET", "/stats", {}, "stats"),
    ("GET", "/export/trace", {"since": TIME}, "export_trace"),
    ("GET", "/export/history", {"since": TIME}, "export_history"),
    ("GET", "/events", {"after": integer(0)}, "stream_events"),
    ("POST", "/drain", {}, "drain"),
    ("POST", "/estimates/rebuild", {}, "rebuild_estimates"),
    ("POST", "/backup", {}, "backup"),
]

# What each verb does: from which states, and to which.
ACTIONS = {
    "cancel": (set(JOB_STATES) - FINAL, "cancelled"),
    "retry": ({"failed", "cancelled"}, "evaluating"),
    "hold": (set(JOB_STATES) - FINAL - {"on_hold"}, "on_hold"),
    "release": ({"on_hold"}, "waiting"),
    "bump": (set(JOB_STATES) - FINAL, None),
}

SPEC_MEMBERS = {"attr": str, "caps": (str, list), "ptx": bool, "rev": str, "flavour": str,
                "system": str, "priority": int, "leftover": bool}


def check_spec(spec, index):
    def refuse(title):
        raise Problem(400, title, index=index)

    if not isinstance(spec, dict):
        refuse("a job must be an object")
    for name, value in spec.items():
        if name not in SPEC_MEMBERS:
            refuse("'%s' means nothing here" % name)
        if not isinstance(value, SPEC_MEMBERS[name]):
            refuse("'%s' is of the wrong kind" % name)
    if "attr" not in spec or "caps" not in spec or len(spec["attr"]) > 256:
        refuse("a job needs 'attr' and 'caps'")
    caps = spec["caps"] if isinstance(spec["caps"], str) else ",".join(spec["caps"])
    if not CAPS(caps):
        refuse("'%s' is no capability set" % caps)
    if not -1000 <= spec.get("priority", 0) <= 1000:
        refuse("'priority' is out of bounds")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "unix"

    def log_message(self, *args):
        pass

    # ---- a request's way

    def do_GET(self):
        self.handle_request()

    def do_POST(self):
        self.handle_request()

    def handle_request(self):
        double, self.world = self.server.double, self.server.double.world
        split = urllib.parse.urlsplit(self.path)
        try:
            self.body = self.read_body()
            double.requests.append((self.command, self.path, dict(self.headers), self.body))
            scripted = double.scripted_answer(self.path)
            if scripted:
                self.send_scripted(*scripted)
                return
            self.check_credentials(double)
            self.dispatch(split.path, urllib.parse.parse_qsl(split.query, True, True))
        except Problem as problem:
            self.send_json(problem.body, problem.status, "application/problem+json")
        except (BrokenPipeError, ConnectionResetError, ConnectionAbortedError):
            self.close_connection = True

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            return self.read_chunks()
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError
        return body

    def read_chunks(self):
        body = b""
        while True:
            line = self.rfile.readline()
            if not line.strip():
                raise ConnectionAbortedError  # The client broke off: nothing is accepted.
            size = int(line, 16)
            chunk = self.rfile.read(size + 2)[:size]
            if size == 0:
                return body
            body += chunk
            if len(body) > BODY_MAX:
                raise Problem(413, "the body is too large")

    def check_credentials(self, double):
        given = self.headers.get("Authorization")
        if double.token and given != "Bearer " + double.token:
            raise Problem(401 if given is None else 403, "not permitted",
                          "no such token" if given else None)

    def dispatch(self, path, query):
        if not path.startswith("/api/v1/"):
            raise Problem(404, "no such path: " + path)
        path = path[len("/api/v1"):]
        found = False
        for method, pattern, parameters, name in ROUTES:
            match = re.fullmatch(pattern.replace("{id}", "([1-9][0-9]*)"), path)
            if not match:
                continue
            found = True
            if method == self.command:
                self.check_query(query, parameters)
                self.route = path[1:]
                arguments = [int(group) for group in match.groups()]
                getattr(self, name)(*arguments)
                return
        raise Problem(405 if found else 404, "no such path: " + path)

    def check_query(self, query, parameters):
        self.query = dict(query)
        if len(self.query) < len(query):
            raise Problem(400, "a parameter is given twice")
        for name, value in query:
            if name not in parameters:
                raise Problem(400, "no parameter '%s' here" % name)
            if not parameters[name](value):
                raise Problem(400, "'%s' is no value of '%s'" % (value, name))

    # ---- answers

    def send_json(self, value, status=200, kind="application/json"):
        self.send_bytes(json.dumps(value).encode(), status, kind)

    def send_bytes(self, body, status=200, kind="text/plain; charset=utf-8", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_scripted(self, status, headers, body):
        """A Content-Length of its own is a promise that is not kept: the connection ends."""
        self.send_response(status)
        self.close_connection = "Content-Length" in headers
        for name, value in {"Content-Type": "application/json",
                            "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.server.double.streams.add(self.connection)

    def send_chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self):
        self.wfile.write(b"0\r\n\r\n")

    def job_or_404(self, number):
        if number not in self.world.jobs:
            raise Problem(404, "job %d does not exist" % number, None, "see capq list")
        return self.world.jobs[number]

    # ---- asking

    def version(self):
        self.send_json({"version": "0.1.0", "api": 1, "schema": 3,
                        "nix": "nix-store (Nix) 2.18.1", "started_at": now()})

    def health(self):
        problems = self.world.problems
        self.send_json({"ok": not problems, "problems": problems}, 503 if problems else 200)

    def status(self):
        self.send_json(self.world.status())

    def matches(self, job):
        query = self.query
        wanted = query.get("state", "").split(",")
        if "state" in query and job["state"] not in wanted and not (
                "live" in wanted and job["state"] not in FINAL):
            return False
        if query.get("caps", join_caps(job["caps"], job["ptx"])) != join_caps(
                job["caps"], job["ptx"]):
            return False
        return (query.get("attr", job["attr"]) == job["attr"]
                and job["rev"].startswith(query.get("rev", ""))
                and query.get("flavour", job["flavour"]) == job["flavour"]
                and query.get("system", job["system"]) == job["system"])

    def send_page(self, name, items, matches):
        """Newest first. Like capqd, looks at a bounded number of rows: a page may be short."""
        limit = int(self.query.get("limit", 100))
        before = int(self.query.get("cursor", "b%d" % 2**62)[1:])
        found, looked = [], 0
        for number in sorted(items, reverse=True):
            if number >= before:
                continue
            if len(found) == limit or looked == self.server.double.rows_a_page:
                self.send_json({name: found, "next_cursor": "b%d" % (last)})
                return
            looked, last = looked + 1, number
            if matches(items[number]):
                found.append(items[number])
        self.send_json({name: found, "next_cursor": None})

    def list_jobs(self):
        self.send_page("jobs", self.world.jobs, self.matches)

    def list_builds(self):
        wanted = self.query.get("state", ",".join(BUILD_STATES)).split(",")
        self.send_page("builds", self.world.builds, lambda build: build["state"] in wanted or (
            "live" in wanted and build["state"] not in FINAL))

    def lookup(self):
        self.send_json(self.world.lookup)

    def history(self):
        if "attr" not in self.query:
            raise Problem(400, "'attr' must name a package")
        package, caps = self.query["attr"].split(".")[-1], self.query.get("caps")
        self.send_page("history", self.world.history, lambda past: past["package"] == package and (
            caps is None or caps == join_caps(past["caps"], past["ptx"])))

    def stats(self):
        self.send_json(self.world.stats)

    def export_trace(self):
        self.send_bytes(self.world.trace, 200, "text/csv; charset=utf-8")

    def export_history(self):
        self.send_bytes(self.world.trace_history, 200, "text/csv; charset=utf-8")

    def get_job(self, number):
        self.send_json(self.job_or_404(number))

    def job_builds(self, number):
        job = self.job_or_404(number)
        self.send_json({"builds": [self.world.builds[build] for build in
                                   self.world.log_builds.get(number, [job["build"]])]})

    def get_build(self, number):
        if number not in self.world.builds:
            raise Problem(404, "build %d does not exist" % number)
        self.send_json({**self.world.builds[number], "attempt_list": []})

    def why(self, number):
        kind = self.route.split("/")[0]
        if number not in getattr(self.world, kind):
            raise Problem(404, "%s %d does not exist" % (kind[:-1], number))
        state = getattr(self.world, kind)[number]["state"]
        self.send_json(self.world.why.get("%s/%d" % (kind, number), {
            "state": state, "text": "nobody knows", "rule": "step", "builds": [],
            "ahead": None}))

    # ---- doing

    def submit(self):
        specs = self.read_specs()
        for index, spec in enumerate(specs):
            check_spec(spec, index)
            if self.world.resolve(spec.get("rev")) is None:
                raise Problem(404, "unknown revision '%s'" % spec["rev"], None,
                              "name a configured branch, or a commit of one", index=index)
        if self.query.get("dry_run") == "1":
            jobs = [self.world.evaluate(spec) for spec in specs]
            self.send_json({"jobs": jobs, "derivations": len({job["drv_path"] for job in jobs}),
                            "builds": sum(job["builds"] for job in jobs), "fetches": 0,
                            "cached": sum(job["cached"] for job in jobs)})
            return
        self.send_json(self.accept(specs), 201)

    def read_specs(self):
        kind = self.headers.get("Content-Type")
        try:
            if kind == "application/x-ndjson":
                return [json.loads(line) for line in self.body.splitlines()]
            if kind == "application/json":
                value = json.loads(self.body)
                return value if isinstance(value, list) else [value]
        except ValueError as error:
            raise Problem(400, "the body is no JSON", str(error))
        raise Problem(400, "what is a body of type %s?" % kind)

    def accept(self, specs):
        key = self.headers.get("Idempotency-Key")
        if key in self.world.keys:
            body, answer = self.world.keys[key]
            if body != self.body:
                raise Problem(422, "that key was used with another body")
            return answer
        answer = {"jobs": [self.world.submit(spec) for spec in specs]}
        if key:
            self.world.keys[key] = (self.body, answer)
        return answer

    def act(self, number):
        job, verb = self.job_or_404(number), self.route.split("/")[-1]
        allowed, to = ACTIONS[verb]
        if self.body:
            raise Problem(400, "a body means nothing here")
        if job["state"] not in allowed:
            raise Problem(409, "job %d is %s" % (number, job["state"]), None,
                          "only a live job can be " + verb)
        if to:
            self.world.move(number, to)
        self.send_json(job)

    def drain(self):
        if self.headers.get("Content-Type") != "application/json":
            raise Problem(400, "a body of JSON is expected")
        value = json.loads(self.body)
        if set(value) - {"drain"} or not isinstance(value.get("drain", True), bool):
            raise Problem(400, "'drain' is expected, a boolean")
        self.world.draining = value.get("drain", True)
        self.send_json({"draining": self.world.draining,
                        "running": self.world.running + self.world.evaluating})

    def rebuild_estimates(self):
        self.send_json({"rows": 1200, "packages": 31, "builds": 7})

    def backup(self):
        self.send_bytes(self.world.backup, 200, "application/vnd.sqlite3")

    # ---- streams

    def stream_events(self):
        """All messages from now on; before them the stored ones behind Last-Event-ID."""
        world, double = self.world, self.server.double
        after = self.headers.get("Last-Event-ID", self.query.get("after"))
        with world.changed:
            at = len(world.events)
            missed = [] if after is None else [event for event in world.events
                                               if event[0] and event[0] > int(after)]
        self.begin_stream()
        if after is not None and int(after) + 1 < world.oldest_event:
            self.send_chunk(sse(None, "gap", {"oldest": world.oldest_event}))
        for event in missed:
            self.send_chunk(sse(*event))
        while not double.stopping:
            with world.changed:
                if at == len(world.events) and not world.changed.wait(double.heartbeat):
                    self.send_chunk(b": all is quiet\n\n")
                fresh, at = world.events[at:], len(world.events)
            for event in fresh:
                self.send_chunk(sse(*event))

    def job_log(self, number):
        job = self.job_or_404(number)
        self.send_log(self.world.log_builds.get(number, [job["build"]]), job)

    def build_log(self, number):
        if number not in self.world.builds:
            raise Problem(404, "build %d does not exist" % number)
        self.send_log([number], None)

    def send_log(self, builds, job):
        if self.query.get("follow") == "1":
            self.follow_logs(builds, job)
            return
        log = self.world.logs.get(builds[-1])
        if log is None:
            raise Problem(404, "there is no log yet")
        tail = int(self.query.get("tail", len(log)))
        self.send_bytes(log[max(0, len(log) - tail):], headers=[
            ("X-Capq-Build", str(builds[-1])), ("X-Capq-Attempt", "1"),
            ("X-Capq-Complete", "1" if builds[-1] in self.world.finished_logs else "0")])

    def follow_logs(self, builds, job):
        at = int(self.headers.get("Last-Event-ID", 0))
        self.begin_stream()
        for build in builds:
            if job:
                self.send_chunk(sse(None, "build", {
                    "build": build, "name": self.world.builds[build]["name"],
                    "attempt": self.world.builds[build]["attempts"]}))
                at = 0
            if "tail" in self.query and at == 0:
                at = max(0, len(self.world.logs.get(build, b"")) - int(self.query["tail"]))
            self.follow_log(build, at, job is not None)
        state = job["state"] if job else self.world.builds[builds[-1]]["state"]
        self.send_chunk(sse(None, "end", {"state": state}))
        self.end_stream()

    def follow_log(self, build, at, is_job):
        world = self.world
        while not self.server.double.stopping:
            with world.changed:
                log = world.logs.get(build, b"")
                if len(log) == at:
                    if build in world.finished_logs:
                        return
                    world.changed.wait(0.2)
                    continue
            piece, at = log[at:at + 1000], min(len(log), at + 1000)
            number = None if is_job and not self.server.double.numbers_job_logs else at
            self.send_chunk(sse(number, "chunk", piece.decode("utf-8", "replace")))
        raise ConnectionAbortedError  # Killed: no `end`.


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def get_request(self):
        connection, address = super().get_request()
        self.double.connections.add(connection)
        return connection, address or "unix"

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):  # A client may go at any time.
            super().handle_error(request, client_address)


class UnixServer(Server):
    address_family = socket.AF_UNIX


class Double:
    """`path` is a socket's; None: a free port at 127.0.0.1, see `url`."""

    def __init__(self, path, world=None, token=None):
        self.path, self.world, self.token = path, world or World(), token
        self.heartbeat = HEARTBEAT_SECONDS
        self.rows_a_page = 1000
        self.numbers_job_logs = True  # The chunks of a job's log have ids, too.
        self.requests = []  # (method, path, headers, body)
        self.scripted = []  # (part of the path, status, headers, body, seconds)
        self.connections, self.streams = set(), set()
        self.stopping = True

    def start(self):
        self.stopping = False
        if self.path:
            self.server = UnixServer(self.path, Handler)
            self.url = "unix:" + self.path
        else:
            self.server = Server(("127.0.0.1", 0), Handler)
            self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.server.double = self
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self):
        """As a killed capqd: every connection breaks, the socket's file stays."""
        if self.stopping:
            return
        self.stopping = True
        self.server.shutdown()
        self.server.server_close()
        self.break_all(self.connections)
        with self.world.changed:
            self.world.changed.notify_all()

    def restart(self):
        self.stop()
        os.unlink(self.path)
        return self.start()

    @staticmethod
    def break_all(connections):
        while connections:
            try:
                connections.pop().shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # It has ended already.

    def drop_streams(self):
        self.break_all(self.streams)

    def answer_next(self, part, status, body, headers=None, seconds=0):
        """The next request whose path holds `part` gets this answer, after that time."""
        self.scripted.append((part, status, headers or {}, body, seconds))

    def scripted_answer(self, path):
        for entry in self.scripted:
            if entry[0] in path:
                self.scripted.remove(entry)
                time.sleep(entry[4])
                return entry[1:4]
        return None

    def wait_for_stream(self, seconds=10):
        """Until somebody listens to a stream."""
        end = time.monotonic() + seconds
        while not self.streams:
            if time.monotonic() > end:
                raise AssertionError("nobody came to listen")
            time.sleep(0.01)


def play(path):
    """A little world for the eye."""
    double = Double(path).start()
    world = double.world
    for attr in ("python3Packages.torch", "python3Packages.torchvision", "magma", "faiss"):
        world.add_job(attr, caps="8.6", state="waiting", waits_for="torch-2.5.1 (building)")
    world.add_job("hello", caps="8.0,8.6+PTX", state="on_hold")
    print("playing at unix:%s" % path, flush=True)
    for number in (1, 3, 4, 2):
        world.run_build(number, phase="unpackPhase")
        for done in range(20):
            time.sleep(0.5)
            world.progress(number, done=done, expected=20, seconds=done / 2,
                           last_line="[%d/20] Building CXX object step_%d.o" % (done, done))
        if number == 3:
            world.move(number, "failed", reason="the builder said no", failure_class="build")
        else:
            world.move(number, "pushing")
            time.sleep(2)
            world.move(number, "done")
    world.move(5, "cancelled", reason="nobody wanted it")
    time.sleep(2)


if __name__ == "__main__":
    play(sys.argv[1])
