"""The way of a job, from submit to the cache, as its API shows it."""

import contextlib
import json
import os
import signal
import sqlite3
import unittest

import capqd
import nixbox
import pushing

nixbox.enter()


class Matrix(unittest.TestCase):
    def test_a_matrix_is_built_once_pushed_and_fetched_back(self):
        attrs = ["python3Packages.torch", "python3Packages.torchvision", "python3Packages.jaxlib", "magma"]
        with nixbox.Nix() as nix, pushing.Cache() as cache, capqd.Repository() as nixpkgs, \
                capqd.Daemon(nixpkgs, cache) as daemon:
            ids = daemon.submit(attrs, ["8.0", "8.6", "8.0,8.6,9.0"])
            self.assertEqual(ids, list(range(1, 13)))
            jobs = daemon.wait(*ids)
            self.assertEqual({job["state"] for job in jobs}, {"done"})

            # What does not depend on the capabilities was built once for all of them.
            builds = daemon.builds()
            self.assertEqual(sum(b["name"] == "numpy-1.26" for b in builds), 1)
            self.assertEqual(sum(b["name"] == "torch-2.5.1" for b in builds), 3)
            self.assertEqual({b["state"] for b in builds}, {"done"})
            self.assertEqual(max(b["attempts"] for b in builds), 1)

            # Everything is in the cache, once, and can be fetched by whoever asks for signatures.
            completed = [path["path"] for path in cache.state()["completed"]]
            self.assertEqual(len(completed), len(set(completed)))
            self.assertEqual(cache.state()["open"], [])
            for job in jobs[:2]:
                for path in job["outputs"].values():
                    store = nix.fetch(path, f"{cache.url}/mine", cache.public_key)
                    self.assertEqual(nix.nar(path), nix.nar(path, store))

            # Nothing is kept from the garbage collector any more.
            daemon.stop(signal.SIGTERM)
            self.assertEqual(daemon.roots(), [])

    def test_the_same_again_is_the_same_job(self):
        with nixbox.Nix(), pushing.Cache() as cache, capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs, cache) as daemon:
            first = daemon.post("/jobs", {"attr": "cmake", "caps": ["8.6"], "rev": "master"})["jobs"]
            self.assertEqual(first, [{"id": 1, "existing": False, "state": "evaluating"}])
            daemon.wait(1)
            again = daemon.post("/jobs", {"attr": "cmake", "caps": "8.6"})["jobs"]
            self.assertEqual(again, [{"id": 1, "existing": True, "state": "done"}])

            # A set that it does not depend on is another job of the same derivation, which is cached.
            [other] = daemon.submit("cmake", "9.0")
            job = daemon.wait(other)
            self.assertEqual((job["state"], job["reason"]), ("done", "it was in the cache already"))
            self.assertEqual(job["drv_path"], daemon.job(1)["drv_path"])
            self.assertEqual(len(daemon.builds()), 2)  # stdenv and cmake


    def test_a_stop_in_the_middle_is_no_loss(self):
        """SIGTERM while some is built, some is pushed and some waits; what was done is not done again."""
        attrs = ["python3Packages.torch", "python3Packages.jaxlib", "magma"]
        with nixbox.Nix(), pushing.Cache() as cache, capqd.Repository() as nixpkgs, \
                capqd.Daemon(nixpkgs, cache, {"delay": 0.1}) as daemon:
            jobs = daemon.submit(attrs, ["8.0", "8.6"])
            for name in ("numpy-1.26", "torch-2.5.1"):
                daemon.await_build(name, "building")
                self.assertEqual(daemon.stop(signal.SIGTERM), 0)
                self.assertEqual(daemon.children(), [])
                daemon.start()
            self.assertEqual({job["state"] for job in daemon.wait(*jobs)}, {"done"})
            self.assertEqual(len(cache.completed()), len(set(cache.completed())))
            for build in daemon.builds():
                outcomes = [a["outcome"] for a in daemon.build(build["id"])["attempt_list"]]
                self.assertEqual(outcomes.count("built"), 1, build["name"])


class Evaluation(unittest.TestCase):
    """Every way an evaluation can go wrong; no attribute fails for another's fault."""

    EXPECTED = {
        "throws": "thrown", "asserts": "assertion", "aborts": "aborted", "missingAttr": "attribute 'nope' missing",
        "typeError": "cannot coerce", "recursion": "infinite recursion", "missingFile": "does-not-exist.nix",
        "missingArg": "without required argument", "notADerivation": "is no derivation but a set",
        "badDerivation": "illegal character", "deep": "stack overflow", "ifdFails": "import-from-derivation",
        "nope": "there is no attribute 'nope'",
    }

    def check(self, daemon, names):
        good = daemon.submit(["stdenv", "cmake"])
        bad = dict(zip(names, daemon.submit([f"evalErrors.{n}" for n in names])))
        more = daemon.submit("openblas")
        for job in daemon.wait(*good, *more):
            self.assertEqual((job["state"], job["failure_class"]), ("done", None), job["reason"])
        for name, number in bad.items():
            job = daemon.wait(number)
            self.assertEqual((job["state"], job["failure_class"]), ("failed", "evaluation"), name)
            self.assertIn(self.EXPECTED[name], job["reason"])

    def test_all_errors_together(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs) as daemon:
            self.check(daemon, list(self.EXPECTED))

    def test_one_by_one(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs) as daemon:
            for name in self.EXPECTED:
                job = daemon.wait(*daemon.submit(f"evalErrors.{name}"))
                self.assertIn(self.EXPECTED[name], job["reason"])

    def check_killed(self, name, failure, **limits):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs, evaluator=limits) as daemon:
            bad, stdenv = daemon.submit([f"evalErrors.{name}", "stdenv"])
            self.assertEqual(daemon.wait(stdenv)["state"], "done")
            self.assertEqual(daemon.wait(bad)["failure_class"], failure)
            self.assertEqual([c for c in daemon.children() if "nix-instantiate" in c[1]], [])

    def test_what_never_ends_is_killed(self):
        self.check_killed("endless", "timeout", timeout="8s")

    def test_what_eats_memory_is_killed(self):
        self.check_killed("hungry", "out of memory", memory="512MiB")

    def test_it_reads_its_own_tree_and_the_overlays_and_nothing_else(self):
        """Neither a path, nor a link in the tree, nor a download, nor the environment leads out; and its own
        may be a directory, or be named by a link."""
        with nixbox.Nix() as nix, capqd.Repository() as nixpkgs:
            overlay = f"{nix.directory}/overlay"
            for name in (overlay, f"{nix.directory}/state"):
                os.mkdir(name)
            for name, text in (("default", "pkgs: prev: { more = import ./more.nix pkgs; }"), ("more", "pkgs: pkgs.stdenv")):
                with open(f"{overlay}/{name}.nix", "w", encoding="utf-8") as f:
                    f.write(text)
            os.symlink("/etc/passwd", f"{nixpkgs.directory}/link")
            os.symlink(f"{nix.directory}/state", f"{nix.directory}/link")
            nixpkgs.commit("a way out")
            with capqd.Daemon(nixpkgs, state_dir=f"{nix.directory}/link",
                              flavours=[{"name": "default", "overlays": [overlay]}]) as daemon:
                self.assertEqual(daemon.wait(*daemon.submit("more"))["state"], "done")
                for name in ("outside", "throughLink", "fetched"):
                    job = daemon.wait(*daemon.submit(f"evalErrors.{name}"))
                    self.assertEqual((job["state"], job["failure_class"]), ("failed", "evaluation"), name)
                    self.assertIn("restricted mode", job["reason"], name)
                self.assertIn("doesn't represent an absolute path", daemon.wait(*daemon.submit("evalErrors.home"))["reason"])

    def test_a_typo_is_answered_with_what_was_meant(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs) as daemon:
            job = daemon.wait(*daemon.submit("python3Packages.torhc"))
            self.assertEqual(job["reason"], "there is no attribute 'torhc' on the way to python3Packages.torhc; "
                                            "did you mean torch?")

    def test_it_is_remembered(self):
        """The same attribute for the same context is another job once the first is cancelled, and Nix is not
        asked again; nor is it after a restart."""
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs, toy={"mode": {"stdenv": "hang"}}) as daemon:
            for count in range(1, 4):
                [number] = daemon.submit("stdenv")
                self.assertEqual(number, count)
                daemon.await_job(number, "waiting")
                self.assertEqual(daemon.log().count("evaluating 1 attribute"), 1)
                daemon.post(f"/jobs/{number}/cancel")
                daemon.restart(signal.SIGTERM)

    def test_what_is_asked_for_is_data(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs) as daemon:
            for attr in ['"${abort \\"x\\"}"', '"''a''b"', '"a b".c', '"${builtins.readFile ./x}"']:
                job = daemon.wait(*daemon.submit(attr))
                self.assertIn("there is no attribute", job["reason"], json.dumps(attr))


def daemon_drv(daemon):
    """The derivation of the first job, as capqd noted it."""
    with contextlib.closing(sqlite3.connect(f"{daemon.state}/capqd.sqlite")) as db:
        return db.execute("SELECT drv_path FROM jobs WHERE id = 1").fetchone()[0]


class Planning(unittest.TestCase):
    def test_a_derivation_that_only_its_file_is_left_of_is_evaluated_again(self):
        """So it is when the evaluator was killed before Nix had registered what it wrote."""
        with nixbox.Nix() as nix, pushing.Cache(arguments=["--state", f"{nix.directory}/cache"]) as cache, \
                capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs, cache) as daemon:
            cache.end(signal.SIGKILL)
            [number] = daemon.submit("stdenv")
            daemon.await_job(number, "planning")  # It stays so: the cache cannot be asked.
            daemon.stop(signal.SIGKILL)
            with contextlib.closing(sqlite3.connect("/nix/var/nix/db/db.sqlite")) as db, db:
                db.execute("PRAGMA foreign_keys = ON")
                db.execute("DELETE FROM ValidPaths WHERE path = ?", [daemon_drv(daemon)])
            cache.start("--port", cache.url.rsplit(":", 1)[1])
            daemon.start()
            self.assertEqual(daemon.wait(number)["state"], "done")
            self.assertEqual(nix.run("nix-store", "--check-validity", daemon.job(number)["drv_path"]), "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
