"""A terminal of the box's own: size, Ctrl-C, no injection, and the caller's terminal put back."""
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

import harness


class Session:
    """ward in the foreground of a terminal that this test is the user of."""

    def __init__(self, runner, *words, rows=24, columns=80):
        self.master, slave = pty.openpty()
        self.slave_name = os.ttyname(slave)
        self.size(rows, columns)
        self.before = termios.tcgetattr(slave)
        os.chown(self.slave_name, runner.uid, runner.uid)

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.slave = slave
        self.process = subprocess.Popen([runner.program, *words], stdin=slave, stdout=slave, stderr=slave,
                                        env=runner.environment({"TERM": "xterm"}), cwd=runner.place,
                                        preexec_fn=take_terminal, **runner.identity())
        self.seen = b""

    def size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, data):
        os.write(self.master, data)

    def pump(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                self.seen += os.read(self.master, 65536)

    def expect(self, pattern, seconds=8):
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen)):
            assert time.monotonic() < end, f"no {pattern!r} in {self.seen!r}"
            self.pump(0.05)
        self.seen = self.seen[found.end():]
        return found

    def wait(self, seconds=10):
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, f"still there: {self.seen!r}"
            self.pump(0.02)
        self.pump(0)
        return self.process.returncode

    def modes(self):
        return termios.tcgetattr(self.slave)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal(anyone):
    sessions = []

    def make(*words, **how):
        sessions.append(Session(anyone, "run", *words, **how))
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()


def test_the_box_has_a_terminal_of_its_own(terminal):
    session = terminal("--tty", "pty", "/bin/sh", "-c", "tty; test -t 0 && test -t 1 && test -t 2 && echo all")
    name = session.expect(rb"(/dev/pts/\d+)").group(1)
    session.expect(b"all")
    assert name == b"/dev/pts/0" and session.wait() == 0


def test_auto_gives_a_terminal_where_ward_has_one(terminal, anyone):
    session = terminal("/bin/sh", "-c", "tty")
    session.expect(b"/dev/pts/0")
    assert session.wait() == 0
    assert anyone.call("run", "/bin/sh", "-c", "tty").text == "not a tty\n"


def test_none_gives_no_terminal(terminal):
    session = terminal("--tty", "none", "/bin/sh", "-c", "tty; test -e /dev/tty || echo none; (: < /dev/tty) || echo no")
    session.expect(b"not a tty")
    session.expect(b"no")
    assert session.wait() == 0


def test_the_size_follows(terminal):
    session = terminal("--tty", "pty", "/bin/sh", "-c",
                       "stty size; trap 'echo now $(stty size)' WINCH; echo ready; "
                       "while :; do sleep 0.05; done", rows=33, columns=101)
    session.expect(b"33 101")
    session.expect(b"ready")
    session.size(50, 132)
    session.expect(b"now 50 132")
    session.process.terminate()
    session.wait()


def test_what_is_typed_arrives(terminal):
    session = terminal("--tty", "pty", "/bin/sh", "-c", "read word; echo got $word")
    time.sleep(0.2)
    session.type(b"hello\r")
    session.expect(b"got hello")
    assert session.wait() == 0


def test_end_of_file_is_typed(terminal):
    session = terminal("--tty", "pty", "/bin/sh", "-c", "echo ready; cat; echo over")
    session.expect(b"ready")
    session.type(b"\x04")
    session.expect(b"over")
    assert session.wait() == 0


def test_control_c_interrupts_the_program_and_ward_reports(terminal, anyone):
    result = anyone.name("json")
    session = terminal("--tty", "pty", "--result", result, "/bin/sh", "-c", "echo ready; exec sleep 30")
    session.expect(b"ready")
    session.type(b"\x03")
    assert session.wait() == 130
    assert harness.read_result(result)["signal"] == signal.SIGINT


def test_control_c_can_be_handled_inside(terminal):
    session = terminal("--tty", "pty", "/bin/sh", "-c", "trap 'echo caught; exit 3' INT; echo ready; "
                       "while :; do sleep 0.05; done")
    session.expect(b"ready")
    session.type(b"\x03")
    session.expect(b"caught")
    assert session.wait() == 3


def test_nothing_can_be_typed_for_the_caller(terminal, anyone):
    """TIOCSTI into the box's own terminal fails, and nothing appears in ours."""
    script = ("import fcntl, termios\n"
              "for fd in (0, 1, 2):\n"
              "    try:\n"
              "        fcntl.ioctl(fd, termios.TIOCSTI, b'X'); print('typed')\n"
              "    except OSError as e:\n"
              "        print('refused')\n")
    for tty in ("pty", "none"):
        session = terminal("--tty", tty, "-q", "/usr/bin/python3", "-S", "-c", script)
        for _ in range(3):
            session.expect(b"refused")
        assert session.wait() == 0 and b"typed" not in session.seen
        assert not select.select([session.slave], [], [], 0.1)[0]


@pytest.mark.parametrize("command,code", [("true", 0), ("kill -9 $$", 137), ("sleep 30", 124)])
def test_the_callers_terminal_is_put_back(terminal, command, code):
    session = terminal("--tty", "pty", "--wall", "2s", "--grace", "0ms", "/bin/sh", "-c",
                       f"echo ready; sleep 1; {command}")
    session.expect(b"ready")
    assert not session.modes()[3] & termios.ICANON
    assert session.wait() == code
    assert session.modes() == session.before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_the_callers_terminal_is_put_back_after_a_signal(terminal, number):
    session = terminal("--tty", "pty", "/bin/sh", "-c", "echo ready; exec sleep 30")
    session.expect(b"ready")
    session.process.send_signal(number)
    assert session.wait() == 128 + number
    assert session.modes() == session.before


def test_the_inner_terminal_hangs_up_with_ward(terminal):
    session = terminal("--tty", "pty", "/bin/sh", "-c", "echo ready; exec sleep 30")
    session.expect(b"ready")
    session.process.kill()
    assert session.wait() == -9


def test_output_is_capped_on_a_terminal_too(terminal):
    session = terminal("--tty", "pty", "--out-max", "5000", "-q", "/usr/bin/yes")
    assert session.wait() == 124


def test_control_z_stops_and_continues(terminal, anyone):
    session = terminal("--tty", "none", "/bin/sh", "-c", "i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.05; done")
    session.expect(b"tick 3\r")
    session.process.send_signal(signal.SIGTSTP)
    harness.wait_until(lambda: harness.stat_of(session.process.pid)[1] == "T", "ward stops")
    session.pump(0.2)
    session.seen = b""
    session.pump(0.3)
    assert session.seen == b""
    session.process.send_signal(signal.SIGCONT)
    session.expect(rb"tick \d+")
    session.process.terminate()
    assert session.wait() == 128 + signal.SIGTERM
