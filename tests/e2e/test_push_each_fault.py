"""Every fault of every call, one at a time, counted down: the first such call, the second, ...

After each: everything that can be pushed is, nothing was pushed twice, no upload is left open, and what was
said names the cause. Pushes mostly wait here, so several run at a time, each to a service of its own.

CAPQ_ALL_FAULTS=1 strikes every call of a kind in its turn; else chance picks one (CAPQ_FAULT_SEED).
"""

import concurrent.futures
import itertools
import os
import queue
import random
import unittest

import nixbox
import pushing

ALL = os.environ.get("CAPQ_ALL_FAULTS") == "1"
SEED = int(os.environ.get("CAPQ_FAULT_SEED", "1"))
AT_ONCE = 8

# Kind of call: what it looks like, how often it comes in a push of `top`, what a message calls it.
CALLS = {
    "cache": ("GET .*/cache/mine$", 1, "asking for the cache"),
    "missing": ("POST .*/narinfo", 1, "asking what is missing"),
    "create": ("POST .*/multipart-nar[?]", 3, "beginning the upload"),
    "presign": ("POST .*partNumber", 4, "asking where a part goes"),
    "put": ("PUT ", 4, "sending a part"),
    "complete": ("POST .*/complete", 3, "completing the upload"),
}
ASKED_FIRST = {"put": "presign", "complete": "missing"}  # Before it is tried again: what lasts is met there.
ANSWERED = ("cache", "missing", "create", "presign")  # With a body that matters.
GONE = r"(Empty reply|Recv failure|Send failure|Connection reset|connection was closed)"


def problem(seconds):
    return {"status": 502, "headers": {"Content-Type": "application/problem+json"},
            "body": f'{{"title": "Error 502: Bad gateway", "retry_after": {seconds}}}'}


# Name of a fault: what is done, what is said of it.
FAULTS = {
    "429 in seconds": ({"status": 429, "headers": {"Retry-After": "1"}}, r"answered 429; again in 1000 ms"),
    "429 at a date": ({"status": 429, "headers": {"Retry-After": "now+2"}}, r"answered 429; again in [12]000 ms"),
    "500": ({"status": 500, "body": "Something went wrong"}, r"answered 500 \(Something went wrong\)"),
    "502 with a problem": (problem(1), r"answered 502 \(Error 502: Bad gateway\); again in 1000 ms"),
    "refused": ({"refuse": 0.9}, r"(Failed|Could not|Couldn't) (to )?connect"),
    "reset": ({"reset": "before"}, GONE),
    "lost": ({"drop": "after"}, GONE),
    "half a header": ({"raw": "HTTP/1.1 200 OK\r\nContent-Len"}, r"\w"),
    "no HTTP": ({"raw": "what do you want?\r\n"}, r"HTTP/0.9"),
    "silence": ({"hang": True}, r"Operation too slow|[Tt]imed out"),
}
FAULTS_OF_ANSWERS = {
    "cut": ({"cut": 1}, r"transfer closed with \d+ bytes"),
    "truncated": ({"status": 200, "body": '{"narId": "9b'}, r"not JSON"),
    "malformed": ({"status": 200, "body": '{"narId": 5, "permission": 5, "uploadUrl": 5}'},
                  r"no (permission|list|narId and uploadId|URL)"),
    "empty": ({"status": 200}, r"\w"),
}
FAULTS_OF_STORE = {
    "expired": ("presign", {"expire": True}, 1, r"answered 403 \(AccessDenied: Request has expired\)"),
    "expired twice in a row": ("presign", {"expire": True}, 2, r"answered 403 \(AccessDenied"),
    "no ETag": ("put", {"status": 200}, 1, r"no ETag"),
    "no such host": ("presign", {"host": "store.invalid:80"}, 1, r"(Could not|Couldn't) resolve host"),
    "no store": ("presign", {"host": "127.0.0.1:1"}, 1, r"(Failed|Could not|Couldn't) (to )?connect"),
}


def strike(kind, nth, do, times=1):
    return {"match": CALLS[kind][0], "nth": nth, "times": times, "do": do}


def turns(kind, chance):
    """Which calls of a kind are struck."""
    last = CALLS[kind][1]
    return range(1, last + 1) if ALL else [chance.randint(1, last)]


def all_cases():
    """(name, kind, nth, do, times, said)"""
    chance = random.Random(SEED)
    for kind in CALLS:
        faults = {**FAULTS, **(FAULTS_OF_ANSWERS if kind in ANSWERED else {})}
        for (name, (do, said)), nth in ((f, n) for f in faults.items() for n in turns(kind, chance)):
            # Who refuses does so to whatever call comes next.
            kinds = CALLS if name == "refused" else (kind, ASKED_FIRST.get(kind, kind))
            who = "|".join(CALLS[k][2] for k in kinds)
            yield f"{name}, {kind} {nth}", kind, nth, do, 1, f"({who}): .*({said})"
    for name, (kind, do, times, said) in FAULTS_OF_STORE.items():
        for nth in turns(kind, chance):
            yield f"{name}, {kind} {nth}", kind, nth, do, times, f"sending a part: .*({said})"


class EachFault(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nix = cls.enterClassContext(nixbox.Nix())
        cls.leaf = cls.nix.script("leaf", "head -c 9000000 /dev/urandom > $out")  # In two parts.
        cls.middle = cls.nix.script("middle", "echo $leaf > $out", leaf=cls.leaf)
        cls.top = cls.nix.script("top", "echo $middle > $out", middle=cls.middle)
        cls.single = [cls.nix.script(f"single-{n}", f"echo {n} > $out") for n in range(3)]
        cls.idle = queue.Queue()
        for _ in range(AT_ONCE):
            cls.idle.put(cls.enterClassContext(pushing.Cache()))

    def for_each(self, run, cases):
        """run(cache, *case) of every case, several at a time; each is a subtest."""
        def with_cache(case):
            cache = self.idle.get()
            try:
                cache.reset()
                return run(cache, *case)
            finally:
                self.idle.put(cache)

        cases = list(cases)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for case, future in [(c, pool.submit(with_cache, c)) for c in cases]:
                with self.subTest(case[0]):
                    future.result()

    def push(self, cache, *paths, token=pushing.TOKEN):
        return cache.push("--patience", "1s", *paths, token=token,
                          environment={"STATE_DIRECTORY": f"{self.nix.directory}/{cache.url[-5:]}"})

    def expect_all_there(self, cache, pushed, *paths):
        self.assertEqual((pushed.status, pushed.failed()), (0, {}), pushed.stderr)
        self.assertEqual(sorted(cache.completed()), self.nix.closure(*paths))
        self.assertEqual(cache.left_open(), [])

    # -- what passes by --

    def run_case(self, cache, name, kind, nth, do, times, said):
        cache.faults(strike(kind, nth, do, times))
        pushed = self.push(cache, self.top)
        self.expect_all_there(cache, pushed, self.top)
        if pushed.stderr or kind == "complete":
            self.assertRegex(pushed.stderr, said)
        else:  # On a connection that was kept libcurl tries again by itself, and at once.
            self.assertRegex(name, "^(lost|reset),")
        # Begun anew was what nobody heard of, and nothing else. Who refuses cuts off all that is under way.
        if "refuse" not in do:
            self.assertLessEqual(cache.calls("create"), 4 if kind == "create" else 3)

    def test_what_passes_by(self):
        self.for_each(self.run_case, all_cases())

    # -- what stays --

    def run_refusal(self, cache, _, kind, nth, status):
        """One path of three fails, and it is said why."""
        cache.faults(strike(kind, nth, {"status": status, "body": "no, thank you"}))
        pushed = self.push(cache, *self.single)
        failed, = pushed.failed()
        self.assertEqual((pushed.status, len(pushed.done())), (1, 2))
        self.assertEqual((pushed.failed()[failed], pushed.message(failed)),
                         ("refused", f"{CALLS[kind][2]}: answered {status} (no, thank you)"))
        self.assertEqual(sorted(cache.completed()), sorted(set(self.single) - {failed}))
        self.assertEqual((cache.left_open(), cache.calls("create")), ([], 3))

    def test_a_4xx_is_final(self):
        chance = random.Random(SEED)
        kinds = ("create", "presign", "put", "complete")
        self.for_each(self.run_refusal, (
            (f"{status} of {kind} {nth}", kind, nth, status) for kind in kinds for status in (400, 404, 413)
            for nth in (range(1, 4) if ALL else [chance.randint(1, 3)])))

    def run_wrong_etag(self, cache, _, nth):
        cache.faults(strike("put", nth, {"etag": '"00000000000000000000000000000000"'}))
        pushed = self.push(cache, *self.single)
        failed, = pushed.failed()
        self.assertRegex(pushed.message(failed), "answered 400 .*ETag of part 1 is another")
        self.assertEqual((len(cache.completed()), cache.left_open()), (2, []))

    def test_a_wrong_etag(self):
        self.for_each(self.run_wrong_etag, ((f"wrong ETag {n}", n) for n in range(1, 4)))

    def run_revoked(self, cache, _, nth):
        """Whatever was under way is given up by who may."""
        cache.faults({"match": "/api/v1/", "nth": nth, "times": 0, "do": {"status": 401, "body": "Invalid token"}})
        pushed = self.push(cache, *self.single)
        there = cache.completed()
        self.assertEqual((pushed.status, set(pushed.failed().values())), (4, {"denied"}), pushed.stderr)
        self.assertEqual(sorted(there + list(pushed.failed())), sorted(self.single))
        for path in pushed.failed():
            self.assertIn("answered 401 (Invalid token)", pushed.message(path))
        cache.faults()
        cache.quiet()
        self.expect_all_there(cache, self.push(cache, *self.single), *self.single)

    def test_a_token_that_is_revoked_half_way(self):
        self.for_each(self.run_revoked, ((f"revoked at call {n}", n) for n in range(1, 11)))

    # -- somebody else --

    def run_rival(self, cache, _, nth, times, do):
        """It is there, though not by us: that is no failure, and our upload is given up."""
        cache.faults(strike("complete", nth, do, times))
        pushed = self.push(cache, self.top)
        self.assertEqual((pushed.status, pushed.failed()), (0, {}), pushed.stderr)
        self.assertEqual((cache.left_open(), cache.calls("create")), ([], 3))
        self.assertEqual(len(set(cache.completed())), len(cache.completed()))
        self.assertEqual(self.push(cache, self.top).done(), [])

    def test_somebody_else_pushes_the_same(self):
        self.for_each(self.run_rival, itertools.chain(
            ((f"path {n}", n, 1, {"rival": True}) for n in (1, 2, 3)), [("all of it", 1, 0, {"rival": True})]))

    def run_twins(self, cache, _):
        environment = {"STATE_DIRECTORY": f"{self.nix.directory}/{cache.url[-5:]}"}
        twins = [cache.start_push(self.top, environment=environment) for _ in range(3)]
        for twin in twins:
            pushed = twin.finish()
            self.assertEqual((pushed.status, pushed.failed()), (0, {}), pushed.stderr)
        self.assertEqual((sorted(set(cache.completed())), cache.left_open()), (self.nix.closure(self.top), []))

    def test_three_at_the_same_time(self):
        self.for_each(self.run_twins, [("twins",)])


if __name__ == "__main__":
    nixbox.enter()
    unittest.main()
