"""What a revision can build: each era of nixpkgs, asked and told."""

import unittest

import nixbox
from eras import Conversation, daemon_with, revision

nixbox.enter()


class Eras(Conversation):
    CASES = [
        # What the revision is, a set that it refuses, and the reason.
        ({"era": "E0", "cuda": "11.7"}, "8.6", "nixpkgs of that time (E0): cudaCapabilities is ignored in silence "
         "(until about 2023-01); packages have arguments of their own"),
        ({"era": "E1", "cuda": "11.7"}, "8.6,8.9", "nixpkgs of that time (E1) does not know 8.9"),
        ({"era": "E1", "cuda": "12.0"}, "8.6", "nixpkgs of that time (E1) has no capabilities for CUDA 12"),
        ({"era": "E2", "cuda": "11.4", "supported": ["7.5", "8.6"]}, "8.9",
         "nvcc: 8.9 is too new for CUDA 11.4, which builds for 3.5,3.7,5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.2,7.5,8.0,8.6,8.7"),
        ({"era": "E3", "cuda": "12.4"}, "8.7", "nixpkgs: 8.7 is a Jetson's and wants aarch64-linux, not x86_64-linux"),
        ({"era": "E4", "cuda": "12.8", "supported": ["7.5", "8.0", "13.0"]}, "8.6",
         "nixpkgs: this revision does not build for 8.6, but for 7.5,8.0,13.0"),
        ({"era": "E4", "cuda": "13.0", "supported": ["7.5", "8.6"]}, "7.0",
         "nixpkgs: 7.0 is too old for CUDA 13.0, which builds for 7.5,8.0,8.6,8.7,8.9,9.0,9.0a,10.0,10.0a,10.0f,10.3,"
         "10.3a,10.3f,11.0,11.0a,11.0f,12.0,12.0a,12.0f,12.1,12.1a,12.1f"),
        ({"era": "E4", "cuda": "12.8"}, "12.1",
         "nixpkgs: 12.1 is too new for CUDA 12.8, which builds for 5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.5,8.0,8.6,8.7,8.9,9.0,"
         "9.0a,10.0,10.0a,10.1,10.1a,12.0,12.0a"),
    ]

    def test_each_refuses_in_its_own_way(self):
        with daemon_with(*(case[0] for case in self.CASES)) as (daemon, *revs):
            for rev, (era, caps, why) in zip(revs, self.CASES):
                with self.subTest(era=era, caps=caps):
                    # Nobody has asked that revision yet, so the first job hears it from its evaluation,
                    self.assertEqual(self.failed(daemon, caps=caps, rev=rev), why)
                    # and from then on a submit does, without any.
                    self.assertEqual(self.refused(daemon, caps=caps, rev=rev, attr="magma"), why)

    def test_what_is_known_survives_a_restart(self):
        with daemon_with({"supported": ["7.5", "8.6"]}) as (daemon, rev):
            self.assertEqual(daemon.wait(*daemon.submit("cmake", "8.6", rev=rev))["state"], "done")
            daemon.restart()
            self.assertIn("does not build for 9.0, but for 7.5,8.6", self.refused(daemon, caps="9.0", rev=rev))

    def test_a_revision_that_says_nothing_refuses_nothing(self):
        trees = {cuda: '{ ... }: { cudaPackages = %s; cmake = derivation { name = "cmake"; system = builtins.currentSystem; '
                       'builder = "/bin/sh"; args = [ "-c" "echo > $out" ]; }; }' % cuda
                 for cuda in ('throw "no"', 'abort "no"', "{ }")}
        with daemon_with(*trees.values()) as (daemon, *revs):
            for rev, broken in zip(revs, trees):
                with self.subTest(cudaPackages=broken):
                    [job] = daemon.post("/jobs", {"attr": "cmake", "caps": "8.6", "rev": rev})["jobs"]
                    job = daemon.wait(job["id"])
                    if broken == "{ }":  # As of before there were sets.
                        self.assertIn("(E0)", job["reason"])
                    else:
                        self.assertEqual(job["state"], "done", job["reason"])

    def test_a_dry_run_says_it_too(self):
        with daemon_with({"era": "E0"}) as (daemon, rev):
            answer = daemon.post("/jobs?dry_run=1", {"attr": "cmake", "caps": "8.6", "rev": rev})
            self.assertIn("nixpkgs of that time (E0)", answer["jobs"][0]["error"])
            self.assertIn("nixpkgs of that time (E0)", self.refused(daemon, caps="8.6", rev=rev))


class Anywhere(Conversation):
    def test_what_no_revision_could_build_is_refused_always(self):
        with daemon_with() as (daemon,):
            for caps, why in [
                    ("8.6,8.7", "nixpkgs: 8.7 is a Jetson's and cannot be built together with 8.6; submit two jobs"),
                    ("10.0,10.0f", "10.0 and 10.0f: nvcc refuses a capability beside its family; take one of them"),
                    ("8.4", "capability 8.4: there is none; see capq gpus"),
                    ("sm_86", "capability 'sm_86': write it as nixpkgs does, '8.6'")]:
                self.assertEqual(self.refused(daemon, caps=caps), why)
            self.assertEqual(daemon.get("/jobs")["jobs"], [])


class OpenSets(Conversation):
    """`default` and `each`: the revision says which sets that is."""

    ERA = {"era": "E4", "cuda": "12.8", "default": ["7.5", "8.6"], "supported": ["7.5", "8.0", "8.6"]}

    def submit(self, daemon, caps, **more):
        """(caps, ptx, caps_from) of the jobs that it makes."""
        answer = daemon.post("/jobs", {"attr": "python3Packages.torch", "caps": caps, **more})
        jobs = [daemon.job(job["id"]) for job in answer["jobs"]]
        return [(",".join(job["caps"]), job["ptx"], job["caps_from"]) for job in jobs]

    def test_the_revision_is_asked(self):
        with daemon_with(self.ERA, {**self.ERA, "default": ["8.0"]}) as (daemon, rev, other):
            # It has not been evaluated yet: the answer waits until it was asked.
            self.assertEqual(self.submit(daemon, "default", rev=rev), [("7.5,8.6", True, "default")])
            self.assertEqual(self.submit(daemon, "each", rev=rev), [("7.5", False, "each"), ("8.6", False, "each")])
            self.assertEqual(self.submit(daemon, "each+PTX", rev=rev), [("7.5", True, "each"), ("8.6", True, "each")])
            self.assertEqual(self.submit(daemon, "each:8.0,8.6", rev=rev), [("8.0", False, "each"), ("8.6", False, "each")])
            self.assertEqual(self.submit(daemon, "each:8.0", rev=rev, ptx=True), [("8.0", True, "each")])
            self.assertEqual(self.submit(daemon, "7.5,8.6+PTX", rev=rev), [("7.5,8.6", True, "default")])  # It was there.
            self.assertIn("E4, CUDA 12.8, by default 7.5,8.6+PTX", daemon.log())
            self.assertEqual(daemon.log().count("by default 7.5,8.6+PTX"), 1)

            # Another revision has another default, and the same words mean other jobs.
            self.assertEqual(self.submit(daemon, "default", rev=other), [("8.0", True, "default")])
            jobs = daemon.jobs()
            self.assertEqual({job["state"] for job in daemon.wait(*(job["id"] for job in jobs))}, {"done"})

    def test_what_it_cannot_say_is_refused(self):
        with daemon_with({"era": "E0"}, '{ ... }: abort "not today"') as (daemon, rev, broken):
            why = "nixpkgs of that time (E0) has no default set: cudaCapabilities is ignored in silence " \
                  "(until about 2023-01); packages have arguments of their own"
            for caps in ("default", "each"):
                self.assertEqual(self.refused(daemon, caps=caps, rev=rev), why)
            self.assertIn("does not say what it builds by default: evaluation aborted",
                          self.refused(daemon, caps="default", rev=broken))
            self.assertIn("'default+PTX': 'default' stands alone", self.refused(daemon, caps="default+PTX"))
            self.assertIn("'each=8.6': expected 'each'", self.refused(daemon, caps="each=8.6"))
            self.assertIn("'ptx' does not go with", self.refused(daemon, caps="default", ptx=True))
            self.assertEqual(daemon.jobs(), [])

    def test_the_same_key_is_the_same_answer(self):
        """Also when the branch has moved on, and with it what `each` means."""
        with daemon_with(self.ERA) as (daemon, rev):
            body = {"attr": "cmake", "caps": "each", "rev": "master"}
            daemon.wait(*daemon.submit("stdenv", rev=rev))  # So that the branch is known to be there.
            first = daemon.post("/jobs", body, **{"Idempotency-Key": "k"})
            self.assertEqual([job["id"] for job in first["jobs"]], [2, 3])
            rev = revision(daemon.nixpkgs, **{**self.ERA, "default": ["8.0"]})
            daemon.wait(*daemon.submit("stdenv", "8.0", rev=rev))
            self.assertEqual(daemon.post("/jobs", body, **{"Idempotency-Key": "k"}), first)

    def test_from_the_command_line(self):
        with daemon_with(self.ERA) as (daemon, rev):
            said = daemon.client("submit", "cmake", "--rev", rev, "--caps", "each:8.0,8.6", "--caps", "default", "--wait")
            self.assertEqual((said.returncode, said.stderr), (0, ""))
            said = daemon.client("show", "1", "3")
            self.assertIn("asked as     each", said.stdout)
            self.assertIn("asked as     default", said.stdout)
            for caps, why in [("each:8.0,sm_86", "capability 'sm_86': write it as nixpkgs does, '8.6'"),
                              ("8.6,8.7", "8.7 is a Jetson's and cannot be built together with 8.6")]:
                said = daemon.client("--server", "unix:/nowhere", "submit", "cmake", "--caps", caps)
                self.assertEqual(said.returncode, 2)  # Refused without asking anybody.
                self.assertIn(why, said.stderr)


class SameDerivation(Conversation):
    """What does not depend on the capabilities is built once, and says so."""

    def test_a_dry_run_tells_how_many_are_distinct(self):
        with daemon_with({}) as (daemon, rev):
            words = ["submit", "cmake", "magma", "--rev", rev, "--caps", "each:8.0,8.6,9.0", "--dry-run"]
            jobs = daemon.post("/jobs?dry_run=1", [{"attr": a, "caps": "each:8.0,8.6,9.0", "rev": rev} for a in ("cmake", "magma")])
            self.assertEqual([job["same_as"] for job in jobs["jobs"]], [None, "8.0", "8.0", None, None, None])
            self.assertEqual(jobs["derivations"], 4)
            said = daemon.client(*words)
            self.assertIn("6 jobs, 4 distinct derivations", said.stdout)
            self.assertEqual(said.stdout.count("same as 8.0"), 2)

    def test_jobs_say_it(self):
        with daemon_with({}) as (daemon, rev):
            jobs = daemon.wait(*daemon.submit(["cmake", "magma"], "each:8.0,8.6", rev=rev))
            self.assertEqual([(job["attr"], job["caps"], job["same_as"]) for job in jobs],
                             [("cmake", ["8.0"], None), ("cmake", ["8.6"], "8.0"),
                              ("magma", ["8.0"], None), ("magma", ["8.6"], None)])
            self.assertEqual(jobs[0]["build"], jobs[1]["build"])
            self.assertEqual(sum(build["name"] == "cmake-1.0" for build in daemon.builds()), 1)
            self.assertIn("same as      8.0", daemon.client("show", "2").stdout)
            self.assertNotIn("same as", daemon.client("show", "4").stdout)
            self.assertIn("same as 8.0; ", daemon.client("list").stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
