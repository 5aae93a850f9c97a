"""`ward submit`, `jobs`, `logs`, `cancel`: against a service that fails on purpose."""
import hashlib
import json
import os
import pty
import re
import signal
import subprocess
import time

import pytest

import harness
from service_double import KEY, Double, event, text_event

ID = "00000000000000000000000000000001"


@pytest.fixture
def client(ward):
    harness.need("ward-client")
    return ward


@pytest.fixture
def double():
    made = []

    def make(**how):
        made.append(Double(**how))
        return made[-1]

    yield make
    for one in made:
        one.shutdown()
        one.server_close()


def call(client, service, *words, **how):
    env = {"WARD_URL": service.url, "WARD_KEY": KEY, **how.pop("env", {})}
    return client.call(*words, env=env, **how)


def script(client, name="main.py", text="print(1)\n"):
    return client.file(name, text)


RUN = [event(1, "state", state="queued"), event(2, "state", state="running"), text_event(2, "stdout", "one\n", out=4),
       text_event(2, "stderr", b"\xff\x00two\n", out=4, err=6), text_event(2, "stdout", "\u20acthree\n", out=14, err=6),
       event(3, "state", 14, 6, state="failed"), event(3, "end", 14, 6, state="failed", reason="exit", version=9)]
FAILED = {"state": "failed", "reason": "exit", "result": {"exit_code": 7, "wall_us": 1600, "cpu_us": 900}}


def test_a_program_becomes_a_document_and_the_id_is_printed(client, double):
    service = double()
    extra = client.file("data.bin", b"\xff\xfe\x00")
    asked = call(client, service, "submit", "-f", f"{extra}:in/data", "--cpu", "1500ms", "--mem", "64M", "--cpus", "1.5",
                 "-l", "course=cs1", "-e", "A=b=c", "--name", "fib", "--priority", "0", "--keep", "2m", "-o", "out/*",
                 script(client, "fib.py"), "--", "-x", "5")
    assert asked.code == 0 and asked.text == f"{ID}\n", asked
    assert service.documents[ID] == {
        "name": "fib", "runtime": "python", "args": ["--", "-x", "5"], "labels": {"course": "cs1"}, "env": {"A": "b=c"},
        "files": [{"path": "in/data", "base64": "//4A"}, {"path": "main.py", "text": "print(1)\n"}],
        "limits": {"cpu_ms": 1500, "mem_bytes": 64 << 20, "cpus_milli": 1500}, "outputs": [{"path": "out/*"}],
        "priority": 0, "ttl_s": 120}


def test_a_command_of_the_box_is_a_step(client, double):
    service = double()
    given = client.file("in", "5\n")
    assert call(client, service, "submit", "--stdin", given, "-r", "exec", "ls", "-l").code == 0
    assert service.documents[ID] == {"runtime": "exec", "steps": [{"argv": ["ls", "-l"], "stdin": {"text": "5\n"}}], "limits": {}}


def test_a_large_file_goes_before_the_job_as_a_blob(client, double):
    service = double()
    bytes_ = os.urandom(300000)
    assert call(client, service, "submit", "-f", client.file("big", bytes_), script(client)).code == 0
    digest = hashlib.sha256(bytes_).hexdigest()
    assert service.blobs == {digest: bytes_}
    assert service.documents[ID]["files"][0] == {"path": "big", "blob": f"sha256:{digest}"}


def test_a_create_whose_answer_is_lost_makes_one_job(client, double):
    service = double(lose=3)
    asked = call(client, service, "submit", script(client))
    assert asked.code == 0 and asked.text == f"{ID}\n", asked
    assert len(service.creates) == 4 and len(set(service.creates)) == 1 and len(service.documents) == 1
    assert len(service.creates[0]) == 32


def test_a_full_service_is_asked_again_when_it_said(client, double):
    service = double(full=1)
    begun = time.monotonic()
    assert call(client, service, "submit", "--idempotency-key", "mine", script(client)).code == 0
    assert time.monotonic() - begun >= 1 and service.creates == ["mine"]


def test_without_patience_a_full_service_is_an_error(client, double):
    asked = call(client, double(full=9), "submit", "--patience", "0ms", script(client))
    assert asked.code == 125 and asked.err == b"ward: refused: come again (quota_queued)\n"


def test_what_is_followed_arrives_whole_and_the_code_is_the_jobs(client, double):
    asked = call(client, double(events=RUN, end=FAILED), "submit", "-F", script(client))
    assert asked.code == 7
    assert asked.out == "one\n\u20acthree\n".encode()
    assert asked.err.startswith(f"ward: job {ID}\n".encode() + b"\xff\x00two\n")
    assert asked.err.endswith(f"ward: job {ID}: failed: exit, exit code 7, 0.002 s by the clock, 0.001 s of the processor\n".encode())


@pytest.mark.parametrize("cut", [97, 150, 300])
def test_a_stream_that_breaks_is_made_whole(client, double, cut):
    """Each connection brings some bytes; one that ends inside an event is worth the events before it."""
    service = double(events=RUN, end=FAILED, cut=max(cut, max(len(json.dumps(one)) + 1 for one in RUN)))
    asked = call(client, service, "submit", "-qF", script(client), timeout=60)
    assert asked.code == 7 and asked.out == "one\n\u20acthree\n".encode() and asked.err == b"\xff\x00two\n"
    assert sum("/events" in path for _, path, _ in service.seen) > 1


CODES = [
    ({"state": "succeeded", "result": {"exit_code": 0}}, 0), ({"state": "timed_out", "reason": "wall"}, 124),
    ({"state": "failed", "reason": "signal", "result": {"signal": 11}}, 139), ({"state": "failed", "reason": "oom"}, 124),
    ({"state": "failed", "reason": "policy_kill", "result": {"signal": 31}}, 159),
    ({"state": "failed", "reason": "compile", "result": {"exit_code": 1}}, 1), ({"state": "cancelled"}, 125),
    ({"state": "rejected", "reason": "deadline"}, 125), ({"state": "infra_failed", "reason": "lease"}, 125),
    ({"state": "failed", "reason": "exit"}, 125), ({"state": "failed", "reason": "exit", "result": {"exit_code": 0}}, 125),
]


@pytest.mark.parametrize("end,code", CODES)
def test_the_exit_code_is_the_jobs(client, double, end, code):
    asked = call(client, double(end=end), "submit", "-qw", script(client))
    assert asked.code == code and asked.out == b"" and asked.err == b""


def test_an_end_that_nobody_saw_is_asked_for(client, double):
    """The stream breaks behind the last state, before `end`: what the job was in the end is asked of the job."""
    asked = call(client, double(events=RUN[:-1], end=FAILED), "submit", "-qF", script(client))
    assert asked.code == 7 and asked.out == "one\n\u20acthree\n".encode()


def test_ctrl_c_cancels_the_job_and_waits_for_its_end(client, double):
    service = double(events=RUN[:2], end={"state": "running"})
    with client.start("submit", "-F", script(client), env={"WARD_URL": service.url, "WARD_KEY": KEY}) as process:
        harness.wait_until(lambda: any("/events" in path for _, path, _ in service.seen), "the stream of events")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert ("POST", f"/v1/jobs/{ID}/cancel") in [(method, path) for method, path, _ in service.seen]
    assert b"cancelled" in err


HOSTILE = b"\x1b]0;owned\x07\x1b[2J\xc2\x9b31m\xe2\x80\xae\x08ok\r\xff\tend\n"
TAMED = "^[]0;owned^G^[[2J<U+009B>31m<U+202E>^Hok^M\\xff\tend"


def on_terminal(client, service, *words):
    """What a terminal gets of a command that writes to one."""
    master, slave = pty.openpty()
    with client.start(*words, env={"WARD_URL": service.url, "WARD_KEY": KEY, "TERM": "xterm"}, stdout=slave,
                      stderr=subprocess.PIPE) as process:
        os.close(slave)
        got = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:     # the other end is closed
                break
            if not piece:
                break
            got += piece
        process.communicate(timeout=30)
    os.close(master)
    return got


def test_control_bytes_of_a_job_do_not_reach_a_terminal(client, double):
    events = [text_event(1, "stdout", HOSTILE[:9], out=9), text_event(1, "stdout", HOSTILE[9:], out=len(HOSTILE)),
              event(2, "end", state="succeeded")]
    service = double(events=events, output={"stdout": HOSTILE})
    tame = TAMED.encode() + b"\r\n"
    assert on_terminal(client, service, "submit", "-qF", script(client)) == tame
    assert on_terminal(client, service, "logs", ID) == tame
    assert on_terminal(client, service, "logs", "-f", ID) == tame
    assert on_terminal(client, service, "logs", "--raw", ID) == HOSTILE.replace(b"\n", b"\r\n")
    assert call(client, service, "logs", ID).out == HOSTILE


def test_logs_keep_the_streams_apart(client, double):
    service = double(events=RUN, end=FAILED, output={"stdout": b"out", "stderr": b"err"})
    both = call(client, service, "logs", ID)
    assert (both.code, both.out, both.err) == (0, b"out", b"err")
    assert (call(client, service, "logs", "--stderr", ID).out, call(client, service, "logs", "--stdout", ID).err) == (b"", b"")
    followed = call(client, service, "logs", "-f", "--stderr", ID)
    assert (followed.code, followed.out, followed.err) == (0, b"", b"\xff\x00two\n")


def test_jobs_come_page_by_page_and_as_text(client, double):
    rows = [{"id": f"{n:032x}", "state": "queued", "runtime": "python", "boundary": "container",
             "created_at": "2030-01-01T00:00:00Z", "name": "a\x1b[31m\nb" if n == 1 else "c"} for n in range(1, 4)]
    service = double(pages=[{"jobs": rows[:2], "next": "1"}, {"jobs": rows[2:]}])
    first = call(client, service, "jobs", "-s", "queued,running", "-l", "a b=c&d", "-n", "2")
    assert first.code == 0 and first.text.count("\n") == 3 and "a^[[31m^Jb" in first.text
    assert b"--cursor 1" in first.err
    assert service.seen[0][1] == "/v1/jobs?limit=2&state=queued%2Crunning&label.a%20b=c%26d"
    assert re.findall(r"^[0-9a-f]{32}", call(client, service, "jobs", "--all").text, re.M) == [row["id"] for row in rows]
    lines = call(client, service, "jobs", "--all", "--json").out.splitlines()
    assert [json.loads(line) for line in lines] == rows and b"\x1b" not in b"".join(lines)


def test_a_job_is_shown_and_a_missing_one_is_an_error(client, double):
    service = double(end=FAILED)
    shown = call(client, service, "jobs", ID)
    assert shown.code == 0 and shown.text.startswith(f"{ID}: failed: exit, exit code 7")
    missing = call(client, service, "jobs", "missing")
    assert missing.code == 125 and missing.err == b"ward: missing: refused: there is no such job (not_found)\n"


def test_cancel_tells_the_state(client, double):
    service = double(end={"state": "running"})
    asked = call(client, service, "cancel", ID)
    assert asked.code == 0 and asked.text == f"{ID}: cancelled\n" and service.cancelled.is_set()


@pytest.mark.parametrize("command", ["jobs", "logs", "cancel"])
def test_a_word_that_is_no_id_is_not_sent(client, double, command):
    service = double()
    asked = call(client, service, command, "../keys?x=1")
    assert asked.code == 125 and b"is no id of a job" in asked.err and service.seen == []


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(client, double):
    other = double()
    asked = call(client, double(redirect=other.url), "submit", script(client))
    assert asked.code == 125 and b"no ward service (HTTP status 302)" in asked.err and other.seen == []


def test_a_proxy_is_not_asked_for_this_machine(client, double):
    proxy, service = double(), double()
    asked = call(client, service, "submit", script(client), env={"http_proxy": proxy.url, "ALL_PROXY": proxy.url})
    assert asked.code == 0 and proxy.seen == []


@pytest.mark.parametrize("url,says", [
    ("http://192.0.2.1:8086", b"in the clear"), ("http://127.0.0.1@192.0.2.1/", b"more than scheme"),
    ("ftp://127.0.0.1", b"no scheme"), ("http://127.0.0.1:1/x", b"more than scheme"), ("unix:", b"no path"),
    ("http://127.evil.example:80", b"in the clear"), ("http://localhost.evil.example", b"in the clear"),
])
def test_an_address_that_would_give_the_key_away_is_refused(client, double, url, says):
    asked = call(client, double(), "submit", script(client), env={"WARD_URL": url})
    assert asked.code == 125 and says in asked.err and asked.err.count(b"\n") == 1


def test_a_key_file_is_read_only_if_nobody_else_can(client, double):
    service = double()
    key = client.file("key", KEY + "\n", mode=0o600)
    words = ("submit", "--key-file", key, script(client))
    assert call(client, service, *words, env={"WARD_KEY": ""}).code == 0
    os.chmod(key, 0o640)
    asked = call(client, service, *words)
    assert asked.code == 125 and b"chmod 600" in asked.err
    os.chmod(key, 0o600)
    os.symlink(key, key + ".link")
    assert call(client, service, "submit", "--key-file", key + ".link", script(client)).code == 125
    assert len(service.seen) == 1


def test_no_key_is_an_error_that_says_where_one_goes(client, double):
    asked = call(client, double(), "jobs", env={"WARD_KEY": ""})
    assert asked.code == 125 and b"set WARD_KEY" in asked.err and b".config/ward/key" in asked.err


def test_a_wrong_key_is_refused_in_one_line(client, double):
    asked = call(client, double(), "jobs", env={"WARD_KEY": "wk_ABCDEFGH_wrong"})
    assert asked.code == 125 and asked.err == b"ward: refused: a key is needed (unauthenticated)\n"


def test_nobody_listening_is_an_error_in_one_line(client):
    asked = client.call("jobs", "--patience", "0ms", env={"WARD_URL": "http://127.0.0.1:1", "WARD_KEY": KEY})
    assert asked.code == 125 and asked.err.count(b"\n") == 1 and b"127.0.0.1" in asked.err


NO_EVENTS = [
    b"not json\n", b"[]\n", b'{"id":"../x","event":"state","data":{}}\n', b'{"id":"1","event":"stdout","data":{}}\n',
    b'{"id":"1","event":"stdout","data":{"encoding":"base64","data":"?"}}\n', b'{"id":"' + b"1" * 120 + b'"}\n',
    b'{"a":' * 5000 + b"\n", b"x" * (2 << 20),
]


@pytest.mark.parametrize("n", range(len(NO_EVENTS)))
def test_a_stream_that_is_none_ends_in_one_line(client, double, n):
    asked = call(client, double(events=[NO_EVENTS[n]]), "submit", "-qF", script(client))
    assert asked.code == 125 and asked.err.count(b"\n") == 1 and b"the service sent an event" in asked.err
