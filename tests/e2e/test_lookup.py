"""Which cached variant is right for a GPU: built and verified by real Nix, asked for by the real client."""

import json
import re
import subprocess
import unittest

import capqd
import nixbox
import pushing

nixbox.enter()

KEY = "mine.example.org-1:0000000000000000000000000000000000000000000="


class Lookup(unittest.TestCase):
    def setUp(self):
        self.enterContext(nixbox.Nix())
        self.nixpkgs = self.enterContext(capqd.Repository(with_code=True))
        self.cache = self.enterContext(pushing.Cache())

    def start(self, **verify):
        daemon = capqd.Daemon(self.nixpkgs, self.cache, verify=verify)
        daemon.settings["cache"].update({"substituter": "https://mine.example.org", "public_keys": [KEY]})
        return self.enterContext(daemon)

    def build(self, daemon, attrs, caps, **more):
        for number in daemon.submit(attrs, caps, **more):
            job = daemon.wait(number)
            self.assertEqual(job["state"], "done", job["reason"])

    def lookup(self, daemon, *words, code=0):
        said = daemon.client("lookup", *words, "--json")
        self.assertEqual((said.returncode, said.stderr), (code, ""))
        return json.loads(said.stdout)

    def reasons(self, found):
        return [(v["set"], v["tier"], v["reason"], v["verified"]) for v in found["variants"]]

    def test_the_owner_of_an_a100(self):
        daemon = self.start()
        self.build(daemon, "gpu.obeys", ["7.5+PTX", "8.6"])
        said = daemon.client("lookup", "gpu.obeys", "--gpu", "A100")
        rev = self.nixpkgs.git("rev-parse", "HEAD")
        self.assertEqual((said.returncode, said.stdout.splitlines()[:7]), (1, [
            "A100 (8.0): only by JIT, which is not allowed",
            f"  [7.5+PTX] # {rev[:7]}: PTX JIT from compute_75",
            f"  [8.6] # {rev[:7]}: no: sm_86 is newer than the device",
            "Have it built: capq submit gpu.obeys --caps 8.0",
            '  config.cudaCapabilities = [ "8.0" ];', "  config.cudaForwardCompat = false;",
            "With --allow-jit, PTX is compiled by the driver when a program starts: for a big library, minutes."]))
        found = self.lookup(daemon, "gpu.obeys", "--gpu", "A100", code=1)
        self.assertEqual((found["verdict"], found["best"], found["to_come"]), ("jit", None, []))
        [job] = found["forecast"]["jobs"]
        self.assertEqual((job["attr"], job["caps"], job["error"]), ("gpu.obeys", ["8.0"], None))
        self.assertEqual(self.lookup(daemon, "gpu.obeys", "--gpu", "A100", "--allow-jit")["best"], "7.5+PTX")

        # What is on its way is not to be submitted again.
        daemon.post("/drain", {"drain": True})
        [job] = daemon.submit("gpu.obeys", "8.0")
        found = self.lookup(daemon, "gpu.obeys", "--gpu", "A100", code=1)
        self.assertEqual(([v["jobs"] for v in found["to_come"]], found["forecast"]), ([[job]], None))
        self.assertEqual(found["remedy"], f"[8.0] # {rev[:7]} will do, and is on its way: job {job}\n")
        daemon.post("/drain", {"drain": False})
        self.assertEqual(daemon.wait(job)["state"], "done")

        found = self.lookup(daemon, "gpu.obeys", "--gpu", "A100")
        self.assertEqual((found["verdict"], found["best"], found["rev"]), ("use", "8.0", rev))
        self.assertEqual(self.reasons(found), [
            ("8.0", "exact", "exact SASS sm_80", True), ("7.5+PTX", "jit", "PTX JIT from compute_75", True),
            ("8.6", "no", "sm_86 is newer than the device", True)])
        self.assertIn('nix.settings.substituters = [ "https://mine.example.org" ];\n', found["snippet"])
        self.assertIn(f'nix.settings.trusted-public-keys = [ "{KEY}" ];\n', found["snippet"])
        self.assertEqual(self.evaluate(daemon, found["snippet"]), daemon.job(job)["drv_path"])

    def evaluate(self, daemon, snippet):
        """The derivation that the lines which are printed lead to."""
        self.assertIn(f"# nixpkgs at {self.nixpkgs.git('rev-parse', 'HEAD')}\n", snippet)
        lines = re.findall(r"^  (config\..*;)$", snippet, re.MULTILINE)
        toy = daemon.settings["flavours"][0]["config"]["toy"]
        tree = f"{self.nixpkgs.directory}/source"  # Named so wherever one comes from.
        subprocess.run(["git", "clone", "--quiet", self.nixpkgs.url, tree], check=True)
        text = f'''let theirs = {{ {" ".join(lines)} }}; in (import {tree} {{
            config = theirs.config // {{ allowUnfree = true; toy.salt = "{toy['salt']}"; }}; }}).gpu.obeys.drvPath'''
        said = subprocess.run(["nix-instantiate", "--eval", "-E", text], stdout=subprocess.PIPE, check=True)
        return json.loads(said.stdout)

    def test_what_was_seen_counts(self):
        daemon = self.start(policy="report")
        self.build(daemon, ["gpu.ignores", "gpu.differs", "gpu.obeys", "gpu.ptx-everywhere", "cmake"], "8.0")
        for attr, best, *reasons in (
                ("gpu.ignores", None, ("8.0", "no", "sm_86 is newer than the device", True)),
                ("gpu.differs", None, ("8.0", "no", "what 8.0 needs is present only in some units; "
                                       "sm_90 is another major version", True)),
                ("gpu.obeys", "8.0", ("8.0", "exact", "exact SASS sm_80", True)),
                ("cmake", "8.0", ("8.0", "exact", "no GPU code: the same for every GPU", True))):
            found = self.lookup(daemon, attr, "--gpu", "8.0", code=0 if best else 1)
            self.assertEqual((found["best"], self.reasons(found)), (best, reasons))
        # PTX that nobody asked for, but that is there.
        found = self.lookup(daemon, "gpu.ptx-everywhere", "--gpu", "H100", "--allow-jit")
        self.assertEqual(self.reasons(found), [("8.0", "jit", "PTX JIT from compute_80", True)])
        # Of several GPUs and packages the worst decides; a driver may be too old.
        said = daemon.client("lookup", "gpu.obeys", "cmake", "--gpu", "A100", "--gpu", "H100")
        self.assertIn(": no: H100: sm_80 is another major version\n", said.stdout)
        for more, best in ((["--driver", "12.4", "--toolkit", "13.0"], None), (["--driver", "11.8"], None),
                           (["--driver", "12.4"], "8.0")):
            found = self.lookup(daemon, "gpu.obeys", "--gpu", "8.0", *more, code=0 if best else 1)
            self.assertEqual((found["best"], found["forecast"]), (best, None))
            if not best:
                self.assertEqual(self.reasons(found)[0][2], "driver is of an older CUDA major version")
                self.assertIn(f"take a newer driver, or a build by CUDA {more[1][:2]}.", found["remedy"])
        self.assertEqual(found["variants"][0]["toolkit"], "12.8")  # As the revision says.

    def test_what_nobody_looked_at_is_declared(self):
        daemon = self.start(policy="off")
        self.build(daemon, "gpu.ignores", "8.0")
        said = daemon.client("lookup", "gpu.ignores", "--gpu", "8.0")
        self.assertIn(": exact SASS sm_80 (declared, not verified)\n", said.stdout)

    def test_the_newest_revision_at_which_all_is_there(self):
        daemon = self.start()
        self.build(daemon, ["gpu.obeys", "gpu.ptx-everywhere"], "8.9")
        old = self.nixpkgs.git("rev-parse", "HEAD")
        new = self.nixpkgs.commit("two")
        self.build(daemon, "gpu.obeys", ["8.9", "9.0"])
        newest = ("--newest", "--gpu", "RTX 4090")
        self.assertEqual(self.lookup(daemon, "gpu.obeys", "gpu.ptx-everywhere", *newest)["rev"], old)
        found = self.lookup(daemon, "gpu.obeys", *newest)
        self.assertEqual((found["rev"], [v["set"] for v in found["variants"]]), (new, ["8.9", "9.0"]))
        self.assertEqual(self.lookup(daemon, "gpu.obeys", "--rev", old[:8], "--gpu", "8.9")["rev"], old)
        self.assertEqual(self.lookup(daemon, "gpu.obeys", "--rev", "master", "--gpu", "8.9")["rev"], new)
        self.assertEqual(self.lookup(daemon, "gpu.obeys", "--branch", "master", "--gpu", "9.0")["best"], "9.0")
        said = daemon.client("lookup", "gpu.obeys", "--branch", "other", "--gpu", "8.9")
        self.assertIn("8.9 (8.9): nothing of that is cached\n", said.stdout)

    def test_what_is_wrong_is_refused(self):
        daemon = self.start()
        for query, title in (("gpu=8.0", "'attr' is missing"), ("attr=torch", "'gpu' is missing"),
                             ("attr=torch&gpu=voodoo", "no GPU 'voodoo' is known"),
                             ("attr=a..b&gpu=8.0", "attribute"), ("attr=torch&gpu=8.0&newest=2", "'newest' must be"),
                             ("attr=torch&gpu=8.0&rev=ab", "'rev' must be a configured branch"),
                             ("attr=torch&gpu=8.0&rev=abcd&branch=x", "exclude each other"),
                             ("attr=torch&gpu=8.0&driver=x", "driver 'x'"),
                             ("attr=" + ",".join("abcdefghijklmnopq") + "&gpu=8.0", "names more than 16")):
            with self.assertRaises(capqd.ApiError) as raised:
                daemon.get("/lookup?" + query)
            self.assertIn(raised.exception.status, (400, 404))
            self.assertIn(title, raised.exception.problem["title"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
