"""Detection: each tripwire fires with evidence and is acted on; ordinary programs trip none; alerts are kept, listed,
acknowledged and streamed; a tenant that is suspended starts nothing. WARD_ORDINARY_JOBS=1000 runs that many of them."""
import base64
import http.client
import itertools
import json
import os
import re
import shutil
import time

import pytest

import harness
from test_serve import Service, details

PATIENCE = 120
ORDINARY_JOBS = int(os.environ.get("WARD_ORDINARY_JOBS", "60"))


@pytest.fixture
def service(ward):
    harness.need("ward-serve")
    made = []

    def make(*options):
        made.append(Service(ward, *options))
        with open(log_of(made[-1]), encoding="utf-8") as log:
            made[-1].operator = re.search(r"operator.*\n\s+(wk_\S+)", log.read()).group(1)
        return made[-1]

    yield make
    for one in made:
        one.end()


def log_of(one):
    return os.path.join(one.ward.place, f"log-{one.port}")


@pytest.fixture
def knock(programs):
    """The document of a job that makes raw calls."""
    with open(programs("knock.c", "-static"), "rb") as file:
        text = base64.b64encode(file.read()).decode()

    def document(*calls):
        return {"files": [{"path": "knock", "base64": text, "executable": True}],
                "steps": [{"argv": ["./knock", *calls]}]}
    return document


def ask(one, path, method="GET", key=""):
    status, body = one.ask(method, path, key=key)
    assert status == 200, body
    return json.loads(body)


def signals(one, job):
    found = ask(one, f"/v1/jobs/{job['id']}/signals")
    return {row["kind"]: row for row in found["signals"]}, found["score"]


def alerts_of(one, job, **filters):
    query = "&".join(f"{k}={v}" for k, v in filters.items())
    return [row for row in ask(one, f"/v1/alerts?limit=200&{query}")["alerts"] if row["job"] == job["id"]]


# name of the kind, the calls, an argument that is evidence, what they are together
TRIPWIRES = [
    ("tripwire.ptrace", ["101:16:1"], "0x10", "high"),
    ("tripwire.process_vm", ["310:1"], "0x1", "high"),
    ("tripwire.mount", ["165:0:0:0:4096"], "0x1000", "high"),
    ("tripwire.namespace", ["272:0x10000000"], "0x10000000", "low"),
    ("tripwire.namespace", ["56:0x10000011"], "0x10000011", "low"),
    ("tripwire.namespace", ["308:-1:0"], "0xffffffffffffffff", "low"),
    ("tripwire.root", ["161:0"], "0x0", "low"),
    ("tripwire.bpf", ["321:5:0:64"], "0x40", "high"),
    ("tripwire.keyring", ["250:0:-3"], "0xfffffffffffffffd", "low"),
    ("tripwire.userfaultfd", ["323:1"], "0x1", "high"),
    ("tripwire.perf", ["298:0:0:-1:-1"], "0xffffffffffffffff", "low"),
    ("tripwire.socket", ["41:38:5:0"], "0x26", "high"),
    ("tripwire.socket", ["41:16:3:9"], "0x10", "high"),
    ("tripwire.socket", ["41:40:1:0"], "0x28", "high"),
    ("tripwire.socket", ["41:17:3:0"], "0x11", "high"),
    ("tripwire.io_uring", ["426:3:1"], "0x3", "low"),
    ("tripwire.module", ["313:3"], "0x3", "high"),
    ("tripwire.kernel", ["169:0xfee1dead"], "0xfee1dead", "low"),
    ("tripwire.handle", ["304:-100"], "0xffffffffffffff9c", "high"),
    ("tripwire.terminal", ["16:0:0x5412"], "0x5412", "high"),
]


def test_each_tripwire_fires_with_evidence(service, knock):
    one = service()
    for kind, calls, argument, level in TRIPWIRES:
        job = one.run("exec", **knock(*calls))
        assert job["state"] == "succeeded", (kind, job)
        assert b" -1 E" in one.output(job), (kind, "was not refused")
        found, score = signals(one, job)
        assert list(found) == [kind], (kind, found)
        call, = found[kind]["evidence"]
        assert call["nr"] == int(calls[0].split(":")[0]) and argument in call["args"] and call["count"] == 1
        assert call["process"] == 1 and int(call["ip"], 16) > 0x1000
        alert, = alerts_of(one, job)
        assert alert["level"] == level and alert["action"] == "log" and alert["state"] == "open"
        assert score == alert["score"] == details(job)["suspicion"]
        assert alert["evidence"][0]["evidence"] == found[kind]["evidence"]


def test_what_weighs_little_is_recorded_and_no_alert(service, knock):
    one = service()
    for kind, calls in (("network_attempt", ["41:2:1:0"]), ("tripwire.personality", ["135:0x400000"])):
        job = one.run("exec", **knock(*calls))
        assert list(signals(one, job)[0]) == [kind] and not alerts_of(one, job)
    calls = ["425:8", "435:0:0", "41:16:3:0", "101:0", "319:0:0", "56:0x11:0:0:0:0"]
    job = one.run("exec", **knock(*calls))
    assert signals(one, job) == ({}, 0), "what interpreters and compilers try by themselves"


def test_two_kinds_of_break_out_end_the_job(service, knock):
    one = service()
    document = knock("165", "101:16:1")
    document["steps"] += [{"argv": ["sleep", "100"]}]
    job = one.run("exec", **document, limits={"wall_ms": 100000})
    assert (job["state"], details(job)["reason"]) == ("failed", "policy_kill"), job
    assert [(a["level"], a["action"]) for a in alerts_of(one, job)][0] == ("critical", "kill")
    assert ask(one, "/v1/jobs/" + one.run(text="true")["id"])["state"] == "succeeded", "the tenant goes on"


def test_a_quarantined_tenant_starts_nothing_and_is_told_why(service, knock):
    one = service("--on-high=quarantine", "--warm=1")
    body = {"name": "guest", "threat": "own"}
    assert one.ask("POST", "/v1/tenants", body, key=one.operator)[0] == 201
    status, made = one.ask("POST", "/v1/keys?tenant=guest", {"scopes": ["jobs:write", "jobs:read"]}, key=one.operator)
    guest = json.loads(made)["key"]
    status, made = one.ask("POST", "/v1/jobs?wait=60s", {"runtime": "exec", **knock("321:5")}, key=guest)
    if status == 201:
        assert json.loads(made)["result"]["details"]["suspicion"] >= 50
    harness.wait_until(lambda: ask(one, "/v1/tenants/guest", key=one.operator)["suspended"], "it is suspended", PATIENCE)
    tenant = ask(one, "/v1/tenants/guest", key=one.operator)
    assert "bpf" in tenant["suspended_why"] and "detection" in tenant["suspended_why"]
    status, body = one.ask("POST", "/v1/jobs", {"runtime": "bash", "files": [{"path": "a", "text": "true"}]}, key=guest)
    assert status == 403 and b"tenant_suspended" in body and b"bpf" in body
    assert one.run(text="true")["state"] == "succeeded", "others go on"
    audit = ask(one, "/v1/audit?tenant=guest", key=one.operator)
    assert audit["chain_holds"] and "tenant.quarantine" in [row["action"] for row in audit["entries"]]
    assert one.ask("PATCH", "/v1/tenants/guest", {"suspended": False}, key=one.operator)[0] == 200
    assert one.ask("POST", "/v1/jobs", {"runtime": "bash", "files": [{"path": "a", "text": "true"}]}, key=guest)[0] == 201


def test_storms(service, knock):
    one = service()
    forks = "import os\nfor i in range(300):\n    try:\n        os.fork() or os._exit(os.system('sleep 1'))\n    except OSError: pass\n"
    rows = [
        ("denial_storm", "exec", knock("16:0:1x5000")),
        ("limit_storm.fork", "exec", {"files": [{"path": "a.py", "text": forks}], "steps": [{"argv": ["python3", "a.py"]}]}),
        ("limit_storm.output", "exec", {"steps": [{"argv": ["head", "-c", "100000000", "/dev/zero"]}]}),
        ("limit_storm.disk", "exec", {"steps": [{"argv": ["sh", "-c", "head -c 100000000 /dev/zero >big || kill -XFSZ $$"]}]}),
    ]
    for kind, runtime, document in rows:
        found, score = signals(one, one.run(runtime, **document))
        assert list(found) == [kind] and score == found[kind]["weight"], (kind, found)


def test_ten_thousand_refusals_hurt_nobody_else(service, knock):
    """They are counted, an alert comes while they go on, and a neighbour has its result meanwhile."""
    one = service()
    job = {"id": one.create("exec", **knock("16:0:1x1000000"), limits={"wall_ms": 60000, "cpu_ms": 60000})}
    harness.wait_until(lambda: alerts_of(one, job), "an alert while it runs", PATIENCE)
    for _ in range(3):
        assert one.run(text="echo 42")["state"] == "succeeded"
    assert one.ask("POST", f"/v1/jobs/{job['id']}/cancel", raw=b"")[0] == 200
    ended = one.wait(job["id"])
    found, _ = signals(one, ended)
    assert found["denial_storm"]["count"] >= 2000 and len(found) <= 3
    assert len(alerts_of(one, ended)) <= 3


def test_a_decoy_that_is_opened_is_seen_from_outside(service):
    one = service()
    job = one.run(text="cat /run/secrets/cloud-key")
    if os.geteuid():
        pytest.skip("decoys take root")
    assert b"DECOY" in one.output(job)
    found, score = signals(one, job)
    assert found["honey_file"]["evidence"][0]["path"] == "/run/secrets/cloud-key" and score >= 60
    quiet = one.run(text="ls -lR /run /var >/dev/null 2>&1; stat /var/run/docker.sock")
    assert signals(one, quiet) == ({}, 0), "looking at names opens nothing"


def test_the_end_of_the_step_is_an_anomaly(service):
    one = service()
    found, _ = signals(one, one.run(text="kill -9 2; sleep 60"))
    assert "wait_anomaly" in found
    assert signals(one, one.run(text="kill -SEGV $$"))[0] == {}
    assert signals(one, one.run(text="sleep 60", limits={"wall_ms": 200}))[0] == {}


def stream(one, last=None, key=""):
    link = http.client.HTTPConnection("127.0.0.1", one.port, timeout=PATIENCE)
    head = {"Authorization": f"Bearer {key or one.key}"}
    if last is not None:
        head["Last-Event-ID"] = str(last)
    link.request("GET", "/v1/alerts/events", headers=head)
    answer = link.getresponse()
    assert answer.status == 200
    return link, answer


def next_alert(answer):
    seen = {}
    while True:
        line = answer.readline().decode().rstrip("\n")
        if not line and "data" in seen:
            return int(seen["id"]), json.loads(seen["data"])
        name, _, value = line.partition(": ")
        if name in ("id", "event", "data"):
            seen[name] = value


def test_the_stream_tells_while_the_job_runs_and_resumes(service, knock):
    one = service()
    link, answer = stream(one)
    document = knock("321:5")
    document["steps"] += [{"argv": ["sleep", "60"]}]
    job = one.create("exec", **document, limits={"wall_ms": 100000})
    first, alert = next_alert(answer)
    assert alert["job"] == job and alert["level"] == "high"
    assert one.get(job)["state"] == "running", "the alert comes while it runs"
    link.close()
    one.ask("POST", f"/v1/jobs/{job}/cancel", raw=b"")
    made = [one.run("exec", **knock("165"))["id"] for _ in range(3)]
    link, answer = stream(one, last=first)
    heard = [next_alert(answer) for _ in made]
    assert [alert["job"] for _, alert in heard] == made
    assert [number for number, _ in heard] == sorted({number for number, _ in heard})
    link.close()
    status, body = one.ask("GET", f"/v1/alerts/events?after={heard[0][0]}&replay=true")
    assert status == 200 and body.count(b"event: alert") == 2


def test_alerts_are_acknowledged_filtered_and_paged(service, knock):
    one = service()
    jobs = [one.run("exec", **knock(call)) for call in ("165", "272:0x10000000", "321:5", "161:0", "165")]
    page = ask(one, "/v1/alerts?limit=2")
    seen = [row["id"] for row in page["alerts"]]
    while "next" in page:
        page = ask(one, f"/v1/alerts?limit=2&cursor={page['next']}")
        seen += [row["id"] for row in page["alerts"]]
    assert seen == sorted(seen, reverse=True) and len(set(seen)) == len(jobs)
    assert len(ask(one, "/v1/alerts?level=low")["alerts"]) == 2
    assert one.ask("GET", "/v1/alerts?level=none")[0] == 400
    for _ in range(2):
        acked = ask(one, f"/v1/alerts/{seen[0]}/ack", "POST")
        assert acked["state"] == "acknowledged" and acked["acknowledged_by"] in one.key
    assert [row["id"] for row in ask(one, "/v1/alerts?state=acknowledged")["alerts"]] == seen[:1]
    assert one.ask("POST", "/v1/alerts/999/ack")[0] == 404
    assert ask(one, "/v1/overview")["now"]["alerts_open"] == ask(one, "/v1/overview", key=one.operator)["now"]["alerts_open"] == 4
    day = ask(one, "/v1/security", key=one.operator)
    assert day["scope"] == "all" and day["open"] == {"low": 2, "high": 2, "critical": 0}
    assert day["kinds"][0] == {"kind": "tripwire.mount", "jobs": 2, "count": 2}
    assert {"nr": 165, "call": "mount", "count": 2} in day["calls"]
    assert day["tenants"][0]["tenant"] == "default"


def test_alerts_are_there_after_a_restart(service, knock):
    one = service()
    job = one.run("exec", **knock("165"))
    one.kill_all("ward-serve")
    harness.wait_until(one.is_up, "the front is there again", PATIENCE)
    alert, = alerts_of(one, job)
    with open(log_of(one), encoding="utf-8") as log:
        lines = [json.loads(line) for line in log if '"event":"alert"' in line]
    assert lines[0]["id"] == alert["id"] and lines[0]["severity"] == "high" and lines[0]["tenant"] == "default"


def test_no_byte_of_a_job_is_in_an_alert(service, knock):
    one = service()
    document = knock("165")
    document["labels"] = {"x": "<script>alert(1)</script>"}
    document["files"] += [{"path": "<b>bold</b>", "text": "x"}]
    job = one.run("exec", **document)
    text = json.dumps(alerts_of(one, job)) + json.dumps(signals(one, job)[0])
    assert "<" not in text and "\\u001b" not in text


PYTHON = ["import json, sys; print(json.dumps(sys.version_info[:3]))",
          "import subprocess; print(subprocess.run(['ls', '/'], capture_output=True).stdout)",
          "import threading; t = [threading.Thread(target=print) for _ in range(8)]; [x.start() for x in t]; [x.join() for x in t]",
          "import sqlite3; d = sqlite3.connect('a.db'); d.execute('create table t(a)'); d.commit(); print(1)",
          "import asyncio; asyncio.run(asyncio.sleep(0.01)); print('ok')",
          "import tempfile, shutil, os; p = tempfile.mkdtemp(); shutil.copytree('/usr/share/python3', p + '/x'); print(os.listdir(p))",
          "from concurrent.futures import ProcessPoolExecutor as P\nif __name__ == '__main__':\n"
          "    with P(2) as p: print(list(p.map(abs, range(9))))",
          "import mmap, zlib, hashlib, ssl, select, signal, ctypes; print(hashlib.sha256(b'').hexdigest())",
          "import time, datetime, random, uuid; print(uuid.uuid4(), datetime.datetime.now())",
          "raise SystemExit(3)", "x = [0] * 10**6; x.sort(); print(len(x))", "1 / 0"]
NODE = ["console.log(require('os').cpus().length)",
        "require('fs').promises.readdir('/usr').then(x => console.log(x.length))",
        "const {Worker} = require('worker_threads'); new Worker('1 + 1', {eval: true}).on('exit', () => console.log('done'))",
        "console.log(require('child_process').execSync('echo hi').toString())",
        "console.log(require('crypto').randomBytes(8).length, require('zlib').gzipSync('x').length)",
        "setTimeout(() => console.log(process.memoryUsage().rss > 0), 10)", "throw new Error('x')"]
BASH = ["echo hi | tr a-z A-Z | sort | uniq -c", "seq 100 | xargs -n 10 echo | wc -l", "tar cf a.tar /usr/share/perl5 2>/dev/null; tar tf a.tar | wc -l",
        "find / -maxdepth 2 2>/dev/null | wc -l", "perl -e 'print 6*7'", "awk 'BEGIN { print 1/3 }'", "ls -laR /etc /proc/self >/dev/null 2>&1; id; ps",
        "mkfifo p; (echo x >p &) ; cat p", "ulimit -a; nice true; uname -a; df; free; printenv", "mkdir d; chmod 700 d; touch d/x; ln -s x d/y; cp -a d e; rm -r d",
        "git --version; make --version | head -1; timeout 1 sleep 5; exit 0", "strace -V >/dev/null 2>&1; exit 5"]
C = ["#include <stdio.h>\nint main(void) { puts(\"hi\"); }",
     "#include <stdlib.h>\n#include <string.h>\nint main(void) { char *p = malloc(1 << 20); memset(p, 1, 1 << 20); return p[7] - 1; }",
     "#include <pthread.h>\nstatic void *f(void *p) { return p; }\nint main(void) { pthread_t t; pthread_create(&t, 0, f, 0); return pthread_join(t, 0); }",
     "int main(void) { return *(volatile int *)0; }", "int main({",
     "#include <unistd.h>\n#include <sys/wait.h>\nint main(void) { if (!fork()) _exit(0); wait(0); }"]
CPP = ["#include <iostream>\n#include <map>\nint main() { std::map<int, int> m; m[1] = 2; std::cout << m[1]; }",
       "#include <thread>\nint main() { std::thread t([] {}); t.join(); }", "#include <stdexcept>\nint main() { throw std::runtime_error(\"x\"); }"]
NAMES = {"python": ("a.py", "python3"), "node": ("a.js", "node"), "bash": ("a.sh", "bash"), "c": ("a.c", "gcc"), "cpp": ("a.cpp", "g++")}


def test_ordinary_jobs_raise_no_alarm(service):
    one = service("--boxes=8")
    kinds = [(runtime, text) for runtime, texts in (("python", PYTHON), ("node", NODE), ("bash", BASH), ("c", C), ("cpp", CPP))
             for text in texts if shutil.which(NAMES[runtime][1])]
    waiting, alarms, began = [], [], time.monotonic()
    for number, (runtime, text) in enumerate(itertools.islice(itertools.cycle(kinds), ORDINARY_JOBS)):
        job = one.create(runtime, files=[{"path": NAMES[runtime][0], "text": f"{text}\n"}], limits={"wall_ms": 60000, "cpu_ms": 50000})
        waiting.append((job, runtime, text))
        if len(waiting) == 8 or number == ORDINARY_JOBS - 1:
            for job, runtime, text in waiting:
                ended = one.wait(job)
                found, score = signals(one, ended)
                assert ended["state"] in ("succeeded", "failed"), (runtime, text, ended)
                if found:
                    alarms.append((runtime, text, score, found))
            waiting = []
    print(f"{ORDINARY_JOBS} ordinary jobs in {time.monotonic() - began:.0f} s, {len(alarms)} with a signal")
    assert not alarms
    assert ask(one, "/v1/alerts", key=one.operator)["alerts"] == []
