"""What store paths can be: whatever it is, real Nix gets back just that, signatures required.

With CAPQ_LONG=1 in the environment also a file of a GiB, and ten times as many paths."""

import os
import string
import subprocess
import unittest

import nixbox
import pushing
from test_push_roundtrip import ODD_TREE

IS_LONG = "CAPQ_LONG" in os.environ
EVERY_CHARACTER = "n" + string.digits + string.ascii_letters + "+-._?="
LONGEST_NAME = "x" * 207  # Its derivation has four more.

KINDS = [("zstd", None), ("xz", None), ("zstd", pushing.SigningKey()), ("xz", pushing.SigningKey())]


class Data(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nix = cls.enterClassContext(nixbox.Nix())

    def hashes(self, paths, store="/nix/store"):
        """SHA-256 of the NAR of each."""
        paths = [path.replace("/nix/store", store) for path in paths]
        out = [subprocess.run(["nix-hash", "--type", "sha256", *paths[n:n + 500]], stdout=subprocess.PIPE, check=True)
               for n in range(0, len(paths), 500)]
        return b"".join(done.stdout for done in out).split()

    def expect_the_same(self, path, url, public_key):
        closure = self.nix.closure(path)
        store = self.nix.fetch(path, url, public_key)
        self.assertEqual(self.hashes(closure, store), self.hashes(closure))

    def push_everywhere(self, path, *arguments):
        """Through every signer, method and kind of cache there is."""
        for compression, key in KINDS:
            with self.subTest(compression, key=key is not None), pushing.Cache(key=key) as cache:
                pushed = cache.push("--compression", compression, *arguments, path)
                self.assertEqual((pushed.status, pushed.failed()), (0, {}), pushed.stderr)
                self.assertEqual(sorted(cache.completed()), self.nix.closure(path))
                self.expect_the_same(path, f"{cache.url}/mine", cache.public_key)
        for compression, key in KINDS[2:]:
            with self.subTest(compression, to=True), pushing.PlainCache() as cache:
                pushed = cache.push("--compression", compression, *arguments, path, key=key)
                self.assertEqual((pushed.status, pushed.failed()), (0, {}), pushed.stderr)
                self.expect_the_same(path, cache.url, key.trusted)

    def test_every_kind_of_file_and_name(self):
        """Trees with all that a NAR can hold, that refer to themselves, with names as strange as allowed; and
        what is addressed by its content."""
        odd = self.nix.script(EVERY_CHARACTER, ODD_TREE)
        longest = self.nix.script(LONGEST_NAME, "mkdir $out; ln -s $out $out/self; : > $out/empty")
        empty = self.nix.script("empty", ": > $out")
        link = self.nix.script("link", "ln -s /nowhere $out")
        executable = self.nix.script("executable", "echo > $out; chmod 555 $out")
        directory = f"{self.nix.directory}/content"
        os.makedirs(directory)
        with open(f"{directory}/file", "w", encoding="ascii") as f:
            f.write("content")
        variables = {"a": odd, "b": longest, "c": empty, "d": link, "e": executable, "f": self.nix.add(directory)}
        self.push_everywhere(self.nix.script("all", "echo $a $b $c $d $e $f > $out", **variables))

    def test_many_small_paths(self):
        path = self.nix.many(3000 if IS_LONG else 300, depth=8)
        with pushing.Cache() as cache:
            pushed = cache.push(path)
            self.assertEqual((pushed.status, pushed.failed()), (0, {}), pushed.stderr)
            self.assertEqual(sorted(cache.completed()), self.nix.closure(path))
            order = cache.completed()
            self.assertEqual(order[-1], path)
            self.expect_the_same(path, f"{cache.url}/mine", cache.public_key)
        with pushing.PlainCache() as cache:
            key = pushing.SigningKey()
            self.assertEqual(cache.push(path, key=key).status, 0)
            self.expect_the_same(path, cache.url, key.trusted)

    @unittest.skipUnless(IS_LONG, "takes a minute")
    def test_a_file_of_a_gib(self):
        path = self.nix.script("gib", "mkdir $out; truncate --size=1G $out/file; echo end >> $out/file")
        with pushing.Cache() as cache:
            self.assertEqual(cache.push(path).status, 0)
            self.expect_the_same(path, f"{cache.url}/mine", cache.public_key)
        with pushing.PlainCache() as cache:
            key = pushing.SigningKey()
            self.assertEqual(cache.push(path, key=key).status, 0)
            self.expect_the_same(path, cache.url, key.trusted)

    def test_a_path_that_vanishes(self):
        """Between the plan and its turn."""
        first = self.nix.script("first", "head -c 100000 /dev/urandom > $out")
        second = self.nix.script("second", "mkdir $out; echo $first > $out/file", first=first)
        other = self.nix.script("other", "echo other > $out")
        with pushing.Cache() as cache:
            cache.faults({"match": "/narinfo$", "do": {"hold": True}})
            push = cache.start_push(second, other)
            cache.wait_for("missing")
            subprocess.run(["chmod", "u+w", "/nix/store", first], check=True)
            os.unlink(first)
            cache.control("release", {})
            pushed = push.finish()
            self.assertEqual((pushed.status, pushed.done()), (1, [other]))
            self.assertEqual(pushed.failed(), {first: "store", second: "reference"})
            self.assertEqual(cache.state()["open"], [])
            self.assertEqual(cache.completed(), [other])


if __name__ == "__main__":
    nixbox.enter()
    unittest.main()
