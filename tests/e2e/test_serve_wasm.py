"""Jobs of `ward serve` that are WebAssembly modules: what they are given, what they leave, and what a bad one does."""
import base64
import os

import harness
import pytest
from modules import DROP, EXIT, LOOP_FOR_EVER, UNREACHABLE, WASI, call, const, module, sleb
from service import eventually, nothing_left, served  # noqa: F401
from test_serve_js import details, output, start, told  # the same client

LOAD, STORE = b"\x28\x02\x00", b"\x36\x02\x00"
WRITE, READ = (WASI, "fd_write", "iiii", True), (WASI, "fd_read", "iiii", True)
OPEN = (WASI, "path_open", "iiiiiIIii", True)
PLACE = 4096


@pytest.fixture(scope="module")
def service(home, ward_path):
    with served(home, ward_path, start=start, runtime="wasm") as made:
        yield made


def file(bytes_, path="main.wasm"):
    return {"path": path, "base64": base64.b64encode(bytes_).decode()}


def wasm(bytes_, *more_files, **more):
    return {"runtime": "wasm", "files": [file(bytes_), *more_files], **more}


def store(at, value):
    return const(at) + value + STORE


def write(fd, place, length, function=0):
    """fd_write() of one piece; place and length are code."""
    return store(0, place) + store(4, length) + fd + const(0) + const(1) + const(8) + call(function) + DROP


def say(text, code=b"", imports=(), **more):
    """Writes a text that lies at PLACE."""
    body = code + write(const(1), const(PLACE), const(len(text)))
    return module(body, [WRITE, *imports], data=b"\0" * PLACE + text, **more)


def lists(sizes, get):
    """Writes all words of a list (arguments, variables) as they lie in memory."""
    body = const(64) + const(68) + call(1) + DROP + const(256) + const(PLACE) + call(2) + DROP
    body += write(const(1), const(PLACE), const(68) + LOAD)
    return module(body, [WRITE, (WASI, sizes, "ii", True), (WASI, get, "ii", True)])


def opener(path, flags=0, rights=2, text=None):
    """Exits with the errno of path_open(); with text, writes it into the file and ends with 0."""
    code = const(72) + const(3) + const(0) + const(PLACE) + const(len(path)) + const(flags)
    code += b"\x42" + sleb(rights) + b"\x42" + sleb(0) + const(0) + const(64) + call(1) + STORE
    if text is not None:
        code += write(const(64) + LOAD, const(PLACE + len(path)), const(len(text)))
    code += const(72) + LOAD + call(2)
    return module(code, [WRITE, OPEN, EXIT], data=b"\0" * PLACE + path.encode() + (text or b""))


def test_a_module_prints_and_is_held_by_what_the_result_says(service):
    job = service.job(wasm(say(b"said\n")))
    assert job["state"] == "succeeded" and output(service, job) == "said\n", job
    found = details(job)
    assert found["boundary"] == "wasm" and {"seccomp", "landlock", "pidns", "netns"} <= set(found["layers"])
    assert found["start_path"] in ("warm", "cold") and found["usage"]["cpu_us"] > 0


def test_it_gets_words_variables_and_input(service):
    given = wasm(lists("args_sizes_get", "args_get"), args=["--one", "", "two words"])
    assert told(service, given) == "main.wasm\0--one\0\0two words\0"
    # Of the loader's variables none reaches the engine, which was started before they came.
    env = {"K": "v", "LD_PRELOAD": "/work/evil.so", "NODE_OPTIONS": "--x"}
    seen = told(service, wasm(lists("environ_sizes_get", "environ_get"), file(b"\x7fELF", "evil.so"), env=env))
    assert {"K=v", "LD_PRELOAD=/work/evil.so", "NODE_OPTIONS=--x"} <= set(seen.split("\0"))
    echo = store(0, const(PLACE)) + store(4, const(100)) + const(0) + const(0) + const(1) + const(8) + call(1) + DROP
    echo = module(echo + write(const(1), const(PLACE), const(8) + LOAD), [WRITE, READ])
    assert told(service, wasm(echo, stdin={"text": "in and out"})) == "in and out"


def test_what_it_declares_and_writes_is_kept(service):
    flags, rights = 1 | 8, 1 << 6       # create, truncate; fd_write
    job = service.job(wasm(opener("result.txt", flags, rights, b"written"), outputs=[{"path": "*.txt"}]))
    assert job["state"] == "succeeded", (job, output(service, job, "stderr"))
    assert [one["name"] for one in details(job)["artifacts"]] == ["result.txt"]
    assert service.call("GET", f"/v1/jobs/{job['id']}/artifacts/result.txt").body == b"written"
    again = service.job(wasm(opener("result.txt")))
    assert details(again)["exit_code"] == 44, again      # ENOENT: every job has a directory of its own


@pytest.mark.parametrize("path", ["../ward-v8", "/etc/passwd", "../../etc/passwd", "..", "a/../../etc/passwd", "link/ward-v8"])
def test_no_path_leaves_its_directory(service, path):
    job = service.job(wasm(opener(path)))
    assert job["state"] == "failed" and details(job)["exit_code"] in (44, 63, 76), job     # ENOENT, EPERM, ENOTCAPABLE


def test_a_files_name_is_no_option_of_the_engine(service):
    """Else it would be given the root of its box."""
    job = service.job({"runtime": "wasm", "files": [file(opener("ward-v8"), "--read=/:root")]})
    assert details(job)["exit_code"] == 44, job


FILL = const(0) + const(1) + const(128 << 20) + b"\xfc\x0b\x00"
ROWS = [
    (module(LOOP_FOR_EVER), {"cpu_ms": 200}, "timed_out", "cpu"),
    (module(LOOP_FOR_EVER), {"wall_ms": 300}, "timed_out", "wall"),
    (module(FILL, pages=2048), {"mem_bytes": 64 << 20}, "failed", "oom"),
    (module(UNREACHABLE), {}, "failed", "signal"),
    (module(const(7) + call(0), [EXIT]), {}, "failed", "exit"),
    (module(b"\x03\x40" + write(const(1), const(0), const(60000)) + b"\x0c\x00\x0b", [WRITE]),
     {"stdout_bytes": 1000, "on_output_limit": "kill"}, "failed", "output_limit"),
    (b"\0asm\1\0\0\0\x01\xff\xff\xff\xff\x0f", {}, "failed", "exit"),
    (b"#!/bin/sh\necho no module\n", {}, "failed", "exit"),
    (module(b"", export="other"), {}, "failed", "exit"),
    (module(b"", [("env", "system", "i", True)]), {}, "failed", "exit"),
]


@pytest.mark.parametrize("bytes_,limits,state,reason", ROWS)
def test_a_bad_module_ends_and_is_named(service, bytes_, limits, state, reason):
    job = service.job(wasm(bytes_, limits=limits))
    assert (job["state"], details(job)["reason"], job["attempt"]) == (state, reason, 1), (job, output(service, job, "stderr"))
    assert "\x1b" not in output(service, job, "stderr")


def test_an_engine_runs_one_module_and_no_program(service):
    for more, field in (({"steps": [{"argv": ["/bin/sh", "-c", "id"]}]}, "/steps"),
                        ({"steps": [{"argv": ["/ward-v8", "wasm", "--write=/:/", "main.wasm", "x"]}]}, "/steps")):
        reply = service.call("POST", "/v1/jobs", wasm(say(b""), **more))
        assert (reply.status, reply.json["field"]) == (422, field), reply
    for boundary in ("container", "js", "gvisor"):
        reply = service.call("POST", "/v1/jobs", wasm(say(b""), boundary=boundary))
        assert reply.json["code"] == "boundary_unavailable", reply


def descendants(name):
    found = []
    for pid in harness.descendants():
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
                if comm.read().strip() == name:
                    found.append(pid)
        except OSError:
            pass
    return found


def status(pid, field):
    with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
        return next(line.split()[1] for line in lines if line.startswith(field + ":"))


def test_the_engine_is_sealed_beyond_its_box_while_it_runs(service):
    """What waits has the filters of its box; what runs a module has one more, and rights to nothing."""
    def running():
        waiting = descendants("ward-step")
        return [pid for pid in descendants("ward-v8")
                if waiting and int(status(pid, "Seccomp_filters")) > int(status(waiting[0], "Seccomp_filters"))]

    before = set(running())
    job = service.call("POST", "/v1/jobs", wasm(module(LOOP_FOR_EVER), limits={"wall_ms": 120000, "cpu_ms": 120000})).json
    pid = eventually(lambda: [one for one in running() if one not in before])[0]
    assert (status(pid, "Seccomp"), status(pid, "NoNewPrivs"), int(status(pid, "CapEff"), 16)) == ("2", "1", 0)
    assert service.call("POST", f"/v1/jobs/{job['id']}/cancel").status == 200
    eventually(lambda: service.call("GET", f"/v1/jobs/{job['id']}").json["state"] == "cancelled")
    eventually(lambda: not os.path.exists(f"/proc/{pid}"))


def test_tenants_have_nothing_of_each_other(service):
    """A job each, in turn, of two tenants: neither process nor directory is ever the same."""
    made = service.call("POST", "/v1/tenants", {"name": "stranger", "threat": "hostile"}, key=service.operator)
    assert made.status == 201, made
    key = service.call("POST", "/v1/keys?tenant=stranger", {"scopes": ["jobs:write", "jobs:read"]}, key=service.operator).json["key"]
    flags, rights = 1 | 4 | 8, 1 << 6   # create, and only new
    for _ in range(3):
        for whose in (True, key):
            job = service.job(wasm(opener("marker", flags, rights, b"x" * 1000)), key=whose)
            assert (job["state"], job["boundary"]) == ("succeeded", "wasm"), job
            assert service.call("GET", f"/v1/jobs/{job['id']}", key=key if whose is True else True).status == 404
