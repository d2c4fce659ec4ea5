"""Builds by real Nix: how they fail, what is shared, what is fetched instead."""

import os
import shutil
import signal
import sqlite3
import unittest

import capqd
import nixbox
import pushing

nixbox.enter()


# A fixed-output derivation that needs a file to be there.
DOWNLOAD = '''
pkgs: prev: {
  download = derivation {
    name = "download"; system = builtins.currentSystem; builder = "/bin/sh"; outputHashMode = "flat"; outputHashAlgo = "sha256";
    outputHash = builtins.hashString "sha256" "text\\n";
    args = [ "-c" "[ -e %(flag)s ] || exit 1; echo text > $out" ];
  };
}
'''


def numbers_of(builds, name):
    return [b["id"] for b in builds if b["name"] == name]


class Failures(unittest.TestCase):
    def test_a_failure_is_remembered_until_retried(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, \
                capqd.Daemon(nixpkgs, toy={"mode": {"openblas": "fail"}}) as daemon:
            openblas, numpy, cmake = daemon.submit(["openblas", "python3Packages.numpy", "cmake"])
            job = daemon.wait(openblas)
            self.assertEqual((job["state"], job["failure_class"]), ("failed", "build"))
            self.assertIn("openblas does not compile", daemon.log_of("jobs", openblas))
            job = daemon.wait(numpy)
            self.assertEqual((job["state"], job["failure_class"]), ("failed", "dependency"))
            self.assertTrue(job["reason"].startswith("openblas-1.0 failed (build): "), job["reason"])
            self.assertEqual(daemon.wait(cmake)["state"], "done")

            # Who needs it later fails at once, by its name.
            job = daemon.wait(*daemon.submit("magma"))
            self.assertEqual((job["state"], job["failure_class"]), ("failed", "dependency"))
            self.assertIn("openblas-1.0", job["reason"])
            [number] = numbers_of(daemon.builds(), "openblas-1.0")
            self.assertEqual(daemon.build(number)["attempts"], 1)

            # It is forgotten, not only for the one.
            self.assertEqual(daemon.post(f"/jobs/{numpy}/retry")["state"], "evaluating")
            self.assertEqual(daemon.wait(numpy)["failure_class"], "dependency")
            self.assertEqual(daemon.build(number)["attempts"], 2)

    def fails_with(self, failure, mode, **settings):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, \
                capqd.Daemon(nixpkgs, toy={"mode": {"stdenv": mode}}, **settings) as daemon:
            job = daemon.wait(*daemon.submit("stdenv"))
            self.assertEqual((job["state"], job["failure_class"]), ("failed", failure), job["reason"])
            self.assertEqual(daemon.children(), [])
            return job["reason"]

    def test_a_build_that_hangs_is_killed(self):
        self.assertEqual(self.fails_with("timeout", "hang", build={"timeout": "1s"}),
                         "stdenv-1.0 took longer than 1s (build.timeout)")

    def test_a_build_that_is_silent_is_killed(self):
        self.assertEqual(self.fails_with("silence", "hang", build={"max_silent": "1s"}),
                         "stdenv-1.0 printed nothing for 1s (build.max_silent)")

    def test_what_no_builder_can_build(self):
        reason = "magma-1.0 needs a builder for x86_64-linux with the features big-parallel, and none of the configured ones is"
        with nixbox.Nix(), capqd.Repository() as nixpkgs, \
                capqd.Daemon(nixpkgs, builders=[{"name": "small", "features": []}]) as daemon:
            job = daemon.wait(*daemon.submit("magma"))
            self.assertEqual((job["failure_class"], job["reason"]), ("wrong system", reason))

    def test_what_failed_by_chance_works_when_retried(self):
        with nixbox.Nix() as nix, capqd.Repository() as nixpkgs:
            flag = f"{nix.directory}/flag"
            with capqd.Daemon(nixpkgs, toy={"mode": {"stdenv": "flaky"}, "flag": flag}) as daemon:
                [number] = daemon.submit("stdenv")
                self.assertEqual(daemon.wait(number)["failure_class"], "build")
                os.mkdir(flag)
                daemon.post(f"/jobs/{number}/retry")
                self.assertEqual(daemon.wait(number)["state"], "done")
                self.assertEqual([a["failure_class"] for a in daemon.build(1)["attempt_list"]], ["build", None])

    def test_a_download_that_fails_is_tried_again_by_itself(self):
        with nixbox.Nix() as nix, capqd.Repository() as nixpkgs:
            flag, overlay = f"{nix.directory}/flag", f"{nix.directory}/overlay.nix"
            with open(overlay, "w", encoding="utf-8") as f:
                f.write(DOWNLOAD % {"flag": flag})
            flavours = [{"name": "default", "overlays": [overlay]}]
            with capqd.Daemon(nixpkgs, flavours=flavours) as daemon:
                [number] = daemon.submit("download")
                daemon.await_event(lambda kind, e: kind == "build" and e["failure_class"] == "network")
                [build] = daemon.builds()
                self.assertEqual(build["state"], "ready")
                self.assertIn("again in 20s (try 2 of 5)", build["reason"])
                os.mkdir(flag)
                self.assertEqual(daemon.wait(number)["state"], "done")
                attempts = daemon.build(build["id"])["attempt_list"]
                self.assertEqual([a["failure_class"] for a in attempts], ["network", None])


class Logs(unittest.TestCase):
    def test_a_flood_is_cut_in_the_middle(self):
        limits = {"log_head": "2KiB", "log_tail": "1KiB"}
        with nixbox.Nix(), capqd.Repository() as nixpkgs, \
                capqd.Daemon(nixpkgs, toy={"mode": {"stdenv": "noisy"}}, build=limits) as daemon:
            [number] = daemon.submit("stdenv")
            daemon.wait(number)
            text = daemon.log_of("jobs", number)
            self.assertIn("cc -c unit0.c\n", text)
            self.assertIn("cc -c unit1999.c\n", text)
            self.assertNotIn("cc -c unit1000.c\n", text)
            self.assertLess(len(text), 4 * 1024)
            self.assertRegex(text, r"(?m)^.*\d+ .*(left out|omitted).*$")


class Sharing(unittest.TestCase):
    def test_what_three_jobs_need_is_built_once(self):
        """Counted in Nix's own stream of events: every build begins with an activity of type 105."""
        with nixbox.Nix() as nix, capqd.Repository() as nixpkgs:
            events = f"{nix.directory}/events"
            os.mkdir(f"{nix.directory}/bin")
            wrapper = f"{nix.directory}/bin/nix-store"
            with open(wrapper, "w", encoding="utf-8") as f:
                f.write(f'#!/bin/bash\nexec {shutil.which("nix-store")} "$@" 2> >(exec tee -a {events} >&2)\n')
            os.chmod(wrapper, 0o755)
            environment = {"PATH": f"{nix.directory}/bin:{os.environ['PATH']}"}
            with capqd.Daemon(nixpkgs, environment=environment) as daemon:
                jobs = daemon.wait(*daemon.submit(["python3Packages.torch", "python3Packages.jaxlib", "magma"], "8.6"))
                self.assertEqual({j["state"] for j in jobs}, {"done"})
            with open(events, encoding="utf-8") as f:
                started = [line for line in f if line.startswith("@nix ") and '"action":"start"' in line and '"type":105' in line]
            for name in ("stdenv-1.0", "openblas-1.0", "numpy-1.26", "magma-1.0", "cudnn-9.3"):
                self.assertEqual(sum(f"-{name}.drv" in line for line in started), 1, name)

    def test_what_is_cheap_rides_along(self):
        """Once it is known what things cost, the cheap ones that one build alone needs are no builds of their own."""
        flavours = [{"name": name, "config": {"toy": {"salt": f"{name}{os.getpid()}"}}} for name in ("first", "second")]
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs, flavours=flavours) as daemon:
            daemon.wait(*daemon.submit("python3Packages.torch", flavour="first"))
            first = daemon.builds()
            job = daemon.wait(*daemon.submit("python3Packages.torch", flavour="second"))
            second = [b for b in daemon.builds() if b not in first]
            self.assertEqual(job["state"], "done")
            self.assertLess(len(second), len(first))
            self.assertEqual(numbers_of(second, "magma-1.0"), [])  # Only torch needs it.
            daemon.stop(signal.SIGTERM)

            # They are in the history like all others.
            with sqlite3.connect(f"{daemon.state}/capqd.sqlite") as db:
                [(count,)] = db.execute("SELECT count(*) FROM history WHERE package = 'magma' AND outcome = 'built'")
            self.assertEqual(count, 2)


class Fetching(unittest.TestCase):
    def test_inputs_are_fetched_where_a_cache_has_them(self):
        with nixbox.Nix(), pushing.Cache() as cache, capqd.Repository() as nixpkgs:
            options = {"extra-trusted-public-keys": cache.public_key, "narinfo-cache-negative-ttl": "0"}
            with capqd.Daemon(nixpkgs, cache, substituters=[f"{cache.url}/mine"], nix_options=options) as daemon:
                daemon.wait(*daemon.submit("python3Packages.numpy"))
                daemon.until_empty("roots")
                nixbox.collect_garbage()

                job = daemon.wait(*daemon.submit("python3Packages.jaxlib"))
                self.assertEqual(job["state"], "done")
                for build in daemon.builds():
                    self.assertEqual(build["attempts"], 1, build["name"])  # numpy and below: once, in the first job.

                # And what is asked for is not even fetched.
                daemon.until_empty("roots")
                nixbox.collect_garbage()
                again = daemon.wait(*daemon.submit("python3Packages.jaxlib", "9.0"))
                self.assertEqual(again["state"], "done")
                other = daemon.wait(*daemon.submit("python3Packages.numpy", "9.0"))
                self.assertEqual((other["state"], other["reason"]), ("done", "it was in the cache already"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
