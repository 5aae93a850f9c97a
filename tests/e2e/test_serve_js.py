"""Jobs of `ward serve` that are guests of an engine: what they get and say, who sees what of whom, and the death of each
of the processes around them."""
import concurrent.futures
import contextlib
import http.client
import os
import signal
import socket

import harness
import pytest
from service import Service, eventually, nothing_left, parent, served  # noqa: F401

BUSY = "const begun = Date.now(); while (Date.now() - begun < 2500); console.log('done')"


def start(ward_path, *options, runtime="js", **more):
    harness.need("ward-serve")
    made = Service(ward_path, *options, **more)
    runtimes = {one["name"]: one for one in made.call("GET", "/v1/runtimes").json["runtimes"]}
    if not runtimes[runtime]["available"]:
        made.leave()
        pytest.skip(f"no {runtime} here: {runtimes[runtime]['boundaries'][0]['why']}")
    return made


@pytest.fixture(scope="module")
def service(home, ward_path):
    with served(home, ward_path, start=start) as made:
        yield made


@pytest.fixture
def fresh(ward_path):
    """With a port that stays the same when its front is another one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = start(ward_path, listen=f"127.0.0.1:{port}")
    yield made
    made.leave()


@pytest.fixture(scope="module")
def other(service):
    assert service.call("POST", "/v1/tenants", {"name": "other", "threat": "known"}, key=service.operator).status == 201
    made = service.call("POST", "/v1/keys?tenant=other", {"scopes": ["jobs:write", "jobs:read"]}, key=service.operator)
    assert made.status == 201, made
    return made.json["key"]


def js(text, **more):
    return {"runtime": "js", "files": [{"path": "main.js", "text": text}], **more}


def details(job):
    return job["result"]["details"]


def output(service, job, stream="stdout", **more):
    reply = service.call("GET", f"/v1/jobs/{job['id']}/{stream}", **more)
    assert reply.status == 200, reply
    return reply.body.decode()


def told(service, document, **more):
    """What a job that succeeded has printed."""
    job = service.job(document, **more)
    assert job["state"] == "succeeded", (job, output(service, job, "stderr", **more))
    return output(service, job, **more)


def test_a_script_gets_words_and_input_and_returns_json(service):
    script = "console.log('said'); console.error('aside'); ward.output({sum: ward.input.a + 1, args: ward.args, env: ward.env})"
    job = service.job(js(script, stdin={"text": '{"a":41}'}, args=["x", "y"], env={"K": "v"}))
    assert job["state"] == "succeeded", job
    assert output(service, job) == 'said\n{"sum":42,"args":["x","y"],"env":{"K":"v"}}\n'
    assert output(service, job, "stderr") == "aside\n"
    found = details(job)
    # The last four are told by the guest's own process, before it reads its script.
    assert found["boundary"] == "js" and {"pidns", "netns", "seccomp", "rlimits", "fds"} <= set(found["layers"])
    assert found["start_path"] in ("warm", "cold") and found["steps"][0]["exit_code"] == 0
    assert found["usage"]["cpu_us"] > 0 and found["usage"]["mem_peak_bytes"] > 0


def test_modules_import_each_other_and_json(service):
    files = [{"path": "lib/twice.mjs", "text": "export default x => x.map(one => one * 2)"},
             {"path": "main.mjs", "text": "import twice from './lib/twice.mjs'\nimport data from './data.json'\n"
                                          "export default input => twice(data.concat(input))"},
             {"path": "data.json", "text": "[1, 2]"}]
    assert told(service, {"runtime": "js", "files": [*files[:1], *files[2:], {**files[1], "path": "main.js"}],
                          "stdin": {"text": "[20]"}}) == "[2,4,40]\n"
    one = [{"path": "only.mjs", "text": "export default () => 'one file'"}]
    assert told(service, {"runtime": "js", "files": one}) == '"one file"\n'


def test_a_source_may_be_a_blob_and_a_large_output_is_whole(service):
    text = b"// " + b"x" * 300000 + b"\nward.output('y'.repeat(500000))"
    digest = service.call("POST", "/v1/blobs", text, headers={"Content-Type": "application/octet-stream"}).json["blob"]
    job = service.job({"runtime": "js", "files": [{"path": "main.js", "blob": digest}]})
    assert job["state"] == "succeeded", job
    assert output(service, job) == '"' + "y" * 500000 + '"\n'


ROWS = [
    ("throw new Error('boom')", {}, "failed", "exit"),
    ("this is no script", {}, "failed", "exit"),
    ("for (;;);", {"cpu_ms": 200}, "timed_out", "cpu"),
    ("for (;;);", {"wall_ms": 300}, "timed_out", "wall"),
    ("const all = []; for (;;) all.push(new Array(100000).fill(1.5))", {"mem_bytes": 64 << 20}, "failed", "oom"),
    ("for (;;) console.log('x'.repeat(1000))", {"stdout_bytes": 1000, "on_output_limit": "kill"}, "failed", "output_limit"),
    ("for (;;) console.log('x'.repeat(30000))", {"stdout_bytes": 1000}, "failed", "output_limit"),
    ("/(a+)+$/.test('a'.repeat(64) + 'b')", {"cpu_ms": 300}, "timed_out", "cpu"),
    ("let deep = () => deep(); deep()", {}, "failed", "exit"),
]


@pytest.mark.parametrize("text,limits,state,reason", ROWS)
def test_a_limit_ends_a_guest_and_is_named(service, text, limits, state, reason):
    job = service.job(js(text, limits=limits))
    assert (job["state"], details(job)["reason"]) == (state, reason), job
    assert details(job)["stdout"]["kept"] <= 1 << 20


def test_an_error_says_where_and_moves_no_terminal(service):
    job = service.job(js("let a = 1\nthrow new Error('\\x1b[2Jred\\u009b')"))
    assert job["result"]["exit_code"] == 1
    said = output(service, job, "stderr")
    assert said.startswith("main.js:2:1: Error: ") and "\x1b" not in said and "\x9b" not in said


def test_bombs_are_not_felt_by_neighbours(service):
    """Each neighbour counts on while all bombs go off in the same box."""
    neighbour = js("let n = 0; for (let i = 0; i < 2e6; i++) n += i % 7; console.log(n)")
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        bombs = [pool.submit(service.job, js(text, limits={"wall_ms": 2000, **limits})) for text, limits, _, _ in ROWS]
        beside = [pool.submit(service.job, neighbour) for _ in range(6)]
        assert all(bomb.result()["state"] in ("failed", "timed_out") for bomb in bombs)
        for one in beside:
            job = one.result()
            assert job["state"] == "succeeded" and job["attempt"] == 1, job
            assert output(service, job) == "5999995\n"


def test_nothing_of_a_tenant_is_in_the_next_guest(service, other):
    """Globals, prototypes, built-ins and seeds, of this tenant's own next job as well as of another's."""
    mark = ("globalThis.mark = 'left'; Object.prototype.mark = 'left'; Array.prototype.map = () => 'left'; JSON.stringify = () => 'left';"
            "Math.random = () => 0.5; Object.freeze(Function.prototype); console.log('marked')")
    look = ("console.log(typeof mark, ({}).mark, [1].map(x => x)[0], JSON.stringify({a: 1}), Math.random() !== 0.5,"
            " Object.isFrozen(Function.prototype))")
    clean = 'undefined undefined 1 {"a":1} true false\n'
    for key in (True, other, True):
        assert told(service, js(mark)) == "marked\n"
        assert told(service, js(look), key=key) == clean
    seeds = {told(service, js("console.log(Math.random())"), key=key) for key in (True, other) * 4}
    assert len(seeds) == 8


def test_a_guest_has_no_files_processes_or_other_guests(service):
    script = ("const names = ['require', 'process', 'fetch', 'Deno', 'setTimeout', 'SharedArrayBuffer', 'Atomics', 'WebAssembly', 'Worker'];"
              "console.log(names.filter(name => typeof globalThis[name] !== 'undefined').join());"
              "for (const text of ['1', 'this']) try { (0, eval)(text); console.log('eval') } catch (e) { console.log(e.name) }")
    assert told(service, js(script)) == "\nEvalError\nEvalError\n"
    job = service.job(js("import('/etc/passwd').then(() => console.log('read'), () => console.log('refused'))"))
    assert "read" not in output(service, job)


def test_a_cancelled_guest_ends(service):
    job = service.job(js("for (;;);", limits={"wall_ms": 600000, "cpu_ms": 600000}), wait="0")
    eventually(lambda: service.call("GET", f"/v1/jobs/{job['id']}").json["state"] == "running")
    assert service.call("POST", f"/v1/jobs/{job['id']}/cancel").status in (200, 202)
    eventually(lambda: service.call("GET", f"/v1/jobs/{job['id']}").json["state"] == "cancelled")


@pytest.mark.parametrize("more,field", [
    ({"steps": [{"argv": ["node", "main.js"]}]}, "/steps"), ({"outputs": [{"path": "a"}]}, "/outputs"),
    ({"stdin": {"live": True}}, "/stdin"), ({"boundary": "container"}, "/boundary"), ({"limits": {"pids": 2}}, "/limits/pids"),
    ({"limits": {"disk_bytes": 4096}}, "/limits/disk_bytes"), ({"limits": {"mem_bytes": 4 << 30}}, "/limits/mem_bytes"),
])
def test_what_a_guest_cannot_have_is_refused_up_front(service, more, field):
    reply = service.call("POST", "/v1/jobs", js("1", **more))
    assert reply.status in (400, 403, 409, 422) and reply.json["field"] == field, reply


def test_a_hostile_tenant_is_refused_the_engine_alone(service):
    """Engines for JavaScript are broken too often to stand between tenants who attack each other (judge/holds.def)."""
    assert service.call("POST", "/v1/tenants", {"name": "foe", "threat": "hostile"}, key=service.operator).status == 201
    key = service.call("POST", "/v1/keys?tenant=foe", {"scopes": ["jobs:write", "jobs:read"]}, key=service.operator).json["key"]
    reply = service.call("POST", "/v1/jobs", js("1"), key=key)
    assert reply.json["code"] == "boundary_unavailable", reply
    held = {one["name"]: one for one in service.call("GET", "/v1/boundaries").json["boundaries"]}
    assert held["js"]["available"] and not held["js"]["holds_hostile_code"]


def running(service):
    job = service.job(js(BUSY), wait="0")
    eventually(lambda: service.call("GET", f"/v1/jobs/{job['id']}").json["state"] == "running")
    return job


def wait_for(service, job):
    def over():
        try:
            seen = service.call("GET", f"/v1/jobs/{job['id']}").json
        except (OSError, http.client.HTTPException):
            return None
        return seen if seen["state"] in ("succeeded", "failed", "timed_out", "infra_failed") else None
    return eventually(over, 120)


def zygotes(service):
    """Engines that wait for modules have no guests."""
    parents = {}
    for pid, name in harness.descendants(service.process.pid).items():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f"/proc/{pid}/cmdline", "rb") as words:
                if name == "ward-v8" and b"\0zygote\0" in words.read():
                    parents[pid] = parent(pid)
    return [pid for pid in parents if parents[pid] not in parents]


def runners_of(pids):
    """The runner above each, past its keeper and the box's first process."""
    found = set()
    for pid in pids:
        while pid > 1:
            pid = parent(pid)
            with open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
                if comm.read().strip() == "ward-runner":
                    found.add(pid)
                    break
    return found


@pytest.mark.parametrize("whom", ["zygote", "runner", "front"])
def test_who_dies_around_a_guest_loses_no_job(fresh, whom):
    told(fresh, js("1"))
    job = running(fresh)
    victims = {"zygote": lambda: zygotes(fresh), "runner": lambda: runners_of(zygotes(fresh)), "front": lambda: [fresh.front]}[whom]()
    assert victims
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    done = wait_for(fresh, job)
    assert done["state"] == "succeeded" and done["attempt"] >= 2, done
    assert output(fresh, done) == "done\n"


def test_a_stopped_zygote_costs_time_and_no_job(fresh):
    """Its guests are its own processes and go on; what waits for it is given up when it is late, and tried again."""
    told(fresh, js("1"))
    for pid in zygotes(fresh):
        os.kill(pid, signal.SIGSTOP)
    job = fresh.job(js("console.log('late')", limits={"wall_ms": 400, "cpu_ms": 400}), wait="0")
    stopped = zygotes(fresh)
    done = wait_for(fresh, job)
    assert done["state"] in ("succeeded", "timed_out"), done
    eventually(lambda: not set(stopped) & set(zygotes(fresh)))
    assert told(fresh, js("console.log('again')")) == "again\n"
