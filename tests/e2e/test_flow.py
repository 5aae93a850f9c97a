"""How jobs flow through the service: what they wrote, in which order; what a tenant may have; who waits and who is told to."""
import os
import pathlib
import pty
import subprocess
import threading

import harness
import pytest
import service as services
from service import Service, bash, eventually


@pytest.fixture(autouse=True)
def nothing_left():
    """A service runs in these tests and makes boxes of its own accord: they look for themselves."""


@pytest.fixture
def make(home, ward_path):
    """Services that end with the test."""
    if not os.access(os.path.join(harness.BUILD, "ward-serve"), os.X_OK):
        pytest.skip("ward-serve is not built (libmicrohttpd-dev, libwslay-dev, libsqlite3-dev)")
    made = []

    def begin(*options, **more):
        made.append(Service(ward_path, "--warm", "1", *options, **more))
        return made[-1]

    yield begin
    for one in made:
        one.leave()


def tenant(one, name, **document):
    """A tenant and a key of it."""
    reply = one.call("POST", "/v1/tenants", {"name": name, "threat": "own", **document}, key=one.operator)
    assert reply.status == 201, reply
    reply = one.call("POST", f"/v1/keys?tenant={name}", {"name": "k", "scopes": ["jobs:write", "jobs:read", "admin:tenant"]}, key=one.operator)
    assert reply.status == 201, reply
    return reply.json["key"]


def files(one):
    return [path for path in pathlib.Path(one.state, "log").rglob("*") if path.is_file()]


# -- what a job wrote ----------------------------------------------------------------------------------------------

# The pauses let each line be taken before the next one is written.
TURNS = "for i in 1 2 3; do echo out $i; sleep 0.3; echo err $i >&2; sleep 0.3; done"


def test_both_streams_come_in_the_order_in_which_they_were_written(make):
    one = make()
    job = one.job(bash(TURNS))
    both = one.call("GET", f"/v1/jobs/{job['id']}/combined")
    assert both.body == b"".join(b"out %d\nerr %d\n" % (i, i) for i in (1, 2, 3))
    assert both.headers["Accept-Ranges"] == "none"
    assert one.call("GET", f"/v1/jobs/{job['id']}/combined?follow=1").body == both.body
    assert one.call("GET", f"/v1/jobs/{job['id']}/combined", headers={"Range": "bytes=1-2"}).body == both.body
    events = one.call("GET", f"/v1/jobs/{job['id']}/events", headers={"Accept": "application/x-ndjson"}).body.decode().splitlines()
    said = [services.json.loads(line) for line in events]
    assert "".join(event["data"]["data"] for event in said if event["event"] in ("stdout", "stderr")).encode() == both.body
    # Who comes back in the middle goes on there.
    middle = [event["id"] for event in said if event["event"] == "stderr"][1]
    rest = one.call("GET", f"/v1/jobs/{job['id']}/events", headers={"Accept": "application/x-ndjson", "Last-Event-ID": middle}).body.decode()
    texts = [services.json.loads(line)["data"].get("data") for line in rest.splitlines()]
    assert "".join(text for text in texts if text).encode() == both.body[both.body.index(b"out 3"):]


def test_little_output_makes_no_file_and_is_there_behind_a_restart(make):
    one = make()
    job = one.job(bash("printf hello; printf oops >&2"))
    assert files(one) == []
    one.stop()
    one.start()
    assert one.call("GET", f"/v1/jobs/{job['id']}/stdout").body == b"hello"
    part = one.call("GET", f"/v1/jobs/{job['id']}/stdout", headers={"Range": "bytes=1-3"})
    assert (part.status, part.body, part.headers["Content-Range"]) == (206, b"ell", "bytes 1-3/5")
    assert one.call("GET", f"/v1/jobs/{job['id']}/stdout", headers={"Range": "bytes=9-"}).status == 416
    assert one.call("GET", f"/v1/jobs/{job['id']}/stderr").body == b"oops"


def test_much_output_is_in_files_and_its_order_is_kept(make):
    one = make()
    job = one.job(bash("for i in 1 2; do head -c 9000 /dev/zero | tr '\\0' o; sleep 0.3; head -c 9000 /dev/zero | tr '\\0' e >&2; sleep 0.3; done"))
    assert len(files(one)) == 2     # the turns are few
    both = one.call("GET", f"/v1/jobs/{job['id']}/combined").body
    assert both == (b"o" * 9000 + b"e" * 9000) * 2
    assert one.call("GET", "/v1/usage").json["output_bytes"] > 36000
    assert one.call("DELETE", f"/v1/jobs/{job['id']}?purge=true").status == 200
    assert one.call("GET", "/v1/usage").json["output_bytes"] == 0
    eventually(lambda: files(one) == [])


def test_what_a_running_job_has_written_can_be_read_and_followed(make):
    one = make()
    job = one.call("POST", "/v1/jobs", bash("echo first; read line; echo $line", stdin={"live": True})).json["id"]
    eventually(lambda: one.call("GET", f"/v1/jobs/{job}/stdout").body == b"first\n")
    assert one.call("GET", f"/v1/jobs/{job}/combined").body == b"first\n"
    got = []
    reader = threading.Thread(target=lambda: got.append(one.call("GET", f"/v1/jobs/{job}/combined?follow=1").body))
    reader.start()
    assert one.call("POST", f"/v1/jobs/{job}/stdin?eof=true", b"second\n", headers={"Content-Type": "application/octet-stream"}).status == 200
    reader.join(services.PATIENCE_S)
    assert got == [b"first\nsecond\n"]


def test_logs_on_a_terminal_come_in_their_order(make, ward_path):
    if not os.access(os.path.join(harness.BUILD, "ward-client"), os.X_OK):
        pytest.skip("ward-client is not built (libcurl)")
    one = make()
    job = one.job(bash(TURNS))
    ours, theirs = pty.openpty()
    env = {**os.environ, "WARD_URL": f"http://127.0.0.1:{one.port}", "WARD_KEY": one.tenant}
    run = subprocess.run([ward_path, "logs", job["id"]], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=env,
                         timeout=services.PATIENCE_S, check=False)
    os.close(theirs)
    said = b""
    try:
        while piece := os.read(ours, 65536):
            said += piece
    except OSError:
        pass    # the terminal's other side is closed
    os.close(ours)
    assert run.returncode == 0, said
    assert said.replace(b"\r\n", b"\n") == b"".join(b"out %d\nerr %d\n" % (i, i) for i in (1, 2, 3))
    apart = subprocess.run([ward_path, "logs", job["id"]], capture_output=True, env=env, timeout=services.PATIENCE_S, check=False)
    assert (apart.stdout, apart.stderr) == (b"out 1\nout 2\nout 3\n", b"err 1\nerr 2\nerr 3\n")


# -- what a tenant may have ----------------------------------------------------------------------------------------


def test_quotas_of_memory_sessions_and_bytes(make):
    one = make()
    key = tenant(one, "small", memory_bytes=256 << 20, sessions=1, kept_bytes=20000)
    may = one.call("GET", "/v1/quotas", key=key).json
    assert (may["memory_bytes"], may["sessions"], may["kept_bytes"]) == (256 << 20, 1, 20000)
    refused = one.call("POST", "/v1/jobs", bash("true", limits={"mem_bytes": 257 << 20}), key=key)
    assert (refused.status, refused.json["code"]) == (403, "quota_memory")
    talk = bash("read line", stdin={"live": True}, limits={"mem_bytes": 200 << 20})
    job = one.call("POST", "/v1/jobs", talk, key=key)
    assert job.status == 201, job
    refused = one.call("POST", "/v1/jobs", talk, key=key)
    assert (refused.status, refused.json["code"]) == (429, "quota_sessions") and int(refused.headers["Retry-After"]) > 0
    eventually(lambda: one.call("GET", "/v1/usage", key=key).json["memory_bytes"] == 200 << 20)
    assert one.call("GET", "/v1/usage", key=key).json["sessions"] == 1
    # There is no room beside it for another; it waits, and runs when there is.
    waits = one.call("POST", "/v1/jobs?wait=1s", bash("head -c 20000 /dev/zero", limits={"mem_bytes": 200 << 20}), key=key).json
    assert waits["state"] == "queued"
    one.call("POST", f"/v1/jobs/{job.json['id']}/cancel", key=key)
    eventually(lambda: one.call("GET", f"/v1/jobs/{waits['id']}", key=key).json["state"] == "succeeded")
    refused = one.call("POST", "/v1/jobs", bash("true", limits={"mem_bytes": 64 << 20}), key=key)
    assert (refused.status, refused.json["code"]) == (429, "quota_kept")
    refused = one.call("POST", "/v1/blobs", b"x", key=key, headers={"Content-Type": "application/octet-stream"})
    assert (refused.status, refused.json["code"]) == (429, "quota_kept")
    assert one.call("DELETE", f"/v1/jobs/{waits['id']}?purge=true", key=key).status == 200
    assert one.call("POST", "/v1/jobs?wait=30s", bash("true", limits={"mem_bytes": 64 << 20}), key=key).json["state"] == "succeeded"


# -- who waits, and who is told to ---------------------------------------------------------------------------------


def test_a_flood_is_told_when_to_come_back_and_its_neighbour_is_served(make):
    one = make("--boxes", "4", "--queue-wait", "1s")
    flood, other = tenant(one, "flood"), tenant(one, "other")
    job = bash("sleep 0.5")
    refused = None

    def pour():
        nonlocal refused
        reply = one.call("POST", "/v1/jobs:batch", [{"job": job}] * 20, key=flood).json
        codes = [item for item in reply["items"] if item["status"] == 429]
        refused = codes[0] if codes else None
        return refused

    eventually(pour)
    assert refused["problem"]["code"] == "queue_wait", refused
    alone = one.call("POST", "/v1/jobs", job, key=flood)
    assert (alone.status, alone.json["code"]) == (429, "queue_wait")
    assert 1 <= int(alone.headers["Retry-After"]) <= 3600
    assert alone.json["retryable"] is True
    # One tenant's flood is no reason to refuse another's job, nor to let it wait for the flood to end.
    done = one.job(bash("echo here"), key=other)
    assert done["state"] == "succeeded"
    assert one.call("GET", "/v1/usage", key=flood).json["queued"] > 0
