"""Who may push, what is asked without pushing, and that secrets stay secret."""

import base64
import os
import re
import tempfile
import unittest

import nixbox
import pushing

ABSENT = "/nix/store/00000000000000000000000000000000-never-built"


class Access(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nix = cls.enterClassContext(nixbox.Nix())
        cls.path = cls.nix.script("path", "echo path > $out")
        cls.other = cls.nix.script("other", "echo other > $out")

    def expect_refused(self, cache, pushed, status, failure):
        """Each path failed for the same reason, and nothing was begun."""
        self.assertEqual((pushed.status, pushed.failed()), (status, {self.path: failure, self.other: failure}))
        self.assertEqual(pushed.end()["failed"], 2)
        if cache:
            self.assertEqual((cache.calls("create"), cache.calls("put")), (0, 0))

    def test_a_wrong_token(self):
        with pushing.Cache() as cache:
            pushed = cache.push(self.path, self.other, token="guessed")
            self.expect_refused(cache, pushed, 4, "denied")
            self.assertIn("answered 401 (Invalid token, or no such cache)", pushed.message(self.path))

    def test_a_token_that_may_only_read(self):
        with pushing.Cache() as cache:
            self.expect_refused(cache, cache.push(self.path, self.other, token="read-token"), 4, "denied")

    def test_a_cache_that_does_not_exist(self):
        with pushing.Cache() as cache:
            pushed = cache.push("--cache", "other", self.path, self.other)
            self.expect_refused(cache, pushed, 4, "denied")

    def test_permission_is_lost_on_the_way(self):
        """The first refusal ends it: nobody else would be let in."""
        with pushing.Cache() as cache:
            cache.faults({"match": "/multipart-nar[?]", "times": 0, "do": {"status": 403, "body": "not you"}})
            pushed = cache.push("--jobs", "1", self.path, self.other)
            self.assertEqual((pushed.status, set(pushed.failed().values())), (4, {"denied"}))
            self.assertEqual(cache.calls("create"), 1)

    def test_no_server(self):
        pushed = pushing.Cache().push("--retry-for", "0s", self.path, self.other, url="http://127.0.0.1:1")
        self.expect_refused(None, pushed, 3, "network")
        self.assertIn("asking for the cache: Failed to connect to 127.0.0.1", pushed.message(self.path))

    def test_a_key_of_another_cache(self):
        with pushing.Cache(key=pushing.SigningKey()) as cache:
            other = pushing.SigningKey(b"x" * 32)
            pushed = cache.push(self.path, self.other, key=other.secret)
            self.expect_refused(cache, pushed, 4, "denied")
            self.assertIn(f"its public half, {other.public}, is not among the 1 keys", pushed.message(self.path))

    def test_what_is_wrong_before_anything_is_asked(self):
        key = pushing.SigningKey().secret
        with pushing.Cache() as cache:
            for said, more in [
                    ("the signing key is not base 64 of 64 bytes", {"key": key[:40]}),
                    ("its public half does not belong to its seed", {"key": "B" + key[1:]}),
                    ("the cache's token holds what no token has", {"token": "two words"}),
                    ("neither a token nor a signing key is there", {"token": None}),
                    ("'nowhere' is no http or https URL", {"url": "nowhere"})]:
                pushed = cache.push(self.path, **more)
                self.assertEqual((pushed.status, pushed.stdout), (2, ""))
                self.assertIn(said, pushed.stderr)
                self.assertNotIn(key[:8], pushed.stderr)
            self.assertEqual(cache.calls("cache"), 0)

    # -- --check --

    def test_check(self):
        with pushing.Cache() as cache:
            cache.push(self.path)
            asked = cache.push("--check", self.path, self.other, ABSENT)
            self.assertEqual(asked.status, 1)
            self.assertEqual([e["path"] for e in asked.of("missing")], sorted([self.other, ABSENT]))
            self.assertEqual((asked.failed(), asked.end()["missing"]), ({}, 2))
            asked = cache.push("--check", self.path)
            self.assertEqual((asked.status, asked.of("missing"), asked.end()["missing"]), (0, [], 0))

    def test_check_needs_no_token_where_everybody_may_read(self):
        with pushing.Cache() as cache:
            self.assertEqual(len(cache.push("--check", ABSENT, token=None).of("missing")), 1)

    def test_check_that_gets_no_answer(self):
        with pushing.Cache(",public=no") as cache:
            self.assertEqual(cache.push("--check", ABSENT, token=None).status, 4)
        asked = pushing.Cache().push("--check", "--retry-for", "0s", ABSENT, url="http://127.0.0.1:1")
        self.assertEqual((asked.status, asked.failed()), (3, {ABSENT: "network"}))

    def test_check_of_more_than_one_question_may_hold(self):
        paths = "".join(f"/nix/store/{n:032d}-path\n" for n in range(40000))
        with pushing.Cache() as cache, tempfile.TemporaryFile("w+") as given:
            given.write(paths)
            for calls, fault in (2, []), (4, [{"match": "narinfo", "do": {"status": 413}}]):
                given.seek(0)
                cache.faults(*fault)
                before = cache.calls("missing")
                asked = pushing.Push(["--cache", "mine", "--host", cache.url, "--json", "--check", "-"],
                                     {"CACHIX_AUTH_TOKEN": pushing.TOKEN}, stdin=given).finish()
                self.assertEqual((asked.status, len(asked.of("missing"))), (1, 40000), asked.stderr)
                self.assertEqual(cache.calls("missing") - before, calls)

    # -- secrets --

    def test_from_the_credentials_directory(self):
        """Files go before variables."""
        directory = f"{self.nix.directory}/credentials"
        os.mkdir(directory)
        key = pushing.SigningKey()
        for name, text in ("cachix-auth-token", pushing.TOKEN), ("cachix-signing-key", key.named):
            with open(f"{directory}/{name}", "w", encoding="utf-8") as f:
                f.write(text + "\n")
        with pushing.Cache(key=key) as cache:
            pushed = cache.push(self.path, token="wrong", key="wrong",
                                environment={"CREDENTIALS_DIRECTORY": directory})
            self.assertEqual(pushed.status, 0, pushed.stderr)

    def test_secrets_are_not_seen(self):
        """Neither in /proc of the push or of the Nix that it starts, nor in what it says; also when a server
        quotes them."""
        key = pushing.SigningKey()
        fake = f"{self.nix.directory}/bin"
        os.mkdir(fake)
        real = self.nix.run("which", "nix").strip()
        with open(f"{fake}/nix", "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\ncat /proc/$$/environ /proc/$PPID/environ /proc/$PPID/cmdline > {fake}/seen\n"
                    f'exec {real} "$@"\n')
        os.chmod(f"{fake}/nix", 0o755)
        with pushing.Cache(key=key) as cache:
            cache.faults({"match": "/multipart-nar[?]", "do": {"status": 400, "body": f"bad: {pushing.TOKEN}"}})
            pushed = cache.push(self.path, environment={"PATH": f"{fake}:{os.environ['PATH']}"})
            self.assertEqual((pushed.status, pushed.failed()), (1, {self.path: "refused"}))
            with open(f"{fake}/seen", "rb") as f:
                seen = f.read().decode()
        self.assertIn("--cache", seen)
        self.assertIn("HOME=", seen)
        for secret in pushing.TOKEN, key.secret:
            for text in seen, pushed.stdout, pushed.stderr:
                self.assertNotIn(secret, text)
        self.assertIn("bad: ************", pushed.message(self.path))

    def test_memory(self):
        """While a part is on its way, token and key lie where memory is locked and not dumped, and nowhere else.

        But for the stack: when a function is called for the first time the dynamic linker saves all registers
        there, which hold the end of what was copied last. Here it looks them all up before."""
        key = pushing.SigningKey(os.urandom(32))
        with pushing.Cache(key=key) as cache:
            cache.faults({"match": "PUT", "do": {"hold": True}})
            push = cache.start_push(self.path, environment={"LD_BIND_NOW": "1"})
            cache.wait_for("put")
            try:
                found = {secret: places(push.process.pid, secret) for secret in (
                    pushing.TOKEN.encode(), key.secret.encode(), base64.b64decode(key.secret)[:32])}
            except PermissionError:
                self.skipTest("only root may look into it, which is as it should be")
            finally:
                cache.control("release", {})
                pushed = push.finish()
        self.assertEqual(pushed.status, 0, pushed.stderr)
        token, text, seed = found.values()
        self.assertEqual((len(token), text, len(seed)), (1, [], 1))
        for flags in token + seed:
            self.assertIn("dd", flags)  # Not in a core dump;
            self.assertIn("lo", flags)  # nor in swap space.


def places(pid, secret):
    """The flags of each mapping of the process that holds the bytes; see VmFlags in proc(5)."""
    found, holds = [], False
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as smaps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in smaps:
            mapping = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if mapping:
                start, end = (int(at, 16) for at in mapping.groups())
                if end - start > 1 << 40:
                    raise unittest.SkipTest("a sanitizer, which keeps a copy of the environment")
                memory.seek(start)
                try:
                    holds = secret in memory.read(end - start)
                except OSError:  # The kernel's own.
                    holds = False
            elif re.match(r"[0-9a-f]+-", line):
                holds = False
            elif line.startswith("VmFlags:") and holds:
                found.append(line.split()[1:])
    return found


if __name__ == "__main__":
    nixbox.enter()
    unittest.main()
