"""`ward serve`: jobs of every runtime, limits, hostile outputs, and the death of each of its processes."""
import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import harness
import modules

PATIENCE = 120


class Service:
    """One service with a directory of its own; ends with the test, and leaves nothing."""

    def __init__(self, ward, *options, env=None, may_end=False):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.ward, self.options = ward, options
        self.state = os.path.join(ward.place, f"state-{self.port}")
        self.key = None
        if may_end:
            self.start_till_it_stays(env)
        else:
            self.start(env)

    def start(self, env=None):
        log = os.path.join(self.ward.place, f"log-{self.port}")
        with open(log, "ab") as out:
            self.process = self.ward.start("serve", f"--listen=127.0.0.1:{self.port}", f"--state={self.state}",
                                           *self.options, stdout=out, stderr=out, env=env)
        harness.wait_until(lambda: self.is_up() or self.process.poll() is not None, "the service answers", PATIENCE)
        said = self.said()
        assert self.process.poll() is None, said
        found = re.search(r'tenant "default".*\n\s+(wk_\S+)', said)
        self.key = found.group(1) if found else self.key

    def start_till_it_stays(self, env):
        """It may end before it has said its key, and says it again then: nobody was told."""
        try:
            self.start(env)
        except AssertionError:
            self.revive()

    def revive(self):
        """Starts it again when the launcher is gone, without the point; what the old one left holds the directory for a moment."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is not None:
            assert time.monotonic() < end, self.said()
            try:
                self.start()
            except AssertionError:
                time.sleep(0.2)

    def said(self):
        with open(os.path.join(self.ward.place, f"log-{self.port}"), encoding="utf-8") as text:
            return text.read()

    def is_up(self):
        try:
            return self.ask("GET", "/healthz", key=None)[0] == 200
        except OSError:
            return False

    def ask(self, method, path, body=None, key="", raw=None):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        head = {} if key is None else {"Authorization": f"Bearer {key or self.key}"}
        if body is not None:
            head["Content-Type"] = "application/json"
            raw = json.dumps(body).encode()
        try:
            link.request(method, path, raw, head)
            answer = link.getresponse()
            status, said = answer.status, answer.read()
        finally:
            link.close()
        if status == 503 and b'"shutting_down"' in said:
            raise ConnectionAbortedError("the service said that it ends")    # as good as none: it is asked again
        return status, said

    def create(self, runtime="bash", text=None, **document):
        if text is not None:
            document["files"] = [{"path": "main", "text": text}, *document.get("files", [])]
        if document.get("files") and len(document["files"]) > 1 and "steps" not in document:
            document["steps"] = [{"argv": ["bash", "main"]}]
        status, body = self.ask("POST", "/v1/jobs", {"runtime": runtime, **document})
        assert status == 201, body
        return json.loads(body)["id"]

    def get(self, job):
        status, body = self.ask("GET", f"/v1/jobs/{job}")
        assert status == 200, body
        return json.loads(body)

    def wait(self, job, meanwhile=lambda: None):
        """The job when it has ended; the front may go and come meanwhile."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                seen = self.get(job)
                if seen["state"] not in ("queued", "leased", "starting", "running", "finishing"):
                    return seen
            except (OSError, http.client.HTTPException):
                meanwhile()
            time.sleep(0.02)
        pytest.fail(f"not over: {self.get(job)}")

    def run(self, runtime="bash", text=None, **document):
        return self.wait(self.create(runtime, text, **document))

    def output(self, job, stream="stdout"):
        status, body = self.ask("GET", f"/v1/jobs/{job['id']}/{stream}")
        assert status == 200, body
        return body

    def processes(self, name):
        return [pid for pid, found in harness.descendants(self.process.pid).items() if found == name]

    def kill_all(self, name):
        """Also those of parked boxes: which one has the job is not to be seen from outside."""
        for pid in self.processes(name):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(PATIENCE) == 0
        shutil.rmtree(self.state, ignore_errors=True)


@pytest.fixture
def service(ward):
    harness.need("ward-serve")
    made = []

    def make(*options, **more):
        made.append(Service(ward, *options, **more))
        return made[-1]

    yield make
    for one in made:
        one.end()


def details(job):
    return job["result"]["details"]


PROGRAMS = {
    "python": ("python3", "import sys; print(6 * 7, sys.argv[1:], __name__)", b"42 ['a'] __main__\n"),
    "node": ("node", "console.log(6 * 7, process.argv.slice(2), require.main === module)", b"42 [ 'a' ] true\n"),
    "bash": ("bash", "echo $((6 * 7)) $1", b"42 a\n"),
    "c": ("gcc", "#include <stdio.h>\nint main(int n, char **v) { printf(\"%d %s\\n\", 42, v[n - 1]); }", b"42 a\n"),
    "cpp": ("g++", "#include <cstdio>\nint main(int n, char **v) { printf(\"42 %s\\n\", v[n - 1]); }", b"42 a\n"),
}
NAMES = {"python": "a.py", "node": "a.js", "bash": "a.sh", "c": "a.c", "cpp": "a.cpp"}


def test_every_runtime_runs_a_job(service):
    one = service()
    for runtime, (program, text, wanted) in PROGRAMS.items():
        if not any(os.access(f"/{place}/{program}", os.X_OK) for place in ("usr/local/bin", "usr/bin", "bin")):
            continue
        job = one.run(runtime, files=[{"path": NAMES[runtime], "text": text}], args=["a"])
        assert job["state"] == "succeeded", (runtime, job)
        assert one.output(job) == wanted
        assert details(job)["boundary"] == "container" and "seccomp" in details(job)["layers"]
    job = one.run("exec", steps=[{"argv": ["cat"], "stdin": {"text": "bytes\n"}}])
    assert one.output(job) == b"bytes\n"
    job = one.run("c", files=[{"path": "a.c", "text": "int main({"}])
    assert (job["state"], details(job)["reason"]) == ("failed", "compile")


AS_EVER = {
    "python": [
        "import sys\nprint(__name__, __file__, sys.argv, sorted(globals()), __builtins__)",
        "class Last:\n    def __del__(self):\n        print('gone')\nlast = Last()",
        "import atexit, sys, threading\natexit.register(print, 'bye')\nthreading.Thread(target=print, args=[1]).start()\nsys.exit(3)",
        "def f():\n    raise ValueError('x')\nf()",
        "x = (",
        "kept = open('/tmp/kept', 'w')\nkept.write('all')\nimport warnings\nwarnings.warn('w')",
        "import atexit, sys\nclass Last:\n    def __del__(self):\n        print('gone', sys.argv, sys.meta_path)\n"
        "def f():\n    return last\nlast = Last()\nlast.own = last\natexit.register(print, 'first', end='')",
        "def f():\n    try:\n        yield 1\n    finally:\n        print('closed')\nlast = f()\nnext(last)",
        "import sys, types\nclass Last:\n    def __del__(self):\n        print('gone', __name__)\n"
        "m = sys.modules['m'] = types.ModuleType('m')\nm.x, m.own = Last(), m\nimport json\njson.x, a, b = Last(), Last(), Last()\nimport __main__",
        "import builtins, os\nclass Last:\n    def __del__(self):\n        os.write(1, b'gone')\nbuiltins.last = Last()",
        "import weakref, sys\nclass C: pass\nc = C()\nweakref.finalize(c, print, 'finalized')\nsys.exit(300)",
        "import sys\nsys.exit('why')",
        "import sys\nsys.exit(-1)",
        "import sys\nsys.exit(1 << 40)",
        "import sys\nsys.exit(True)",
        "raise KeyboardInterrupt",
        "import atexit, sys\natexit.register(sys.exit, 4)\natexit.register(divmod, 1, 0)\nprint(1)",
        "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()",
        "import threading, time\nthreading.Thread(target=lambda: time.sleep(60), daemon=True).start()\nprint(1, end='')",
        "import ctypes\nctypes.CDLL(None).printf(b'by C')",
        "import os\nprint('x' * 10)\nos.close(1)",
        "import os\nclass Last:\n    def __del__(self):\n        os.close(1)\n        print('lost')\nlast = Last()",
        "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, 'utf-16')\nprint(1)",
        "import sys\nsys.stdout = open('/tmp/kept', 'w')\nprint(1)\nprint(2, file=sys.stderr, end='')",
        "import os, sys\nprint('both')\nif os.fork():\n    os.wait()\n    print('parent')\nelse:\n    sys.exit(3)",
        "import multiprocessing\np = multiprocessing.Process(target=print, args=[1])\np.start()\np.join()\nprint(p.exitcode)",
        "import tempfile, atexit, os\nt = tempfile.TemporaryDirectory()\natexit.register(lambda: print(os.path.exists(t.name)))",
        "import subprocess\nk = subprocess.Popen(['sleep', '9'])",
        "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
        "import gc, sys\nprint(gc.isenabled(), sorted(sys.modules) == sorted(set(sys.modules)), 'ward' in sys.modules, sys.is_finalizing())",
        "import asyncio\nasync def f():\n    await asyncio.sleep(0.01)\n    print('slept')\nasyncio.run(f())",
        "import sys\nclass Out:\n    __repr__ = lambda self: 'out'\n    def write(self, text):\n        sys.__stdout__.write(text)\nsys.stdout = Out()\nprint(1)",
        "import atexit\natexit._run_exitfuncs()\nprint(1)",
        "import atexit\natexit._clear()\nprint(1)",
    ],
    "node": [
        "console.log(process.argv.slice(2), __filename, typeof fs, typeof os, require.main === module)",
        "process.on('exit', () => console.log('bye')); setTimeout(() => console.log('late'), 20); process.exitCode = 3",
        "console.error('x'); process.exit(4)",
        "process.stdout.write('x'.repeat(200000))",
        "console.log(Object.keys(require.cache), module.parent, module.id, module.children, process.mainModule === module, process.execArgv)",
        "console.log(process.eventNames(), process._getActiveHandles().length, Object.getOwnPropertyNames(globalThis).sort().join())",
        "process.nextTick(console.log, 1); Promise.resolve(2).then(console.log); setImmediate(console.log, 3); process.on('beforeExit', () => console.log(4))",
        "process.on('exit', (code) => console.log(code)); Promise.reject(new Error('x')).catch((e) => { process.exitCode = 5; });",
        "console.log(require('child_process').execFileSync('env', { env: { A: 'b' } }) + '', require('fs').existsSync('/dev/null'))",
        "require('child_process').spawnSync('sh', ['-c', 'head -c 300000 /dev/zero'], { stdio: 'inherit' })",
        "process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 10000)",
    ],
}


def test_an_interpreter_that_waited_runs_a_script_as_one_that_did_not(service):
    one = service()
    for runtime, texts in AS_EVER.items():
        program, name = PROGRAMS[runtime][0], NAMES[runtime]
        if not os.access(f"/usr/bin/{program}", os.X_OK):
            continue
        for text in texts:
            files = [{"path": name, "text": text + "\n"}]
            jobs = [one.run(runtime, files=files, args=["a", "b"]),
                    one.run(runtime, files=files, steps=[{"argv": ["env", program, name, "a", "b"]}])]
            waited, fresh = [(details(job)["exit_code"], one.output(job), one.output(job, "stderr")) for job in jobs]
            assert waited == fresh, text


# What ends a job the same way in every boundary.
ENDS = [
    ("yes", {"stdout_bytes": 1000, "on_output_limit": "kill"}, "failed", "output_limit"),
    ("kill -SEGV $$", {}, "failed", "signal"),
    ("exit 7", {}, "failed", "exit"),
]


def check_ends(one, rows, **document):
    """Runs each; returns the jobs."""
    jobs = []
    for text, limits, state, reason in rows:
        jobs.append(one.run(text=text, limits=limits, **document))
        assert (jobs[-1]["state"], details(jobs[-1])["reason"]) == (state, reason), (text, jobs[-1])
    return jobs


def check_output_limit(one, **document):
    job = one.run(text="head -c 3000000 /dev/zero; echo x >&2", limits={"stdout_bytes": 1000}, **document)
    assert job["state"] == "succeeded"
    assert details(job)["stdout"]["bytes"] == 3000000 and details(job)["stdout"]["kept"] == 1000
    assert one.output(job) == bytes(1000) and one.output(job, "stderr") == b"x\n"


def test_limits_end_a_job_and_say_which(service):
    check_ends(service(), [
        *ENDS,
        ("while :; do :; done", {"wall_ms": 300}, "timed_out", "wall"),
        ("while :; do :; done", {"cpu_ms": 200}, "timed_out", "cpu"),
        ("exec python3 -c 'x = bytearray(1 << 31)'", {"mem_bytes": 128 << 20}, "failed", "oom"),
        (":(){ :|:& };:; sleep 60", {"wall_ms": 1000}, "timed_out", "wall"),
        ("while :; do setsid sleep 1000 & done", {"wall_ms": 700}, "timed_out", "wall"),
        ("for i in $(seq 500); do (exit 1) & done; wait; exit 0", {}, "succeeded", ""),
        ("kill -9 2; sleep 60", {}, "failed", "signal"),
    ])


def test_what_is_above_the_output_limit_is_counted_and_dropped(service):
    check_output_limit(service())


def test_outputs_are_regular_files_and_nothing_else(service):
    one = service()
    job = one.run(text="mkdir out out/d.txt; echo 1 > out/a.txt; ln -s /etc/passwd out/b.txt; mkfifo out/c.txt; "
                  "ln -s / up; head -c 2000 /dev/zero > out/e.txt; printf x > \"out/$(printf '\\033[2J').txt\"; "
                  "ln out/a.txt out/f.txt; d=$(printf 'd%.0s' {1..200}); mkdir $d; echo far > $d/$d",
                  outputs=[{"path": "out/*.txt", "max_bytes": 1000, "max_files": 9}, {"path": "up/etc/pass*"}, {"path": "d*/d*"}])
    assert sorted(found["name"] for found in details(job)["artifacts"]) == ["out/a.txt", "out/f.txt"]
    why = {found["name"]: found["why"] for found in details(job)["left_out"]}
    assert why["out/b.txt"] == why["out/c.txt"] == why["out/d.txt"] == "not a regular file"
    assert why["out/e.txt"] == "too large"
    assert why["out/\033[2J.txt"].startswith("not a name") and why[("d" * 200 + "/" + "d" * 200)[:255]].startswith("not a name")
    status, body = one.ask("GET", f"/v1/jobs/{job['id']}/artifacts/out/a.txt")
    assert (status, body) == (200, b"1\n")


def test_boxes_that_cannot_be_built_are_told_of_with_the_cause(ward):
    """As while a package is replaced below a service that runs: what its boxes are made of is gone."""
    harness.need("ward-serve")
    place = ward.folder("programs")
    for name in os.listdir(harness.BUILD):
        if os.path.isfile(os.path.join(harness.BUILD, name)) and os.access(os.path.join(harness.BUILD, name), os.X_OK):
            shutil.copy(os.path.join(harness.BUILD, name), place)
    program, ward.program = ward.program, os.path.join(place, "ward")
    try:
        one = Service(ward, "--warm=1")
    finally:
        ward.program = program
    try:
        assert one.run(text="exit 0")["state"] == "succeeded"
        os.remove(os.path.join(place, "ward-step"))
        # Boxes with their class's limits may begin with a tree that was made before; these are planned anew.
        for _ in range(3):
            job = one.run(text="exit 0", limits={"pids": 33}, retry={"max_attempts": 1})
            assert (job["state"], job["reason"]) == ("infra_failed", "setup") and "/ward-step" in job["why"]
        harness.wait_until(lambda: "boxes in a row could not be built" in one.said(), "a line in the log")
        line = next(line for line in one.said().splitlines() if "boxes in a row" in line)
        assert json.loads(line)["level"] == "error" and "/ward-step" in json.loads(line)["text"]
    finally:
        one.end()


def test_boxes_begin_with_one_tree_that_none_of_them_can_change(service):
    """Where it can be copied; elsewhere each has its own. What is made for a box is no other's."""
    if os.geteuid() != 0 or tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) < (6, 15):
        pytest.skip("copies of a tree that is not attached are root's, on Linux 6.15 and newer")
    one = service("--boxes=2", "--warm=1")
    text = ("stat -c %d / /tmp /work /dev/shm /proc; stat -c '%u %a' / /etc/passwd /dev; "
            "for f in /x /etc/x /etc/passwd /dev/x /run/x; do touch $f 2>&1; done; rm -f /etc/hosts 2>&1; mount -o remount,rw / 2>&1; "
            "cat /etc/hosts; for d in /tmp /work /dev/shm; do ls $d; touch $d/mine; done; echo x >/dev/null; exit 0")
    first, second = (one.output(one.run(text=text)).decode().splitlines() for _ in range(2))
    devices = [lines[:5] for lines in (first, second)]
    assert devices[0][0] == devices[1][0] and all(len(set(d)) == 5 for d in devices)
    assert first[5:] == second[5:]
    assert first[5:8] == ["65534 755", "65534 644", "65534 755"]
    assert sum("Read-only file system" in line for line in first) == 6 and "127.0.0.1 localhost" in first


def test_a_job_finds_nothing_of_the_one_before(service):
    one = service("--boxes=2", "--warm=1")
    mark = "ward-marker-of-another-job"
    look = ("cd /; { cat /proc/*/environ /proc/*/cmdline; ls -laR /tmp /work /dev/shm; cat /proc/sysvipc/* "
            "/proc/net/unix; find / -xdev -name '*marker*'; } 2>/dev/null | grep -c marker-of; exit 0")
    for _ in range(4):
        job = one.run(text=f"for d in /tmp /work /dev/shm; do echo {mark} > $d/{mark}; done; "
                      f"A={mark} setsid sleep 1000 & exit 0")
        assert job["state"] == "succeeded"
        job = one.run(text=look.replace("marker-of", "[m]arker-of"))
        assert one.output(job) == b"0\n"


def test_a_job_runs_once_in_each_boundary_of_each_runtime(service):
    one = service("--warm=0")
    _, told = one.ask("GET", "/v1/runtimes")
    programs = {"python": "print('here')", "node": "console.log('here')", "bash": "echo here", "js": "console.log('here')",
                "c": '#include <stdio.h>\nint main(void) { puts("here"); }', "cpp": '#include <cstdio>\nint main() { puts("here"); }'}
    names = {"c": "main.c", "cpp": "main.cpp", "js": "main.js"}
    here = modules.const(1) + modules.const(0) + modules.const(1) + modules.const(8) + modules.call(0) + modules.DROP
    here = modules.module(here, [(modules.WASI, "fd_write", "iiii", True)], data=b"\x10\0\0\0\5" + b"\0" * 11 + b"here\n")
    done = set()
    for runtime in json.loads(told)["runtimes"]:
        for row in runtime["boundaries"]:
            if not row["available"] or runtime["name"] not in {*programs, "wasm"}:
                continue
            file = {"path": names.get(runtime["name"], "main"), "text": programs.get(runtime["name"], "")}
            if runtime["name"] == "wasm":
                file = {"path": "main", "base64": base64.b64encode(here).decode()}
            job = one.run(runtime["name"], files=[file], boundary=row["boundary"])
            where = (runtime["name"], row["boundary"])
            assert (job["state"], job["attempt"], one.output(job)) == ("succeeded", 1, b"here\n"), (where, job)
            done.add(where)
    assert ("python", "container") in done


def test_a_cancelled_job_ends_and_its_box_first(service):
    one = service()
    job = one.create(text="trap '' TERM; echo up; while :; do sleep 1; done")
    harness.wait_until(lambda: one.get(job)["state"] == "running", "the job runs", PATIENCE)
    assert one.ask("POST", f"/v1/jobs/{job}/cancel")[0] == 200
    assert one.wait(job)["state"] == "cancelled"


def run_until_first_attempt_runs(one, text):
    job = one.create(text=text)
    harness.wait_until(lambda: one.get(job)["state"] == "running" and not one.get(job).get("result"), "it runs", PATIENCE)
    return job


def test_short_jobs_in_a_burst_are_not_run_again(service):
    one = service("--boxes=8")
    jobs = [one.create("exec", steps=[{"argv": ["/bin/true"]}]) for _ in range(100)]
    ends = [one.wait(job) for job in jobs]
    assert {(end["state"], end["attempt"]) for end in ends} == {("succeeded", 1)}


# Holds the first attempt until it is killed with its box; the one after that would have to be told apart by files
# that outlive a box, and there are none: so every attempt takes this long.
SLOW = "sleep 2; echo done"


def test_a_front_that_dies_loses_no_job(service):
    one = service()
    job = run_until_first_attempt_runs(one, SLOW)
    os.kill(one.processes("ward-serve")[0], signal.SIGKILL)
    done = one.wait(job)
    assert done["state"] == "succeeded" and done["attempt"] == 2
    assert one.output(done) == b"done\n"


def test_an_interpreter_that_dies_while_it_waits_loses_no_job(service):
    if not os.path.exists("/usr/bin/python3"):
        pytest.skip("python3 is not in /usr/bin")
    one = service("--warm=1")
    harness.wait_until(lambda: one.processes("python3"), "a box has its interpreter", PATIENCE)
    time.sleep(1)       # and is ready
    one.kill_all("python3")
    job = one.run("python", "print('once')")
    assert job["state"] == "succeeded"
    assert one.output(job) == b"once\n" and job["attempt"] == 2


def test_a_runner_that_dies_loses_no_job(service):
    one = service("--warm=0")
    job = run_until_first_attempt_runs(one, SLOW)
    one.kill_all("ward-runner")
    done = one.wait(job)
    assert done["state"] == "succeeded" and done["attempt"] == 2


def test_a_keeper_that_dies_loses_no_job(service):
    one = service("--warm=0")
    job = run_until_first_attempt_runs(one, SLOW)
    one.kill_all("ward-keeper")
    done = one.wait(job)
    assert done["state"] == "succeeded" and done["attempt"] == 2


def test_a_launcher_that_dies_takes_all_with_it_and_the_next_one_goes_on(service):
    one = service()
    job = run_until_first_attempt_runs(one, SLOW)
    below = harness.descendants(one.process.pid)
    one.process.kill()
    one.process.wait(PATIENCE)
    harness.wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") and harness.stat_of(pid)[1] != "Z" for pid in below
                                       if harness.stat_of(pid)), "everything ends", PATIENCE)
    one.start()
    done = one.wait(job)
    assert done["state"] == "succeeded" and done["attempt"] == 2


def test_a_second_service_is_refused_the_directory(service, ward):
    one = service()
    outcome = ward.call("serve", "--listen=127.0.0.1:1", f"--state={one.state}")
    assert outcome.code == 2 and "another `ward serve` uses it" in outcome.errors


def test_hostile_tenants_are_refused_a_bare_container(service):
    one = service()
    status, body = one.ask("GET", "/v1/boundaries")
    held = {row["name"]: row["holds_hostile_code"] for row in json.loads(body)["boundaries"]}
    assert status == 200 and held["container"] is False


@pytest.mark.parametrize("words", [
    ("serve", "--jobs=true", "--rates=15", "--seconds=20", "--kill=any", "--kill-every=2"),
    ("leaks", "--job=true", "--jobs=300", "--first=50", "--fixed"),
    ("leaks", "--job=gvisor", "--jobs=60", "--first=30", "--fixed"),
])
def test_under_load_nothing_is_lost_and_nothing_is_left(ward, words):
    if "--job=gvisor" in words and subprocess.run([ward.program, "check", "-b", "gvisor"], capture_output=True, check=False).returncode:
        pytest.skip("needs gVisor")
    tool = os.path.join(harness.ROOT, "bench", words[0])
    run = subprocess.run([tool, f"--ward={ward.program}", f"--scratch={ward.place}", *words[1:]], capture_output=True, text=True, timeout=900)
    assert run.returncode == 0, run.stdout + run.stderr


def crash_points():
    """Those of the service's processes; the store's have a matrix of their own in tests/unit/store/crash.c."""
    with open(os.path.join(harness.ROOT, "src/store/crash.def"), encoding="utf-8") as table:
        return re.findall(r'"((?:dispatch|launcher|runner)\.\w+)"', table.read())


@pytest.mark.parametrize("point", ["tenant.put:1", "tenant.put:2", "key.put:1", "key.put:2"])
def test_a_first_start_that_dies_is_gone_on_with(service, point):
    """Whoever was shown no key that works would have a service that nobody can use."""
    one = service(env={"WARD_CRASH_AT": point}, may_end=True)
    operator, tenant = (re.findall(rf"Key of the {whose}.*\n\s+(wk_\S+)", one.said())[-1] for whose in ("operator", "tenant"))
    assert one.ask("GET", "/v1/tenants", key=operator)[0] == 200 and one.ask("GET", "/v1/jobs", key=tenant)[0] == 200
    status, body = one.ask("GET", "/v1/tenants", key=operator)
    assert [seen["name"] for seen in json.loads(body)["tenants"]] == ["operator", "default"]
    assert f"ends at crash point {point.split(':')[0]}" in one.said()


def output_of(one, job):
    """The process that is to die may do so while it answers."""
    for _ in range(20):
        try:
            return one.output(job)
        except (OSError, http.client.HTTPException):
            one.revive()
            time.sleep(0.2)
    return one.output(job)


@pytest.mark.parametrize("point, nth", [(point, 1 if point == "launcher.front" else 1 + 2 * (i % 2)) for i, point in enumerate(crash_points())])
def test_a_process_that_dies_at_any_point_loses_no_job_and_invents_none(service, point, nth):
    one = service(env={"WARD_CRASH_AT": f"{point}:{nth}"}, may_end=True)
    jobs = []
    while len(jobs) < 6:
        try:
            jobs.append(one.create("bash", f"echo {len(jobs)}; echo {len(jobs)} >kept", outputs=[{"path": "kept"}]))
        except (OSError, http.client.HTTPException):
            one.revive()    # without an answer nothing was promised
    for i, job in enumerate(jobs):
        done = one.wait(job, one.revive)
        assert done["state"] == "succeeded" and done["attempt"] <= 3, done
        assert output_of(one, done) == f"{i}\n".encode()
        assert [kept["name"] for kept in details(done)["artifacts"]] == ["kept"]
    assert f"ends at crash point {point}\n" in one.said()
