"""Every system call of a start fails once: the run is refused in one line, or not touched at all.

No leak, no half box: where the program runs it sees what it sees in a run without a fault.
"""
import errno
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

import harness

HERE = os.path.dirname(os.path.abspath(__file__))
ROLES = ["ward", "keeper", "first process", "program's process"]
# What the program says of itself: all that a missing layer would change.
LOOK = """
import ctypes, os, resource, socket
def attempt(action):
    try:
        return action()
    except OSError as e:
        return e.errno
def status():
    return [line for line in open('/proc/self/status') if line[:3] in ('Cap', 'NoN', 'Sec', 'Uid', 'Gid', 'Gro')]
is_box = {is_box}
print(attempt(status) if is_box else 0, os.getsid(0) == os.getpid(), os.path.exists('/home/.'),
      [resource.getrlimit(n) for n in (4, 5, 7, 8)], socket.gethostname() if is_box else 0,
      [attempt(lambda: os.listdir(path)) for path in ('/', '/root', '/tmp', '/work')] if is_box else 0,
      ctypes.CDLL(None).unshare(0x10000000), sorted(os.listdir('/proc/self/fd')) if is_box else 0, 0 in os.getresuid())
"""
HANGS = 97      # failer's word
# Without one of these on the host a run is planned without it: so it is when looking for it fails.
OPTIONAL = {"landlock", "timens", "cgroupns", "core-sched", "speculation", "mdwe", "cgroup-memory",
            "cgroup-pids", "cgroup-swap", "cgroup-cpu", "cgroup-io", "no-tsc"}


class Faults:
    def __init__(self, runner, failer, boundary):
        self.runner, self.failer, self.boundary = runner, failer, boundary
        self.tag = 0
        self.look = LOOK.format(is_box=boundary == "container")

    def run(self, role, nth, error, tag):
        place = self.runner.place
        result, report = f"{place}/{tag}.json", f"{place}/{tag}.report"
        words = [self.failer, report, str(role), str(nth), str(error), self.runner.program, "run", "-b", self.boundary,
                 "--result", result, "--mem", "256M", "-q", "/usr/bin/python3", "-S", "-c", self.look]
        done = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=self.runner.environment(), cwd=place, **self.runner.identity())
        out, err = done.communicate(timeout=60)
        with open(report, encoding="ascii") as file:
            told = file.read()
        return harness.Outcome(done.returncode, out, err, harness.read_result(result), 0), told

    def baseline(self):
        run, told = self.run(-1, 0, 1, "base")
        assert run.code == 0, run
        calls = dict(map(int, line.split()) for line in told.splitlines())
        return run, [calls.get(role, 0) for role in range(4)]


def judge(run, base, role):
    """What is wrong with this outcome, None if nothing."""
    if run.code == HANGS:
        return "it hangs"
    if run.code in (125, 126, 127):
        if run.out:
            return "refused, and yet the program spoke"
        if run.err.count(b"\n") != 1 or not run.err.startswith(b"ward: "):
            return "the error is not one line"
        # ward confines itself once the program runs: when that fails it ends the box, and says that it ran.
        if run.result and run.result["stage"] == "run" and run.result["verdict"] != "internal":
            return "the result says that it ran"
        return None
    if run.code == 134 and run.err == b"ward: out of memory\n":
        return None
    if run.code != 0:
        return "an exit code that no fault explains"
    missing = set(base.result["layers"]) ^ set(run.result["layers"] if run.result else ())
    if missing - (OPTIONAL if role == 0 else set()):
        return f"the program ran, and these layers differ: {missing}"
    if run.out != base.out and not missing:
        return "the program ran with something missing"
    return None


@pytest.fixture(scope="module")
def failer():
    place = harness.make_place(os.geteuid())
    yield harness.compile_c(os.path.join(HERE, "failer.c"), place)
    subprocess.run(["rm", "-rf", place], check=True)


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_every_call_of_a_start_may_fail(anyone, failer, boundary):
    faults = Faults(anyone, failer, boundary)
    base, calls = faults.baseline()
    # Processes run side by side, so that a run may make a few calls more than the first did.
    todo = [(role, nth) for role in range(4) for nth in range(1, calls[role] + 5)]
    bad, fired = [], 0
    with ThreadPoolExecutor(4) as pool:
        jobs = {pool.submit(faults.run, role, nth, errno.EPERM, f"{role}.{nth}"): (role, nth) for role, nth in todo}
        for job in as_completed(jobs):
            role, nth = jobs[job]
            run, told = job.result()
            fired += told.startswith("fired")
            wrong = judge(run, base, role)
            if wrong:
                bad.append(f"{ROLES[role]}, call {nth} ({told.strip()}): {wrong}: exit {run.code} "
                           f"{run.err.decode(errors='replace')[:300]!r} {run.out[:200] if run.out != base.out else ''}")
    assert sum(calls) > 150 and fired >= len(todo) * 0.9
    assert not bad, f"{len(bad)} of {len(todo)}:\n" + "\n".join(sorted(bad)[:60])
