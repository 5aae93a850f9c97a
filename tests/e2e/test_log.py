"""`ward serve --log`: the same records as JSON, as text and as journald's fields; a file of it can be rotated."""
import json
import os
import socket
import subprocess
import sys

import harness
import pytest
from service import Service, nothing_left  # noqa: F401  (a fixture)

# In a mount namespace of its own: a journal that is ours, and a service whose standard error may be its stream.
JOURNAL = """
import json, os, socket, subprocess, sys, tempfile, threading
sys.path.insert(0, os.path.dirname(sys.argv[1]))
from service import Service
ward, matches, options = sys.argv[2], sys.argv[3] == "matches", sys.argv[4:]
subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True)
os.makedirs("/run/systemd/journal")
heard = []
end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
end.bind("/run/systemd/journal/socket")
os.chmod("/run/systemd/journal/socket", 0o666)
end.settimeout(0.2)
place = tempfile.mkdtemp()
open(os.path.join(place, "log"), "w").close()
own = os.stat(os.path.join(place, "log"))
os.environ["JOURNAL_STREAM"] = f"{own.st_dev}:{own.st_ino + (0 if matches else 1)}"
stop = threading.Event()
def listen():
    while not stop.is_set():
        try:
            heard.append(end.recv(1 << 18).decode("utf-8", "surrogateescape"))
        except socket.timeout:
            pass
thread = threading.Thread(target=listen)
thread.start()
service = Service(ward, "--warm=0", *options, state=place)
try:
    status = service.call("GET", "/v1/jobs/%0aPRIORITY=0%1b[2J", key=None).status
finally:
    service.stop()
    stop.set()
    thread.join()
log = service.log_text()
service.leave()
print(json.dumps({"heard": heard, "log": log, "status": status}))
"""


@pytest.fixture(scope="module")
def built(ward_path):
    if not os.access(os.path.join(harness.BUILD, "ward-serve"), os.X_OK):
        pytest.skip("ward-serve is not built (libmicrohttpd-dev, libwslay-dev, libsqlite3-dev)")
    return ward_path


def with_journal(ward, *words):
    if os.geteuid() != 0:
        pytest.skip("a journal's socket of our own takes a mount namespace, and that root")
    done = subprocess.run(["unshare", "-m", "--propagation", "private", sys.executable, "-c", JOURNAL, os.path.abspath(__file__), ward, *words],
                          capture_output=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return json.loads(done.stdout.decode("utf-8", "surrogateescape").splitlines()[-1])


def fields(datagram):
    return dict(line.split("=", 1) for line in datagram.splitlines() if "=" in line)


def test_standard_error_that_is_the_journals_gets_fields(built):
    told = with_journal(built, "matches")
    records = [fields(datagram) for datagram in told["heard"]]
    requests = [one for one in records if one.get("WARD_EVENT") == "request"]
    assert requests and all(one["SYSLOG_IDENTIFIER"] == "ward-serve" and one["MESSAGE"] for one in records)
    assert requests[0]["WARD_STATUS"] == str(told["status"]) and requests[0]["PRIORITY"] == "6"
    assert any(one.get("WARD_EVENT") == "jail" for one in records)
    assert '"event"' not in told["log"]


def test_another_standard_error_gets_json(built):
    told = with_journal(built, "differs")
    assert not told["heard"]
    lines = [json.loads(line) for line in told["log"].splitlines()]
    assert any(line["event"] == "request" for line in lines)


def test_a_form_that_is_said_counts_more(built):
    assert with_journal(built, "matches", "--log=json")["heard"] == []
    assert with_journal(built, "differs", "--log=journal")["heard"]


def test_no_journal_is_said(built, tmp_path):
    if os.path.exists("/run/systemd/journal/socket"):
        pytest.skip("there is a journal here")
    done = subprocess.run([built, "serve", "--log=journal", "--listen=127.0.0.1:0", f"--state={tmp_path / 'state'}"],
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 2 and b"/run/systemd/journal/socket" in done.stderr
    assert subprocess.run([built, "serve", "--log=xml"], capture_output=True, timeout=60, check=False).returncode == 2


def test_text_is_for_people_and_has_no_control(built):
    service = Service(built, "--warm=0", "--log=text")
    try:
        service.call("GET", "/v1/jobs/%1b[2J%0aforged", key=None)
        service.stop()
        text = service.log_text()
    finally:
        service.leave()
    assert " info    request" in text and "status=" in text
    assert not [letter for letter in text if letter != "\n" and not letter.isprintable()]
    assert not [line for line in text.splitlines() if line.startswith("forged")]


def test_a_file_can_be_rotated_by_copy_and_truncate(built):
    service = Service(built, "--warm=0")
    path = os.path.join(service.place, "log")
    try:
        service.call("GET", "/v1/jobs", key=None)
        harness.wait_until(lambda: '"request"' in service.log_text(), "the request's line", 30)
        os.truncate(path, 0)
        service.call("GET", "/v1/jobs", key=None)
        harness.wait_until(lambda: '"request"' in service.log_text(), "the line of the next one", 30)
        text = service.log_text()
    finally:
        service.leave()
    assert "\0" not in text
    assert all(json.loads(line) for line in text.splitlines())


def test_a_service_manager_hears_when_it_answers_and_when_it_ends(built, monkeypatch, tmp_path):
    """What a unit of Type=notify waits for; the front itself is told nothing of the way there."""
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(str(tmp_path / "manager"))
    heard.settimeout(60)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "manager"))
    service = Service(built, "--warm=0")
    try:
        assert heard.recv(256) == b"READY=1"
        assert service.call("GET", "/readyz", key=None).status == 200
        with open(f"/proc/{service.front}/environ", "rb") as file:
            assert b"NOTIFY_SOCKET" not in file.read()
        service.stop()
        assert heard.recv(256) == b"STOPPING=1"
    finally:
        service.leave()
        heard.close()


def test_who_cannot_begin_does_not_say_so(built, ward, tmp_path):
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(str(tmp_path / "manager"))
    taken = socket.create_server(("127.0.0.1", 0))
    done = subprocess.run([built, "serve", "--warm=0", f"--listen=127.0.0.1:{taken.getsockname()[1]}", "--state", str(tmp_path / "state")],
                          capture_output=True, timeout=120, check=False, env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "manager")})
    assert done.returncode != 0
    with pytest.raises(BlockingIOError):
        heard.recv(256, socket.MSG_DONTWAIT)
    heard.close()
    taken.close()
