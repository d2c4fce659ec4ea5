"""What a revision can build: each era of nixpkgs, asked and told."""

import unittest

import capqd
import nixbox

nixbox.enter()


def revision(nixpkgs, **era):
    """A commit of the toy nixpkgs that is of another time."""
    nixpkgs.write("era.nix", "{ %s }" % " ".join(
        f"{name} = {nix(value)};" for name, value in era.items()))
    return nixpkgs.commit(str(era))


def nix(value):
    return f'"{value}"' if isinstance(value, str) else "[ %s ]" % " ".join(f'"{v}"' for v in value)


class Conversation(unittest.TestCase):
    def refused(self, daemon, **job):
        """The sentence with which a submit is refused."""
        with self.assertRaises(capqd.ApiError) as refusal:
            daemon.post("/jobs", {"attr": "cmake", **job})
        self.assertEqual(refusal.exception.status, 400)
        return refusal.exception.problem["title"]

    def failed(self, daemon, **job):
        """The sentence with which a job fails at once, and nothing is built."""
        [answer] = daemon.post("/jobs", {"attr": "cmake", **job})["jobs"]
        job = daemon.wait(answer["id"])
        self.assertEqual((job["state"], job["failure_class"], job["drv_path"]), ("failed", "unsupported", None))
        return job["reason"]


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
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs) as daemon:
            for era, caps, why in self.CASES:
                with self.subTest(era=era, caps=caps):
                    rev = revision(nixpkgs, **era)
                    # Nobody has asked that revision yet, so the first job hears it from its evaluation,
                    self.assertEqual(self.failed(daemon, caps=caps, rev=rev), why)
                    # and from then on a submit does, without any.
                    self.assertEqual(self.refused(daemon, caps=caps, rev=rev, attr="magma"), why)

    def test_what_is_known_survives_a_restart(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs) as daemon:
            rev = revision(nixpkgs, era="E4", cuda="12.8", default=["7.5"], supported=["7.5", "8.6"])
            self.assertEqual(daemon.wait(*daemon.submit("cmake", "8.6"))["state"], "done")
            daemon.restart()
            self.assertIn("does not build for 9.0, but for 7.5,8.6", self.refused(daemon, caps="9.0", rev=rev))

    def test_a_revision_that_says_nothing_refuses_nothing(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs) as daemon:
            for broken in ('throw "no"', 'abort "no"', "{ }"):
                with self.subTest(cudaPackages=broken):
                    nixpkgs.write("default.nix", "{ ... }: { cudaPackages = %s; cmake = derivation { name = \"cmake\"; "
                                  "system = builtins.currentSystem; builder = \"/bin/sh\"; args = [ \"-c\" \"echo > $out\" ]; }; }" % broken)
                    rev = nixpkgs.commit(broken)
                    [job] = daemon.post("/jobs", {"attr": "cmake", "caps": "8.6", "rev": rev})["jobs"]
                    job = daemon.wait(job["id"])
                    if broken == "{ }":  # As of before there were sets.
                        self.assertIn("(E0)", job["reason"])
                    else:
                        self.assertEqual(job["state"], "done", job["reason"])

    def test_a_dry_run_says_it_too(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs) as daemon:
            revision(nixpkgs, era="E0")
            answer = daemon.post("/jobs?dry_run=1", {"attr": "cmake", "caps": "8.6"})
            self.assertIn("nixpkgs of that time (E0)", answer["jobs"][0]["error"])
            self.assertIn("nixpkgs of that time (E0)", self.refused(daemon, caps="8.6"))


class Anywhere(Conversation):
    def test_what_no_revision_could_build_is_refused_always(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs) as daemon:
            for caps, why in [
                    ("8.6,8.7", "nixpkgs: 8.7 is a Jetson's and cannot be built together with 8.6; submit two jobs"),
                    ("10.0,10.0f", "10.0 and 10.0f: nvcc refuses a capability beside its family; take one of them"),
                    ("8.4", "capability 8.4: there is none; see capq gpus"),
                    ("sm_86", "capability 'sm_86': write it as nixpkgs does, '8.6'")]:
                self.assertEqual(self.refused(daemon, caps=caps), why)
            self.assertEqual(daemon.get("/jobs")["jobs"], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
