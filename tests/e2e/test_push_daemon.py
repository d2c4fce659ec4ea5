"""What capqd makes of capq-push: slots, order, the configuration, and a cache that is away."""

import os
import shutil
import signal
import unittest

import capqd
import nixbox
import pushing

nixbox.enter()


def impatient_push(directory):
    """Programs like the real ones, but for a capq-push that gives up after a second."""
    real = capqd.BIN
    os.makedirs(directory)
    for name in "capqd", "capq", "capq-inspect", "capq-launch":
        shutil.copy(f"{real}/{name}", directory)
    with open(f"{directory}/capq-push", "w", encoding="utf-8") as f:
        f.write(f'#!/bin/sh\nexec {os.path.abspath(real)}/capq-push --retry-for 1s "$@"\n')
    os.chmod(f"{directory}/capq-push", 0o755)
    return directory


class Daemon(unittest.TestCase):
    def test_what_the_configuration_says(self):
        with nixbox.Nix(), pushing.Cache() as cache, capqd.Repository() as nixpkgs:
            daemon = capqd.Daemon(nixpkgs, cache)
            daemon.settings["cache"].update(limit_rate="3MiB", max_jobs=3, upstream_keys=["some.cache-1", "other-1"])
            with daemon:
                cache.faults({"match": "/complete", "do": {"hold": True}})
                [number] = daemon.submit("stdenv")
                cache.wait_for("complete")
                [command] = [c for _, c in daemon.children() if "capq-push" in c]
                for words in "--limit-rate=1048576", "--upstream=some.cache-1 --upstream=other-1":
                    self.assertIn(words, command)
                cache.control("release", {})
                self.assertEqual(daemon.wait(number)["state"], "done")

    def test_the_cache_is_away_and_comes_back(self):
        """Builds go on, no build loses a try, whoever asks is told, and all is pushed without a restart."""
        with nixbox.Nix() as nix, pushing.Cache(arguments=["--state", f"{nix.directory}/cache"]) as cache, \
                capqd.Repository() as nixpkgs:
            self.addCleanup(setattr, capqd, "BIN", capqd.BIN)
            capqd.BIN = impatient_push(f"{nix.directory}/bin")
            with capqd.Daemon(nixpkgs, cache, {"delay": 0.3}) as daemon:
                jobs = daemon.submit(["cmake", "python3"])
                for job in jobs:
                    daemon.await_job(job, "waiting")
                cache.end(signal.SIGKILL)
                daemon.await_line("the cache does not answer; all pushes wait for 10s")
                capqd.until(lambda: {b["state"] for b in daemon.builds()} == {"pushing"}, "not all is built")
                self.assertIn("The cache does not answer; it is asked again in", daemon.client("why", "1").stdout)
                self.assertTrue(any("Failed to connect" in p for p in daemon.get("/status")["problems"]))
                self.assertLessEqual(sum("capq-push" in c for _, c in daemon.children()), 1)
                with cache.back():
                    for job in daemon.wait(*jobs):
                        self.assertEqual(job["state"], "done")
                    capqd.until(lambda: {b["state"] for b in daemon.builds()} == {"done"}, "not all is pushed")
                    self.assertEqual(len(cache.completed()), 3)
                self.assertNotIn("try 2 of", daemon.log())
                self.assertEqual(daemon.get("/status")["problems"], [])


if __name__ == "__main__":
    unittest.main()
