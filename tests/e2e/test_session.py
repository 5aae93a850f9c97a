"""Sessions of browsers, without a browser: what a stolen, foreign or stale half of one is worth, and what pages may do."""
import http.client
import re
import time

import pytest
from service import bash, eventually, nothing_left, served  # noqa: F401


@pytest.fixture(scope="module")
def service(home, ward_path):
    with served(home, ward_path) as made:
        yield made


class Browser:
    """What a browser does for a page: it sends the cookie by itself, and says where the page is from."""

    def __init__(self, service, key, **fields):
        self.service, self.origin = service, f"http://127.0.0.1:{service.port}"
        opened = service.call("POST", "/v1/session", key=key, headers={"Origin": self.origin, "Sec-Fetch-Site": "same-origin", **fields})
        assert opened.status == 201, opened
        self.set_cookie = opened.headers["Set-Cookie"]
        self.cookie, self.token = self.set_cookie.split(";")[0], opened.json["token"]

    def ask(self, method, path, body=None, **fields):
        sent = {"Cookie": self.cookie, "Ward-Token": self.token, "Sec-Fetch-Site": "same-origin", "Origin": self.origin, **fields}
        return self.service.call(method, path, body, key=None, headers={name: value for name, value in sent.items() if value is not None})


@pytest.fixture
def browser(service):
    return Browser(service, service.tenant)


def test_a_session_is_its_key(service, browser):
    me = browser.ask("GET", "/v1/session")
    assert me.status == 200 and me.json["tenant"] == "default" and "token" not in me.json
    job = browser.ask("POST", "/v1/jobs?wait=30s", bash("echo hi"))
    assert job.status == 201 and job.json["state"] == "succeeded", job
    assert browser.ask("GET", f"/v1/jobs/{job.json['id']}").status == 200
    assert browser.ask("GET", "/v1/tenants").json["code"] == "scope_missing", "a session has no scope that its key lacks"
    assert Browser(service, service.operator).ask("GET", "/v1/tenants").status == 200


def test_the_cookie_is_for_this_origin_and_no_script(service, browser):
    assert re.fullmatch(rf"ward_{service.port}=[0-9a-f]{{64}}; Path=/; HttpOnly; SameSite=Strict", browser.set_cookie)
    assert browser.token not in browser.set_cookie and service.tenant not in browser.set_cookie


def test_half_of_a_session_is_worth_nothing(service, browser):
    assert browser.ask("GET", "/v1/session", **{"Ward-Token": None}).status == 401
    assert browser.ask("GET", "/v1/session", Cookie=None).status == 401
    assert browser.ask("GET", "/v1/session").status == 200, "who holds both is not troubled by that"


def test_a_stolen_cookie_ends_the_session(service, browser):
    """Whoever shows a cookie with a guessed token, or with that of a session of their own, has taken it from somebody."""
    thief = Browser(service, service.tenant)
    torn = thief.ask("GET", "/v1/jobs", Cookie=browser.cookie)
    assert torn.status == 401 and torn.json["code"] == "session_ended"
    assert browser.ask("GET", "/v1/session").json["code"] == "session_ended"
    assert thief.ask("GET", "/v1/session").status == 200
    assert '"event":"session_torn"' in service.log_text()
    assert thief.token not in service.log_text() and thief.cookie.split("=")[1] not in service.log_text()


def test_a_session_ends_with_its_key(service):
    made = service.call("POST", "/v1/keys", {"name": "short"}).json
    browser = Browser(service, made["key"])
    assert browser.ask("GET", "/v1/jobs").status == 200
    assert service.call("DELETE", f"/v1/keys/{made['public']}").status == 200
    assert browser.ask("GET", "/v1/jobs").json["code"] == "session_ended"


def test_a_session_ends_when_its_key_expires(service):
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    browser = Browser(service, service.call("POST", "/v1/keys", {"name": "soon", "expires_at": soon}).json["key"])
    eventually(lambda: browser.ask("GET", "/v1/jobs").status == 401)


def test_logging_out_ends_it_everywhere(service, browser):
    assert browser.ask("DELETE", "/v1/session").json == {"ended": 1}
    assert browser.ask("GET", "/v1/session").status == 401
    made = service.call("POST", "/v1/keys", {"name": "two"}).json["key"]
    two = [Browser(service, made), Browser(service, made)]
    assert service.call("DELETE", "/v1/session", key=made).json == {"ended": 2}, "a key ends all sessions that it opened"
    assert [one.ask("GET", "/v1/session").status for one in two] == [401, 401]


def test_a_session_opens_no_session(service, browser):
    assert browser.ask("POST", "/v1/session").status == 401


def test_a_cookie_that_was_set_before_is_not_taken(service):
    """Who plants a cookie in somebody's browser does not know the session that is opened later."""
    planted = f"ward_{service.port}=" + "a" * 64
    browser = Browser(service, service.tenant, Cookie=planted)
    assert browser.cookie != planted
    assert browser.ask("GET", "/v1/session", Cookie=planted).status == 401


@pytest.mark.parametrize("fields", [
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"},
    {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}, {"Origin": "https://127.0.0.1"},
    {"Origin": "http://127.0.0.1.evil.example"}, {"Sec-Fetch-Site": None, "Origin": None},
])
def test_a_page_of_another_origin_changes_nothing(service, browser, fields):
    before = service.call("GET", "/v1/usage").json["created"]
    refused = browser.ask("POST", "/v1/jobs", bash("true"), **fields)
    assert refused.status == 403 and refused.json["code"] == "foreign_origin", refused
    assert service.call("GET", "/v1/usage").json["created"] == before
    assert browser.ask("GET", "/v1/session").status == 200


def test_a_page_of_another_origin_reads_nothing(service, browser):
    for fields in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        assert browser.ask("GET", "/v1/jobs", **fields).status == 403
    preflight = service.call("OPTIONS", "/v1/jobs", key=None, headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST",
                                                                       "Access-Control-Request-Headers": "ward-token"})
    assert preflight.status >= 400 and not [name for name in preflight.headers if name.lower().startswith("access-control")]


def test_a_page_of_another_origin_logs_nobody_in(service):
    reply = service.call("POST", "/v1/session", headers={"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"})
    assert reply.status == 403 and "Set-Cookie" not in reply.headers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.", "", "[::1", "127.0.0.1:x"])
def test_a_name_that_is_made_to_point_here_gets_nothing(service, browser, host):
    """DNS rebinding: the page's own name resolves to this machine, so its requests are of the same origin; not even a file is served."""
    for path in ("/", "/assets/app.js", "/v1/session"):
        reply = browser.ask("GET", path, Host=host, Origin=f"http://{host}")
        assert reply.status in (400, 421), reply
        assert b"<script" not in reply.body


def test_a_stream_ends_with_its_session(service, browser):
    job = browser.ask("POST", "/v1/jobs", {"runtime": "exec", "steps": [{"argv": ["cat"], "stdin": {"live": True}}], "limits": {"wall_ms": 300000}}).json["id"]
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    connection.request("GET", f"/v1/jobs/{job}/events", headers={"Cookie": browser.cookie, "Ward-Token": browser.token, "Sec-Fetch-Site": "same-origin"})
    response = connection.getresponse()
    assert response.status == 200
    assert browser.ask("DELETE", "/v1/session").status == 200
    rest = response.read()      # comes back, because the stream ends
    assert b"event: end" not in rest
    connection.close()
    service.call("POST", f"/v1/jobs/{job}/cancel")


def test_the_pages_say_what_they_may_do(service):
    page = service.call("GET", "/", key=None)
    if page.status == 404:
        pytest.skip("ward-serve was built without its dashboard (tools/webmodules BUILD, which needs npm)")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["frame-ancestors"] == "'none'" and policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'", "nothing inline, nothing from elsewhere"
    assert page.headers["X-Content-Type-Options"] == "nosniff" and page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Referrer-Policy"] == "no-referrer" and page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert len(page.headers.get_all("Content-Security-Policy")) == len(page.headers.get_all("Cache-Control")) == 1
    text = page.body.decode()
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=|https?:", text)
    for name, kind in (("app.js", "text/javascript"), ("app.css", "text/css"), ("icon.svg", "image/svg+xml")):
        assert f"/assets/{name}" in text
        asset = service.call("GET", f"/assets/{name}", key=None)
        assert asset.status == 200 and asset.headers["Content-Type"].startswith(kind) and len(asset.body) > 100
        again = service.call("GET", f"/assets/{name}", key=None, headers={"If-None-Match": asset.headers["ETag"]})
        assert again.status == 304 and again.body == b""
    assert service.call("GET", "/assets/../state/store.db", key=None).status in (401, 404)
    assert service.call("GET", "/assets/..%2fstore.db", key=None).status == 404
    assert service.call("POST", "/", key=None).status == 405
    data = service.call("GET", "/v1/jobs")
    assert data.headers["Cache-Control"] == "no-store" and data.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
