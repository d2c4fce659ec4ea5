"""What goes wrong on the way: what is tried again, what fails, and that nothing is left behind."""

import os
import signal
import subprocess
import time
import unittest

import nixbox
import pushing

S3_ERROR = ('<?xml version="1.0"?><Error><Code>InternalError</Code><Message>We encountered an error</Message>'
            "<Resource>X-Amz-Signature=0123</Resource></Error>")


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nix = cls.enterClassContext(nixbox.Nix())
        cls.leaf = cls.nix.script("leaf", "echo leaf > $out")
        cls.other = cls.nix.script("other", "echo other > $out")
        cls.middle = cls.nix.script("middle", "echo $leaf > $out", leaf=cls.leaf)
        cls.top = cls.nix.script("top", "echo $middle $other > $out", middle=cls.middle, other=cls.other)

        cls.shared = cls.enterClassContext(pushing.Cache())

    def setUp(self):
        self.cache = self.shared
        self.cache.reset()

    def big(self, name):
        """A path of three parts."""
        return self.nix.script(name, "head -c 20971520 /dev/urandom > $out")

    def expect_whole(self, pushed, *paths):
        """All went well in the end: each path completed once, and no upload left open."""
        self.assertEqual((pushed.status, pushed.failed()), (0, {}), pushed.stderr)
        self.assertEqual(sorted(self.cache.completed()), self.nix.closure(*paths))
        self.assertEqual(self.cache.state()["open"], [])

    # -- tried again --

    def test_a_part_is_sent_again_to_a_fresh_place(self):
        big = self.big("flaky-store")
        self.cache.faults({"match": "PUT .*partNumber=2", "times": 2, "do": {"status": 500, "body": S3_ERROR}})
        pushed = self.cache.push(big)
        self.expect_whole(pushed, big)
        self.assertEqual((self.cache.calls("put"), self.cache.calls("presign")), (5, 5))
        self.assertIn("answered 500 (InternalError: We encountered an error)", pushed.stderr)
        self.assertNotIn("X-Amz", pushed.stderr)

    # -- `complete` --

    def test_complete_is_lost_on_the_way(self):
        """It took no effect: we find out by asking, and complete again."""
        self.cache.faults({"match": "/complete", "times": 3, "do": {"drop": "before"}})
        self.expect_whole(self.cache.push(self.leaf), self.leaf)
        self.assertEqual(self.cache.calls("create"), 1)

    # -- one path fails --

    def test_one_failure_leaves_the_others(self):
        """`leaf` cannot be pushed; so neither can what refers to it. `other` can."""
        self.cache.faults({"match": "/complete", "times": 0, "do": {"status": 400}})
        bad = self.cache.push(self.leaf)
        self.assertEqual(bad.failed(), {self.leaf: "refused"})
        self.cache.faults()
        nixbox.damage(self.leaf)
        pushed = self.cache.push(self.top, self.other)
        nixbox.damage(self.leaf)  # Back to what it was.
        self.assertEqual((pushed.status, pushed.done()), (1, [self.other]))
        self.assertEqual(pushed.failed(), {self.leaf: "changed", self.middle: "reference", self.top: "reference"})
        self.assertEqual(pushed.message(self.top), f"{self.leaf}, which it refers to, is not in the cache")
        self.assertEqual(self.cache.state()["open"], [])

    def test_a_path_that_is_there_without_its_references(self):
        """`middle` is in the cache, `leaf` is not and cannot be: that is no success for `middle`."""
        self.cache.push("--no-closure", self.middle)
        nixbox.damage(self.leaf)
        pushed = self.cache.push(self.middle)
        nixbox.damage(self.leaf)
        self.assertEqual((pushed.status, pushed.failed()), (1, {self.leaf: "changed", self.middle: "reference"}))
        again = self.cache.push(self.middle)
        self.assertEqual((again.status, again.done(), list(again.skipped())), (0, [self.leaf], [self.middle]))

    def test_a_path_that_was_damaged(self):
        """Found out before anything was begun at the cache, with both hashes."""
        path = self.nix.script("damaged", "echo sound > $out")
        nixbox.damage(path)
        pushed = self.cache.push(path)
        self.assertEqual(pushed.failed(), {path: "changed"})
        self.assertRegex(pushed.message(path), r"its NAR is sha256:\w{52} \(\d+ bytes\), but Nix has registered "
                                               r"sha256:\w{52} \(\d+ bytes\)")
        self.assertEqual(self.cache.calls("create"), 0)

    def test_a_large_path_that_was_damaged(self):
        """Found out behind the last part: the upload is aborted."""
        path = self.big("damaged-big")
        nixbox.damage(path)
        pushed = self.cache.push(path, self.other)
        self.assertEqual((pushed.status, pushed.failed(), pushed.done()), (1, {path: "changed"}, [self.other]))
        state = self.cache.state()
        self.assertEqual((len(state["aborted"]), state["open"]), (1, []))
        self.assertEqual(self.cache.calls("complete"), 1)  # Of `other`.

    def test_a_path_that_is_gone(self):
        path = self.nix.script("vanishing", "mkdir $out; echo > $out/file")
        os.rename(path, f"{path}-moved")
        pushed = self.cache.push(path)
        os.rename(f"{path}-moved", path)
        self.assertEqual(pushed.failed(), {path: "store"})

    def test_the_cache_goes_away(self):
        self.cache.faults({"match": "PUT", "times": 0, "do": {"drop": "before"}})
        pushed = self.cache.push("--retry-for", "1s", self.leaf)
        self.assertEqual((pushed.status, pushed.failed()), (1, {self.leaf: "network"}))
        self.assertEqual(self.cache.state()["open"], [])

    def test_the_service_is_killed_and_comes_back(self):
        """In the midst of a part: it is sent again, and the upload goes on where it was."""
        path = self.big("survivor")
        with pushing.Cache(arguments=["--state", f"{self.nix.directory}/state"]) as self.cache:
            self.cache.faults({"match": "PUT .*partNumber=2", "do": {"hold": True}})
            push = self.cache.start_push(path)
            self.cache.wait_for("put", 2)
            self.cache.restart()
            self.expect_whole(push.finish(), path)
            self.assertEqual(self.cache.calls("create"), 0)  # Since it came back.

    # -- stopping --

    def test_stopped_by_a_signal(self):
        for signum, name in (signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "SIGINT"):
            path = self.big(f"stopped-by-{name}")
            before = self.cache.calls("put")
            self.cache.faults({"match": "PUT .*partNumber=2", "do": {"hold": True}})
            push = self.cache.start_push(path)
            self.cache.wait_for("put", before + 2)
            push.process.send_signal(signum)
            pushed = push.finish(timeout=15)
            self.cache.control("release", {})
            self.assertEqual((pushed.status, pushed.failed()), (1, {path: "stopped"}), pushed.stderr)
            self.assertEqual(pushed.message(path), f"stopped by {name}")
            self.assertEqual(pushed.end()["failed"], 1)
            self.assertEqual(self.cache.state()["open"], [])

    def test_stopped_while_it_waits(self):
        self.cache.faults({"match": "/multipart-nar[?]", "do": {"status": 503, "headers": {"Retry-After": "100"}}})
        push = self.cache.start_push(self.leaf)
        self.cache.wait_for("create")
        push.process.terminate()
        self.assertEqual(push.finish(timeout=15).failed(), {self.leaf: "stopped"})

    def test_stopped_while_it_creates(self):
        """What the cache is just making is waited for, to be undone."""
        self.cache.faults({"match": "/multipart-nar[?]", "do": {"hold": True}})
        push = self.cache.start_push(self.leaf)
        self.cache.wait_for("create")
        push.process.terminate()
        with self.assertRaises(subprocess.TimeoutExpired):
            push.process.wait(1)
        self.cache.control("release", {})
        self.assertEqual(push.finish(timeout=15).failed(), {self.leaf: "stopped"})
        self.cache.wait_for("abort")
        self.assertEqual((self.cache.calls("create"), self.cache.state()["open"]), (1, []))

    def test_stopped_while_it_completes(self):
        """What the cache is just putting together is waited for, too: it is there, and we say so."""
        self.cache.faults({"match": "/complete", "do": {"hold": True}})
        push = self.cache.start_push(self.leaf)
        self.cache.wait_for("complete")
        push.process.terminate()
        with self.assertRaises(subprocess.TimeoutExpired):
            push.process.wait(1)
        self.cache.control("release", {})
        pushed = push.finish(timeout=15)
        self.assertEqual((pushed.done(), pushed.failed()), ([self.leaf], {}))
        self.assertEqual((self.cache.completed(), self.cache.state()["open"]), ([self.leaf], []))

    def test_stopped_while_it_creates_and_nobody_answers(self):
        self.cache.faults({"match": "/multipart-nar[?]", "do": {"hold": True}})
        push = self.cache.start_push(self.leaf)
        self.cache.wait_for("create")
        push.process.terminate()
        self.assertEqual(push.finish(timeout=15).failed(), {self.leaf: "stopped"})
        self.cache.control("release", {})

    def test_stopped_while_it_plans(self):
        self.cache.faults({"match": "/narinfo", "do": {"hold": True}})
        push = self.cache.start_push(self.top, self.other)
        self.cache.wait_for("missing")
        push.process.terminate()
        self.assertEqual(push.finish(timeout=15).failed(), {self.top: "stopped", self.other: "stopped"})
        self.cache.control("release", {})

    def test_an_abort_that_nobody_hears_takes_no_time(self):
        path = self.big("unheard")
        self.cache.faults({"match": "PUT", "times": 0, "do": {"hold": True}},
                          {"match": "/abort", "times": 0, "do": {"hold": True}})
        push = self.cache.start_push(path)
        self.cache.wait_for("put")
        push.process.terminate()
        before = time.monotonic()
        self.assertEqual(push.finish().failed(), {path: "stopped"})
        self.assertLess(time.monotonic() - before, 12)
        self.cache.control("release", {})

    def test_a_time_limit(self):
        self.cache.faults({"match": "PUT", "times": 0, "do": {"hold": True}})
        pushed = self.cache.push("--timeout", "500ms", self.leaf)
        self.assertEqual((pushed.status, pushed.failed()), (1, {self.leaf: "stopped"}))
        self.assertEqual(pushed.message(self.leaf), "it took longer than --timeout allows")
        self.assertEqual(self.cache.state()["open"], [])
        self.cache.control("release", {})


if __name__ == "__main__":
    nixbox.enter()
    unittest.main()
