"""Several processes that push the same paths at the same time, and share the work."""

import os
import signal
import unittest

import nixbox
import pushing


class Lock(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nix = cls.enterClassContext(nixbox.Nix())
        cls.torch = cls.nix.build("python3Packages.torchvision")

    def setUp(self):
        self.cache = self.enterContext(pushing.Cache())
        self.locks = f"{self.nix.directory}/locks-{self.id()}"

    def start(self, *paths):
        return self.cache.start_push("--lock-dir", self.locks, *paths)

    def expect_shared(self, pushes, path):
        for push in pushes:
            self.assertEqual((push.status, push.failed()), (0, {}), push.stderr)
            self.assertEqual((push.done() + list(push.skipped())).count(path), 1)
        self.assertEqual(sorted(self.cache.completed()), self.nix.closure(path))  # Each exactly once.
        self.assertEqual(sorted(sum((p.done() for p in pushes), [])), self.nix.closure(path))
        self.assertEqual(self.cache.state()["open"], [])
        self.assertEqual(os.listdir(self.locks), [])

    def test_several_push_the_same_closure(self):
        """All have made the same plan before the first upload may go on."""
        self.cache.faults({"match": "/narinfo", "times": 3, "do": {"hold": True}})
        pushes = [self.start(self.torch) for _ in range(3)]
        self.cache.wait_for("missing", 3)
        self.cache.control("release", {})
        self.expect_shared([push.finish() for push in pushes], self.torch)

    def test_one_waits_for_the_other(self):
        path = self.nix.script("waited-for", "echo > $out")
        self.cache.faults({"match": "/complete", "do": {"hold": True}})
        first = self.start(path)
        self.cache.wait_for("complete")
        second = self.start(path)
        self.cache.wait_for("missing", 3)  # The second's plan; two were the first's.
        self.cache.control("release", {})
        pushes = [first.finish(), second.finish()]
        self.expect_shared(pushes, path)
        self.assertEqual(pushes[0].done(), [path])

    def test_who_waits_takes_over(self):
        """The one that holds the lock is killed: the other pushes."""
        path = self.nix.script("taken-over", "echo > $out")
        self.cache.faults({"match": "/complete", "do": {"hold": True}})
        first = self.start(path)
        self.cache.wait_for("complete")
        second = self.start(path)
        self.cache.wait_for("missing", 3)
        first.process.send_signal(signal.SIGKILL)
        first.finish()
        pushed = second.finish()
        self.cache.control("release", {})
        self.assertEqual((pushed.status, pushed.done()), (0, [path]))

    def test_a_lock_does_not_hold_up_the_rest(self):
        held = self.nix.script("held", "echo held > $out")
        free = self.nix.script("free", "echo free > $out")
        self.cache.faults({"match": "/complete", "do": {"hold": True}})
        first = self.start(held)
        self.cache.wait_for("complete")
        second = self.start(held, free)
        second.wait_for("done")  # `free`, while `held` still waits.
        second.process.terminate()
        pushed = second.finish()
        self.assertEqual((pushed.done(), pushed.failed()), ([free], {held: "stopped"}))
        self.cache.control("release", {})
        self.assertEqual(first.finish().done(), [held])

    def test_a_place_for_locks_that_is_none(self):
        pushed = self.cache.push("--lock-dir", "/proc/nowhere/locks", self.torch)
        self.assertEqual((pushed.status, pushed.stdout), (2, ""))


if __name__ == "__main__":
    nixbox.enter()
    unittest.main()
