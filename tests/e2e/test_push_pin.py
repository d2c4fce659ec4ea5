"""Pins: a name for what was pushed."""

import signal
import unittest

import nixbox
import pushing


class Pin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nix = cls.enterClassContext(nixbox.Nix())
        cls.path = cls.nix.script("path", "echo path > $out")
        cls.user = cls.nix.script("user", "echo $path > $out", path=cls.path)

    def pin(self, **more):
        return {"cache": "mine", "name": "v1.0", "storePath": self.user, "artifacts": [], "keep": None, **more}

    def expect_no_pin(self, cache, pushed, status, failure, said):
        [event] = pushed.of("pin")
        self.assertEqual((pushed.status, event["class"], event["name"], event["path"]),
                         (status, failure, "v1.0", self.user))
        self.assertIn(said, event["message"])
        self.assertEqual(cache.state()["pins"], [])
        self.assertEqual(pushed.events[-1]["event"], "end")

    def test_how_long_it_is_kept(self):
        with pushing.Cache() as cache:
            for options, keep in (((), None), (("--keep-days", "30"), {"tag": "Days", "contents": 30}),
                                  (("--keep-revisions", "5"), {"tag": "Revisions", "contents": 5}),
                                  (("--keep-forever",), {"tag": "Forever"})):
                pushed = cache.push("--pin", "v1.0", *options, self.user)
                self.assertEqual(pushed.status, 0, pushed.stderr)
                self.assertEqual(pushed.of("pin"), [{"event": "pin", "path": self.user, "name": "v1.0"}])
                self.assertEqual(cache.state()["pins"][-1], self.pin(keep=keep))
            self.assertEqual(sorted(cache.completed()), sorted([self.path, self.user]))

    def test_it_is_made_when_all_is_there(self):
        with pushing.Cache() as cache:
            cache.faults({"match": "/complete", "do": {"status": 400, "body": "not this one"}})
            self.expect_no_pin(cache, cache.push("--pin", "v1.0", self.user), 1, "reference", "is not in the cache")
            self.assertEqual(cache.calls("pin"), 0)
            self.assertEqual(cache.push("--pin", "v1.0", self.user).status, 0)
            self.assertEqual(cache.state()["pins"], [self.pin()])

    def test_what_is_left_out_is_not_pinned(self):
        with pushing.Cache() as cache:
            pushed = cache.push("--pin", "v1.0", "--skip", "user", self.user)
            self.expect_no_pin(cache, pushed, 1, "reference", "is not in the cache")

    def test_a_dry_run_pins_nothing(self):
        with pushing.Cache() as cache:
            pushed = cache.push("--pin", "v1.0", "--dry-run", self.user)
            self.assertEqual((pushed.status, pushed.of("pin"), cache.calls("pin")), (0, [], 0))

    def test_it_is_refused(self):
        """What was pushed stays; that the pin is not there is a failure."""
        with pushing.Cache() as cache:
            for status, code, failure in (400, 1, "refused"), (403, 4, "denied"):
                cache.faults({"match": "/pin$", "do": {"status": status, "body": "no such pin"}})
                pushed = cache.push("--pin", "v1.0", self.user)
                self.expect_no_pin(cache, pushed, code, failure, f"pinning the path: answered {status} (no such pin)")
                self.assertEqual(pushed.end()["failed"], 0)

    def test_it_is_tried_again(self):
        with pushing.Cache() as cache:
            cache.faults({"match": "/pin$", "do": {"status": 502}}, {"match": "/pin$", "do": {"drop": "before"}})
            self.assertEqual(cache.push("--pin", "v1.0", self.user).status, 0)
            self.assertEqual((cache.calls("pin"), cache.state()["pins"]), (3, [self.pin()]))

    def test_it_is_stopped(self):
        with pushing.Cache() as cache:
            cache.faults({"match": "/pin$", "do": {"hang": True}})
            push = cache.start_push("--pin", "v1.0", self.user)
            cache.wait_for("pin")
            push.process.send_signal(signal.SIGTERM)
            self.expect_no_pin(cache, push.finish(), 1, "stopped", "stopped by SIGTERM")

    def test_a_key_alone_does_not_do(self):
        with pushing.Cache(key=pushing.SigningKey()) as cache:
            pushed = cache.push("--pin", "v1.0", self.user, token=None)
            self.assertEqual((pushed.status, pushed.stdout), (2, ""))
            self.assertIn("--pin needs the cache's token", pushed.stderr)

    def test_for_people(self):
        with pushing.Cache() as cache:
            push = pushing.Push(["--cache", "mine", "--host", cache.url, "--pin", "v1.0", self.user],
                                {"CACHIX_AUTH_TOKEN": pushing.TOKEN}).finish()
            self.assertIn("\npinned   user as v1.0\n", push.stdout)


if __name__ == "__main__":
    nixbox.enter()
    unittest.main()
