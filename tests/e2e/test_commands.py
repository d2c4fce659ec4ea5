"""What people do to jobs: cancel, hold, release, bump, retry, drain; and what they ask: why, a dry run."""

import contextlib
import signal
import socket
import unittest

import capqd
import nixbox
import pushing

nixbox.enter()

HANG = {"mode": {"openblas": "hang"}}


@contextlib.contextmanager
def daemon_with(toy=None, cache=None, **settings):
    with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs, cache, toy, **settings) as daemon:
        yield daemon


def refused(test, status, call):
    with test.assertRaises(capqd.ApiError) as caught:
        call()
    test.assertEqual(caught.exception.status, status)
    return caught.exception.problem


class Cancel(unittest.TestCase):
    def cancel(self, daemon, number):
        self.assertEqual(daemon.post(f"/jobs/{number}/cancel")["state"], "cancelled")
        self.assertEqual(daemon.job(number)["reason"], "by root")

    def test_while_evaluating(self):
        with daemon_with() as daemon:
            endless, stdenv = daemon.submit(["evalErrors.endless", "stdenv"])
            daemon.await_line("evaluating 2 attributes")
            self.cancel(daemon, endless)
            self.assertEqual(daemon.wait(stdenv)["state"], "done")  # It is in nobody's way.
            daemon.await_no_child("nix-instantiate")
            self.assertEqual(daemon.job(endless)["state"], "cancelled")

    def test_while_planning(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with daemon_with(substituters=[url]) as daemon:
                [number] = daemon.submit("stdenv")
                daemon.await_job(number, "planning")
                with silent.accept()[0]:  # It asks, and never hears.
                    self.cancel(daemon, number)
                    self.assertEqual(daemon.stop(signal.SIGTERM), 0)
                    self.assertEqual(daemon.children(), [])

    def test_while_its_build_runs(self):
        with daemon_with(HANG) as daemon:
            [number] = daemon.submit("openblas")
            build = daemon.await_build("openblas-1.0", "building")
            self.cancel(daemon, number)
            daemon.await_event(lambda kind, e: kind == "build" and e["subject"] == build["id"] and e["to"] == "failed")
            build = daemon.build(build["id"])
            self.assertEqual((build["failure_class"], build["reason"]), ("cancelled", "no job needs it any more"))
            daemon.await_no_child("toy-builder")

            # It is not held against the next.
            [again] = daemon.submit("openblas")
            self.assertNotEqual(again, number)
            daemon.await_job(again, "waiting")

    def test_what_others_need_goes_on(self):
        with daemon_with(HANG) as daemon:
            numpy, openblas = daemon.submit(["python3Packages.numpy", "openblas"])
            build = daemon.await_build("openblas-1.0", "building")
            daemon.await_job(numpy, "waiting")
            daemon.await_job(openblas, "waiting")
            self.cancel(daemon, openblas)
            self.assertEqual(daemon.build(build["id"])["state"], "building")
            self.cancel(daemon, numpy)
            daemon.await_event(lambda kind, e: kind == "build" and e["subject"] == build["id"] and e["to"] == "failed")

    def test_while_its_build_is_blocked(self):
        with daemon_with(HANG) as daemon:
            [number] = daemon.submit("python3Packages.numpy")
            daemon.await_build("openblas-1.0", "building")
            self.cancel(daemon, number)
            daemon.await_event(lambda kind, e: kind == "build" and e["to"] == "failed" and e["failure_class"] == "cancelled"
                               and daemon.build(e["subject"])["name"] == "numpy-1.26")
            daemon.await_no_child("nix-store")

    def test_while_pushing(self):
        with pushing.Cache() as cache, daemon_with(cache=cache) as daemon:
            cache.faults({"match": "^PUT ", "times": 0, "do": {"hang": True}})
            [number] = daemon.submit("stdenv")
            daemon.await_job(number, "pushing")
            self.cancel(daemon, number)
            self.assertEqual(daemon.stop(signal.SIGTERM), 0)
            self.assertEqual(cache.state()["open"], [])

    def test_on_hold_and_at_the_end(self):
        with daemon_with(HANG) as daemon:
            held, done = daemon.submit(["python3Packages.numpy", "stdenv"])
            daemon.post(f"/jobs/{held}/hold")
            self.cancel(daemon, held)
            daemon.wait(done)
            for number, state in ((done, "done"), (held, "cancelled")):
                problem = refused(self, 409, lambda n=number: daemon.post(f"/jobs/{n}/cancel"))
                self.assertEqual(problem["title"], f"job {number} is {state} and cannot be cancelled")
            self.assertEqual(daemon.job(done)["state"], "done")


class Order(unittest.TestCase):
    """One slot, taken by a build that never ends: what is behind it can be put in another order."""

    ONE = [{"name": "local", "max_jobs": 1}]

    def submit_behind(self, daemon):
        """The job that is in the way, and three that wait for the slot."""
        daemon.wait(*daemon.submit("stdenv"))
        [way] = daemon.submit("openblas")
        daemon.await_build("openblas-1.0", "building")
        jobs = [daemon.submit(attr)[0] for attr in ("cmake", "python3", "cudaPackages.cuda_nvcc")]
        for job in jobs:
            daemon.await_job(job, "waiting")
        return way, jobs

    def order(self, daemon, jobs):
        starts = [e["subject"] for e in daemon.stored_events("build") if e["to"] == "building"]
        return [n for build in starts for n in jobs if daemon.job(n)["build"] == build]

    def test_first_come_first_served(self):
        with daemon_with(HANG, builders=self.ONE) as daemon:
            way, jobs = self.submit_behind(daemon)
            daemon.post(f"/jobs/{way}/cancel")
            daemon.wait(*jobs)
            self.assertEqual(self.order(daemon, jobs), jobs)

    def test_bumped_first_held_last(self):
        with daemon_with(HANG, builders=self.ONE) as daemon:
            way, (first, second, third) = self.submit_behind(daemon)
            self.assertEqual(daemon.post(f"/jobs/{first}/hold")["state"], "on_hold")
            daemon.post(f"/jobs/{third}/bump")
            daemon.post(f"/jobs/{way}/cancel")
            daemon.wait(second, third)
            self.assertEqual(daemon.job(first)["state"], "on_hold")
            self.assertEqual(daemon.post(f"/jobs/{first}/release")["state"], "planning")
            daemon.wait(first)
            self.assertEqual(self.order(daemon, [first, second, third]), [third, second, first])

    def test_why(self):
        with daemon_with(HANG, builders=self.ONE) as daemon:
            _, (first, second, _) = self.submit_behind(daemon)
            why = daemon.get(f"/jobs/{second}/why")
            self.assertEqual((why["rule"], why["ahead"]), ("order", 1))
            self.assertIn("1 ready build has a higher score. The nearest, cmake-1.0", why["text"])
            daemon.post(f"/jobs/{first}/hold")
            self.assertEqual(daemon.get(f"/jobs/{first}/why")["rule"], "held")

    def test_when(self):
        """What runs and what waits is foretold, what is on hold is not; and a start says why it was."""
        with daemon_with(HANG, builders=self.ONE) as daemon:
            _, (first, second, third) = self.submit_behind(daemon)
            daemon.post(f"/jobs/{third}/hold")
            capqd.until(lambda: daemon.job(second)["eta"], "nothing is foretold")
            running = daemon.await_build("openblas-1.0", "building")
            etas = [daemon.get(f"/builds/{running['id']}/why")["eta"], daemon.job(first)["eta"], daemon.job(second)["eta"]]
            for eta in etas:
                self.assertLessEqual(eta["start_p50"], eta["start_p90"])
                self.assertLess(eta["start_p50"], eta["done_p50"])
                self.assertLessEqual(eta["done_p50"], eta["done_p90"])
            self.assertLess(etas[0]["start_p50"], daemon.get("/status")["now"])
            self.assertEqual(daemon.get("/status")["long_seconds"], 1800)  # Nothing was built that says better.
            self.assertLess(etas[0]["done_p50"], etas[2]["start_p50"])  # One slot.
            start = daemon.get(f"/builds/{running['id']}/why")["start"]
            self.assertEqual((start["rule"], start["basis"]), ("score", "everything"))
            self.assertGreater(start["estimate_p90_seconds"], start["estimate_seconds"])
            answer = daemon.post("/jobs?dry_run=1", [{"attr": "magma", "caps": "8.6"}])
            self.assertLess(etas[0]["done_p50"], answer["jobs"][0]["eta"]["start_p50"])
            urgent = daemon.post("/jobs?dry_run=1", [{"attr": "magma", "caps": "8.6", "priority": 100}])
            self.assertLess(urgent["jobs"][0]["eta"]["start_p50"], answer["jobs"][0]["eta"]["start_p50"])
            self.assertGreater(answer["core_seconds"], 0)

    def test_a_drain_lets_end_what_runs_and_survives_a_restart(self):
        with daemon_with({"delay": 0.1}, builders=self.ONE) as daemon:
            [number] = daemon.submit("cmake")
            daemon.await_build("stdenv-1.0", "building")
            self.assertTrue(daemon.post("/drain", {"drain": True})["draining"])
            daemon.await_build("stdenv-1.0", "done")
            self.assertEqual(daemon.job(number)["state"], "waiting")
            daemon.restart(signal.SIGTERM)
            self.assertTrue(daemon.get("/status")["draining"])
            self.assertEqual([b["state"] for b in daemon.builds() if b["name"] == "cmake-1.0"], ["ready"])
            daemon.post("/drain", {"drain": False})
            self.assertEqual(daemon.wait(number)["state"], "done")


class DryRun(unittest.TestCase):
    def test_it_says_what_would_happen_and_stores_nothing(self):
        nixbox.collect_garbage()  # Sources of other tests.
        with daemon_with() as daemon:
            daemon.wait(*daemon.submit("python3"))
            jobs = [{"attr": attr, "caps": caps} for attr in ("python3", "cmake", "python3Packages.nope", "magma") for caps in ("8.0", "8.6")]
            answer = daemon.post("/jobs?dry_run=1", jobs)
            self.assertEqual(len(answer["jobs"]), 8)
            by_name = {(j["attr"], j["caps"][0]): j for j in answer["jobs"]}
            self.assertTrue(by_name["python3", "8.0"]["cached"])
            self.assertIn("no attribute", by_name["python3Packages.nope", "8.6"]["error"])
            self.assertEqual(by_name["cmake", "8.0"]["drv_path"], by_name["cmake", "8.6"]["drv_path"])
            self.assertNotEqual(by_name["magma", "8.0"]["drv_path"], by_name["magma", "8.6"]["drv_path"])
            self.assertEqual((answer["derivations"], answer["cached"]), (4, 2))
            self.assertEqual(answer["builds"], len({"cmake", "openblas", "openblas-src", "libcublas", "libcublas-src", "magma 8.0", "magma 8.6"}))
            self.assertEqual(len(daemon.jobs()), 1)
            daemon.until_empty("trees")


if __name__ == "__main__":
    unittest.main(verbosity=2)
