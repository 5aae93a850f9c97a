"""A stand-in for the service that fails on purpose: it loses answers, cuts streams, and sends what no service should.
What the client does with a real one is tested with a real one."""
import base64
import hashlib
import http.server
import json
import threading
import urllib.parse

KEY = "wk_ABCDEFGH_0123456789012345678901234567890123456789abc"


def event(number, kind, out=0, err=0, **data):
    return {"id": f"{number}.{out}.{err}", "event": kind, "data": data}


def text_event(number, kind, text, out=0, err=0):
    """Bytes go as base64, texts as they are."""
    if isinstance(text, bytes):
        return event(number, kind, out, err, offset=0, encoding="base64", data=base64.b64encode(text).decode())
    return event(number, kind, out, err, offset=0, encoding="utf8", data=text)


class Double(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, **how):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lose = how.get("lose", 0)              # answers to creates that never arrive
        self.full = how.get("full", 0)              # creates that are told to come again
        self.cut = how.get("cut", 0)                # bytes after which each stream of events breaks; 0 = never
        self.events = how.get("events", [])
        self.end = how.get("end", {"state": "succeeded", "result": {"exit_code": 0}})
        self.pages = how.get("pages", [])
        self.output = how.get("output", {})
        self.redirect = how.get("redirect")
        self.keys, self.documents, self.creates, self.seen, self.blobs = {}, {}, [], [], {}
        self.cancelled = threading.Event()
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def job(self, id):
        return {"id": id, "name": "", "runtime": "python", "boundary": "container", "version": 9, "labels": {}, **self.end}

    def handle_error(self, request, client_address):
        pass        # a client that goes is no news


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, value=None, body=None, **headers):
        body = json.dumps(value).encode() if body is None else body
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fail(self, status, code, detail, **headers):
        self.answer(status, {"code": code, "detail": detail, "status": status}, **headers)

    def begin(self):
        self.url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(self.url.query))
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            self.server.seen.append((self.command, self.path, dict(self.headers)))
        if self.server.redirect:
            self.answer(302, {}, Location=self.server.redirect)
            return False
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            self.fail(401, "unauthenticated", "a key is needed")
            return False
        return True

    def do_POST(self):
        if not self.begin():
            return
        if self.url.path.endswith("/cancel"):
            self.server.end = {"state": "cancelled"}
            self.server.cancelled.set()
            self.answer(200, self.server.job(self.url.path.split("/")[3]))
            return
        self.create()

    def create(self):
        server, key = self.server, self.headers["Idempotency-Key"]
        with server.lock:
            if server.full:
                server.full -= 1
                self.fail(429, "quota_queued", "come again", Retry_After="1")
                return
            server.creates.append(key)
            is_new = key not in server.keys
            if is_new:
                server.keys[key] = f"{len(server.keys) + 1:032x}"
                server.documents[server.keys[key]] = json.loads(self.body)
            if server.lose:
                server.lose -= 1
                self.close_connection = True    # done, and never told
                self.connection.shutdown(2)
                return
        self.answer(201 if is_new else 200, {**server.job(server.keys[key]), "state": "queued"})

    def do_PUT(self):
        if self.begin():
            digest = self.url.path.rsplit("/", 1)[1]
            assert hashlib.sha256(self.body).hexdigest() == digest
            self.server.blobs[digest] = self.body
            self.answer(201, {"sha256": digest})

    def do_GET(self):
        if not self.begin():
            return
        parts = self.url.path.split("/")
        if self.url.path == "/v1/jobs":
            self.answer(200, self.server.pages[int(self.query.get("cursor", "0"))])
        elif parts[-1] == "events":
            self.stream()
        elif parts[-1] in ("stdout", "stderr"):
            self.answer(200, body=self.server.output.get(parts[-1], b""))
        elif parts[3] == "missing":
            self.fail(404, "not_found", "there is no such job")
        else:
            if "wait" in self.query and self.server.end.get("state") == "running":
                self.server.cancelled.wait(20)
            self.answer(200, self.server.job(parts[3]))

    def stream(self):
        after, server = self.query.get("after"), self.server
        ids = [None if isinstance(one, bytes) else one["id"] for one in server.events]
        rest = server.events[ids.index(after) + 1:] if after else server.events
        body = b"".join(one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in rest)
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        self.wfile.write(body[:server.cut] if server.cut else body)
        self.wfile.flush()
        if server.end.get("state") == "running":
            server.cancelled.wait(20)
