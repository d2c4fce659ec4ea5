"""Which nixpkgs a job means: branches, tags, hashes, strangers' commits, a path."""

import hashlib
import itertools
import os
import shutil
import subprocess
import unittest

import capqd
import nixbox
import pushing

nixbox.enter()


class Names(unittest.TestCase):
    def test_every_name_is_stored_as_the_full_hash(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs:
            nixpkgs.git("tag", "24.05")
            tagged = nixpkgs.git("rev-parse", "HEAD")
            nixpkgs.git("tag", "--annotate", "--message", "x", "24.05-signed")
            newest = nixpkgs.commit("two")
            with capqd.Daemon(nixpkgs) as daemon:
                cases = {"master": (newest, "branch master"), "24.05": (tagged, "tag 24.05"),
                         "24.05-signed": (tagged, "tag 24.05-signed"), tagged[:9]: (tagged, "hash"), newest: (newest, "hash")}
                for name, (full, whence) in cases.items():
                    number = daemon.post("/jobs", {"attr": "stdenv", "caps": "8.6", "rev": name})["jobs"][0]["id"]
                    job = daemon.job(number)
                    self.assertEqual((job["rev"], job["trusted"]), (full, True), name)
                    if name in ("master", "24.05"):  # Later ones are the same jobs.
                        self.assertEqual(job["rev_from"], whence)
                self.assertEqual(len(daemon.jobs()), 2)

    def test_a_branch_that_moved(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs) as daemon:
            [first] = daemon.submit("stdenv")
            newest = nixpkgs.commit("two")
            [second] = daemon.submit("stdenv")
            self.assertNotEqual(first, second)
            self.assertEqual(daemon.job(second)["rev"], newest)
            self.assertEqual(daemon.wait(first)["state"], "done")  # Its own revision, though it is no head any more.
            self.assertEqual(daemon.wait(second)["drv_path"], daemon.job(first)["drv_path"])
            daemon.until_empty("trees")

    def test_names_that_mean_nothing(self):
        cases = {"nope": 404, "0123456789": 404, "f" * 40: 404, "--upload-pack=x": 400, "a..b": 400, "master^": 400}
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs) as daemon:
            for name, status in cases.items():
                with self.assertRaises(capqd.ApiError, msg=name) as caught:
                    daemon.submit("stdenv", rev=name)
                self.assertEqual(caught.exception.status, status, caught.exception)
                self.assertIn("rev" if status == 400 else name, caught.exception.problem["title"])
            self.assertEqual(daemon.jobs(), [])

    def twins(self, nixpkgs):
        """Two commits on master whose hashes begin with the same 7 digits."""
        tree, base = nixpkgs.git("rev-parse", "HEAD^{tree}"), nixpkgs.git("rev-parse", "HEAD")
        seen = {}
        for n in itertools.count():
            text = f"tree {tree}\nparent {base}\nauthor t <t@t> 1 +0000\ncommitter t <t@t> 1 +0000\n\n{n}\n".encode()
            name = hashlib.sha1(b"commit %d\0" % len(text) + text).hexdigest()
            if name[:7] in seen:
                break
            seen[name[:7]] = text
        for text in (seen[name[:7]], text):
            command = ["git", "-C", nixpkgs.directory, "hash-object", "-t", "commit", "-w", "--stdin"]
            yield subprocess.run(command, input=text, check=True, stdout=subprocess.PIPE).stdout.decode().strip()

    def test_a_short_hash_of_two_commits(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs:
            first, second = self.twins(nixpkgs)
            nixpkgs.git("merge", "--quiet", first, second)
            with capqd.Daemon(nixpkgs) as daemon:
                for length in (7, next(n for n in range(40) if first[:n] != second[:n]) - 1):
                    with self.assertRaises(capqd.ApiError) as caught:
                        daemon.submit("stdenv", rev=first[:length])
                    self.assertEqual(caught.exception.status, 404)
                    self.assertIn("not ambiguous", caught.exception.problem["title"])
                for commit in (first, second):
                    self.assertEqual(daemon.job(daemon.submit("stdenv", rev=commit[:12])[0])["rev"], commit)

    def test_a_repository_that_cannot_be_reached(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs, capqd.Daemon(nixpkgs) as daemon:
            first = daemon.job(daemon.submit("stdenv")[0])
            daemon.wait(first["id"])
            os.rename(nixpkgs.directory, f"{nixpkgs.directory}.away")
            daemon.restart()
            # What the clone has can be built all the same.
            self.assertEqual(daemon.wait(*daemon.submit("cmake", rev=first["rev"]))["state"], "done")
            self.assertEqual(daemon.job(daemon.submit("cmake", rev="master")[0])["rev"], first["rev"])
            self.assertIn("does not appear to be a git repository", daemon.get("/status")["nixpkgs"]["problem"])
            os.rename(f"{nixpkgs.directory}.away", nixpkgs.directory)


class Strangers(unittest.TestCase):
    """Commits that no configured branch leads to."""

    def stranger(self, nixpkgs):
        nixpkgs.git("checkout", "--quiet", "-b", "elsewhere")
        nixpkgs.write("more", "by a stranger")
        commit = nixpkgs.commit("stranger")
        nixpkgs.git("checkout", "--quiet", "master")
        return commit

    def test_they_are_refused(self):
        with nixbox.Nix(), capqd.Repository() as nixpkgs:
            commit = self.stranger(nixpkgs)
            with capqd.Daemon(nixpkgs) as daemon:
                with self.assertRaises(capqd.ApiError) as caught:
                    daemon.submit("stdenv", rev=commit)
                self.assertIn(caught.exception.status, (403, 404, 422))
                self.assertIn(commit[:12], str(caught.exception.problem))
                self.assertEqual(daemon.jobs(), [])

    def test_where_allowed_they_are_built_and_never_pushed(self):
        with nixbox.Nix(), pushing.Cache() as cache, capqd.Repository() as nixpkgs:
            commit = self.stranger(nixpkgs)
            allow = {"branches": ["master"], "allow_untrusted": True}
            with capqd.Daemon(nixpkgs, cache, nixpkgs=allow) as daemon:
                job = daemon.wait(*daemon.submit("cmake", rev=commit))
                self.assertEqual((job["state"], job["trusted"]), ("done", False))
                self.assertEqual(cache.completed(), [])

                # The same derivation, wanted by a revision that is trusted, is.
                job = daemon.wait(*daemon.submit("cmake", rev="master"))
                self.assertEqual((job["state"], job["trusted"]), ("done", True))
                self.assertIn(job["outputs"]["out"], cache.completed())
                self.assertEqual({b["attempts"] for b in daemon.builds()}, {1})


class Path(unittest.TestCase):
    def test_a_tree_on_this_machine(self):
        with nixbox.Nix() as nix, capqd.Repository() as nixpkgs:
            tree = f"{nix.directory}/tree"
            shutil.copytree(capqd.TOY, tree)
            with capqd.Daemon(nixpkgs, nixpkgs={"url": None, "path": tree, "branches": None}) as daemon:
                [first] = daemon.submit("stdenv", rev="")
                job = daemon.wait(first)
                self.assertEqual(job["state"], "done")
                self.assertTrue(job["rev"].startswith("sha256:"), job["rev"])
                self.assertEqual(daemon.submit("stdenv", rev=""), [first])
                with open(f"{tree}/default.nix", "a", encoding="utf-8") as f:
                    f.write("# changed\n")
                [second] = daemon.submit("stdenv", rev="")
                self.assertNotEqual(second, first)
                self.assertNotEqual(daemon.wait(second)["rev"], job["rev"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
