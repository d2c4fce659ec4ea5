"""What is pushed can be fetched by real Nix, byte for byte, with its signature."""

import os
import unittest

import nixbox
import pushing

# A tree with everything that a NAR can hold and that a careless serializer trips over.
ODD_TREE = r"""
mkdir -p $out/bin $out/empty-directory "$out/a b" $out/.hidden
printf '#!/bin/sh\necho hi\n' > $out/bin/tool; chmod 755 $out/bin/tool
ln -s ../bin/tool $out/bin/link; ln -s /nowhere/at/all $out/dangling; ln -s . $out/self
: > $out/empty-file; printf x > $out/one; printf 1234567 > $out/seven; printf 12345678 > $out/eight
for name in B a b A Z '~nix~case~hack~1' '-dash' 'back\slash' "quo'te" 'sp ace' 'ünïcode' '%2F' '#' '?q=1'; do
  echo "$name" > "$out/$name"
done
printf 'not utf-8' > "$out/$(printf '\377\376')"
printf 'new line' > "$out/$(printf 'a\nb')"
echo $out > $out/refers-to-itself
"""


class RoundTrip(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nix = cls.enterClassContext(nixbox.Nix())
        cls.torch = cls.nix.build("python3Packages.torch")
        cls.odd = cls.nix.script("odd", ODD_TREE)
        cls.user = cls.nix.script("user", 'echo $odd $torch > $out', odd=cls.odd, torch=cls.torch)

    def expect_there(self, cache, *paths):
        """Real Nix finds each of them in the cache, signed, and just as they are here."""
        for path in paths:
            store = self.nix.fetch(path, f"{cache.url}/mine", cache.public_key)
            for member in self.nix.closure(path):
                self.assertEqual(self.nix.nar(member, store), self.nix.nar(member), member)

    def expect_pushed_once(self, cache, *paths):
        self.assertEqual(sorted(cache.completed()), self.nix.closure(*paths))
        self.assertEqual(cache.state()["open"], [])

    def push_and_fetch(self, cache, *arguments):
        pushed = cache.push(*arguments, self.user)
        self.assertEqual((pushed.status, pushed.failed()), (0, {}), pushed.stderr)
        self.assertEqual(sorted(pushed.done()), self.nix.closure(self.user))
        self.expect_pushed_once(cache, self.user)
        self.expect_there(cache, self.user)

    def test_the_server_signs_zstd(self):
        with pushing.Cache() as cache:
            self.push_and_fetch(cache, "--compression", "zstd")

    def test_the_server_signs_xz(self):
        with pushing.Cache() as cache:
            self.push_and_fetch(cache, "--compression", "xz")

    def test_the_client_signs_zstd(self):
        with pushing.Cache(key=pushing.SigningKey()) as cache:
            self.push_and_fetch(cache, "--compression", "zstd", "--level", "9")

    def test_the_client_signs_xz(self):
        with pushing.Cache(key=pushing.SigningKey()) as cache:
            self.push_and_fetch(cache, "--compression", "xz", "--level", "0")

    def test_a_key_as_nix_writes_it(self):
        key = pushing.SigningKey()
        with pushing.Cache(key=key) as cache:
            self.assertEqual(cache.push(self.odd, key=key.named).status, 0)
            self.expect_there(cache, self.odd)

    def test_the_cache_says_how_it_wants_to_be_compressed(self):
        for prefers, compression in ("XZ", "xz"), ("ZSTD", "zst"):
            with pushing.Cache(f",prefers={prefers}") as cache:
                self.assertEqual(cache.push(self.odd).status, 0)
                self.assertEqual([c["compression"] for c in cache.state()["completed"]], [compression])

    def test_references_go_first(self):
        with pushing.Cache() as cache:
            cache.push(self.user, "--jobs", "20")
            order = cache.completed()
            for path in order:
                references = self.nix.run("nix-store", "--query", "--references", path).split()
                for reference in references:
                    self.assertLessEqual(order.index(reference), order.index(path))

    def test_what_refers_to_a_path_is_sent_meanwhile(self):
        """Six paths, two jobs: while the first is being completed, those that refer to it are sent, and wait."""
        first = self.nix.script("first", "echo first > $out")
        others = [self.nix.script(f"refers{n}", "echo $first > $out", first=first) for n in range(5)]
        with pushing.Cache() as cache:
            cache.faults({"match": "/complete", "do": {"hold": True}})
            push = cache.start_push("--jobs", "2", *others)
            cache.wait_for("put", 6)
            self.assertEqual(cache.completed(), [])
            self.assertEqual(cache.calls("complete"), 1)
            cache.control("release", {})
            pushed = push.finish()
            self.assertEqual((pushed.status, sorted(pushed.done())), (0, sorted([first, *others])))
            self.assertEqual(cache.completed()[0], first)

    def test_a_failed_reference_takes_back_what_was_sent(self):
        first = self.nix.script("refused", "echo refused > $out")
        second = self.nix.script("refers", "echo $first > $out", first=first)
        with pushing.Cache() as cache:
            cache.faults({"match": "/complete", "do": {"hold": True, "status": 400, "body": "no"}})
            push = cache.start_push(second)
            cache.wait_for("put", 2)
            cache.control("release", {})
            pushed = push.finish()
            self.assertEqual(pushed.failed(), {first: "refused", second: "reference"})
            state = cache.state()
            self.assertEqual((state["open"], len(state["aborted"]), state["completed"]), ([], 2, []))

    def test_the_second_push_sends_nothing(self):
        with pushing.Cache() as cache:
            cache.push(self.user)
            creates, puts = cache.calls("create"), cache.calls("put")
            again = cache.push(self.user)
            self.assertEqual((again.status, again.done()), (0, []))
            self.assertEqual(again.skipped(), {self.user: "in the cache already"})
            self.assertEqual(again.of("plan")[0]["missing"], 0)
            self.assertEqual((cache.calls("create"), cache.calls("put")), (creates, puts))

    def test_only_what_is_missing_is_sent(self):
        with pushing.Cache() as cache:
            cache.push(self.torch)
            more = cache.push(self.user, self.torch)
            self.assertEqual(sorted(more.done()), sorted([self.odd, self.user]))
            self.assertEqual(more.skipped(), {self.torch: "in the cache already"})
            self.expect_pushed_once(cache, self.user)

    def test_many_parts(self):
        """20 MiB that do not compress are three parts: two of one size and a smaller one."""
        big = self.nix.script("big", "head -c 20971520 /dev/urandom > $out")
        with pushing.Cache() as cache:
            pushed = cache.push(big)
            self.assertEqual(pushed.status, 0, pushed.stderr)
            parts = cache.state()["completed"][0]["parts"]
            self.assertEqual((len(parts), parts[0], parts[1]), (3, 8 << 20, 8 << 20))
            self.assertEqual(sum(parts), pushed.of("done")[0]["file_bytes"])
            self.expect_there(cache, big)

    def test_little_memory(self):
        """Eight paths of 9 MiB, whose two parts each do not fit into 32 MiB all at once."""
        some = [self.nix.script(f"some{n}", "head -c 9437184 /dev/urandom > $out") for n in range(4)]
        with pushing.Cache() as cache:
            pushed = cache.push(*some, "--memory", "32MiB")
            self.assertEqual((pushed.status, sorted(pushed.done())), (0, sorted(some)), pushed.stderr)
            self.expect_there(cache, some[0])

    def test_no_faster_than_allowed(self):
        """All connections share the rate; a quarter of a second's bytes go at once."""
        some = [self.nix.script(f"slow{n}", "head -c 1500000 /dev/urandom > $out") for n in range(3)]
        with pushing.Cache() as cache:
            pushed = cache.push(*some, "--limit-rate", "3MiB")
            self.assertEqual((pushed.status, sorted(pushed.done())), (0, sorted(some)), pushed.stderr)
            self.assertGreaterEqual(pushed.end()["seconds"], 4500000 / (3 << 20) - 0.25)
            self.expect_there(cache, *some)

    def test_much_that_compresses_to_little(self):
        zeros = self.nix.script("zeros", "head -c 300000000 /dev/zero > $out")
        with pushing.Cache() as cache:
            pushed = cache.push(zeros)
            self.assertEqual(pushed.status, 0, pushed.stderr)
            done = pushed.of("done")[0]
            self.assertEqual(done["nar_bytes"], 300000112)
            self.assertLess(done["file_bytes"], 1000000)

    def test_a_derivation_brings_what_it_is_built_from(self):
        derivation = self.nix.run("nix-store", "--query", "--deriver", self.torch).strip()
        with pushing.Cache() as cache:
            pushed = cache.push(derivation, self.odd)
            self.assertEqual(pushed.status, 0, pushed.stderr)
            self.assertIn(derivation, pushed.done())
            self.expect_pushed_once(cache, derivation, self.odd)

    def test_without_the_closure(self):
        with pushing.Cache() as cache:
            pushed = cache.push("--no-closure", self.user, self.odd)
            self.assertEqual(pushed.status, 0, pushed.stderr)
            self.assertEqual(pushed.done(), [self.odd, self.user])

    def test_dry_run(self):
        with pushing.Cache() as cache:
            pushed = cache.push("--dry-run", self.user)
            self.assertEqual(pushed.status, 0)
            self.assertEqual(sorted(e["path"] for e in pushed.of("missing")), self.nix.closure(self.user))
            self.assertEqual(pushed.skipped(), {self.user: "dry run"})
            self.assertEqual(cache.calls("create"), 0)


class WhatIsGiven(unittest.TestCase):
    """Every given path gets exactly one answer."""

    @classmethod
    def setUpClass(cls):
        cls.nix = cls.enterClassContext(nixbox.Nix())
        cls.path = cls.nix.script("given", "mkdir $out; echo hi > $out/file")

    def test_links_and_files_within(self):
        link = f"{self.nix.directory}/result"
        os.symlink(self.path, link)
        with pushing.Cache() as cache:
            pushed = cache.push(link, f"{self.path}/file", self.path, f"{self.path}/")
            self.assertEqual((pushed.status, pushed.done()), (0, [self.path]))

    def test_from_standard_input(self):
        with pushing.Cache() as cache:
            read, write = os.pipe()
            os.write(write, f"{self.path}\n\n".encode())
            os.close(write)
            push = pushing.Push(["--cache", "mine", "--host", cache.url, "--json", "-"],
                                {"CACHIX_AUTH_TOKEN": pushing.TOKEN}, stdin=read)
            os.close(read)
            self.assertEqual(push.finish().done(), [self.path])

    def test_what_is_no_store_path(self):
        gone = "/nix/store/00000000000000000000000000000000-gone"
        with pushing.Cache() as cache:
            pushed = cache.push(self.path, "/etc/hostname", "no/such/file", gone)
            self.assertEqual((pushed.status, pushed.done()), (1, [self.path]))
            self.assertEqual(pushed.failed(), {"/etc/hostname": "store", "no/such/file": "store", gone: "store"})
            self.assertEqual((pushed.end()["pushed"], pushed.end()["failed"]), (1, 3))

    def test_nothing_at_all(self):
        with pushing.Cache() as cache:
            pushed = cache.push("-")
            self.assertEqual((pushed.status, [e["event"] for e in pushed.events]), (0, ["end"]))

    def test_for_people(self):
        with pushing.Cache() as cache:
            push = pushing.Push(["--cache", "mine", "--host", cache.url, self.path, "/etc/hostname"],
                                {"CACHIX_AUTH_TOKEN": pushing.TOKEN}).finish()
            self.assertRegex(push.stdout, r"(?m)^1 of 1 paths to push, 288 B$")
            self.assertRegex(push.stdout, r"(?m)^pushed   given \(288 B, \d+ B compressed, 0\.\ds\)$")
            self.assertRegex(push.stdout, r"(?m)^1 pushed \(\d+ B\), 0 skipped, 1 failed in 0\.\ds$")
            self.assertIn("failed   /etc/hostname (store): it is no store path", push.stderr)


if __name__ == "__main__":
    nixbox.enter()
    unittest.main()
