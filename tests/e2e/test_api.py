"""The API of `ward serve`, over real sockets: what it answers, what it refuses, and what it keeps from whom."""
import base64
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import os
import re
import resource
import secrets
import socket
import subprocess
import time

import harness
import pytest
import service as services
from service import bash, eventually, nothing_left, served  # noqa: F401
from sockets import begin_socket, send_frame, take_frame

jsonschema = pytest.importorskip("jsonschema", reason="python3-jsonschema is missing")
ABSENT = "0" * 32
PUBLIC = ("/healthz", "/readyz", "/", "/assets/{name}")


@pytest.fixture(scope="module")
def service(home, ward_path):
    with served(home, ward_path) as made:
        yield made


@pytest.fixture(scope="module")
def other(service):
    """A key of another tenant, with every scope a tenant can have."""
    assert service.call("POST", "/v1/tenants", {"name": "other", "threat": "own"}, key=service.operator).status == 201
    made = service.call("POST", "/v1/keys?tenant=other", {"scopes": ["jobs:write", "jobs:read", "admin:tenant"]}, key=service.operator)
    assert made.status == 201, made
    return made.json["key"]


@pytest.fixture(scope="module")
def document(service):
    return service.call("GET", "/v1/openapi.json").json


@pytest.fixture(scope="module")
def done(service):
    """A job that has ended, with output on both streams and an artefact."""
    job = service.job(bash("echo out; echo err >&2; mkdir out; printf 12345 >out/a.txt", name="done", labels={"course": "cs1"},
                           outputs=[{"path": "out/*.txt"}]))
    assert job["state"] == "succeeded", job
    return job["id"]


@pytest.fixture
def live(service):
    """A job that copies its input until that ends."""
    job = service.job({"runtime": "exec", "steps": [{"argv": ["cat"], "stdin": {"live": True}}], "limits": {"wall_ms": 300000}}, wait="0")
    eventually(lambda: service.call("GET", f"/v1/jobs/{job['id']}").json["state"] == "running")
    yield job["id"]
    service.call("POST", f"/v1/jobs/{job['id']}/cancel")


def terminal(service):
    """A job with a terminal, which the end of the service ends."""
    job = service.job({"runtime": "exec", "steps": [{"argv": ["cat"], "stdin": {"live": True}}], "tty": {}}, wait="0")
    eventually(lambda: service.call("GET", f"/v1/jobs/{job['id']}").json["state"] == "running")
    return job["id"]


def alert(service):
    """The number of an alert of this tenant's: a job that tries to mount makes one."""
    job = service.job(bash("perl -e 'syscall(165, 0, 0, 0, 0, 0)'"))
    return next(row["id"] for row in service.call("GET", "/v1/alerts").json["alerts"] if row["job"] == job["id"])


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def check_answer(document, operation, reply):
    """Holds an answer against the schema that the document gives for its status."""
    answer = operation["responses"].get(str(reply.status), operation["responses"]["default"])
    media, = answer["content"]
    if reply.status == 101 or not media.endswith("json"):
        return
    schema = {"components": document["components"], **answer["content"][media]["schema"]}
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(reply.json)


# -- the document --------------------------------------------------------------------------------------------------


def test_the_document_is_well_formed(document):
    assert document["openapi"] == "3.1.0"
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for reference in re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)):
        assert reference in document["components"]["schemas"]
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names)) > 30
    for _, path, operation in operations(document):
        stated = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert stated == set(re.findall(r"{(\w+)}", path))
        assert operation["security"] or path in PUBLIC, "only health and the dashboard's files need no key"


def told(service):
    """A webhook, and a delivery of it; nobody answers there."""
    hook = service.call("POST", "/v1/webhooks", {"url": "https://192.0.2.1/", "events": ["job"]}).json["id"]
    service.job(bash("true"))
    return hook, eventually(lambda: service.call("GET", f"/v1/webhooks/{hook}/deliveries").json["deliveries"])[0]["id"]


def webhook_examples(service):
    hook, delivery = told(service)
    gone = service.call("POST", "/v1/webhooks", {"url": "https://192.0.2.1/"}).json["id"]
    return {
        "webhook_list": ("/v1/webhooks",), "webhook_create": ("/v1/webhooks", {"url": "https://192.0.2.1/x"}),
        "webhook_delete": (f"/v1/webhooks/{gone}",), "delivery_list": (f"/v1/webhooks/{hook}/deliveries",),
        "delivery_again": (f"/v1/webhooks/{hook}/deliveries/{delivery}/redrive", b""),
    }


def examples(service, done, live, blob):
    """A request for each operation that is answered as the document says."""
    job, digest = f"/v1/jobs/{done}", blob.removeprefix("sha256:")
    text = secrets.token_bytes(9)
    return {
        "health_live": ("/healthz",), "health_ready": ("/readyz",), "page_get": ("/",), "page_asset": ("/assets/app.js",),
        "session_open": ("/v1/session",), "session_get": ("/v1/session",), "session_close": ("/v1/session",), "openapi_get": ("/v1/openapi.json",),
        "job_create": ("/v1/jobs?wait=10s", bash("true")),
        "job_batch": ("/v1/jobs:batch", [{"job": bash("true"), "key": "b1"}, {"job": {"runtime": "none"}}]),
        "job_list": ("/v1/jobs?state=succeeded,failed&label.course=cs1&limit=3",),
        "job_get": (job,), "job_delete": (f"/v1/jobs/{service.job(bash('true'))['id']}?purge=true",),
        "job_cancel": (job + "/cancel", b""), "job_document": (job + "/document",),
        "event_stream": (job + "/events",), "output_stdout": (job + "/stdout",), "output_stderr": (job + "/stderr",),
        "output_combined": (job + "/combined",),
        "input_stdin": (f"/v1/jobs/{live}/stdin", b"hello\n"), "input_signal": (f"/v1/jobs/{live}/signal", {"signal": "HUP"}),
        "input_resize": (f"/v1/jobs/{terminal(service)}/resize", {"rows": 30, "cols": 100}),
        "artifact_list": (job + "/artifacts",), "artifact_get": (job + "/artifacts/out/a.txt",), "evidence_get": (job + "/evidence",),
        "blob_post": ("/v1/blobs", secrets.token_bytes(100)), "blob_put": (f"/v1/blobs/{hashlib.sha256(text).hexdigest()}", text),
        "blob_get": (f"/v1/blobs/{digest}",), "runtime_list": ("/v1/runtimes",), "boundary_list": ("/v1/boundaries",),
        "tenant_list": ("/v1/tenants",), "tenant_create": ("/v1/tenants", {"name": "made-" + secrets.token_hex(4)}),
        "tenant_get": ("/v1/tenants/default",), "tenant_change": ("/v1/tenants/default", {"weight": 100}),
        "key_list": ("/v1/keys",), "key_create": ("/v1/keys", {"name": "k", "expires_at": "2099-01-01T00:00:00Z"}),
        "key_revoke": (f"/v1/keys/{service.call('POST', '/v1/keys', {}).json['public']}",),
        "quota_get": ("/v1/quotas",), "usage_get": ("/v1/usage",), "audit_list": ("/v1/audit",),
        **webhook_examples(service),
        "signal_list": (job + "/signals",), "alert_list": ("/v1/alerts?level=low,high&limit=3",),
        "alert_events": ("/v1/alerts/events?after=0&replay=true",), "alert_ack": (f"/v1/alerts/{alert(service)}/ack", b""),
        "mcp_post": ("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
        "security_get": ("/v1/security",), "overview_get": ("/v1/overview",), "overview_events": ("/v1/overview/events?points=1",),
    }


def test_every_operation_answers_as_the_document_says(service, document, done, live):
    blob = service.call("POST", "/v1/blobs", b"bytes").json["blob"]
    requests = examples(service, done, live, blob)
    for method, _, operation in sorted(operations(document), key=lambda row: row[1].endswith("/signal")):  # which ends it
        name = operation["operationId"]
        if name == "socket_open":
            assert handshake(service, live).startswith(b"HTTP/1.1 101 ")
            continue
        if name.startswith("page_") and b"built without its dashboard" in service.call("GET", "/", key=None).body:
            requests.pop(name)
            continue
        key = service.operator if name.startswith("tenant_") else True
        reply = service.call(method, *requests.pop(name), key=key)
        assert str(reply.status) in operation["responses"] and reply.status != "default", f"{name}: {reply}"
        check_answer(document, operation, reply)
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert not requests, "an example of an operation that is not in the document"


def test_every_operation_refuses_as_the_document_says(service, document):
    """Without a key nothing but health and the dashboard's files is answered, and what is refused is a problem with all its members."""
    for method, path, operation in operations(document):
        if path in PUBLIC:
            continue
        filled = re.sub(r"{\w+}", ABSENT, path)
        for key in (None, "wk_nonsense", "wk_aaaaaaaa_" + "b" * 43):
            reply = service.call(method, filled, key=key)
            assert reply.status in (401, 429), reply
            check_answer(document, operation, reply)
    assert service.call("GET", "/healthz", key=None).status == 200


# -- tenants do not see each other ---------------------------------------------------------------------------------


def test_what_is_anothers_is_not_there(service, other, document, done, live):
    """Every route that names something, with another tenant's key: the answer is that for what never was."""
    blob = service.call("POST", "/v1/blobs", b"mine alone").json["blob"].removeprefix("sha256:")
    public = service.call("POST", "/v1/keys", {}).json["public"]
    hook, delivery = told(service)
    mine = {"id": done, "sha256": blob, "public": public, "name": "out/a.txt", "hook": hook, "delivery": delivery}
    none = {"id": ABSENT, "sha256": "0" * 64, "public": "zzzzzzzz", "name": "out/a.txt", "hook": ABSENT, "delivery": ABSENT}
    swept = 0
    for method, path, operation in sorted(operations(document), key=lambda row: row[0] == "PUT"):
        if "{" not in path or path.startswith("/v1/tenants") or path in PUBLIC:
            continue
        body = {"signal": "INT"} if path.endswith("/signal") else {"rows": 1, "cols": 1} if path.endswith("/resize") else b"mine alone" if operation.get("requestBody") else None
        answers = []
        for things in (mine, none, {**mine, "id": live}):
            filled = re.sub(r"{(\w+)}", lambda m, things=things: things[m[1]], path)
            if method == "PUT":     # bytes that are another's are taken like any others
                reply = service.call(method, filled, b"mine alone", key=other)
                answers.append((reply.status, reply.json.get("code")))
                continue
            reply = service.call(method, filled, body, key=other)
            problem = reply.json
            problem.pop("request_id")
            answers.append((reply.status, problem))
        if method == "PUT":
            assert answers[0] == (201, None), "whether another has the bytes must not show"
        else:
            assert answers[0] == answers[1] == answers[2] and answers[0][0] == 404, (method, path, answers)
        swept += 1
    assert swept > 15
    mine = service.call("POST", f"/v1/alerts/{alert(service)}/ack", b"", key=other).json
    none = service.call("POST", "/v1/alerts/999999/ack", b"", key=other).json
    assert mine["code"] == none["code"] == "not_found" and mine["detail"] == none["detail"]
    assert service.call("GET", "/v1/alerts", key=other).json["alerts"] == []
    assert service.call("GET", "/v1/alerts/events?after=0&replay=true", key=other).body == b""
    assert service.call("GET", "/v1/security", key=other).json["tenants"] == []
    assert service.call("GET", "/v1/jobs", key=other).json["jobs"] == []
    assert service.call("GET", "/v1/usage?tenant=default", key=other).status == 404
    job = service.call("POST", "/v1/jobs", {"runtime": "bash", "files": [{"path": "main.sh", "blob": "sha256:" + hashlib.sha256(b'never').hexdigest()}]}, key=other)
    assert job.json["code"] == "blob_missing"


def test_scopes_bound_what_a_key_may(service):
    read = service.call("POST", "/v1/keys", {"scopes": ["jobs:read"]}).json["key"]
    assert service.call("GET", "/v1/jobs", key=read).status == 200
    for method, path, body in (("POST", "/v1/jobs", bash("true")), ("GET", "/v1/keys", None), ("GET", "/v1/tenants", None)):
        assert service.call(method, path, body, key=read).json["code"] == "scope_missing"
    assert service.call("POST", "/v1/jobs", bash("true"), key=service.operator).json["code"] == "scope_missing"
    assert service.call("POST", "/v1/keys", {"scopes": ["admin:operator"]}).json["code"] == "scope_missing"


def test_a_revoked_key_and_a_suspended_tenant_end_at_once(service, other):
    made = service.call("POST", "/v1/keys", {}, key=other).json
    assert service.call("GET", "/v1/jobs", key=made["key"]).status == 200
    assert service.call("DELETE", f"/v1/keys/{made['public']}", key=other).status == 200
    assert service.call("GET", "/v1/jobs", key=made["key"]).status in (401, 429)
    service.call("PATCH", "/v1/tenants/other", {"suspended": True}, key=service.operator)
    assert service.call("POST", "/v1/jobs", bash("true"), key=other).json["code"] == "tenant_suspended"
    service.call("PATCH", "/v1/tenants/other", {"suspended": False}, key=service.operator)
    assert service.call("GET", "/v1/jobs", key=other).status == 200


def test_a_wait_ends_with_the_key_that_waits(service, other):
    made = service.call("POST", "/v1/keys", {}, key=other).json
    job = service.call("POST", "/v1/jobs", bash("sleep 60"), key=made["key"]).json["id"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.call, "GET", f"/v1/jobs/{job}?wait=60s", key=made["key"])
        eventually(lambda: service.call("GET", f"/v1/jobs/{job}", key=other).json["state"] == "running")
        assert service.call("DELETE", f"/v1/keys/{made['public']}", key=other).status == 200
        reply = waiting.result(30)
    assert reply.status == 401 and reply.json["code"] == "unauthenticated" and "state" not in reply.json
    assert service.call("POST", f"/v1/jobs/{job}/cancel", key=other).status == 200


# -- bytes that are no request -------------------------------------------------------------------------------------

MALFORMED = [
    b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"\0" * 100, b"A" * 100000,
    b"GET /v1/jobs HTTP/1.1\r\n\r\n", b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20000 + b"\r\n\r\n",
    b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    b"GET /v1/jobs/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET http://other/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"CONNECT other:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + b"w" * 9000 + b"\r\n\r\n",
    b"GET /v1/jobs HTTP/1.1\r\nHost: evil.example\r\n\r\n",
]


@pytest.mark.parametrize("data", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_request_is_refused_and_nothing_else_happens(service, data):
    front = service.front
    answer = service.raw(data, 2)
    assert not answer or re.match(rb"HTTP/1\.1 (4\d\d|501|505) ", answer), answer[:200]
    assert service.front == front and service.call("GET", "/healthz", key=None).status == 200


def with_key(service, head, body=b""):
    return f"{head}\r\nHost: localhost\r\nAuthorization: Bearer {service.tenant}\r\nConnection: close\r\n".encode() + body


@pytest.mark.parametrize("head, fields, code", [
    ("POST /v1/jobs HTTP/1.1", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "length_required"),
    ("POST /v1/jobs HTTP/1.1", b"Content-Length: 9000000\r\n\r\n", "payload_too_large"),
    ("GET /v1/jobs HTTP/1.1", b"Content-Length: 5\r\n\r\nhello", "payload_too_large"),
    ("POST /v1/jobs HTTP/1.1", b"Content-Type: text/xml\r\nContent-Length: 2\r\n\r\n{}", "unsupported_media_type"),
    ("POST /v1/jobs HTTP/1.1", b"Idempotency-Key: a b\r\nContent-Length: 2\r\n\r\n{}", "invalid_header"),
    ("POST /v1/jobs HTTP/1.1", b"Idempotency-Key: " + b"k" * 129 + b"\r\nContent-Length: 2\r\n\r\n{}", "invalid_header"),
    ("GET /v1/jobs HTTP/1.1", b"Host: elsewhere.example\r\n\r\n", "invalid_header"),
    ("GET /v1/jobs HTTP/1.1", b"authorization: Bearer wk_other\r\n\r\n", "invalid_header"),
    ("GET /v1/jobs/%ff HTTP/1.1", b"\r\n", "invalid_path"),
    ("GET /v1/jobs?limit=%zz HTTP/1.1", b"\r\n", "invalid_parameter"),
    ("GET /v1/jobs?limit=5&limit=6 HTTP/1.1", b"\r\n", "invalid_parameter"),
    ("GET /v1/jobs?limits=5 HTTP/1.1", b"\r\n", "invalid_parameter"),
    ("GET /v1/jobs?limit=201 HTTP/1.1", b"\r\n", "invalid_parameter"),
    ("GET /v1/jobs?state=happy HTTP/1.1", b"\r\n", "invalid_parameter"),
    ("GET /v1/jobs?created_after=now HTTP/1.1", b"\r\n", "invalid_parameter"),
    ("POST /v1/jobs?wait=61s HTTP/1.1", b"Content-Length: 2\r\n\r\n{}", "invalid_parameter"),
    ("PUT /v1/jobs HTTP/1.1", b"\r\n", "method_not_allowed"),
    ("GET /v2/jobs HTTP/1.1", b"\r\n", "not_found"),
    ("GET /v1/%6aobs HTTP/1.1", b"\r\n", "not_found"),
])
def test_a_bad_head_is_refused_by_name(service, head, fields, code):
    answer = service.raw(with_key(service, head, fields))
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == code, answer


@pytest.mark.parametrize("body, code, field", [
    (b"", "invalid_json", ""), (b"{", "invalid_json", ""), (b"[" * 100000, "invalid_json", ""), (b"\xff\xfe{}", "invalid_json", ""),
    (b'{"runtime":"bash","runtime":"bash"}', "invalid_json", ""), (b'{"runtime":"bash","x":1}', "unknown_field", "/x"),
    (b'{"runtime":"bash","name":"\\u001b[31m"}', "invalid_value", "/name"), (b'{"runtime":"cobol"}', "runtime_unavailable", "/runtime"),
    (b'{"runtime":"bash","egress":{}}', "egress_not_permitted", "/egress"),
    (b'{"runtime":"bash","files":[{"path":"../../etc/cron.d/x","text":""}]}', "invalid_value", "/files/0/path"),
    (b'{"runtime":"bash","limits":{"wall_ms":1e99}}', "invalid_value", "/limits/wall_ms"),
])
def test_a_bad_document_is_refused_with_its_place(service, body, code, field):
    reply = service.call("POST", "/v1/jobs", body)
    assert (reply.json["code"], reply.json["field"]) == (code, field), reply
    assert 400 <= reply.status < 500 and reply.json["request_id"] == reply.headers["X-Request-Id"]


def test_who_sends_slowly_is_sent_away_and_stops_nobody(service):
    slow = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(60)]
    for number, connection in enumerate(slow):
        head = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nX-A: "
        connection.sendall(head[:number] if number < len(head) else head)
        connection.settimeout(0.01)

    def are_gone():
        nonlocal slow
        assert service.call("GET", "/healthz", key=None).status == 200
        still = []
        for connection in slow:
            try:
                connection.sendall(b"a")
                if connection.recv(100) == b"":
                    raise ConnectionError
                still.append(connection)
            except TimeoutError:
                still.append(connection)
            except OSError:
                connection.close()
        slow = still
        return not slow

    eventually(are_gone, 90)


def test_a_page_of_the_web_cannot_ask_through_a_browser(service):
    assert service.call("GET", "/v1/jobs", headers={"Host": "evil.example"}).status == 421
    assert service.call("GET", "/v1/jobs", headers={"Host": f"localhost:{service.port}"}).status == 200
    reply = service.call("GET", "/v1/jobs", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in reply.headers and "default-src 'none'" in reply.headers["Content-Security-Policy"]


# -- jobs ----------------------------------------------------------------------------------------------------------


def test_a_job_is_one_request_away(service):
    job = service.job({"runtime": "python", "files": [{"path": "main.py", "text": "print(6*7)"}]})
    assert job["state"] == "succeeded" and job["result"]["exit_code"] == 0
    assert service.call("GET", f"/v1/jobs/{job['id']}/stdout").body == b"42\n"


def test_the_same_key_is_the_same_job_for_64_clients_at_once(service):
    key = {"Idempotency-Key": secrets.token_hex(8)}
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        replies = list(pool.map(lambda _: service.call("POST", "/v1/jobs", bash("echo once"), headers=key), range(64)))
    assert sorted({reply.status for reply in replies}) == [200, 201]
    assert sum(reply.status == 201 for reply in replies) == 1 and len({reply.json["id"] for reply in replies}) == 1
    reply = service.call("POST", "/v1/jobs", bash("echo twice"), headers=key)
    assert (reply.status, reply.json["code"]) == (409, "idempotency_mismatch")
    # The order of members is no other document.
    reply = service.call("POST", "/v1/jobs", json.dumps(dict(reversed(bash("echo once").items()))).encode(), headers=key)
    assert reply.status == 200 and reply.headers["Idempotent-Replay"] == "true"


def test_waiting_ends_with_the_job_or_with_the_time(service, live):
    began = time.monotonic()
    reply = service.call("GET", f"/v1/jobs/{live}?wait=1s")
    assert reply.json["state"] == "running" and time.monotonic() - began >= 0.9
    tag = {"If-None-Match": reply.headers["ETag"]}
    assert service.call("GET", f"/v1/jobs/{live}", headers=tag).status == 304
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.call, "GET", f"/v1/jobs/{live}?wait=60s", headers=tag)
        service.call("POST", f"/v1/jobs/{live}/stdin?eof=true", b"")
        assert waiting.result(50).json["version"] > reply.json["version"]
    assert service.call("GET", f"/v1/jobs/{live}?wait=60s").json["state"] == "succeeded"


def test_a_cancelled_job_ends_and_can_be_removed(service, live):
    assert service.call("DELETE", f"/v1/jobs/{live}?purge=true").json["code"] == "job_running"
    for _ in range(2):
        assert service.call("POST", f"/v1/jobs/{live}/cancel").status == 200
    assert service.call("GET", f"/v1/jobs/{live}?wait=60s").json["state"] == "cancelled"
    assert service.call("DELETE", f"/v1/jobs/{live}?purge=true").json == {"id": live, "purged": True}
    assert service.call("GET", f"/v1/jobs/{live}").status == 404


def test_a_batch_takes_what_it_can_or_all_or_nothing(service):
    items = [{"job": bash("true"), "key": secrets.token_hex(4)}, {"job": {"runtime": "bash", "nonsense": 1}}, {"job": bash("true")}]
    lines = b"\n".join(json.dumps(item).encode() for item in items) + b"\n{broken\n"
    reply = service.call("POST", "/v1/jobs:batch", lines, headers={"Content-Type": "application/x-ndjson"})
    assert reply.json["accepted"] == 2 and [item["status"] for item in reply.json["items"]] == [201, 422, 201, 400]
    assert reply.json["items"][1]["problem"]["field"] == "/nonsense"
    assert service.call("POST", "/v1/jobs:batch", items[:1]).json["items"][0]["id"] == reply.json["items"][0]["id"], "a replay"
    count = service.call("GET", "/v1/usage").json["created"]
    reply = service.call("POST", "/v1/jobs:batch?atomic=true", items[2:] + items[1:2])
    assert (reply.status, reply.json["field"]) == (422, "/1/nonsense")
    assert service.call("GET", "/v1/usage").json["created"] == count
    assert service.call("POST", "/v1/jobs:batch", [{"job": bash("true")}] * 1001).json["code"] == "payload_too_large"


def test_a_list_is_whole_and_its_cursors_are_its_own(service, other):
    label = secrets.token_hex(4)
    made = [service.job(bash("true", labels={"page": label}), wait="0")["id"] for _ in range(7)]
    path, found, cursor = f"/v1/jobs?label.page={label}&limit=3", [], ""
    while cursor is not None:
        page = service.call("GET", path + (f"&cursor={cursor}" if cursor else "")).json
        found += [job["id"] for job in page["jobs"]]
        last, cursor = cursor, page.get("next")
    assert found == made[::-1]
    for bad in (last[:-1] + ("0" if last[-1] != "0" else "1"), "x", last * 2):
        assert service.call("GET", f"{path}&cursor={bad}").json["code"] == "invalid_cursor"
    assert service.call("GET", f"/v1/jobs?cursor={last}").json["code"] == "invalid_cursor", "other filters"
    assert service.call("GET", f"{path}&cursor={last}", key=other).json["code"] == "invalid_cursor", "another tenant"


def test_who_runs_the_service_lists_the_jobs_of_all(service, other):
    name = secrets.token_hex(4)
    mine = service.job(bash("true", name=name), wait="0")["id"]
    theirs = service.job(bash("true", name=name), wait="0", key=other)["id"]
    whose, cursor = {}, ""
    while cursor is not None:
        page = service.call("GET", "/v1/jobs?limit=20" + (f"&cursor={cursor}" if cursor else ""), key=service.operator).json
        whose |= {job["id"]: job["tenant"] for job in page["jobs"]}
        last, cursor = cursor, page.get("next")
    assert whose[mine] == "default" and whose[theirs] == "other"
    only = service.call("GET", "/v1/jobs?tenant=other", key=service.operator).json["jobs"]
    assert {job["tenant"] for job in only} == {"other"} and theirs in [job["id"] for job in only]
    assert service.call("GET", f"/v1/jobs?limit=20&tenant=other&cursor={last}", key=service.operator).json["code"] == "invalid_cursor"
    own = service.call("GET", "/v1/jobs").json["jobs"]
    assert theirs not in [job["id"] for job in own] and not [job for job in own if "tenant" in job]
    assert service.call("GET", "/v1/jobs?tenant=other").json["code"] == "not_found", "another tenant is not there"
    assert service.call("GET", f"/v1/jobs/{mine}", key=service.operator).status == 403, "what a job wrote is its tenant's"


# -- streams -------------------------------------------------------------------------------------------------------


def events_of(body):
    for block in body.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if fields:
            yield fields["id"], fields["event"], json.loads(fields["data"])


def output_of(events, name="stdout"):
    pieces = [data for _, event, data in events if event == name]
    return b"".join(base64.b64decode(p["data"]) if p["encoding"] == "base64" else p["data"].encode() for p in pieces)


def test_events_resume_at_every_place_with_nothing_lost_or_twice(service):
    script = "for i in 1 2 3 4 5; do echo line $i; printf '\\377\\303' >&2; sleep 0.05; done; printf '\\303\\251'"
    job = service.job(bash(script), wait="0")["id"]
    whole = list(events_of(service.call("GET", f"/v1/jobs/{job}/events").body))
    assert whole[-1][1] == "end" and whole[-1][2]["state"] == "succeeded"
    out = service.call("GET", f"/v1/jobs/{job}/stdout").body
    assert output_of(whole) == out == b"".join(b"line %d\n" % i for i in range(1, 6)) + b"\xc3\xa9"
    assert output_of(whole, "stderr") == b"\xff\xc3" * 5
    states = [data["state"] for _, event, data in whole if event == "state"]
    assert states[0] == "queued" and states[-1] == "succeeded" and "running" in states
    for cut in range(1, len(whole)):
        rest = list(events_of(service.call("GET", f"/v1/jobs/{job}/events", headers={"Last-Event-ID": whole[cut - 1][0]}).body))
        assert output_of(whole[:cut] + rest) == out and rest[-1][1] == "end"
    lines = service.call("GET", f"/v1/jobs/{job}/events?after={whole[2][0]}", headers={"Accept": "application/x-ndjson"}).body.splitlines()
    assert json.loads(lines[-1])["event"] == "end" and {"state", "stdout"} <= {json.loads(line)["event"] for line in lines}
    for bad in ("x", "-1", "1.2", "9" * 20):
        assert service.call("GET", f"/v1/jobs/{job}/events", headers={"Last-Event-ID": bad}).json["code"] == "invalid_header"


def test_what_was_left_out_is_said(service):
    job = service.job(bash("head -c 100000 /dev/zero", limits={"stdout_bytes": 1000}))
    events = list(events_of(service.call("GET", f"/v1/jobs/{job['id']}/events").body))
    gap, = [data for _, event, data in events if event == "gap"]
    assert gap == {"stream": "stdout", "from": 1000, "to": 100000}
    assert len(service.call("GET", f"/v1/jobs/{job['id']}/stdout").body) == 1000 and job["result"]["stdout_bytes"] == 100000


def test_a_thousand_readers_follow_one_job(service, live):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2200:
        pytest.skip("fewer than 2200 descriptors may be had")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2200), hard))
    head = f"GET /v1/jobs/{live}/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {service.tenant}\r\nConnection: close\r\n\r\n".encode()
    readers = []
    for _ in range(1000):
        reader = socket.create_connection(("127.0.0.1", service.port), timeout=services.PATIENCE_S)
        reader.sendall(head)
        readers.append(reader)
    service.call("POST", f"/v1/jobs/{live}/stdin?eof=true", b"for everybody\n")
    for reader in readers:
        with reader:
            body = b""
            while piece := reader.recv(65536):
                body += piece
        assert b"for everybody" in body and b"event: end" in body
    assert service.call("GET", "/healthz", key=None).status == 200


def test_output_by_range_and_as_it_comes(service, live):
    service.call("POST", f"/v1/jobs/{live}/stdin", b"0123456789")
    path = f"/v1/jobs/{live}/stdout"
    eventually(lambda: service.call("GET", path).body == b"0123456789")
    for value, status, body, said in (("bytes=2-4", 206, b"234", "bytes 2-4/10"), ("bytes=-3", 206, b"789", "bytes 7-9/10"),
                                      ("bytes=8-99", 206, b"89", "bytes 8-9/10"), ("bytes=x", 200, b"0123456789", None)):
        reply = service.call("GET", path, headers={"Range": value})
        assert (reply.status, reply.body, reply.headers["Content-Range"]) == (status, body, said)
    reply = service.call("GET", path, headers={"Range": "bytes=10-"})
    assert reply.status == 416 and reply.headers["Content-Range"] == "bytes */10"
    reply = service.call("GET", path, headers={"Range": "bytes=2-4", "If-Range": '"another"'})
    assert (reply.status, reply.body) == (200, b"0123456789")
    assert "attachment" in service.call("GET", path).headers["Content-Disposition"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        following = pool.submit(service.call, "GET", path + "?follow=1")
        service.call("POST", f"/v1/jobs/{live}/stdin?eof=true", b"the end")
        assert following.result(50).body == b"0123456789the end"
    assert service.call("POST", f"/v1/jobs/{live}/stdin", b"x").json["code"] in ("job_ended", "job_not_interactive")


def test_a_head_has_no_body(service, live):
    for path in (f"/v1/jobs/{live}/events", f"/v1/jobs/{live}/stdout?follow=1", f"/v1/jobs/{live}/combined", "/v1/alerts/events",
                 "/v1/overview/events", f"/v1/jobs/{live}/stdout", f"/v1/jobs/{live}", "/v1/jobs"):
        # A stream ends its connection by itself.
        ending = "" if "events" in path or "follow" in path or "combined" in path else "Connection: close\r\n"
        head = f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {service.tenant}\r\n{ending}\r\n"
        answer = service.raw(head.encode(), 30)
        assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\n") and answer.count(b"\r\n\r\n") == 1, (path, answer)
    assert service.call("POST", f"/v1/jobs/{live}/cancel").status == 200


def handshake(service, job, key=None):
    with socket.create_connection(("127.0.0.1", service.port), timeout=services.PATIENCE_S) as connection:
        return begin_socket(service, connection, job, key)


def test_a_socket_carries_input_and_output(service, live):
    with socket.create_connection(("127.0.0.1", service.port), timeout=services.PATIENCE_S) as connection:
        answer = begin_socket(service, connection, live)
        assert b"101" in answer.split(b"\r\n")[0] and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
        file, seen, orders = connection.makefile("rb"), b"", []
        send_frame(connection, 2, b"hello " * 100)
        send_frame(connection, 1, b'{"type":"nonsense"}')
        send_frame(connection, 1, b'{"type":"eof"}')
        while not orders or orders[-1]["type"] != "end":
            opcode, data = take_frame(file)
            if opcode == 2:
                assert data[0] == 1
                seen += data[1:]
            elif opcode == 1:
                orders.append(json.loads(data))
        assert seen == b"hello " * 100 and orders[-1]["state"] == "succeeded"
        assert any(order["type"] == "error" for order in orders)
        assert take_frame(file)[0] == 8


def test_a_socket_is_no_way_around(service, other, live):
    assert b" 404 " in handshake(service, live, other)
    reply = service.call("GET", f"/v1/jobs/{live}/io")
    assert (reply.status, reply.json["code"]) == (426, "upgrade_required")
    for garbage in (b"\xff" * 100, b"\x82\xff" + b"\xff" * 8 + b"mask", b"\x82\x05hello"):
        with socket.create_connection(("127.0.0.1", service.port), timeout=services.PATIENCE_S) as connection:
            begin_socket(service, connection, live)
            connection.sendall(garbage)
            while connection.recv(65536):
                pass    # it ends
    assert service.call("GET", f"/v1/jobs/{live}").json["state"] == "running"


# -- blobs and artefacts -------------------------------------------------------------------------------------------


def test_a_blob_comes_in_pieces_and_goes_into_a_job(service):
    script = b"echo from a blob\n" + b"#" * 300000
    digest, pieces = hashlib.sha256(script).hexdigest(), (0, 100000, 250000, len(script))
    for first, last in zip(pieces, pieces[1:]):
        reply = service.call("PUT", f"/v1/blobs/{digest}", script[first:last],
                             headers={"Content-Range": f"bytes {first}-{last - 1}/{len(script)}"})
        assert reply.status == (201 if last == len(script) else 202), reply
        if last < len(script):
            asked = service.call("PUT", f"/v1/blobs/{digest}", b"", headers={"Content-Range": f"bytes */{len(script)}"})
            assert asked.json == {"received": last, "total": len(script)}
            again = service.call("PUT", f"/v1/blobs/{digest}", b"x", headers={"Content-Range": f"bytes 7-7/{len(script)}"})
            assert again.json["code"] == "upload_conflict"
    assert service.call("GET", f"/v1/blobs/{digest}").body == script
    assert service.call("HEAD", f"/v1/blobs/{digest}").headers["Content-Length"] == str(len(script))
    etag = service.call("GET", f"/v1/blobs/{digest}").headers["ETag"]
    for headers in ({}, {"If-Range": etag}):
        assert service.call("GET", f"/v1/blobs/{digest}", headers={"Range": "bytes=0-3", **headers}).body == b"echo"
    assert service.call("PUT", f"/v1/blobs/{digest}", script).status == 200, "it is there already"
    job = service.job({"runtime": "bash", "files": [{"path": "main.sh", "blob": f"sha256:{digest}"}]})
    assert service.call("GET", f"/v1/jobs/{job['id']}/stdout").body == b"from a blob\n"
    assert service.call("PUT", "/v1/blobs/" + "0" * 64, b"other bytes").json["code"] == "digest_mismatch"
    assert service.call("PUT", "/v1/blobs/../../x", b"").status == 404


def test_many_may_send_the_same_blob_at_once(service):
    blob = os.urandom(200000)
    digest = hashlib.sha256(blob).hexdigest()
    head = (f"PUT /v1/blobs/{digest} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {service.tenant}\r\n"
            f"Content-Length: {len(blob)}\r\nConnection: close\r\n\r\n").encode()
    with contextlib.ExitStack() as stack:
        senders = [stack.enter_context(socket.create_connection(("127.0.0.1", service.port), services.PATIENCE_S)) for _ in range(4)]
        for sender in senders:
            sender.sendall(head + blob[:1000])
        asked = {"Content-Range": f"bytes */{len(blob)}"}
        eventually(lambda: service.call("PUT", f"/v1/blobs/{digest}", b"", headers=asked).json["received"] > 0)
        senders.pop().close()       # it goes, the others do not notice
        for sender in senders:
            sender.sendall(blob[1000:])
        for sender in senders:
            assert sender.makefile("rb").readline().split()[1] in (b"200", b"201")
    assert service.call("GET", f"/v1/blobs/{digest}").body == blob
    assert service.call("PUT", f"/v1/blobs/{digest}", blob).status == 200


def test_an_artefact_is_given_as_data(service, done):
    listed = service.call("GET", f"/v1/jobs/{done}/artifacts").json["artifacts"]
    assert [(a["name"], a["bytes"]) for a in listed] == [("out/a.txt", 5)]
    reply = service.call("GET", listed[0]["url"])
    assert reply.body == b"12345" and reply.headers["Content-Type"] == "application/octet-stream"
    assert reply.headers["Content-Disposition"] == "attachment; filename*=UTF-8''out%2Fa.txt"
    for name in ("out/b.txt", "../../store.db", "%2e%2e%2f%2e%2e%2fstore.db", "out/a.txt/"):
        assert service.call("GET", f"/v1/jobs/{done}/artifacts/{name}").status == 404
    assert service.call("GET", f"/v1/jobs/{done}/evidence").json["result"]["layers"]


# -- the log, keys, the jail ---------------------------------------------------------------------------------------


def test_the_log_has_no_secret_and_no_control_byte(service, done):
    service.raw(b"GET /\x1b[2J%1b[31m\xc2\x9b HTTP/1.1\r\nHost: localhost\r\nUser-Agent: \x1b]0;owned\x07\r\n\r\n", 2)
    service.call("GET", "/v1/jobs/%1b%5b31m")
    service.call("GET", "/v1/jobs", key="wk_guessing_" + "x" * 43)
    log = service.log_text()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]", log)
    for line in log.splitlines():
        entry = json.loads(line)
        assert {"t", "level", "event"} <= set(entry)
    for key in (service.tenant, service.operator):
        secret = key.split("_", 2)[2]  # base64url: it may hold and begin with another
        assert len(secret) >= 40 and secret not in log
    assert "x" * 43 not in log


def test_guessing_keys_is_slow_and_stops_nobody_who_has_one(service):
    replies = [service.call("GET", "/v1/jobs", key=f"wk_{secrets.token_hex(4)}_{'a' * 43}") for _ in range(60)]
    refused = [reply for reply in replies if reply.status == 429]
    assert refused and all(reply.status in (401, 429) for reply in replies)
    assert all(int(reply.headers["Retry-After"]) >= 1 and reply.json["code"] == "too_many_failures" for reply in refused)
    assert service.call("GET", "/v1/jobs").status == 200


def test_ten_thousand_wrong_keys_are_two_records_and_slow_nobody_down(home, ward_path):
    with served(home, ward_path, alone=False) as guessed:
        def stories():
            reply = guessed.call("GET", "/v1/audit?limit=200", key=guessed.operator)
            assert reply.json["chain_holds"] and "next" not in reply.json
            return [entry["subject"] for entry in reply.json["entries"] if entry["action"] == "keys.guessed"]

        public = guessed.tenant.split("_", 2)[1]
        connection = guessed.connect()
        answers = {}
        for i in range(10_000):
            kind = ("unknown", f"wk_{secrets.token_hex(4)}_{'a' * 43}") if i % 2 else ("known", f"wk_{public}_{secrets.token_urlsafe(32)}")
            try:
                reply = guessed.call("GET", "/v1/jobs", key=kind[1], connection=connection)
            except (http.client.HTTPException, OSError):  # idle for longer than the front has patience: the machine stood still
                connection.close()
                reply = guessed.call("GET", "/v1/jobs", key=kind[1], connection=connection)
            problem = {name: value for name, value in reply.json.items() if name not in ("request_id", "instance", "request")}
            answers.setdefault((kind[0], reply.status), []).append(json.dumps(problem, sort_keys=True))
            if i % 1000 == 999:
                assert guessed.call("GET", "/v1/jobs").status == 200
        connection.close()
        for status in (401, 429):
            assert set(answers["unknown", status]) == set(answers["known", status]) and len(set(answers["known", status])) == 1
        assert sum(len(some) for (_, status), some in answers.items() if status == 401) < 2000
        assert len(stories()) == 1 and "127.0.0.1" in stories()[0]
        assert sum('"keys_guessed"' in line for line in guessed.log_text().splitlines()) == 1
        assert sum('"status":429' in line for line in guessed.log_text().splitlines()) == 0
        guessed.stop()
        guessed.start()
        assert len(stories()) == 2 and int(stories()[1].split()[0]) > 8000 and "it is over" in stories()[1]


def test_the_front_sits_in_its_jail(service):
    status = harness.status_of(service.front)
    assert set(status["Uid"].split()) != {"0"} and "0" not in status["Uid"].split()
    assert status["CapEff"] == status["CapPrm"] == status["CapInh"] == status["CapAmb"] == "0" * 16
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    said = [json.loads(line) for line in service.log_text().splitlines() if '"jail"' in line][-1]
    assert said["seccomp"] == "2" and said["opens_root_directory"] is False
    assert said["bounding_set"] == status["CapBnd"] and (os.geteuid() or status["CapBnd"] == "0" * 16)


def test_every_thread_of_the_front_sits_in_its_jail_and_holds_its_own_alone(service):
    front = service.front
    threads = os.listdir(f"/proc/{front}/task")
    assert len(threads) >= 2, "the store's writer is one"
    for thread in threads:
        status = harness.status_of(f"{front}/task/{thread}")
        assert (status["CapEff"], status["NoNewPrivs"], status["Seccomp"]) == ("0" * 16, "1", "2"), thread
    if os.geteuid():
        pytest.skip("who is no root cannot look at the descriptors of a process that is not to be looked into")
    assert os.stat(f"/proc/{front}/fd").st_uid == 0, "it can be looked into by its own user"
    paths = {os.readlink(f"/proc/{front}/fd/{fd}") for fd in os.listdir(f"/proc/{front}/fd")}
    of_the_host = {path for path in paths if path.startswith("/") and not path.startswith(service.state)}
    assert of_the_host <= {"/dev/null", os.path.join(service.place, "log")}, of_the_host


def test_the_filters_in_force_are_the_tables(service, ward_path):
    """Read back from the kernel, of the running processes: every call that passes for some arguments is in a list of the source."""
    def names(path):
        with open(os.path.join(harness.HERE, "../../src", path), encoding="utf-8") as file:
            return set(re.findall(r"SYS_(\w+)", re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)))

    def passing(pid):
        done = subprocess.run([ward_path, "surface", "--pid", str(pid), "--json"], capture_output=True, text=True, timeout=60)
        if "CONFIG_CHECKPOINT_RESTORE" in done.stderr or "CAP_SYS_ADMIN" in done.stderr:
            pytest.skip(done.stderr.strip())
        return {item["name"] for item in json.loads(done.stdout)["items"] if item["kind"] == "call"}

    alone = names("model/filter_alone.c")
    assert alone == {"clone", "clone3", "kill", "tgkill"}
    assert passing(service.front) == names("api/front_filter.c") | alone - {"clone3"}
    herald = [pid for pid in harness.descendants() if harness.status_of(pid)["Name"] == "ward-herald"]
    if herald:
        refused = names("herald/filter.c") - alone - {"socket"}
        assert len(refused) > 50 and not passing(herald[0]) & (refused | {"clone3"})


def test_a_public_address_needs_a_certificate_or_a_proxy(service, ward_path, tmp_path):
    def refused(*options):
        run = subprocess.run([ward_path, "serve", "--state", str(tmp_path / "state"), *options], capture_output=True, text=True, timeout=60)
        assert run.returncode != 0
        return run.stdout + run.stderr

    assert "--behind-proxy" in refused("--listen", "0.0.0.0:0")
    assert "no address" in refused("--listen", "localhost:0")
    assert "another `ward serve`" in refused("--state", service.state)


def test_the_session_of_the_manual_works(service, tmp_path):
    with open(os.path.join(harness.ROOT, "docs/service.md"), encoding="utf-8") as file:
        session, = re.findall(r"```sh session\n(.*?)```", file.read(), re.S)
    done = subprocess.run(["bash", "-euc", session], cwd=tmp_path, capture_output=True, text=True, timeout=services.PATIENCE_S,
                          env={**os.environ, "URL": f"http://127.0.0.1:{service.port}", "KEY": service.tenant})
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("42\n") and "event: end" in done.stdout and "seccomp" in done.stdout
    assert hashlib.sha256(b'print("from a blob")').hexdigest() in done.stdout
