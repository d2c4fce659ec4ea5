"""Outputs that hold what they claim: built by real Nix, looked at, and pushed only then."""

import unittest

import capqd
import nixbox
import pushing

nixbox.enter()


class Verify(unittest.TestCase):
    def setUp(self):
        self.enterContext(nixbox.Nix())
        self.nixpkgs = self.enterContext(capqd.Repository(with_code=True))
        self.cache = self.enterContext(pushing.Cache())

    def daemon(self, packages=(), **verify):
        return self.enterContext(capqd.Daemon(self.nixpkgs, self.cache, verify=verify, packages=list(packages)))

    def pushed(self):
        return {path.split("-", 1)[1] for path in self.cache.completed()}

    def ends(self, job):
        return (job["state"], job["failure_class"])

    def test_what_lacks_code_goes_no_further(self):
        daemon = self.daemon()
        obeys, everywhere, ignores, plain, differs = [
            *daemon.submit(["gpu.obeys", "gpu.ptx-everywhere", "gpu.ignores", "cmake"], "8.0"),
            *daemon.submit("gpu.differs", "8.6+PTX")]
        daemon.wait(obeys, everywhere, ignores, plain, differs)
        for job in (obeys, everywhere, plain):
            self.assertEqual(daemon.job(job)["state"], "done", daemon.job(job)["reason"])
        refused, different = daemon.job(ignores), daemon.job(differs)
        self.assertEqual(self.ends(refused), ("failed", "verify"))
        self.assertEqual(refused["reason"], refused["outputs"]["out"] + "/lib/libignores.fatbin lacks sm_80")
        self.assertEqual(different["reason"], different["outputs"]["out"] + "/lib/libdiffers.fatbin "
                         "lacks sm_86 (in 1 of 2 units), compute_86 (in 1 of 2 units)")
        self.assertEqual(self.pushed(), {"obeys-1.0", "ptx-everywhere-1.0", "cmake-1.0", "stdenv-1.0"})

        # Both are told what was seen.
        code = daemon.job(obeys)["gpu_code"]
        self.assertEqual([code[name] for name in ("verdict", "policy", "asked", "refused", "files", "units", "sass_in_all")],
                         ["holds", "require", ["8.0"], False, 1, 2, ["sm_80"]])
        self.assertIn("gpu code     in all 2 units of 1 file: sm_80\n", daemon.client("show", str(obeys)).stdout)
        self.assertIn("gpu code     none\n", daemon.client("show", str(plain)).stdout)
        self.assertIn(refused["reason"], daemon.client("show", str(ignores)).stdout)
        self.assertIn(refused["reason"], daemon.client("why", str(ignores)).stdout)
        [build] = [b["id"] for b in daemon.builds() if b["name"] == "differs-1.0"]
        [file] = daemon.build(build)["gpu_files"]
        self.assertEqual((file["lacks"], [kind["sass"] for kind in file["kinds"]]),
                         ("8.6+PTX: sm_86 (in 1 of 2 units), compute_86 (in 1 of 2 units)", [["sm_86"], ["sm_90"]]))

        # Nothing is built on it, though its outputs are there: it would get into the cache that way.
        user = daemon.wait(*daemon.submit("gpu.user", "8.0"))
        self.assertEqual(self.ends(user), ("failed", "dependency"))
        self.assertTrue(user["reason"].startswith("ignores-1.0 failed (verify): "), user["reason"])

        # Who tries again gets the same answer, until the policy is another.
        daemon.post(f"/jobs/{ignores}/retry")
        self.assertEqual(self.ends(daemon.wait(ignores)), ("failed", "verify"))
        daemon.settings["verify"] = {"packages": [{"name": "ign*", "policy": "report"}]}
        daemon.restart()
        daemon.post(f"/jobs/{user['id']}/retry")
        self.assertEqual(self.ends(daemon.wait(user["id"])), ("done", None))
        self.assertLessEqual({"ignores-1.0", "user-1.0"}, self.pushed())

    def test_a_package_that_ignores_the_set_serves_those_it_fits(self):
        daemon = self.daemon()
        wrong, right = daemon.submit("gpu.ignores", ["8.0", "8.6"])
        self.assertEqual([self.ends(job) for job in daemon.wait(wrong, right)],
                         [("failed", "verify"), ("done", None)])
        self.assertEqual(daemon.job(wrong)["drv_path"], daemon.job(right)["drv_path"])
        self.assertEqual(self.pushed(), {"ignores-1.0"})
        # It is there, and still not for everybody.
        self.assertEqual(self.ends(daemon.wait(*daemon.submit("gpu.ignores", "9.0"))), ("failed", "verify"))

    def test_a_refused_one_is_looked_at_again_for_another_set(self):
        daemon = self.daemon()
        self.assertEqual(self.ends(daemon.wait(*daemon.submit("gpu.ignores", "8.0"))), ("failed", "verify"))
        self.assertEqual(self.ends(daemon.wait(*daemon.submit("gpu.ignores", "8.6"))), ("done", None))
        self.assertEqual(self.ends(daemon.wait(*daemon.submit("gpu.user", "8.6"))), ("done", None))
        self.assertEqual(self.pushed(), {"ignores-1.0", "user-1.0"})

    def test_what_is_only_needed_is_reported(self):
        daemon = self.daemon()
        self.assertEqual(self.ends(daemon.wait(*daemon.submit("gpu.user", "8.0"))), ("done", None))
        self.assertEqual(self.ends(daemon.wait(*daemon.submit("gpu.ignores", "8.0"))), ("failed", "verify"))

    def test_what_is_only_needed_may_be_required(self):
        daemon = self.daemon(dependencies="require")
        user = daemon.wait(*daemon.submit("gpu.user", "8.0"))
        self.assertEqual(self.ends(user), ("failed", "dependency"))
        self.assertEqual(self.pushed(), set())

    def test_the_closest_is_held_against_what_was_built(self):
        daemon = self.daemon(packages=[{"attr": "gpu.obeys", "supported": ["8.0", "9.0"]},
                                       {"attr": "gpu.ignores", "supported": ["8.0"]}])
        closest, wrong = daemon.submit(["gpu.obeys", "gpu.ignores"], "8.9", unsupported="closest")
        self.assertEqual([self.ends(job) for job in daemon.wait(closest, wrong)], [("done", None), ("failed", "verify")])
        obeyed, refused = daemon.job(closest), daemon.job(wrong)
        self.assertEqual((obeyed["caps"], obeyed["built"]), (["8.9"], {"caps": ["8.0"], "ptx": False}))
        self.assertEqual([obeyed["gpu_code"][name] for name in ("verdict", "asked", "sass_in_all")],
                         ["holds", ["8.0"], ["sm_80"]])
        self.assertEqual(refused["reason"], refused["outputs"]["out"] + "/lib/libignores.fatbin lacks sm_80")
        self.assertEqual(self.pushed(), {"obeys-1.0"})
        # Who comes later and is given the same build is not held against another set either.
        later = daemon.wait(*daemon.submit("gpu.obeys", "8.6", unsupported="closest"))
        self.assertEqual((self.ends(later), later["build"], later["built"]["caps"]),
                         (("done", None), obeyed["build"], ["8.0"]))

    def test_nobody_looks_when_it_is_off(self):
        daemon = self.daemon(policy="off")
        self.assertEqual(self.ends(daemon.wait(*daemon.submit("gpu.ignores", "8.0"))), ("done", None))
        self.assertEqual(self.pushed(), {"ignores-1.0"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
