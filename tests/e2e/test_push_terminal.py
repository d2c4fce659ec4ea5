"""What a person sees: capq-push on a pseudo-terminal, read through a screen; and what a file gets."""

import os
import re
import signal
import unittest

import nixbox
import pushing
from on_terminal import OnTerminal


class Terminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nix = cls.enterClassContext(nixbox.Nix())
        cls.big = cls.nix.script("big-1.0", "head -c 9000000 /dev/urandom > $out")
        cls.small = cls.nix.script("small-1.0", "echo small > $out")
        cls.user = cls.nix.script("user", "echo $big $small > $out", big=cls.big, small=cls.small)

    def setUp(self):
        self.cache = self.enterContext(pushing.Cache())

    def push(self, *arguments, width=100, height=24, shell=None, **environment):
        program = [f"{pushing.BIN}/capq-push", "--cache", "mine", "--host", self.cache.url, *arguments]
        command = ["sh", "-c", shell, *program] if shell else program
        variables = {n: v for n, v in os.environ.items() if n not in ("CI", "NO_COLOR")}
        return OnTerminal(command, {**variables, "TERM": "xterm", "CACHIX_AUTH_TOKEN": pushing.TOKEN, **environment},
                          width, height)

    def hold(self, call="/complete"):
        """Nothing is completed until released."""
        self.cache.faults({"match": call, "times": 0, "do": {"hold": True}})

    def release(self):
        self.cache.control("release", {})

    def test_bars(self):
        self.hold()
        terminal = self.push(self.user)
        terminal.expect("0 of 3 paths")
        terminal.expect(re.compile(r"^big-1.0 +\[=+\] +100% +8.6 MiB of 8.6 MiB +\S+ \S+/s +0.0s$"))
        self.assertRegex(terminal.screen.lines()[0], r"^3 of 3 paths to push, 8.6 MiB$")
        self.assertTrue(terminal.screen.lines()[-1].startswith("0 of 3 paths"))
        self.release()
        self.assertEqual(terminal.end(), 0)
        lines = terminal.screen.lines()
        self.assertEqual(lines[0], "3 of 3 paths to push, 8.6 MiB")
        self.assertEqual(sorted(line.split(" (")[0] for line in lines[1:-1]),
                         ["pushed   big-1.0", "pushed   small-1.0", "pushed   user"])
        self.assertRegex(lines[-1], r"^3 pushed \(8\.\d MiB\), 0 skipped, 0 failed in ")
        self.assertFalse(terminal.screen.wrapped)
        self.assertTrue(terminal.screen.cursor_is_visible)
        self.assertGreater(terminal.screen.colours, 0)

    def test_paths_of_one_name(self):
        """Each has a bar of its own."""
        twins = [self.nix.script("twin", f"echo {n} > $out") for n in range(2)]
        self.cache.faults({"match": "/complete", "nth": 2, "times": 0, "do": {"hold": True}})
        terminal = self.push(*twins)
        terminal.expect("1 of 2 paths")
        self.assertEqual(len([line for line in terminal.screen.lines() if line.startswith("twin ")]), 1)
        self.release()
        self.assertEqual(terminal.end(), 0)

    def test_it_fits_whatever_the_width(self):
        for width in (12, 40, 61, 200):
            with self.subTest(width), pushing.Cache() as self.cache:
                self.hold()
                terminal = self.push(self.user, width=width)
                terminal.expect(re.compile("^0 o"))
                self.release()
                self.assertEqual(terminal.end(), 0)
                drawn = re.findall(r"\033\[\?25l(?:\033\[[0-9]*[AJ]|\r)*(.*?)\033\[\?25h", terminal.text, re.S)
                bars = [line for block in drawn for line in block.split("\r\n") if "%" in line]
                self.assertTrue(bars)
                for line in bars:
                    self.assertLess(len(re.sub(r"\033\[\d*m", "", line)), width)

    def test_it_is_redrawn_ten_times_a_second_at_most(self):
        """Counted against the progress of the clock that draws, so a slow machine draws less often."""
        self.hold()
        terminal = self.push(self.user)
        terminal.expect("0 of 3 paths")
        self.release()
        self.assertEqual(terminal.end(), 0)
        seconds = float(re.search(r"failed in ([0-9.]+)s", terminal.text).group(1))
        self.assertLessEqual(terminal.text.count("\033[?25l"), 10 * (seconds + 0.1) + 2)

    def test_no_colours(self):
        self.hold()
        terminal = self.push(self.user, NO_COLOR="1")
        terminal.expect("0 of 3 paths")
        self.release()
        self.assertEqual((terminal.end(), terminal.screen.colours), (0, 0))

    def test_no_escape_codes_where_they_are_not_wanted(self):
        for environment in ({"TERM": "dumb"}, {"CI": "true", "NO_COLOR": "1"}):
            with self.subTest(environment), pushing.Cache() as self.cache:
                terminal = self.push(self.user, **environment)
                self.assertEqual(terminal.end(), 0)
                self.assertNotIn("\033", terminal.text)
                self.assertEqual(len(re.findall("(?m)^pushed ", terminal.text)), 3)

    def test_lines_that_go_to_a_file(self):
        """Bars on the terminal; in the file lines, and no escape codes."""
        self.hold()
        out = f"{self.nix.directory}/out"
        terminal = self.push(self.user, shell=f'"$0" "$@" > {out}')
        terminal.expect("0 of 3 paths")
        self.release()
        self.assertEqual(terminal.end(), 0)
        self.assertEqual(terminal.screen.lines(), [])
        with open(out, encoding="utf-8") as f:
            text = f.read()
        self.assertNotIn("\033", text)
        self.assertEqual(len(re.findall("(?m)^pushed   ", text)), 3)

    def test_json_on_a_terminal(self):
        terminal = self.push("--json", self.user)
        self.assertEqual(terminal.end(), 0)
        self.assertNotIn("\033", terminal.text)
        self.assertTrue(all(line.startswith("{") for line in terminal.text.splitlines()))

    def test_trouble_is_said_above_the_bars(self):
        self.cache.faults({"match": "/complete", "do": {"status": 400, "body": "not this one"}},
                          {"match": "/complete", "times": 0, "do": {"hold": True}})
        terminal = self.push("--jobs", "1", self.user)
        terminal.expect(re.compile(r"^failed   (big|small)-1.0 \(refused\): completing the upload: answered 400"))
        terminal.expect("2 of 3 paths")
        self.release()
        terminal.end()
        self.assertTrue(terminal.screen.cursor_is_visible)

    def test_every_way_out_leaves_the_terminal_as_it_was(self):
        """Stopped by signals, and killed: no bars are left of a push that could end, the cursor is there always."""
        for signum, is_tidy in ((signal.SIGINT, True), (signal.SIGTERM, True), (signal.SIGKILL, False)):
            with self.subTest(signum), pushing.Cache() as self.cache:
                self.hold("^PUT ")
                terminal = self.push(self.user)
                terminal.expect("0 of 3 paths")
                os.kill(terminal.pid, signum)
                self.assertNotEqual(terminal.end(), 0)
                self.release()
                self.assertTrue(terminal.screen.cursor_is_visible)
                if is_tidy:
                    lines = terminal.screen.lines()
                    self.assertFalse([line for line in lines if "%" in line])
                    self.assertRegex(lines[-1], "^0 pushed .* failed in ")


if __name__ == "__main__":
    nixbox.enter()
    unittest.main()
