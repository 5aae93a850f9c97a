"""`ward top`: a running service watched on a terminal, and written once."""
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

import harness
import pytest
from service import bash, eventually, nothing_left, served  # noqa: F401

PATIENCE_S = 60


@pytest.fixture(scope="module")
def service(home, ward_path):
    harness.need("ward-client")
    with served(home, ward_path) as made:
        made.job(bash("true", name="ended-already"))
        yield made


def environment(service, key=None):
    return {"WARD_URL": f"http://127.0.0.1:{service.port}", "WARD_KEY": key or service.tenant, "PATH": os.environ["PATH"], "TERM": "xterm"}


def top(service, *words, key=None):
    return subprocess.run([service.ward, "top", *words], env=environment(service, key), capture_output=True, text=True, timeout=PATIENCE_S)


class Screen:
    """`ward top` on a terminal that this test looks at."""

    def __init__(self, service, rows=24, columns=100, **more):
        self.master, slave = pty.openpty()
        self.size(rows, columns)
        self.before = termios.tcgetattr(slave)
        self.slave, self.seen = slave, b""
        self.process = subprocess.Popen([service.ward, "top"], stdin=slave, stdout=slave, stderr=slave,
                                        env={**environment(service), **more}, start_new_session=True)

    def size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, wanted):
        end = time.monotonic() + PATIENCE_S
        while wanted not in self.seen:
            assert time.monotonic() < end, self.seen
            if select.select([self.master], [], [], 1)[0]:
                self.seen += os.read(self.master, 65536)

    def end(self):
        code = self.process.wait(PATIENCE_S)
        while select.select([self.master], [], [], 0.2)[0]:
            self.seen += os.read(self.master, 65536)
        after = termios.tcgetattr(self.slave)
        os.close(self.master)
        os.close(self.slave)
        return code, after == self.before


def test_once_is_plain_text_with_what_is_there(service):
    job = service.call("POST", "/v1/jobs", bash("sleep 60", name="the-long-one")).json
    eventually(lambda: "1 running" in top(service, "--once").stdout)
    done = top(service, "--once")
    assert done.returncode == 0 and "\033" not in done.stdout and done.stderr == ""
    assert "one tenant" in done.stdout and "the-long-one" in done.stdout and job["id"] in done.stdout
    assert re.search(r"in all    \d+ accepted, \d+ succeeded", done.stdout)
    assert top(service).stdout.startswith("ward top: one tenant"), "what is no terminal gets the page once"
    service.call("POST", f"/v1/jobs/{job['id']}/cancel", b"")
    eventually(lambda: "0 running" in top(service, "--once").stdout)


def test_an_operator_sees_all_and_boxes(service):
    done = top(service, "--once", key=service.operator)
    assert "every tenant" in done.stdout and re.search(r"boxes     \d+: ", done.stdout) and "STATE" in done.stdout
    assert "one tenant" in top(service, "--once", "--tenant", "default", key=service.operator).stdout
    assert top(service, "--once", "--tenant", "nobody", key=service.operator).returncode == 125


def test_a_wrong_key_and_a_service_that_is_gone_are_said_in_a_line(service):
    done = top(service, "--once", key="wk_aaaaaaaa_" + "b" * 43)
    assert done.returncode == 125 and done.stderr.count("\n") == 1
    gone = subprocess.run([service.ward, "top", "--once", "--patience", "0", "--url", "http://127.0.0.1:1"], env=environment(service),
                          capture_output=True, text=True, timeout=PATIENCE_S)
    assert gone.returncode == 125 and gone.stderr.startswith("ward: ")


def test_on_a_terminal_it_is_drawn_again_and_leaves_everything_as_it_was(service):
    screen = Screen(service)
    screen.until(b"\x1b[?1049h")
    screen.until(b"one tenant")
    screen.seen = b""
    screen.until(b"one tenant")     # by itself
    screen.size(8, 40)
    screen.seen = b""
    screen.until(b"one tenant")
    screen.until(b"\x1b[J")
    page = screen.seen[screen.seen.rindex(b"\x1b[H"):]
    lines = re.sub(rb"\x1b\[[0-9;]*[mHKJ]", b"", page).split(b"\r\n")
    assert len(lines) <= 8 and all(len(line) <= 40 for line in lines), lines
    os.write(screen.master, b"q")
    code, is_as_before = screen.end()
    assert code == 0 and is_as_before and screen.seen.endswith(b"\x1b[?1049l")


def test_ctrl_c_ends_it_and_the_terminal_is_given_back(service):
    screen = Screen(service, NO_COLOR="1")
    screen.until(b"one tenant")
    screen.process.send_signal(signal.SIGINT)
    code, is_as_before = screen.end()
    assert code in (0, 130) and is_as_before and screen.seen.endswith(b"\x1b[?1049l")
    assert b"\x1b[1m" not in screen.seen, "NO_COLOR is set"
