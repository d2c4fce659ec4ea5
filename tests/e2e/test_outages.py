"""What capqd needs goes away for a while: its children, the cache, room on the disk."""

import contextlib
import os
import signal
import subprocess
import unittest

import capqd
import nixbox
import pushing

nixbox.enter()


def kill_child(daemon, words):
    """SIGKILL for the child whose command line has the words."""
    capqd.until(lambda: any(words in command for _, command in daemon.children()), f"no {words}")
    for pid, command in daemon.children():
        if words in command:
            os.kill(pid, signal.SIGKILL)


class Children(unittest.TestCase):
    def test_a_push_that_is_killed_is_pushed_again(self):
        with nixbox.Nix(), pushing.Cache() as cache, capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs, cache) as daemon:
            cache.faults({"match": "^PUT ", "do": {"hang": True}})
            [number] = daemon.submit("stdenv")
            cache.wait_for("put")
            kill_child(daemon, "capq-push")
            job = daemon.wait(number)
            self.assertEqual(job["state"], "done")
            self.assertEqual(cache.completed(), [job["outputs"]["out"]])
            self.assertEqual(daemon.build(1)["attempts"], 1)

    def test_a_builder_that_is_killed_may_have_been_too_large(self):
        """What the kernel kills when memory is short, it kills with SIGKILL."""
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs, toy={"mode": {"stdenv": "hang"}}) as daemon:
            daemon.submit("stdenv")
            kill_child(daemon, "toy-builder")
            daemon.await_event(lambda kind, e: kind == "build" and e["failure_class"] == "out of memory")
            [build] = daemon.builds()
            self.assertEqual(build["state"], "ready")
            self.assertIn("again in 5m00s (try 2 of 2)", build["reason"])

    def test_a_nix_that_is_killed_is_started_again(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs, toy={"delay": 0.5}) as daemon:
            [number] = daemon.submit("stdenv")
            capqd.until(lambda: any("toy-builder" in c for _, c in daemon.children()), "nothing is built")
            kill_child(daemon, "nix-store --log-format internal-json")
            self.assertEqual(daemon.wait(number)["state"], "done")
            self.assertEqual([a["failure_class"] for a in daemon.build(1)["attempt_list"]], ["interrupted", None])
            daemon.await_no_child("toy-builder")


class Cache(unittest.TestCase):
    @contextlib.contextmanager
    def two_jobs(self):
        with nixbox.Nix() as nix, pushing.Cache(arguments=["--state", f"{nix.directory}/cache"]) as cache, \
                capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs, cache, {"delay": 0.3}) as daemon:
            jobs = daemon.submit(["cmake", "python3"])
            for job in jobs:
                daemon.await_job(job, "waiting")
            yield cache, daemon, jobs

    def check(self, cache, daemon, jobs):
        for job in daemon.wait(*jobs):
            self.assertEqual(job["state"], "done")
        capqd.until(lambda: {b["state"] for b in daemon.builds()} == {"done"}, "not all is pushed")
        self.assertEqual({b["attempts"] for b in daemon.builds()}, {1})
        self.assertEqual(len(cache.completed()), 3)

    def test_while_it_is_down_what_is_built_waits(self):
        with self.two_jobs() as (cache, daemon, jobs):
            cache.end(signal.SIGKILL)
            capqd.until(lambda: {b["state"] for b in daemon.builds()} == {"pushing"}, "not all is built")
            daemon.restart()
            with cache.back():
                self.check(cache, daemon, jobs)

    def test_what_it_refuses_is_pushed_again_later(self):
        with self.two_jobs() as (cache, daemon, jobs):
            cache.faults({"match": "^GET .*/cache/mine$", "do": {"status": 401}})
            daemon.await_event(lambda kind, e: kind == "build" and e["failure_class"] == "push")
            [build] = [b for b in daemon.builds() if b["failure_class"]]
            self.assertEqual(build["state"], "pushing")
            self.assertIn("again in 5s (try 2 of 41)", build["reason"])
            capqd.until(lambda: {b["state"] for b in daemon.builds()} <= {"pushing", "done"}, "not all is built")
            daemon.restart()
            self.check(cache, daemon, jobs)


class Disk(unittest.TestCase):
    def test_a_full_disk_stops_what_is_new_and_loses_nothing(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, \
                capqd.Daemon(nixpkgs, toy={"delay": 0.05}, limits={"state_free": "1MiB"}) as daemon, self.tmpfs(daemon):
            jobs = daemon.submit(["python3Packages.jaxlib", "cmake"])
            daemon.await_build("stdenv-1.0", "building")
            with self.filled(daemon):
                capqd.until(lambda: daemon.request("GET", "/health")[0] == 503, "it is well")
                with self.assertRaises(capqd.ApiError) as caught:
                    daemon.submit("magma")
                self.assertEqual(caught.exception.status, 507)
                daemon.stop(signal.SIGKILL)
                with self.assertRaisesRegex(AssertionError, "cannot start: data base: .*full"):
                    daemon.start()
                daemon.process = None
            daemon.start()
            capqd.until(lambda: daemon.request("GET", "/health")[0] == 200, "it is not well again")
            for job in daemon.wait(*jobs, *daemon.submit("magma")):
                self.assertEqual(job["state"], "done", job["reason"])

    @contextlib.contextmanager
    def tmpfs(self, daemon):
        daemon.stop(signal.SIGTERM)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", daemon.state], check=True)
        daemon.start()
        try:
            yield
        finally:
            daemon.stop(signal.SIGTERM)
            subprocess.run(["umount", daemon.state], check=True)

    @contextlib.contextmanager
    def filled(self, daemon):
        """To the last byte."""
        path = f"{daemon.state}/filler"
        with contextlib.suppress(OSError), open(path, "wb", buffering=0) as f:
            while f.write(bytes(4096)):
                pass
        try:
            yield
        finally:
            os.unlink(path)


def kill_with_workers(pid):
    """nix-daemon, and what it forked for each of its clients, which would outlive it."""
    os.kill(pid, signal.SIGSTOP)
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as f:
        workers = [int(word) for word in f.read().split()]
    for number in [pid, *workers]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


class NixDaemon(unittest.TestCase):
    """capqd as a client of the Nix daemon, as in production: exit statuses say nothing there."""

    @contextlib.contextmanager
    def process(self):
        environment = {**os.environ, "NIX_REMOTE": ""}
        with subprocess.Popen(["nix-daemon"], env=environment, stderr=subprocess.DEVNULL) as process:
            try:
                capqd.until(lambda: os.path.exists("/nix/var/nix/daemon-socket/socket"), "no nix-daemon")
                yield
            finally:
                kill_with_workers(process.pid)
                os.unlink("/nix/var/nix/daemon-socket/socket")

    @contextlib.contextmanager
    def nix_daemon(self, **settings):
        with self.process(), nixbox.Nix(), pushing.Cache() as cache, capqd.Repository() as nixpkgs, \
                capqd.Daemon(nixpkgs, cache, environment={"NIX_REMOTE": "daemon"}, **settings) as daemon:
            yield cache, daemon

    def test_a_matrix(self):
        with self.nix_daemon() as (cache, daemon):
            jobs = daemon.wait(*daemon.submit(["python3Packages.torch", "python3Packages.jaxlib"], ["8.0", "8.6"]))
            self.assertEqual({j["state"] for j in jobs}, {"done"}, [j["reason"] for j in jobs])
            self.assertEqual(len(cache.completed()), len(set(cache.completed())))

    def test_a_job_waits_while_it_is_away(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs, environment={"NIX_REMOTE": "daemon"}) as daemon:
            [number] = daemon.submit("stdenv")
            daemon.await_line("trying again in 30 s")
            self.assertEqual(daemon.job(number)["state"], "evaluating")
            with self.process():
                daemon.restart()  # It looks at once.
                self.assertEqual(daemon.wait(number)["state"], "done")

    def test_a_build_waits_while_it_is_away(self):
        """It goes away under a build, which is a try; that it is not there for the next one is none."""
        with nixbox.Nix(), capqd.Repository() as nixpkgs, \
                capqd.Daemon(nixpkgs, toy={"delay": 0.5}, environment={"NIX_REMOTE": "daemon"}) as daemon:
            with self.process():
                [number] = daemon.submit("stdenv")
                daemon.await_build("stdenv-1.0", "building")
            daemon.await_line("Nix cannot be reached")
            self.assertIn("Nix cannot be reached", daemon.get("/status")["problems"][0])
            capqd.until(lambda: daemon.build(1)["state"] == "ready", "it is not ready again")
            self.assertIn("Nix cannot be reached", daemon.get(f"/jobs/{number}/why")["text"])
            with self.process():
                daemon.restart()  # It looks at once.
                self.assertEqual(daemon.wait(number)["state"], "done")

    def test_failures(self):
        toy = {"mode": {"openblas": "fail", "cmake": "hang"}}
        with self.nix_daemon(toy=toy, build={"timeout": "2s"}) as (_, daemon):
            openblas, cmake, numpy = daemon.wait(*daemon.submit(["openblas", "cmake", "python3Packages.numpy"]))
            self.assertEqual(openblas["failure_class"], "build")
            self.assertEqual(cmake["failure_class"], "timeout")
            self.assertEqual(numpy["failure_class"], "dependency")
            daemon.await_no_child("toy-builder")


if __name__ == "__main__":
    unittest.main(verbosity=2)
