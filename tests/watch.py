"""status --watch on a pseudo-terminal: what it draws, and how it gives it back.

    watch.py SHARDMILL JOB

JOB runs for as long as this does, with batch 30 hanging; batch 5 failed with a
long message of Japanese, and of letters with accents of their own.
"""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unicodedata

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
ESCAPE = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")


class Watch:
    def __init__(self, columns, rows=24, env=None):
        self.master, self.slave = os.openpty()
        self.size(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        self.text = ""
        self.child = subprocess.Popen(
            [sys.argv[1], "status", sys.argv[2], "--watch"],
            stdin=self.slave, stdout=self.slave, stderr=self.slave,
            preexec_fn=self.own_terminal,
            env={**os.environ, "TERM": "xterm-256color", **(env or {})})

    @staticmethod
    def own_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def size(self, columns, rows=24):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))
        self.columns, self.rows = columns, rows

    def read(self, until, seconds=20):
        end = time.monotonic() + seconds
        while not until(self.text):
            left = end - time.monotonic()
            assert left > 0, f"waited too long; it says {self.text!r}"
            if select.select([self.master], [], [], min(left, 0.2))[0]:
                self.text += os.read(self.master, 65536).decode()

    def frame(self):
        """A screen drawn from now on, as lines without what paints them: the
        second one, since the first may be under way.  A key that does nothing
        has it drawn at once."""
        self.text = ""
        for frames in 1, 2, 3:
            self.keys("x")
            self.read(lambda t, n=frames: t.count("\x1b[H") >= n)
        drawn = self.text.split("\x1b[H")[2]
        lines = drawn.split("\r\n")  # of the terminal's own making
        for line in lines[:-1]:
            # On a full line it would erase the last character.
            full = width(ESCAPE.sub("", line)) >= self.columns
            assert full != line.endswith("\x1b[K"), line
        return [ESCAPE.sub("", line) for line in lines]

    def keys(self, text):
        os.write(self.master, text.encode())

    def ended(self, want):
        got = self.child.wait(timeout=20)
        assert got == want, (got, want)
        self.read(lambda t: LEAVE in t)
        assert termios.tcgetattr(self.slave) == self.before, "not as before"
        assert "\x1b[?25h" in self.text and "\x1b[?7h" in self.text
        os.close(self.slave)
        os.close(self.master)


def width(line):
    return sum(0 if unicodedata.combining(c)
               else 1 + (unicodedata.east_asian_width(c) in "WF")
               for c in line)


def check_frame(columns, lines):
    assert all(width(line) <= columns for line in lines), lines
    text = "\n".join(lines)
    assert re.search(r"^\[[#.]+\].*% .* left$", text, re.M), text
    assert re.search(r"^slow  batch 30  for \d+.* s, usually", text, re.M), text
    assert re.search(r"^1 failed, such as batch 5: ", text, re.M), text
    # What is left out is what does not fit: the line has no more room.
    i = [n for n, line in enumerate(lines) if "such as batch 5" in line][0]
    assert width(lines[i + 1]) >= min(columns - 1, 90), (columns, lines[i:])
    assert all(not unicodedata.combining(line[:1] or " ") for line in lines)
    assert "batches/s" in text and "q quit" in lines[-1], text
    assert not any(ord(c) < 32 for line in lines for c in line), lines


def drawn():
    # Widths are those of the terminal, whatever the locale is.
    w = Watch(40, env={"LC_ALL": "C"})
    w.read(lambda t: "batches/s" in t)
    check_frame(40, w.frame())
    w.keys("q")
    w.ended(0)
    w = Watch(40)
    w.read(lambda t: "batches/s" in t)
    # Nothing goes to the first screen, which scrolls.
    assert w.text.startswith(ENTER), w.text[:80]
    for columns in 40, 80, 120, 63:
        w.size(columns)
        check_frame(columns, w.frame())
    w.size(80, 6)  # low: the keys stay
    lines = w.frame()
    assert len(lines) <= 6 and "q quit" in lines[-1], lines
    w.text = ""
    w.keys("q")
    w.ended(0)
    assert w.text.endswith(LEAVE), w.text[-80:]


def coloured():
    for value, colour in (("", True), ("1", False)):
        w = Watch(80, env={"NO_COLOR": value})
        w.read(lambda t: "\x1b[H" in t)
        w.keys("x")
        w.read(lambda t: t.count("\x1b[H") > 1)
        assert ("\x1b[31m" in w.text) == colour, w.text
        w.keys("q")
        w.ended(0)


def ends():
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT:
        w = Watch(80)
        w.read(lambda t: "q quit" in t)
        w.text = ""
        if number == signal.SIGINT:
            w.keys("\x03")
        else:
            w.child.send_signal(number)
        w.ended(-number)
    # Ctrl-Z: the terminal is the shell's until it goes on.
    w = Watch(80)
    w.read(lambda t: "q quit" in t)
    w.text = ""
    w.keys("\x1a")
    w.read(lambda t: LEAVE in t)
    end = time.monotonic() + 10
    while True:
        with open(f"/proc/{w.child.pid}/stat", encoding="utf-8") as f:
            if f.read().rpartition(")")[2].split()[0] == "T":
                break
        assert time.monotonic() < end, "it is not stopped"
        time.sleep(0.05)
    assert termios.tcgetattr(w.slave) == w.before, "not as before Ctrl-Z"
    w.text = ""
    w.child.send_signal(signal.SIGCONT)
    w.read(lambda t: ENTER in t and "q quit" in t)
    w.text = ""
    w.keys("q")
    w.ended(0)


def steered():
    """Keys, and the commands that they stand for."""
    w = Watch(100)
    w.read(lambda t: "2 of 2 workers" in t)
    w.keys("+")
    w.read(lambda t: "of 3 workers" in t)
    w.keys("-")
    w.read(lambda t: "of 2 workers" in t.rpartition("of 3 workers")[2])
    w.text = ""
    w.keys("p")
    w.read(lambda t: "p resume" in t)
    w.text = ""
    w.keys("p")
    w.read(lambda t: "p pause" in t)
    w.text = ""
    w.keys("q")
    w.ended(0)


if __name__ == "__main__":
    drawn()
    coloured()
    ends()
    steered()
