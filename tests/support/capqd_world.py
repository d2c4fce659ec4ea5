"""What a scripted capqd knows: jobs, builds, events, logs. A test moves it by hand.

    world.add_job("hello", caps="8.6")          -> job 1, and its build 1
    world.move(1, "waiting")                    -> an event
    world.progress(1, phase="buildPhase")       -> an event that is not stored
    world.move(1, "failed", reason="...")

Everything is done under one lock; whoever waits for events is woken by its condition.
"""

import datetime
import json
import threading

JOB_STATES = ["evaluating", "planning", "waiting", "pushing", "done", "on_hold", "failed",
              "cancelled", "superseded"]
BUILD_STATES = ["blocked", "ready", "building", "verifying", "pushing", "done", "failed"]
FINAL = {"done", "failed", "cancelled", "superseded"}
BRANCHES = {"master": "1a2b3c4d5e6f70819293a4b5c6d7e8f901234567",
            "nixos-unstable": "5d6e7f8091a2b3c4d5e6f70819293a4b5c6d7e8f"}


def now():
    moment = datetime.datetime.now(datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (moment.microsecond // 1000)


def split_caps(text):
    """"8.0,8.6+PTX" -> (["8.0", "8.6"], True)"""
    ptx = text.upper().endswith("+PTX")
    return [part.strip() for part in (text[:-4] if ptx else text).split(",")], ptx


def join_caps(caps, ptx):
    return ",".join(caps) + ("+PTX" if ptx else "")


class World:
    def __init__(self):
        self.changed = threading.Condition()
        self.jobs = {}
        self.builds = {}
        self.events = []  # (id, kind, data); None for those that are not stored
        self.oldest_event = 1
        self.keys = {}  # Idempotency-Key -> (body, answer)
        self.logs = {}  # build -> bytes so far
        self.finished_logs = set()
        self.log_builds = {}  # job -> the builds whose logs `follow` brings, in order
        self.why = {}  # "jobs/1" -> the answer
        self.dry_run = {}  # attr -> error text, or how many builds
        self.history = {}
        self.stats = {}
        self.lookup = {}
        self.trace = b"id,submit_s,work_s,package,caps,rev,branch,submitter,depends\n"
        self.trace_history = b"package,caps,work_s,age_s\n"
        self.draining = False
        self.running = 0
        self.evaluating = 0
        self.problems = []
        self.backup = b"SQLite format 3\0" + bytes(4000)

    # ---- jobs

    def add_job(self, attr, caps="8.6", rev=BRANCHES["master"], state="evaluating", **more):
        with self.changed:
            items, ptx = split_caps(caps)
            number = len(self.jobs) + 1
            drv = "/nix/store/%032d-%s.drv" % (number, attr.split(".")[-1])
            job = {
                "id": number, "attr": attr, "caps": items, "ptx": ptx, "flavour": "default",
                "rev": rev, "rev_from": "branch master", "trusted": True,
                "system": "x86_64-linux", "priority": 0, "leftover": False, "submitter": "root", "state": state,
                "reason": None, "failure_class": None, "drv_path": drv,
                "outputs": {"out": "/nix/store/%032d-%s" % (number, attr.split(".")[-1])},
                "build": number, "attempts": 0, "submitted_at": now(), "started_at": None,
                "finished_at": None, "cost": {"wall_seconds": None, "core_seconds": None,
                                              "bytes_pushed": None},
                "progress": None, "waits_for": None,
            }
            job.update(more)
            self.jobs[number] = job
            self.builds[number] = self.make_build(number, attr.split(".")[-1] + "-1.0", drv)
            self.publish("job", {"subject": number, "from": None, "to": state})
            return number

    @staticmethod
    def make_build(number, name, drv):
        return {"id": number, "name": name, "drv_path": drv, "system": "x86_64-linux",
                "features": "", "outputs": {"out": drv[:-4]}, "kind": "build", "trusted": True,
                "state": "blocked", "reason": None, "failure_class": None, "builder": None,
                "attempts": 0, "tries": 0, "not_before": None, "created_at": now(),
                "ready_at": None, "started_at": None, "finished_at": None,
                "cost": {"wall_seconds": None, "core_seconds": None, "bytes_pushed": None},
                "output_bytes": None, "progress": None}

    def add_past(self, package, caps, seconds, **more):
        """A build of the past, an hour behind the one before."""
        items, ptx = split_caps(caps)
        number = len(self.history) + 1
        began = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(hours=number)
        ended = began + datetime.timedelta(seconds=seconds)
        form = "%Y-%m-%dT%H:%M:%S.000Z"
        self.history[number] = {
            "id": number, "build": 100 + number, "package": package, "name": package + "-1.0",
            "drv_path": "/nix/store/%032d-%s-1.0.drv" % (number, package), "caps": items, "ptx": ptx,
            "builder": "local", "machine": None, "ride": False, "started_at": began.strftime(form),
            "finished_at": ended.strftime(form), "wall_seconds": seconds, "core_seconds": seconds * 2.5,
            "cores": 2.5, "output_bytes": 4096, "outcome": "built", **more}

    def move(self, number, to, silently=False, **changes):
        """Change a job's state, and publish that unless `silently`."""
        with self.changed:
            job = self.jobs[number]
            before, job["state"] = job["state"], to
            if to in FINAL:
                job["finished_at"] = now()
                job["progress"] = job["waits_for"] = None
            job.update(changes)
            if not silently:
                self.publish("job", {"subject": number, "from": before, "to": to,
                                     "reason": job["reason"]})

    def run_build(self, number, phase="buildPhase", name=None, **more):
        """The build runs: its job says so from now on."""
        with self.changed:
            self.builds[number].update(state="building", builder="local", started_at=now())
            progress = {"build": number, "name": name or self.builds[number]["name"],
                        "phase": phase, "derivation": None, "done": 0, "expected": 1,
                        "seconds": 3.5, "last_line": None, "pushed_bytes": None}
            progress.update(more)
            for job in self.jobs.values():
                if job["build"] == number and job["state"] not in FINAL:
                    job["progress"] = progress
            self.publish("build", {"subject": number, "from": "ready", "to": "building"})

    def progress(self, number, **more):
        """A progress event, which is not stored."""
        with self.changed:
            data = {"build": number, "name": self.builds[number]["name"], "phase": "buildPhase",
                    "derivation": None, "done": 0, "expected": 1, "seconds": 5,
                    "last_line": None, "pushed_bytes": None}
            data.update(more)
            for job in self.jobs.values():
                if job["build"] == number and job["progress"]:
                    job["progress"] = data
            self.events.append((None, "progress", data))
            self.changed.notify_all()

    # ---- events

    def last_event(self):
        return max((event[0] for event in self.events if event[0]), default=0)

    def publish(self, kind, data):
        with self.changed:
            number = self.last_event() + 1
            if kind in ("job", "build"):
                data = {"id": number, "at": now(), "failure_class": None, "reason": None, **data}
            self.events.append((number, kind, data))
            self.changed.notify_all()

    # ---- submitting

    def resolve(self, rev):
        if not rev:
            return BRANCHES["master"]
        if rev in BRANCHES:
            return BRANCHES[rev]
        for full in BRANCHES.values():
            if len(rev) >= 7 and full.startswith(rev):
                return full
        return None

    def find_same(self, spec, caps, ptx, rev):
        for job in self.jobs.values():
            if (job["attr"], job["caps"], job["ptx"], job["rev"]) == (
                    spec["attr"], caps, ptx, rev) and job["state"] not in (
                    "cancelled", "superseded"):
                return job
        return None

    def submit(self, spec):
        caps, ptx = spec["caps"], spec.get("ptx", False)
        if isinstance(caps, str):
            caps, ptx = split_caps(caps)
        rev = self.resolve(spec.get("rev"))
        same = self.find_same(spec, caps, ptx, rev)
        if same:
            return {"id": same["id"], "existing": True, "state": same["state"]}
        number = self.add_job(spec["attr"], join_caps(caps, ptx), rev,
                              priority=spec.get("priority", 0), leftover=spec.get("leftover", False),
                              flavour=spec.get("flavour", "default"))
        return {"id": number, "existing": False, "state": "evaluating"}

    def evaluate(self, spec):
        """One job of a dry run."""
        caps, ptx = spec["caps"], spec.get("ptx", False)
        if isinstance(caps, str):
            caps, ptx = split_caps(caps)
        found = self.dry_run.get(spec["attr"], 1)
        error = found if isinstance(found, str) else None
        return {"attr": spec["attr"], "caps": caps, "ptx": ptx, "rev": self.resolve(
                    spec.get("rev")), "drv_path": None if error else "/nix/store/%s-%s.drv" % (
                        "0" * 32, spec["attr"]),
                "error": error, "cached": found == 0, "builds": 0 if error else found}

    # ---- logs

    def add_log(self, build, text, finished=False):
        with self.changed:
            self.logs[build] = self.logs.get(build, b"") + text
            if finished:
                self.finished_logs.add(build)
            self.changed.notify_all()

    def status(self):
        def count(states, items):
            return {state: sum(item["state"] == state for item in items) for state in states}

        return {"jobs": count(JOB_STATES, self.jobs.values()),
                "builds": count(BUILD_STATES, self.builds.values()),
                "builders": [{"name": "local", "systems": ["x86_64-linux"], "features": [],
                              "max_jobs": 2, "running": self.running, "fetch_jobs": 4,
                              "fetching": 0}],
                "evaluating": self.evaluating, "pushing": 0, "long_seconds": 5400.5, "cache": "cuda-maintainers",
                "nixpkgs": {"source": "https://github.com/NixOS/nixpkgs", "fetched_at": now(),
                            "problem": None,
                            "branches": [{"name": name, "rev": rev}
                                         for name, rev in BRANCHES.items()]},
                "draining": self.draining, "problems": self.problems, "now": now(),
                "last_event": self.last_event()}


def sse(number, kind, data):
    """An event as it travels."""
    text = "" if number is None else "id: %d\n" % number
    return (text + "event: %s\ndata: %s\n\n" % (kind, json.dumps(data))).encode()
