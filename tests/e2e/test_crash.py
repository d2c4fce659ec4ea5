"""capqd killed with SIGKILL at random moments of a matrix of jobs, with the garbage collector let loose
behind it, and started again.

CAPQ_CRASH_RUNS says how many runs (20), CAPQ_CRASH_SEED with which one to begin (1): a run that fails names its
seed, and CAPQ_CRASH_SEED=n CAPQ_CRASH_RUNS=1 is the same run again, as far as the machine allows.
"""

import contextlib
import fcntl
import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import tempfile
import threading
import unittest

import capqd
import nixbox
import pushing

nixbox.enter()

RUNS = int(os.environ.get("CAPQ_CRASH_RUNS", "20"))
FIRST_SEED = int(os.environ.get("CAPQ_CRASH_SEED", "1"))
ATTRS = ["python3Packages.torch", "python3Packages.torchvision", "python3Packages.jaxlib", "magma", "blender",
         "cudaPackages.nccl"]
SETS = ["8.0", "8.6", "8.0,8.6,9.0"]
KEPT = ["capqd.sqlite", "lock", "logs", "nix", "nixpkgs.git", "push-locks", "roots", "trees"]
LIVES = 3  # Each but the last ends with a kill.


def valid_paths():
    """What Nix has."""
    with contextlib.closing(sqlite3.connect("/nix/var/nix/db/db.sqlite")) as db:
        return {path for (path,) in db.execute("SELECT path FROM ValidPaths")}


class Run:
    def __init__(self, seed, nix, cache, daemon):
        self.nix, self.cache, self.daemon = nix, cache, daemon
        self.random = random.Random(seed)
        self.accepted, self.seen = set(), 0
        self.journal_path = f"{nix.directory}/journal"
        self.finished = []  # (length of the journal, what need not be built again) at each kill.

    def journal(self):
        with contextlib.suppress(FileNotFoundError), open(self.journal_path, encoding="utf-8") as f:
            return f.read().splitlines()
        return []

    def submit_some(self):
        attrs = self.random.sample(ATTRS, 2)
        self.accepted.update(self.daemon.submit(attrs, self.random.sample(SETS, 2)))

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.daemon.process.send_signal(signal.SIGKILL)

    # -- lives --

    def live_for_some_events(self):
        """Killed a moment behind a random event."""
        self.daemon.start()
        self.submit_some()
        number, wanted = 0, self.seen + self.random.randrange(1, 60)
        for number, _ in enumerate(self.daemon.events(), 1):
            if number >= wanted or (number > self.seen and self.is_finished()):
                break
        self.seen = number
        killer = threading.Timer(self.random.uniform(0, 0.05), self.kill)
        killer.start()
        killer.join()

    def live_for_a_moment(self):
        """Killed while it starts, is asked for more, or does whatever it does first."""
        killer = threading.Timer(self.random.uniform(0, 0.4), self.kill)
        self.daemon.spawn()
        killer.start()
        with contextlib.suppress(OSError, http.client.HTTPException):
            while self.daemon.process.poll() is None:
                with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                    self.submit_some()
        killer.join()

    def recorded_paths(self):
        """What capqd had noted as built. Between the moments when Nix has a path and when it has made the root, and
        capqd has noted both, the garbage collector may take it."""
        with tempfile.TemporaryDirectory() as copy:
            for name in ("capqd.sqlite", "capqd.sqlite-wal"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copy(f"{self.daemon.state}/{name}", copy)
            with contextlib.closing(sqlite3.connect(f"{copy}/capqd.sqlite")) as db:
                rows = db.execute("SELECT outputs FROM builds WHERE state IN ('verifying', 'pushing', 'done')")
                return {path for (outputs,) in rows for path in json.loads(outputs).values()}

    def is_finished(self):
        status = self.daemon.get("/status")["jobs"]
        return sum(status.values()) == sum(status[s] for s in capqd.FINAL)

    def live_and_be_killed(self):
        self.random.choice([self.live_for_some_events, self.live_for_some_events, self.live_for_a_moment])()
        self.daemon.process.wait()
        with open(f"{self.daemon.state}/lock", "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # Free when all that it started is gone.
        assert not self.daemon.children(), self.daemon.children()
        self.finished.append((len(self.journal()), valid_paths()))
        if self.random.random() < 0.5:
            recorded = self.recorded_paths()
            self.finished = [(length, paths & recorded) for length, paths in self.finished]
            nixbox.collect_garbage()

    def live_to_the_end(self):
        self.daemon.start()
        self.submit_some()
        self.daemon.wait(*self.accepted)

    # -- afterwards --

    def check(self, test):
        for number in self.accepted:
            job = self.daemon.job(number)
            test.assertEqual(job["state"], "done", (number, job["reason"]))

        # Nothing that was built when we were killed was built again, whatever the garbage collector took.
        journal = self.journal()
        test.assertTrue(journal)
        for length, valid in self.finished:
            again = {line.split()[1] for line in journal[length:]} & valid
            test.assertEqual(again, set())

        # Nothing was pushed twice, and no upload is left open.
        pushed = self.cache.completed()
        test.assertEqual(len(pushed), len(set(pushed)))
        test.assertEqual(self.cache.state()["open"], [])
        for number in self.accepted:
            test.assertLessEqual(set(self.daemon.job(number)["outputs"].values()), set(pushed))

        # Nothing is left behind.
        self.daemon.until_empty("trees")
        test.assertEqual(self.daemon.stop(signal.SIGTERM), 0)
        test.assertEqual(self.daemon.children(), [])
        test.assertEqual(self.daemon.roots(), [])
        test.assertNotIn(self.daemon.state, self.nix.run("nix-store", "--gc", "--print-roots"))
        test.assertEqual(sorted(os.listdir(self.daemon.state)), KEPT)


class Crashes(unittest.TestCase):
    def run_once(self, seed):
        with nixbox.Nix() as nix, pushing.Cache() as cache, capqd.Repository() as nixpkgs:
            substitute = {"extra-trusted-public-keys": cache.public_key, "narinfo-cache-negative-ttl": "0"}
            toy = {"journal": f"{nix.directory}/journal", "delay": 0.01, "sizeKiB": 20}
            with capqd.Daemon(nixpkgs, cache, toy, substituters=[f"{cache.url}/mine"], nix_options=substitute) as daemon:
                daemon.stop(signal.SIGTERM)
                run = Run(seed, nix, cache, daemon)
                for _ in range(LIVES - 1):
                    run.live_and_be_killed()
                run.live_to_the_end()
                run.check(self)

    def test_nothing_is_lost_and_nothing_done_twice(self):
        for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
            with self.subTest(seed=seed):
                self.run_once(seed)


if __name__ == "__main__":
    unittest.main(verbosity=2)
