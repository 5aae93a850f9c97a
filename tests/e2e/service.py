"""One `ward serve` for a file of tests, and a client of it that knows HTTP and nothing else."""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import harness
import pytest

PATIENCE_S = 60


@pytest.fixture(autouse=True)
def nothing_left():
    """For files that import it: a service runs between their tests and makes boxes of its own accord, so served() looks once, at its end."""


class Reply:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:600]!r}"


class Service:
    """Runs `ward serve` in a directory of its own; keys are read from its first words."""

    def __init__(self, ward, *options, listen="127.0.0.1:0", state=None):
        self.place = state or tempfile.mkdtemp(prefix="ward-serve-")
        self.state = os.path.join(self.place, "state")
        self.ward, self.options, self.listen = ward, options, listen
        self.operator = self.tenant = None
        self.start()

    def start(self):
        self.log = open(os.path.join(self.place, "log"), "ab")
        self.process = subprocess.Popen([self.ward, "serve", "--listen", self.listen, "--state", self.state, *self.options],
                                        stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL)
        self.said = b""
        while b"listening on" not in self.said:
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                raise RuntimeError(f"ward serve ended: {self.said!r} {self.log_text()[-2000:]}")
            self.said += piece
        keys = re.findall(r"wk_\S+", self.said.decode())
        if keys:
            self.operator, self.tenant = keys
        port = re.search(r":(\d+)\s*$", self.said.decode())
        self.port = int(port[1]) if port else 0

    def log_text(self):
        with open(os.path.join(self.place, "log"), encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    @property
    def front(self):
        """The pid of ward-serve."""
        for pid in harness.descendants():
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                    if file.read().strip() == "ward-serve" and parent(pid) == self.process.pid:
                        return pid
            except OSError:
                pass
        raise RuntimeError("there is no front")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.log.close()
        return code

    def leave(self):
        self.stop()
        shutil.rmtree(self.place, ignore_errors=True)

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)

    def call(self, method, path, body=None, key=True, headers=(), connection=None):
        """key: True is the tenant's, None is none."""
        own = connection or self.connect()
        fields = dict(headers)
        if key:
            fields.setdefault("Authorization", f"Bearer {self.tenant if key is True else key}")
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            fields.setdefault("Content-Type", "application/json")
        own.request(method, path, body, fields)
        response = own.getresponse()
        reply = Reply(response, response.read())
        if not connection:
            own.close()
        return reply

    def raw(self, data, wait=5.0):
        """Sends bytes, returns all that comes until the end, or until nothing has come for a while."""
        out = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as connection:
            try:
                connection.sendall(data)
                while piece := connection.recv(65536):
                    out += piece
            except (TimeoutError, ConnectionError):
                pass
        return out

    def job(self, document, wait="30s", **more):
        reply = self.call("POST", f"/v1/jobs?wait={wait}", document, **more)
        assert reply.status in (200, 201), reply
        return reply.json


@contextlib.contextmanager
def served(home, ward_path, *options, start=Service, alone=True, **more):
    """A service for a while, and nothing of it afterwards. start: makes it, or skips. Not alone: the boxes of another one come and go
    meanwhile, whose own look at the end is this one's as well."""
    harness.need("ward-serve")
    traces = harness.Traces(home)
    made = start(ward_path, *options, **more)
    yield made
    made.leave()
    left = traces.compare(10) if alone else {}
    traces.clean(left)
    assert not left, f"left behind: {left}"


def parent(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return int(file.read().rsplit(")", 1)[1].split()[1])


def eventually(check, seconds=PATIENCE_S):
    """Asks until the answer is true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        got = check()
        if got:
            return got
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def bash(script, **more):
    return {"runtime": "bash", "files": [{"path": "main.sh", "text": script}], **more}
