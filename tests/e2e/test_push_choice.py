"""Which paths are pushed, and what is said of it before anything is sent."""

import unittest

import nixbox
import pushing


class Choice(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nix = cls.enterClassContext(nixbox.Nix())
        cls.toolkit = cls.nix.script("cudatoolkit-12.4", "head -c 300000 /dev/zero > $out")
        cls.library = cls.nix.script("library-1.0", "echo library > $out")
        cls.user = cls.nix.script("user", "echo $toolkit $library > $out", toolkit=cls.toolkit, library=cls.library)
        cls.above = cls.nix.script("above", "echo $user > $out", user=cls.user)

    def left_out(self, pushed):
        return {e["path"]: (e["left_out_by"], e["reason"]) for e in pushed.of("skip") if "left_out_by" in e}

    def test_by_name(self):
        """What refers to it goes all the same; that this leaves the closure in pieces is said."""
        with pushing.Cache() as cache:
            pushed = cache.push("--skip", "nothing*", "--skip", "cudatoolkit-*", self.above)
            self.assertEqual((pushed.status, pushed.failed()), (0, {}), pushed.stderr)
            self.assertEqual(sorted(pushed.done()), sorted([self.above, self.library, self.user]))
            self.assertEqual(self.left_out(pushed), {self.toolkit: ("name", "its name matches cudatoolkit-*")})
            [plan] = pushed.of("plan")
            self.assertEqual((plan["paths"], plan["missing"], plan["incomplete"]), (4, 3, 2))
            self.assertEqual(plan["left_out"]["name"], {"paths": 1, "nar_bytes": 300112})
            self.assertEqual(plan["left_out"]["size"], {"paths": 0, "nar_bytes": 0})
            self.assertEqual(sorted(cache.completed()), sorted(pushed.done()))

    def test_by_size(self):
        """cachix/cachix#377: a cudatoolkit pushed by accident."""
        with pushing.Cache() as cache:
            pushed = cache.push("--max-nar-size", "300111", self.above)
            self.assertEqual(self.left_out(pushed), {
                self.toolkit: ("size", "its NAR has 293 KiB, more than 300111")})
            self.assertNotIn(self.toolkit, cache.completed())
            self.assertEqual(cache.push("--max-nar-size", "300112", self.above).done(), [self.toolkit])

    def test_what_the_cache_has_is_not_left_out(self):
        with pushing.Cache() as cache:
            cache.push(self.toolkit)
            pushed = cache.push("--skip", "cuda*", self.above)
            self.assertEqual((self.left_out(pushed), pushed.of("plan")[0]["incomplete"]), ({}, 0))

    def test_a_given_path(self):
        """Whoever does not want it there has what was asked for when it is not there."""
        with pushing.Cache() as cache:
            pushed = cache.push("--skip", "cuda*", self.toolkit)
            self.assertEqual((pushed.status, pushed.done(), list(self.left_out(pushed))), (0, [], [self.toolkit]))
            self.assertEqual(cache.calls("create"), 0)

    def test_by_who_signed_it(self):
        """By the key's name, as Cachix goes; with the public key, by the signature."""
        key, other = pushing.SigningKey(), pushing.SigningKey(b"x" * 32)
        signed = self.nix.script("signed", "echo signed > $out")
        user = self.nix.script("user-of-signed", "echo $signed > $out", signed=signed)
        secret = f"{self.nix.directory}/key"
        with open(secret, "w", encoding="utf-8") as f:
            f.write(key.named)
        self.nix.run("nix", "store", "sign", "--key-file", secret, signed)
        for upstream, is_upstream in (("some.cache-1", True), (f"some.cache-1:{key.public}", True),
                                      (f"some.cache-1:{other.public}", False), ("other.cache-1", False)):
            with self.subTest(upstream), pushing.Cache() as cache:
                pushed = cache.push("--upstream", upstream, user)
                self.assertEqual(pushed.status, 0, pushed.stderr)
                self.assertEqual(self.left_out(pushed), {signed: ("upstream", "signed by some.cache-1")}
                                 if is_upstream else {})
                self.assertEqual(pushed.of("plan")[0]["incomplete"], 0)
                self.assertEqual(signed in cache.completed(), not is_upstream)

    def test_the_plan_for_people(self):
        with pushing.Cache() as cache:
            push = pushing.Push(["--cache", "mine", "--host", cache.url, "--dry-run", "--skip", "library*",
                                 "--max-nar-size", "100000", self.above], {"CACHIX_AUTH_TOKEN": pushing.TOKEN}).finish()
            lines = push.stdout.splitlines()
            self.assertRegex(lines[0], r"^2 of 4 paths to push, \d{3} B$")
            self.assertRegex(lines[1], r"^left out: 1 by name \(120 B\), 1 by size \(293 KiB\)$")
            self.assertIn("warning: 2 paths to push refer to what is left out", push.stderr)
            self.assertRegex(push.stdout, rf"(?m)^missing  {self.user} \(\d+ B\)$")
            self.assertRegex(push.stdout, r"(?m)^skipped  library-1.0 \(its name matches library\*\)$")
            self.assertEqual(cache.calls("create"), 0)

    def test_from_standard_input_and_the_command_line(self):
        with pushing.Cache() as cache:
            push = pushing.Push(["--cache", "mine", "--host", cache.url, "--json", "--stdin", self.library],
                                {"CACHIX_AUTH_TOKEN": pushing.TOKEN}, stdin=pushing.typed(f"{self.toolkit}\n"))
            self.assertEqual(sorted(push.finish().done()), sorted([self.library, self.toolkit]))


if __name__ == "__main__":
    nixbox.enter()
    unittest.main()
