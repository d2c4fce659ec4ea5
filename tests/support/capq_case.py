"""What the tests of the client share: a double of capqd, and capq run against it."""

import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from capqd_double import Double  # noqa: E402
from on_terminal import OnTerminal  # noqa: E402

CAPQ = os.path.join(os.environ.get("CAPQ_BIN", "build/bin"), "capq")
SOURCE = os.environ.get("CAPQ_SOURCE", ".")
LIMIT_SECONDS = 60  # No conversation of these takes longer, sanitizers included.

Said = collections.namedtuple("Said", "code out err")


def masked(text):
    """Times change from run to run: 2026-... becomes TIME, 12m03s becomes AGE."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME", text)
    return re.sub(r"\b\d+(\.\d)?[smhd](\d\d[smh])?\b", "AGE", text)


class Running:
    """capq in the background, its output as it comes."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def expect(self, part, seconds=20):
        """Wait for a line that holds `part`."""
        with self.changed:
            if not self.changed.wait_for(
                    lambda: any(part in line for line in self.lines), seconds):
                raise AssertionError("no line holds %r: %r" % (part, self.lines))

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.end()

    def end(self):
        code = self.process.wait(LIMIT_SECONDS)
        self.reader.join()
        err = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return Said(code, "".join(line + "\n" for line in self.lines), err)


class CapqCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="capq-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.double = Double(os.path.join(self.folder, "capqd.sock")).start()
        self.addCleanup(self.double.stop)
        self.world = self.double.world

    def environment(self, **more):
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm",
                "CAPQ_SERVER": self.double.url, **more}

    def path(self, name):
        return os.path.join(self.folder, name)

    def capq(self, *arguments, stdin="", **environment):
        done = subprocess.run([CAPQ, *map(str, arguments)], input=stdin, text=True,
                              capture_output=True, timeout=LIMIT_SECONDS,
                              env=self.environment(**environment))
        return Said(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments, **environment):
        process = subprocess.Popen([CAPQ, *map(str, arguments)], text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=self.environment(**environment))
        running = Running(process)
        self.addCleanup(running.kill)
        return running

    def on_terminal(self, *arguments, width=80, height=24, **environment):
        return OnTerminal([CAPQ, *map(str, arguments)], self.environment(**environment), width,
                          height)

    # ---- what a conversation consists of

    def says(self, command, out, code=0):
        """capq `command` prints `out`, times masked, nothing on standard error, and exits so."""
        said = self.capq(*command.split()) if isinstance(command, str) else command
        self.assertEqual((said.code, masked(said.out), said.err), (code, out, ""))

    def refuses(self, command, code, sentence):
        """capq `command` says one sentence on standard error, nothing else, and exits so."""
        said = self.capq(*command.split()) if isinstance(command, str) else command
        self.assertEqual((said.code, said.out, said.err), (code, "", "capq: %s\n" % sentence))

    def asked(self):
        """What the double was asked since the last time: "GET /jobs/1"."""
        asked = ["%s %s" % (method, path[len("/api/v1"):])
                 for method, path, _, _ in self.double.requests]
        self.double.requests.clear()
        return asked
