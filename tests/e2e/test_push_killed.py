"""What a killed push has left at the cache is given up by the next one, and by no other.

CAPQ_KILL_RUNS says how many random moments there are (15), CAPQ_KILL_SEED which.
"""

import os
import random
import time
import unittest

import nixbox
import pushing

RUNS = int(os.environ.get("CAPQ_KILL_RUNS", "15"))
SEED = int(os.environ.get("CAPQ_KILL_SEED", "1"))


class Killed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nix = cls.enterClassContext(nixbox.Nix())
        cls.cache = cls.enterClassContext(pushing.Cache())
        cls.big = cls.nix.script("big", "head -c 12000000 /dev/urandom > $out")
        cls.leaf = cls.nix.script("leaf", "echo leaf > $out")
        cls.middle = cls.nix.script("middle", "echo $leaf > $out", leaf=cls.leaf)
        cls.top = cls.nix.script("top", "echo $middle $big > $out", middle=cls.middle, big=cls.big)

    def setUp(self):
        self.cache.reset()
        self.state = f"{self.nix.directory}/{self.id()}"
        self.journals = f"{self.state}/capq-push"

    def start_push(self, *arguments, **more):
        return self.cache.start_push(*arguments, environment={"STATE_DIRECTORY": self.state}, **more)

    def push(self, *arguments, **more):
        return self.start_push(*arguments, **more).finish()

    def leave(self, path, call="PUT", cache=None):
        """A push that is killed when `path` is on its way."""
        cache = cache or self.cache
        before = cache.calls("put")
        cache.faults({"match": call, "do": {"hold": True}})
        push = self.start_push(path, url=cache.url)
        cache.wait_for("put", before + 1)
        push.process.kill()
        push.finish()
        cache.control("release", {})
        cache.quiet()
        cache.faults()

    def expect_all_there(self, pushed, *paths):
        self.assertEqual((pushed.status, pushed.failed()), (0, {}), pushed.stderr)
        self.assertEqual(sorted(self.cache.completed()), self.nix.closure(*paths))
        self.assertEqual(self.cache.left_open(), [])

    def files(self):
        return sorted(os.listdir(self.journals))

    def test_the_next_run_gives_up_what_was_left(self):
        self.leave(self.big)
        left = self.cache.left_open()
        self.assertEqual((len(left), len(self.files())), (1, 1))
        pushed = self.push(self.leaf)  # It need not be about the same path.
        self.expect_all_there(pushed, self.leaf)
        self.assertEqual(self.cache.state()["aborted"], [left[0]["narId"]])
        self.assertIn("1 uploads that a killed push had left are given up", pushed.stderr)
        self.assertEqual(self.files(), [])

    def test_also_when_nothing_is_to_be_pushed(self):
        self.push(self.leaf)
        self.leave(self.big)
        self.assertEqual(self.push(self.leaf).done(), [])
        self.assertEqual((self.cache.left_open(), self.files()), ([], []))

    def test_who_only_asks_gives_up_nothing(self):
        self.leave(self.big)
        self.push("--dry-run", self.leaf)
        self.push("--check", self.leaf)
        self.assertEqual((len(self.cache.left_open()), len(self.files())), (1, 1))

    def test_what_a_living_push_is_at_stays(self):
        self.cache.faults({"match": "PUT", "do": {"hold": True}})
        living = self.start_push(self.big)
        self.cache.wait_for("put")
        self.assertEqual(self.push(self.leaf).status, 0)
        self.assertEqual((self.cache.calls("abort"), len(self.files())), (0, 1))
        self.cache.control("release", {})
        self.expect_all_there(living.finish(), self.big, self.leaf)
        self.assertEqual(self.files(), [])

    def test_what_was_left_at_another_cache_stays(self):
        self.leave(self.big)
        files = self.files()
        with pushing.Cache() as other:
            self.assertEqual(self.push(self.leaf, url=other.url).status, 0)
            self.assertEqual((other.calls("abort"), self.files()), (0, files))
        self.assertEqual(len(self.cache.left_open()), 1)

    def test_two_at_once_give_it_up_once(self):
        self.leave(self.big)
        two = self.start_push(self.leaf), self.start_push(self.middle)
        self.assertEqual([push.finish().status for push in two], [0, 0])
        self.assertEqual((self.cache.calls("abort"), self.cache.left_open(), self.files()), (1, [], []))

    def test_what_the_cache_does_not_hear_is_told_again(self):
        self.leave(self.big)
        self.cache.faults({"match": "/abort", "times": 0, "do": {"status": 502}})
        self.assertEqual(self.push(self.leaf).status, 0)
        self.assertEqual((len(self.cache.left_open()), len(self.files())), (1, 1))
        self.cache.faults()
        self.push(self.leaf)
        self.assertEqual((self.cache.left_open(), self.files()), ([], []))

    def test_an_abort_of_its_own_that_nobody_heard(self):
        """It ended by itself, and could not tidy up: so the next one does."""
        self.cache.faults({"match": "/abort", "times": 0, "do": {"status": 502}},
                          {"match": "/complete", "do": {"status": 400, "body": "no"}})
        self.assertEqual(self.push(self.leaf).failed(), {self.leaf: "refused"})
        self.assertEqual((len(self.cache.left_open()), len(self.files())), (1, 1))
        self.cache.faults()
        self.expect_all_there(self.push(self.leaf), self.leaf)
        self.assertEqual(self.files(), [])

    def test_what_the_cache_has_dropped_by_itself(self):
        self.leave(self.big)
        self.cache.reset()
        self.expect_all_there(self.push(self.leaf), self.leaf)
        self.assertEqual((self.cache.calls("abort"), self.files()), (1, []))

    def test_garbage(self):
        """It is passed over, and does not hide what stands beside and in it."""
        self.leave(self.big)
        journal, = self.files()
        with open(f"{self.journals}/{journal}", "ab") as f:
            f.write(b"+ \xff\n- \0 \0\n+ half-a-line")
        for name, text in ("uploads-binary", b"\0\xff" * 1000), ("uploads-2", b"capq-push uploads 2 x\n"), (
                "uploads-empty", b""), ("note", b"mine"):
            with open(f"{self.journals}/{name}", "wb") as f:
                f.write(text)
        os.mkdir(f"{self.journals}/uploads-directory")
        os.mkfifo(f"{self.journals}/uploads-fifo")
        os.symlink("/etc/passwd", f"{self.journals}/uploads-link")
        self.expect_all_there(self.push(self.leaf), self.leaf)
        self.assertEqual(self.files(), sorted(
            ["note", "uploads-2", "uploads-binary", "uploads-directory", "uploads-fifo", "uploads-link"]))

    def test_a_state_directory_that_cannot_be_made(self):
        self.state = "/proc/nowhere"
        pushed = self.push(self.top)
        self.expect_all_there(pushed, self.top)
        self.assertEqual(pushed.stderr.count("cannot make /proc/nowhere"), 1)

    def test_stopped_while_it_gives_up(self):
        self.leave(self.big)
        self.cache.faults({"match": "/abort", "do": {"hold": True}})
        push = self.start_push(self.leaf)
        self.cache.wait_for("abort")
        push.process.terminate()
        pushed = push.finish(timeout=15)
        self.cache.control("release", {})
        self.assertEqual((pushed.status, pushed.failed()), (1, {self.leaf: "stopped"}))
        self.assertEqual((pushed.message(self.leaf), len(self.files())), ("stopped by SIGTERM", 1))

    # -- random moments --

    def start_held(self):
        """A push of everything, that waits at its first call until it is released."""
        self.cache.faults({"match": "GET", "do": {"hold": True}})
        push = self.start_push(self.top)
        self.cache.wait_for("cache")
        return push

    def kill_at_a_call(self, chance):
        """Before it has an effect, after it, or when it is answered."""
        push = self.start_held()
        rule = {"match": ".", "nth": chance.randint(1, 17),
                "do": {"kill": push.process.pid, "when": chance.choice(["before", "after", "answered"])}}
        self.cache.faults(rule)
        self.cache.control("release", {})
        return rule, push.finish()

    def kill_at_a_time(self, chance):
        push = self.start_held()
        wait = chance.random() * self.took
        self.cache.control("release", {})
        time.sleep(wait)
        push.process.kill()
        return wait, push.finish()

    def test_killed_at_random_moments(self):
        """Run again, and all is as if nothing had been."""
        chance = random.Random(SEED)
        before = time.monotonic()
        self.expect_all_there(self.push(self.top), self.top)
        self.took = time.monotonic() - before
        for run in range(RUNS):
            self.cache.reset()
            how, _ = (self.kill_at_a_call, self.kill_at_a_time)[run % 2](chance)
            self.cache.quiet()
            self.cache.faults()
            with self.subTest(run=run, how=how):
                self.expect_all_there(self.push(self.top), self.top)
                self.assertEqual(self.files(), [])


if __name__ == "__main__":
    nixbox.enter()
    unittest.main()
