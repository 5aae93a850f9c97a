"""`ward submit`, `jobs`, `logs`, `cancel` with a service that runs jobs."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

import pytest

import harness
from service import nothing_left  # noqa: F401

PATIENCE_S = 60


@pytest.fixture(scope="module")
def service(home, ward_path):
    """(address, key) of a `ward serve` of this file's own."""
    harness.need("ward-serve", "ward-client")
    if os.geteuid():
        pytest.skip("needs root")
    traces = harness.Traces(home)
    place = tempfile.mkdtemp(prefix="ward-service-")
    os.chmod(place, 0o711)
    with open(os.path.join(place, "log"), "wb") as log:
        words = [ward_path, "serve", "--listen", "127.0.0.1:0", "--state", os.path.join(place, "state"), "--warm", "1"]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True)
    said = ""
    while "listening on" not in said:
        line = process.stdout.readline()
        assert line, open(os.path.join(place, "log"), encoding="utf-8", errors="replace").read()[-2000:]
        said += line
    yield re.search(r"listening on (\S+)", said)[1], re.search(r'tenant "default".*?(wk_\S+)', said, re.S)[1]
    process.terminate()
    process.wait(PATIENCE_S)
    process.stdout.close()
    shutil.rmtree(place, ignore_errors=True)
    left = traces.compare(10)
    traces.clean(left)
    assert not left, f"left behind: {left}"


@pytest.fixture
def call(root, service):
    def ask(*words, url=None, **how):
        return root.call(*words, env={"WARD_URL": url or service[0], "WARD_KEY": service[1]}, timeout=PATIENCE_S, **how)
    return ask


def test_a_program_runs_there_and_ends_here(root, call):
    path = root.file("main.py", "import sys\nprint(sys.argv[1:], open('in/data').read())\nprint('e', file=sys.stderr)\nsys.exit(7)\n")
    asked = call("submit", "-qF", "-f", f"{root.file('data', 'text')}:in/data", path, "a b", "")
    assert (asked.code, asked.out, asked.err) == (7, b"['a b', ''] text\n", b"e\n")


def test_a_command_gets_its_input_and_a_large_file(root, call):
    bytes_ = os.urandom(600000)
    asked = call("submit", "-qF", "-f", root.file("big", bytes_), "--stdin", root.file("in", "5\n"), "--command", "--",
                 "sh", "-c", "cat; wc -c < big")
    assert (asked.code, asked.out) == (0, b"5\n600000\n"), asked


@pytest.mark.parametrize("words,code", [
    (["--wall", "300ms", "--command", "--", "sleep", "60"], 124), (["--command", "--", "sh", "-c", "kill -SEGV $$"], 139),
    (["--command", "--", "false"], 1),
])
def test_an_end_has_the_code_of_a_run_here(call, words, code):
    assert call("submit", "-qw", *words).code == code


def test_what_was_written_is_read_again_and_the_job_is_listed(call):
    id = call("submit", "--name", "mine", "-l", "test=logs", "--command", "--", "sh", "-c", "echo out; echo err >&2").text.strip()
    followed = call("logs", "-f", id)
    assert (followed.code, followed.out, followed.err) == (0, b"out\n", b"err\n")
    kept = call("logs", "--stdout", id)
    assert (kept.code, kept.out, kept.err) == (0, b"out\n", b"")
    rows = [json.loads(line) for line in call("jobs", "--json", "--all", "-l", "test=logs", "-s", "succeeded").out.splitlines()]
    assert [(row["id"], row["name"], row["state"]) for row in rows] == [(id, "mine", "succeeded")]
    assert call("jobs", id).text.startswith(f"{id}: succeeded")


def test_a_job_is_cancelled(call):
    id = call("submit", "--command", "--", "sleep", "60").text.strip()
    assert call("cancel", "-w", id).text.startswith(f"{id}: cancelled")
    assert call("cancel", id).text.startswith(f"{id}: cancelled")


def test_ctrl_c_cancels(root, service):
    words = ("submit", "-F", "--command", "--", "sh", "-c", "echo up; exec sleep 60")
    with root.start(*words, env={"WARD_URL": service[0], "WARD_KEY": service[1]}) as process:
        assert process.stdout.readline() == b"up\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130 and b"cancelled" in err


class Between:
    """A wire to the service that breaks: each connection after so many bytes of its answers, `first` ones before any."""

    def __init__(self, url, cut, first=0):
        self.to, self.cut, self.first, self.broken = url.rpartition(":")[2], cut, first, 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                near = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near):
        with near, socket.create_connection(("127.0.0.1", int(self.to))) as far:
            threading.Thread(target=self.up, args=(near, far), daemon=True).start()
            left, self.first = 0 if self.first > 0 else self.cut, self.first - 1
            try:
                while piece := far.recv(65536):
                    near.sendall(piece[:left])
                    left -= len(piece)
                    if left < 0:
                        self.broken += 1
                        break
                near.shutdown(socket.SHUT_RDWR)     # closing alone waits for the other thread
                far.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @staticmethod
    def up(near, far):
        try:
            while piece := near.recv(65536):
                far.sendall(piece)
            far.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_a_wire_that_breaks_changes_nothing(root, call, service):
    """The answers to the first two requests never arrive, and every connection breaks after some bytes: one job, and
    its output whole."""
    wire = Between(service[0], cut=6000, first=2)
    path = root.file("main.py", "import time\nfor i in range(2000):\n    print(i, 'x' * 20, flush=True)\n    time.sleep(0.0005)\n")
    asked = call("submit", "-qF", "-l", "test=wire", path, url=wire.url)
    assert asked.code == 0 and asked.out == "".join(f"{i} {'x' * 20}\n" for i in range(2000)).encode()
    assert wire.broken > 3
    rows = call("jobs", "--json", "--all", "-l", "test=wire").out.splitlines()
    assert len(rows) == 1
    wire.socket.close()
