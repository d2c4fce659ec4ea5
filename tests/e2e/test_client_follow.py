#!/usr/bin/python3
"""Conversations that last: wait, watch and log --follow, while the world moves."""

import json
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from capq_case import CapqCase, masked  # noqa: E402


class Wait(CapqCase):
    def test_for_what_is_over(self):
        self.world.add_job("a", state="done")
        self.world.add_job("b", state="cancelled", reason="nobody\nneeds it")
        self.world.add_job("c", state="failed", reason="the builder said no")
        self.says("wait 1", "job 1  a @ 8.6 # 1a2b3c4: done after AGE\n")
        self.says("wait a b c",
                  "job 1  a @ 8.6 # 1a2b3c4: done after AGE\n"
                  "job 2  b @ 8.6 # 1a2b3c4: cancelled after AGE: nobody needs it\n"
                  "job 3  c @ 8.6 # 1a2b3c4: failed after AGE: the builder said no "
                  "(capq log 3)\n", 1)
        self.assertNotIn("GET /events", self.asked())
        self.refuses("wait 1 99", 2, "job 99 does not exist; see capq list")

    def test_one_line_a_change(self):
        self.world.add_job("a")
        self.world.add_job("b", state="waiting", waits_for="a-1.0 (building)")
        said = self.start("wait", 1, 2)
        said.expect("job 2")
        self.double.wait_for_stream()
        self.world.move(1, "waiting", waits_for="a slot")
        said.expect("a slot")
        self.world.run_build(1)
        said.expect("buildPhase")
        self.world.progress(1, phase="installPhase", last_line="installing")
        said.expect("installPhase")
        self.world.move(1, "pushing")
        said.expect("pushing")
        self.world.move(1, "done")
        said.expect("done")
        self.world.move(2, "superseded", reason="by job 3")
        said = said.end()
        self.assertEqual((said.code, said.err), (1, ""))
        self.assertEqual(masked(said.out), (
            "job 1  a @ 8.6 # 1a2b3c4: evaluating\n"
            "job 2  b @ 8.6 # 1a2b3c4: waiting (a-1.0 (building))\n"
            "job 1  a @ 8.6 # 1a2b3c4: waiting (a slot)\n"
            "job 1  a @ 8.6 # 1a2b3c4: waiting, buildPhase (a slot)\n"
            "job 1  a @ 8.6 # 1a2b3c4: waiting, installPhase (installing)\n"
            "job 1  a @ 8.6 # 1a2b3c4: pushing, installPhase (installing)\n"
            "job 1  a @ 8.6 # 1a2b3c4: done after AGE\n"
            "job 2  b @ 8.6 # 1a2b3c4: superseded after AGE: by job 3\n"))

    def test_with_json_all_jobs_at_the_end(self):
        for attr in "ab":
            self.world.add_job(attr, state="waiting")
        said = self.start("wait", "--json", 2, 1)
        self.double.wait_for_stream()
        self.world.move(2, "done")
        self.world.move(1, "failed", failure_class="build")
        said = said.end()
        self.assertEqual((said.code, said.err), (1, ""))
        self.assertEqual([(job["id"], job["state"]) for job in json.loads(said.out)],
                         [(2, "done"), (1, "failed")])

    def test_no_longer_than_allowed(self):
        self.world.add_job("a", state="on_hold")
        self.world.add_job("b", state="done")
        said = self.capq("wait", 1, 2, "--timeout", "500ms", "--json")
        self.assertEqual((said.code, len(json.loads(said.out))), (5, 2))
        self.assertIn("timed out after 0.5s: 1 of 2 jobs are not finished; they go on",
                      json.loads(said.err)["title"])
        self.assertEqual(self.capq("wait", 1, "--timeout", "0").code, 5)
        self.assertEqual(self.capq("wait", 2, "--timeout", "0").code, 0)
        self.refuses("wait 1 --timeout soon", 2,
                     "--timeout 'soon': expected a time such as 90s, 10m or 1h30m")

    def test_what_is_tried_again_is_waited_for(self):
        self.world.add_job("a", state="waiting")
        self.world.add_job("b", state="waiting")
        said = self.start("wait", 1, 2)
        self.double.wait_for_stream()
        self.world.move(1, "failed")
        said.expect("failed")
        self.world.move(1, "evaluating", finished_at=None)
        said.expect("1a2b3c4: evaluating")
        self.world.move(2, "done")
        said.expect("done")
        self.world.move(1, "done")
        self.assertEqual(said.end().code, 0)

    def test_nothing_is_asked_without_need(self):
        self.world.add_job("a", state="waiting")
        said = self.start("wait", 1)
        self.double.wait_for_stream()
        time.sleep(2)
        self.world.move(1, "done")
        said.end()
        self.assertEqual(self.asked(), ["GET /jobs/1", "GET /events", "GET /jobs/1",
                                        "GET /jobs/1"])

    def test_submit_and_wait(self):
        said = self.start("submit", "a", "--caps", "8.6", "--wait")
        self.double.wait_for_stream()
        self.world.move(1, "done")
        said = said.end()
        self.assertEqual((said.code, masked(said.out)), (
            0, "job 1  a @ 8.6 # 1a2b3c4 (new)\n"
               "job 1  a @ 8.6 # 1a2b3c4: evaluating\n"
               "job 1  a @ 8.6 # 1a2b3c4: done after AGE\n"))
        self.world.move(1, "failed")
        said = self.capq("submit", "a", "--caps", "8.6", "--wait", "--json")
        self.assertEqual((said.code, json.loads(said.out)[0]["state"]), (1, "failed"))
        self.says("submit a --caps 8.6 --wait --parsable", "1\n", 1)


class Restarts(CapqCase):
    """capqd goes away and comes back; what happened in between is known all the same."""

    def setUp(self):
        super().setUp()
        self.world.add_job("a", state="waiting")
        self.world.add_job("b", state="waiting")

    def test_a_restart(self):
        said = self.start("wait", 1, 2)
        self.double.wait_for_stream()
        self.world.move(1, "pushing")
        said.expect("pushing")
        self.double.stop()
        self.world.move(1, "done")
        time.sleep(1.5)
        os.unlink(self.double.path)
        self.double.start()
        said.expect("a @ 8.6 # 1a2b3c4: done")
        self.world.move(2, "done")
        said = said.end()
        self.assertEqual(said.code, 0)
        self.assertRegex(said.err, r"(?s)^capq: .*; trying again for 2m00s\ncapq: capqd is back\n$")
        events = [headers for _, path, headers, _ in self.double.requests if "/events" in path]
        self.assertEqual([headers.get("Last-Event-ID") for headers in events], [None, "3"])

    def test_a_restart_that_says_so_and_forgets(self):
        """A stream that ends, and events that are gone: `gap`."""
        said = self.start("wait", 1, 2)
        self.double.wait_for_stream()
        self.world.publish("daemon", {"what": "stopping", "at": None})
        time.sleep(0.5)
        self.double.drop_streams()
        self.world.move(1, "done", silently=True)
        self.world.oldest_event = 100
        said.expect("done")
        self.world.move(2, "done")
        said = said.end()
        self.assertEqual(said.code, 0)
        self.assertIn("capq: capqd is stopping\n", said.err)

    def test_it_does_not_come_back(self):
        said = self.start("wait", 1, "--patience", "1s")
        self.double.wait_for_stream()
        self.double.stop()
        said = said.end()
        self.assertEqual(said.code, 3)
        self.assertIn("capq: capqd went away and did not come back within 1s: cannot reach capqd "
                      "at", said.err)

    def test_it_comes_back_and_cannot_answer(self):
        """Patience counts from the first loss, however often connecting works."""
        said = self.start("wait", 1, "--patience", "3s")
        self.double.wait_for_stream()
        for _ in range(20):
            self.double.answer_next("/jobs/1", 503, b'{"title": "not now"}')
        self.world.publish("job", {"subject": 1, "to": "pushing"})
        said = said.end()
        self.assertEqual(said.code, 3)
        self.assertIn("did not come back within 3s", said.err)

    def test_it_is_never_there(self):
        self.double.stop()
        said = self.capq("wait", 1)
        self.assertEqual((said.code, said.out), (3, ""))


class Watch(CapqCase):
    def test_everything_that_is_live_and_will_be(self):
        self.world.add_job("a", state="done")
        self.world.add_job("b", state="waiting")
        said = self.start("watch")
        self.double.wait_for_stream()
        said.expect("job 2")
        self.world.add_job("c")
        said.expect("job 3  c @ 8.6 # 1a2b3c4: evaluating")
        number = self.world.add_job("d", state="evaluating")
        self.world.publish("batch", {"first": number, "last": number, "jobs": 1, "at": None})
        said.expect("job 4")
        for number in (2, 3, 4):
            self.world.move(number, "done")
        said = said.end()
        self.assertEqual((said.code, said.err), (0, ""))
        self.assertNotIn("job 1", said.out)
        self.assertEqual(said.out.count(": done after"), 3)

    def test_with_json_one_object_a_change(self):
        self.world.add_job("a", state="waiting")
        said = self.start("watch", "--json", 1)
        self.double.wait_for_stream()
        said.expect('"waiting"')
        self.world.move(1, "failed")
        said = said.end()
        self.assertEqual(said.code, 0)
        self.assertEqual([json.loads(line)["state"] for line in said.out.splitlines()],
                         ["waiting", "failed"])

    def test_nothing_is_live(self):
        self.says("watch", "")

    def test_for_ever(self):
        said = self.start("watch", "--forever")
        self.double.wait_for_stream()
        self.world.add_job("a")
        said.expect("evaluating")
        self.world.move(1, "done")
        said.expect("done")
        self.world.add_job("b")
        said.expect("job 2")
        said.process.send_signal(signal.SIGINT)
        self.assertEqual(said.end().code, -signal.SIGINT)


class FollowedLogs(CapqCase):
    def setUp(self):
        super().setUp()
        self.world.add_job("a", state="waiting")
        self.world.add_job("b", state="waiting")

    def test_of_a_build(self):
        self.world.add_log(1, b"one\n" * 1000)
        said = self.start("log", "build:1", "--follow", "--tail", "8")
        said.expect("one")
        self.world.add_log(1, b"two\nthr")
        said.expect("two")
        self.world.add_log(1, b"ee", True)
        said = said.end()
        self.assertEqual((said.code, said.out, said.err), (0, "one\none\ntwo\nthree\n", ""))

    def test_of_a_build_through_a_restart(self):
        self.world.add_log(1, b"one\n" * 1000)
        said = self.start("log", "build:1", "-f", "--tail", "4")
        said.expect("one")
        self.double.stop()
        self.world.add_log(1, b"two\n", True)
        os.unlink(self.double.path)
        self.double.start()
        said = said.end()
        self.assertEqual((said.code, said.out), (0, "one\ntwo\n"))
        self.assertIn("trying again", said.err)
        self.assertEqual([(path[len("/api/v1"):], headers.get("Last-Event-ID"))
                          for _, path, headers, _ in self.double.requests],
                         [("/builds/1/log?follow=1&tail=4", None),
                          ("/builds/1/log?follow=1", "4000")])

    def test_of_a_job_goes_from_build_to_build_through_a_restart(self):
        self.follow_through_a_restart()

    def test_the_same_without_ids(self):
        self.double.numbers_job_logs = False
        self.follow_through_a_restart()

    def test_a_second_attempt_begins_anew(self):
        self.world.add_log(1, b"first try\n" * 10)
        said = self.start("log", 1, "-f")
        said.expect("first try")
        self.double.stop()
        self.world.builds[1]["attempts"] = 2
        self.world.logs[1] = b"second try\n"
        self.world.finished_logs.add(1)
        os.unlink(self.double.path)
        self.double.start()
        said = said.end()
        self.assertEqual((said.code, said.out), (0, "first try\n" * 10 + "second try\n"))

    def follow_through_a_restart(self):
        self.world.log_builds[2] = [1, 2]
        self.world.add_log(1, b"first\n" * 500, True)
        said = self.start("log", 2, "--follow")
        said.expect("first")
        self.world.add_log(2, "zweite Zeile \u00fc\n".encode() * 300)
        said.expect("zweite")
        self.double.stop()
        self.world.add_log(2, b"end\n", True)
        self.world.move(2, "done")
        os.unlink(self.double.path)
        self.double.start()
        said = said.end()
        self.assertEqual(said.code, 0)
        self.assertEqual(said.out.count("zweite Zeile"), 300)
        self.assertEqual(said.out.count("end\n"), 1)
        self.assertIn("capq: build:1  a-1.0\n", said.err)
        self.assertIn("capq: build:2  b-1.0\n", said.err)

    def test_with_json(self):
        self.world.add_log(1, b"one\n", True)
        said = self.capq("log", 1, "-f", "--json")
        self.assertEqual((said.code, said.out, said.err),
                         (0, '{"event":"chunk","data":"one\\n"}\n', ""))

    def test_it_does_not_come_back(self):
        said = self.start("log", 1, "-f", "--patience", "1s")
        self.double.wait_for_stream()
        self.double.stop()
        said = said.end()
        self.assertEqual(said.code, 3)


if __name__ == "__main__":
    unittest.main()
