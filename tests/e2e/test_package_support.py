"""Packages that can be built for some capabilities only: failed, skipped, or built for the closest."""

import signal
import unittest

import nixbox
from eras import Conversation, daemon_with

nixbox.enter()


class Support(Conversation):
    """Packages that support some capabilities only."""

    def ask(self, daemon, attr, caps, unsupported=None, **more):
        """The job, at its end."""
        body = {"attr": attr, "caps": caps, **({"unsupported": unsupported} if unsupported else {}), **more}
        return daemon.wait(*(job["id"] for job in daemon.post("/jobs", body)["jobs"]))

    def built(self, daemon, job):
        """For what its derivation was built."""
        built = daemon.build(job["build"])
        return daemon.log_of("builds", built["id"]).split("for [")[1].split("]")[0]

    def check(self, daemon, attr, told):
        """`attr` supports 8.0 and, of 8.6 and 9.0, one; `told` is how the daemon puts that."""
        other = "8.6" if "8.6" in told else "9.0"
        job = self.ask(daemon, attr, "10.0")
        self.assertEqual((job["state"], job["failure_class"], job["reason"]),
                         ("failed", "unsupported", f"the package supports {told}, not 10.0"))
        job = self.ask(daemon, attr, "10.0", "closest")
        self.assertEqual((job["state"], job["reason"]),
                         ("failed", f"the package supports {told}, not 10.0, and none of these runs on 10.0"))
        job = self.ask(daemon, attr, "8.9", "skip")
        self.assertEqual((job["state"], job["skipped"], job["reason"]),
                         ("cancelled", True, f"skipped: the package supports {told}, not 8.9"))
        job = self.ask(daemon, attr, f"8.9,{other}", "skip")
        self.assertEqual((job["state"], job["built"]), ("done", {"caps": [other], "ptx": False}), job["reason"])
        self.assertEqual(self.built(daemon, job), other)
        # The highest that runs there, not the nearest number: 9.0 is nearer to 8.9 than 8.0.
        best = "8.6" if other == "8.6" else "8.0"
        job = self.ask(daemon, attr, "8.9", "closest")
        self.assertEqual((job["state"], job["caps"], job["built"]), ("done", ["8.9"], {"caps": [best], "ptx": False}))
        self.assertEqual(self.built(daemon, job), best)
        # Who asks for that itself has the same derivation.
        plain = self.ask(daemon, attr, best)
        self.assertEqual((plain["drv_path"], plain["built"]), (job["drv_path"], None))
        # With PTX, what is newer may compile it.
        job = self.ask(daemon, attr, "10.0+PTX", "closest")
        self.assertEqual((job["state"], job["built"]), ("done", {"caps": [other], "ptx": True}), job["reason"])

    def test_a_package_that_says_it(self):
        with daemon_with({}) as (daemon, _):
            self.check(daemon, "python3Packages.flash-attn", "8.0,9.0")

    def test_a_package_that_takes_what_it_can(self):
        """It drops what it does not know without a word, and throws when nothing is left."""
        with daemon_with({}) as (daemon, _):
            self.check(daemon, "python3Packages.picky", "7.5,8.0,8.6")

    def test_a_package_that_says_nothing_is_configured(self):
        with daemon_with({}, packages=[{"attr": "magma", "supported": ["8.0", "9.0"]}]) as (daemon, _):
            self.check(daemon, "magma", "8.0,9.0")
            # Reload: what was refused can be tried again.
            daemon.settings["packages"] = []
            daemon.configure()
            daemon.process.send_signal(signal.SIGHUP)
            daemon.await_event(lambda kind, e: kind == "daemon" and e["what"] == "reloaded")
            refused = next(job for job in daemon.jobs() if job["caps"] == ["10.0"] and not job["ptx"])
            daemon.post(f"/jobs/{refused['id']}/retry")
            self.assertEqual(daemon.wait(refused["id"])["state"], "done")

    def test_the_configuration_holds_before_the_package(self):
        with daemon_with({}, packages=[{"attr": "python3Packages.picky", "supported": ["7.5", "8.0", "8.6", "9.0"]},
                                       {"attr": "flash-attn", "supported": []}]) as (daemon, _):
            job = self.ask(daemon, "python3Packages.flash-attn", "8.0")
            self.assertEqual(job["reason"], "the package supports none, not 8.0")
            job = self.ask(daemon, "python3Packages.picky", "8.6,9.0")
            self.assertEqual((job["state"], job["built"]), ("done", None))
            self.assertEqual(self.built(daemon, job), "8.6")  # As its own word had been.

    def test_a_restart_in_between(self):
        with daemon_with({}, toy={"delay": 0.3}) as (daemon, _):
            [number] = daemon.submit("python3Packages.picky", "8.9", unsupported="closest")
            daemon.await_job(number, "waiting")
            daemon.restart()
            job = daemon.wait(number)
            self.assertEqual((job["state"], job["built"]), ("done", {"caps": ["8.6"], "ptx": False}))

    def test_a_dry_run_foretells_it(self):
        with daemon_with({}) as (daemon, rev):
            def foretell(unsupported):
                answer = daemon.post("/jobs?dry_run=1", [{"attr": "python3Packages.picky", "caps": caps, "rev": rev,
                                                          "unsupported": unsupported} for caps in ("8.6", "8.9", "10.0")])
                return [(job["built"] and job["built"]["caps"], job["skipped"], job["drv_path"] is not None, job["error"])
                        for job in answer["jobs"]]
            why = "the package supports 7.5,8.0,8.6, not %s"
            self.assertEqual(foretell("fail"), [(None, False, True, None), (None, False, False, why % "8.9"),
                                                (None, False, False, why % "10.0")])
            self.assertEqual(foretell("skip"), [(None, False, True, None), (None, True, False, None), (None, True, False, None)])
            self.assertEqual(foretell("closest"), [(None, False, True, None), (["8.6"], False, True, None),
                                                   (None, False, False, why % "10.0" + ", and none of these runs on 10.0")])
            self.assertEqual(daemon.jobs(), [])
            said = daemon.client("submit", "python3Packages.picky", "--caps", "8.6", "--caps", "8.9", "--rev", rev,
                                 "--unsupported", "closest", "--dry-run")
            self.assertEqual(said.returncode, 0)
            self.assertIn("8.9, built for 8.6", said.stdout)
            self.assertIn("2 jobs, 1 distinct derivations", said.stdout)

    def test_from_the_command_line(self):
        with daemon_with({}) as (daemon, rev):
            words = ["submit", "python3Packages.flash-attn", "magma", "--rev", rev, "--caps", "each:8.6,9.0", "--wait"]
            self.assertEqual(daemon.client(*words).returncode, 1)
            # It failed; asked otherwise, the same job is tried again.
            said = daemon.client(*words, "--unsupported", "closest")
            self.assertEqual((said.returncode, said.stderr), (0, ""), said.stdout)
            self.assertEqual(len(daemon.jobs()), 4)
            self.assertIn("built for    8.0", daemon.client("show", "1").stdout)
            self.assertIn("built for 8.0; ", daemon.client("list").stdout)
            # Whoever has such a GPU is told what there is for it.
            said = daemon.client("lookup", "python3Packages.flash-attn", "--gpu", "8.6")
            self.assertEqual(said.returncode, 0, said.stderr)
            self.assertIn('config.cudaCapabilities = [ "8.0" ];', said.stdout)
            # What is skipped, as was asked for, is no failure.
            said = daemon.client("submit", "python3Packages.flash-attn", "--rev", rev, "--caps", "7.5", "--unsupported", "skip", "--wait")
            self.assertEqual((said.returncode, said.stderr), (0, ""))
            self.assertIn("skipped: the package supports 8.0,9.0, not 7.5", said.stdout)
            said = daemon.client("submit", "magma", "--caps", "7.5", "--unsupported", "nearest")
            self.assertEqual(said.returncode, 2)
            self.assertIn("expected fail, skip or closest", said.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
