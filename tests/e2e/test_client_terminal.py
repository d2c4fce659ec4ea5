#!/usr/bin/python3
"""What a person sees: capq on a pseudo-terminal, read through a screen."""

import os
import re
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from capq_case import CapqCase, masked  # noqa: E402


def seen_lines(screen):
    """What is seen; how wide times are, and what they are, changes from run to run."""
    return [re.sub(" +AGE", " AGE", masked(line)) for line in screen.lines()]


EVIL = "\033]0;owned\a\033[2J\r\n"


class Tables(CapqCase):
    def setUp(self):
        super().setUp()
        self.world.add_job("python3Packages.torch", state="waiting",
                           waits_for="cudnn-9.1 (building on local)" + EVIL)
        self.world.add_job("magma", caps="8.0,8.6+PTX", state="done")

    def seen(self, *arguments, **more):
        terminal = self.on_terminal(*arguments, **more)
        self.assertEqual(terminal.end(), 0)
        self.assertFalse(terminal.screen.wrapped)
        return terminal.screen

    def test_they_fit(self):
        screen = self.seen("list", width=100)
        self.assertEqual(seen_lines(screen), [
            "ID ATTR                  CAPS        REV     STATE AGE NOTE",
            " 2 magma                 8.0,8.6+PTX 1a2b3c4 done AGE",
            " 1 python3Packages.torch 8.6         1a2b3c4 waiting AGE cudnn-9.1 (building on "
            "local)"])
        for width in (60, 79, 120):
            for command in ("list", "builds"):
                self.seen(command, width=width)

    def test_colours_only_where_they_are_wanted(self):
        for arguments, environment in ((["list", "--no-color"], {}), (["list"], {"NO_COLOR": "1"}),
                                       (["list"], {"TERM": "dumb"})):
            self.assertEqual(self.seen(*arguments, **environment).colours, 0)
        self.assertGreater(self.seen("list").colours, 0)
        self.assertGreater(self.seen("list", NO_COLOR="").colours, 0)


class LiveTable(CapqCase):
    def setUp(self):
        super().setUp()
        self.world.add_job("python3Packages.torch", state="waiting", waits_for="cudnn-9.1")
        self.world.add_job("magma", state="waiting", waits_for="a slot")

    def test_it_is_drawn_in_place(self):
        terminal = self.on_terminal("wait", 1, 2, width=110)
        terminal.expect("cudnn-9.1")
        self.double.wait_for_stream()
        self.world.run_build(1, done=3, expected=20, last_line="Building a.o" + EVIL + "end")
        terminal.expect("[3/20] Building a.o end")
        self.world.progress(1, phase="installPhase", last_line="installing", seconds=723)
        terminal.expect("installPhase")
        self.assertEqual(seen_lines(terminal.screen), [
            "JOB  PACKAGE                                STATE       PHASE         ELAPSED  NOW",
            "  1  python3Packages.torch @ 8.6 # 1a2b3c4  waiting     installPhase AGE  "
            "installing",
            "  2  magma @ 8.6 # 1a2b3c4                  waiting AGE  a slot",
            "1 running, 1 waiting AGE"])
        self.world.move(1, "done")
        terminal.expect("1 waiting, 1 done")
        self.assertEqual(masked(terminal.screen.lines()[0]),
                         "job 1  python3Packages.torch @ 8.6 # 1a2b3c4: done after AGE")
        self.world.move(2, "failed", reason="the builder" + EVIL + "said no")
        status = terminal.end()
        self.assertEqual(os.waitstatus_to_exitcode(status), 1)
        self.assertEqual(seen_lines(terminal.screen), [
            "job 1  python3Packages.torch @ 8.6 # 1a2b3c4: done after AGE",
            "job 2  magma @ 8.6 # 1a2b3c4: failed after AGE: the builder said no (capq log 2)"])
        self.assertTrue(terminal.screen.cursor_is_visible)
        self.assertFalse(terminal.screen.wrapped)

    def test_time_goes_on_without_events(self):
        self.world.run_build(1, seconds=100)
        terminal = self.on_terminal("watch", 1)
        terminal.expect("1m40s")
        terminal.expect(re.compile("1m4[3-9]s"))
        self.world.move(1, "done")
        self.assertEqual(terminal.end(), 0)

    def test_interrupted_it_leaves_the_terminal_as_it_was(self):
        terminal = self.on_terminal("watch")
        terminal.expect("cudnn-9.1")
        terminal.interrupt()
        self.assertEqual(os.WTERMSIG(terminal.end()), signal.SIGINT)
        self.assertTrue(terminal.screen.cursor_is_visible)
        self.assertEqual(terminal.screen.column, 0)
        self.assertEqual(len(terminal.screen.lines()), 4)

    def test_more_jobs_than_lines(self):
        for i in range(30):
            self.world.add_job("job%d" % i, state="evaluating")
        terminal = self.on_terminal("watch", height=10)
        terminal.expect("... and 26 more")
        lines = terminal.screen.lines()
        self.assertEqual(len(lines), 9)
        self.assertIn("30 evaluating, 2 waiting", lines[-1])
        for i in range(20, 33):
            self.world.move(i, "done")
        terminal.expect("13 done")
        terminal.interrupt()
        terminal.end()
        self.assertEqual(terminal.text.count("\033[H"), 0)

    def test_the_terminal_changes_its_size(self):
        terminal = self.on_terminal("watch", width=100)
        terminal.expect("cudnn-9.1")
        terminal.resize(44, 24)
        time.sleep(2.5)
        lines = terminal.screen.lines()
        self.assertEqual(len(lines), 4)
        self.assertLess(max(map(len, lines)), 44)
        terminal.resize(90, 24)
        terminal.expect("cudnn-9.1")
        terminal.interrupt()
        terminal.end()
        self.assertFalse(terminal.screen.wrapped)

    def test_a_restart_is_told_above_the_table(self):
        terminal = self.on_terminal("wait", 1, width=150)
        terminal.expect("cudnn-9.1")
        self.double.wait_for_stream()
        self.double.restart()
        terminal.expect("trying again for 2m00s")
        terminal.expect("capqd is back")
        self.world.move(1, "done")
        self.assertEqual(terminal.end(), 0)
        self.assertEqual(len(terminal.screen.lines()), 3)

    def test_a_long_reason_wraps_and_leaves_nothing_of_the_table(self):
        """It stays on the screen, so it is not cut."""
        terminal = self.on_terminal("wait", 1, 2)
        terminal.expect("cudnn-9.1")
        self.double.wait_for_stream()
        reason = "builder for '/nix/store/xyjr8qb9jyb5v5pnzz990ndsa841jlnw-torch.drv' failed"
        self.world.move(1, "failed", reason=reason)
        terminal.expect("1 waiting, 1 not done")
        lines = terminal.screen.lines()
        self.assertEqual(len(lines), 5)
        self.assertRegex(lines[0] + lines[1], "^job 1 .*: failed after .*: %s .capq log 1.$"
                         % reason)
        self.world.move(2, "done")
        self.assertEqual(os.waitstatus_to_exitcode(terminal.end()), 1)
        self.assertEqual(len(terminal.screen.lines()), 3)

    def test_a_terminal_that_cannot(self):
        terminal = self.on_terminal("wait", 1, 2, TERM="dumb", width=100)
        terminal.expect("job 2")
        self.double.wait_for_stream()
        self.world.move(1, "done")
        self.world.move(2, "done")
        self.assertEqual(terminal.end(), 0)
        self.assertNotIn("\033", terminal.text)
        self.assertEqual(len(terminal.screen.lines()), 4)

    def test_without_colours(self):
        terminal = self.on_terminal("watch", NO_COLOR="1")
        terminal.expect("cudnn-9.1")
        self.world.move(1, "failed")
        terminal.expect("failed after")
        terminal.interrupt()
        terminal.end()
        self.assertEqual(terminal.screen.colours, 0)

    def test_json_is_not_drawn(self):
        terminal = self.on_terminal("wait", 1, "--json", width=2000)
        self.double.wait_for_stream()
        self.world.move(1, "done")
        self.assertEqual(terminal.end(), 0)
        self.assertNotIn("\033", terminal.text)


if __name__ == "__main__":
    unittest.main()
