"""A program as a person runs it."""

import codecs
import errno
import fcntl
import os
import pty
import signal
import struct
import termios
import threading

from screen import Screen


class OnTerminal:
    """A program on a pseudo-terminal, and the screen that a person sees."""

    def __init__(self, command, environment, width, height):
        self.screen = Screen(width, height)
        self.text = ""
        self.changed = threading.Condition()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
            os.execvpe(command[0], command, environment)
        threading.Thread(target=self.read, daemon=True).start()
        self.ended = False

    def read(self):
        decoder = codecs.getincrementaldecoder("utf-8")()
        while True:
            try:
                data = os.read(self.fd, 65536)
            except OSError as error:
                assert error.errno == errno.EIO  # The other side is closed.
                data = b""
            with self.changed:
                text = decoder.decode(data, final=not data)
                self.text += text
                self.screen.feed(text)
                self.ended = not data
                self.changed.notify_all()
            if not data:
                return

    def expect(self, part, seconds=20):
        """Wait until a line of the screen holds `part`, a text or a compiled pattern. The cursor is
        hidden while something is drawn, which may come in several pieces."""
        def is_seen():
            return self.screen.cursor_is_visible and any(part in line if isinstance(part, str) else part.search(line)
                       for line in self.screen.lines())

        with self.changed:
            if not self.changed.wait_for(is_seen, seconds):
                raise AssertionError("%r is not seen: %r" % (part, self.screen.lines()))

    def resize(self, width, height):
        self.screen.width = width
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def interrupt(self):
        os.kill(self.pid, signal.SIGINT)

    def end(self):
        _, status = os.waitpid(self.pid, 0)
        with self.changed:
            self.changed.wait_for(lambda: self.ended, 5)
        os.close(self.fd)
        return status
