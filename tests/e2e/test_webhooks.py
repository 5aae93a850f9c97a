"""Webhooks: what is told lies on the disk until somebody took it, is signed, and reaches nobody it should not."""
import hashlib
import hmac
import http.server
import json
import os
import re
import signal
import socket
import threading
import time

import harness
import pytest
from service import Service, bash, eventually, nothing_left, served  # noqa: F401


@pytest.fixture(scope="module")
def service(home, ward_path):
    harness.need("ward-herald")
    with served(home, ward_path, "--webhook-host=127.0.0.1") as made:
        yield made


class Listener(http.server.ThreadingHTTPServer):
    """Takes deliveries; answers as `reply` says: a status, or a function of the handler."""

    daemon_threads = True

    def __init__(self, reply=200):
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply, self.seen = reply, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook?x=1"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body))
        reply = self.server.reply(self) if callable(self.server.reply) else self.server.reply
        if reply:
            self.send_response(reply)
            self.send_header("Content-Length", "0")
            self.end_headers()


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def hook(service, listener):
    made = service.call("POST", "/v1/webhooks", {"url": listener.url, "events": ["job"]})
    assert made.status == 201, made
    yield made.json
    service.call("DELETE", f"/v1/webhooks/{made.json['id']}")


def deliveries(service, hook):
    return service.call("GET", f"/v1/webhooks/{hook['id']}/deliveries").json["deliveries"]


def last(service, hook):
    return eventually(lambda: next((d for d in deliveries(service, hook) if d["tries"]), None))


def test_an_end_is_told_once_signed_and_as_it_was(service, listener, hook):
    job = service.job(bash("exit 3", name="fib"))
    eventually(lambda: listener.seen)
    path, head, body = listener.seen[0]
    assert path == "/hook?x=1" and head["Ward-Event"] == "job.ended" and head["Content-Type"] == "application/json"
    moment, signature = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", head["Ward-Signature"]).groups()
    assert abs(int(moment) - time.time()) < 300
    assert signature == hmac.new(bytes.fromhex(hook["secret"]), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    told = json.loads(body)
    assert told["event"] == "job.ended" and told["end"]["job"] == job["id"]
    assert (told["end"]["state"], told["end"]["reason"], told["end"]["name"]) == ("failed", "exit", "fib")
    eventually(lambda: deliveries(service, hook)[0]["state"] == "delivered")
    assert deliveries(service, hook)[0]["id"] == head["Ward-Delivery"] and deliveries(service, hook)[0]["status"] == 200
    assert len(listener.seen) == 1


def test_an_alert_is_told_while_it_is_one(service, listener):
    """A job opens a decoy: its tenant's webhook hears what the API says of it."""
    if os.geteuid():
        pytest.skip("decoys take root")
    hook = service.call("POST", "/v1/webhooks", {"url": listener.url, "events": ["alert"]}).json
    job = service.job(bash("cat /run/secrets/cloud-key"))
    eventually(lambda: listener.seen)
    _, head, body = listener.seen[0]
    told = json.loads(body)["alert"]
    alert = next(a for a in service.call("GET", "/v1/alerts").json["alerts"] if a["id"] == told["id"])
    assert head["Ward-Event"] == "alert.raised" and told["job"] == alert["job"] == job["id"]
    assert (told["tenant"], told["score"], told["title"]) == (alert["tenant"], alert["score"], alert["title"])
    assert ["", "low", "high", "critical"][told["level"]] == alert["level"]
    assert told["evidence"] == alert["evidence"]
    service.call("DELETE", f"/v1/webhooks/{hook['id']}")


def test_what_was_not_taken_is_told_again_with_the_same_id(service, listener, hook):
    listener.reply = 500
    service.job(bash("true"))
    eventually(lambda: listener.seen)
    eventually(lambda: deliveries(service, hook)[0]["tries"] >= 1)
    found = deliveries(service, hook)[0]
    assert found["state"] == "pending" and found["status"] == 500 and found["next_at"] > found["created_at"]
    listener.reply = 204
    eventually(lambda: deliveries(service, hook)[0]["state"] == "delivered")
    first, again = listener.seen[0], listener.seen[-1]
    assert first[1]["Ward-Delivery"] == again[1]["Ward-Delivery"] and first[2] == again[2]


def starts(service):
    """Its directory is locked for as long as anybody of the killed one lives."""
    try:
        service.start()
        return True
    except RuntimeError:
        return False


def test_a_delivery_outlives_everything(service, ward_path, listener):
    """Killed between the end of the job and its delivery, the service tells it all the same."""
    own = Service(ward_path, "--webhook-host=127.0.0.1")
    try:
        listener.reply = 503
        hook = own.call("POST", "/v1/webhooks", {"url": listener.url, "events": ["job"]}).json
        own.job(bash("true"))
        eventually(lambda: deliveries(own, hook)[0]["tries"] >= 1)
        own.process.kill()
        own.stop()
        listener.reply = 200
        eventually(lambda: starts(own))
        eventually(lambda: deliveries(own, hook)[0]["state"] == "delivered")
    finally:
        own.leave()


def test_a_redirect_is_not_followed(service, listener, hook):
    target = Listener()

    def away(handler):
        handler.send_response(302)
        handler.send_header("Location", target.url)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    listener.reply = away
    service.job(bash("true"))
    found = last(service, hook)
    assert found["state"] == "pending" and found["status"] == 302 and "redirect" in found["why"]
    assert not target.seen
    target.shutdown()
    target.server_close()


def raw_listener(answer):
    """A server that takes a request and answers with bytes of its own, or (None) with nothing at all."""
    server = socket.create_server(("127.0.0.1", 0))
    held = []

    def serve():
        while True:
            try:
                link, _ = server.accept()
            except OSError:
                return
            held.append(link)
            try:
                link.recv(65536)
                if answer is not None:
                    link.sendall(answer)
                    link.close()
            except OSError:
                pass
    threading.Thread(target=serve, daemon=True).start()
    return server, held


@pytest.mark.parametrize("answer, why", [
    (b"\x1b[31m" * 40 + b"\0\xff not http at all\r\n\r\n", ""),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 200000, "does not end"),
    (b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"y" * 200000 + b"\r\n\r\n", ""),
    (b"", ""),
])
def test_garbage_is_a_failed_try_and_nothing_more(service, answer, why):
    server, _ = raw_listener(answer)
    hook = service.call("POST", "/v1/webhooks", {"url": f"http://127.0.0.1:{server.getsockname()[1]}/", "events": ["job"]}).json
    service.job(bash("true"))
    found = last(service, hook)
    assert found["state"] == "pending" and "status" not in found and why in found["why"] and found["why"]
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", found["why"])
    assert service.call("DELETE", f"/v1/webhooks/{hook['id']}").status == 200
    server.close()


def test_one_that_hangs_holds_up_nobody(service, listener, hook):
    server, _ = raw_listener(None)
    slow = service.call("POST", "/v1/webhooks", {"url": f"http://127.0.0.1:{server.getsockname()[1]}/", "events": ["job"]}).json
    service.job(bash("true"))
    eventually(lambda: deliveries(service, hook)[0]["state"] == "delivered")
    assert deliveries(service, slow)[0]["state"] == "pending"
    found = last(service, slow)
    assert "status" not in found and found["why"]
    service.call("DELETE", f"/v1/webhooks/{slow['id']}")
    server.close()


@pytest.mark.parametrize("url", ["https://localhost/", "https://169.254.169.254/latest/meta-data", "https://[::1]/",
                                 "https://[::ffff:127.0.0.1]/", "https://0x7f.1/", "https://2130706433/", "https://10.0.0.1/"])
def test_addresses_that_are_not_public_are_refused_where_they_are_connected_to(service, url):
    hook = service.call("POST", "/v1/webhooks", {"url": url, "events": ["job"]}).json
    service.job(bash("true"))
    found = last(service, hook)
    service.call("DELETE", f"/v1/webhooks/{hook['id']}")
    # 127.0.0.1, however it is written, is the host that the operator of this service named.
    assert "not public" in found["why"] or (url in ("https://0x7f.1/", "https://2130706433/") and "status" not in found), found


def test_plain_http_is_for_named_hosts_alone(service):
    hook = service.call("POST", "/v1/webhooks", {"url": "http://192.0.2.1/", "events": ["job"]}).json
    service.job(bash("true"))
    assert "https" in last(service, hook)["why"]
    service.call("DELETE", f"/v1/webhooks/{hook['id']}")


@pytest.mark.parametrize("body", [{}, {"url": "ftp://x/"}, {"url": "https://"}, {"url": "https://a b/"}, {"url": "https://u:p@host/"},
                                  {"url": "https://x/", "events": []}, {"url": "https://x/", "events": ["all"]}, {"url": "https://x/\r\nX: y"},
                                  {"url": "https://x/" + "a" * 2000}, {"url": "https://x/", "secret": "mine"}])
def test_what_is_no_webhook_is_refused(service, body):
    assert service.call("POST", "/v1/webhooks", body).status == 422


def test_the_secret_is_shown_once_and_another_tenant_sees_nothing(service, hook):
    listed = service.call("GET", "/v1/webhooks")
    assert hook["secret"] not in listed.body.decode() and hook["id"] in listed.body.decode()
    service.call("POST", "/v1/tenants", {"name": "other"}, key=service.operator)
    other = service.call("POST", "/v1/keys?tenant=other", {"scopes": ["admin:tenant"]}, key=service.operator).json["key"]
    assert service.call("GET", "/v1/webhooks", key=other).json["webhooks"] == []
    assert service.call("GET", f"/v1/webhooks/{hook['id']}/deliveries", key=other).status == 404
    assert service.call("DELETE", f"/v1/webhooks/{hook['id']}", key=other).status == 404


def test_a_delivery_is_told_again_when_somebody_asks(service, listener, hook):
    service.job(bash("true"))
    eventually(lambda: deliveries(service, hook)[0]["state"] == "delivered")
    id = deliveries(service, hook)[0]["id"]
    assert service.call("POST", f"/v1/webhooks/{hook['id']}/deliveries/{id}/redrive", b"").json == {"id": id, "redriven": True}
    eventually(lambda: len(listener.seen) == 2)
    eventually(lambda: deliveries(service, hook)[0]["state"] == "delivered")


def test_the_herald_holds_nothing(service):
    """Another user, no capability, a filter, and of the service one socket."""
    worker, = heralds()
    with open(f"/proc/{worker}/status", encoding="utf-8") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    assert status["CapEff"].strip("0") == "" and status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert os.geteuid() or status["Uid"].split()[0] != "0"
    paths = {os.readlink(f"/proc/{worker}/fd/{fd}") for fd in os.listdir(f"/proc/{worker}/fd")}
    assert not any(service.state in path for path in paths), paths


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def heralds():
    return [pid for pid in harness.descendants() if name_of(pid) == "ward-herald"]


def another_than(worker):
    """The herald that came after that one."""
    return eventually(lambda: next(iter(set(heralds()) - {worker}), None))


@pytest.fixture
def caught(listener):
    """A delivery is under way as long as `go` is not set; the answer then never arrives where it was waited for."""
    began, go = threading.Event(), threading.Event()

    def answer(_handler):
        if not began.is_set():
            began.set()
            go.wait(120)
        return 200

    listener.reply = answer
    yield began, go
    go.set()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
def test_a_herald_that_ends_or_hangs_is_replaced_and_nothing_is_lost(service, listener, hook, caught, end):
    """What was under way comes again under its own id; what came meanwhile comes once."""
    began, go = caught
    first = service.job(bash("exit 1"))["id"]
    assert began.wait(60)
    worker, = heralds()
    os.kill(worker, end)
    second = service.job(bash("exit 2"))["id"]
    again = another_than(worker)
    go.set()
    eventually(lambda: all(d["state"] == "delivered" for d in deliveries(service, hook)) and len(deliveries(service, hook)) == 2)
    assert heralds() == [again], "one at a time"
    ids = {}
    for _, head, body in list(listener.seen):
        ids.setdefault(json.loads(body)["end"]["job"], []).append(head["Ward-Delivery"])
    assert {job: len(set(seen)) for job, seen in ids.items()} == {first: 1, second: 1}, ids
    assert len(ids[first]) == 2 and len(ids[second]) <= 2, ids
    why = {d["id"]: d["tries"] for d in deliveries(service, hook)}
    assert why[ids[first][0]] == 2, why


def test_heralds_that_die_one_after_another_are_replaced_ever_later(service):
    """Each within ten seconds of its start: five kills take more than the pauses of four."""
    worker, = heralds()
    began = time.monotonic()
    for _ in range(5):
        os.kill(worker, signal.SIGKILL)
        worker = another_than(worker)
    assert time.monotonic() - began > 0.2 + 0.4 + 0.8, "no pause between them"
    assert heralds() == [worker]
