"""Jobs in gVisor: their limits, their end by somebody else, and the death of each process around them. What they share with
jobs in containers is in test_serve.py."""
import os
import signal
import subprocess

import pytest

import harness
from test_serve import ENDS, PATIENCE, check_ends, check_output_limit, details, service  # noqa: F401  (a fixture)

SLOW = "sleep 2; echo done"


@pytest.fixture(autouse=True)
def runsc(ward_path):
    done = subprocess.run([ward_path, "check", "-b", "gvisor"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(done.stdout.strip() or done.stderr.strip())


def run(one, text, **document):
    return one.run(text=text, boundary="gvisor", **document)


def started(one, text):
    job = one.create(text=text, boundary="gvisor")
    harness.wait_until(lambda: one.get(job)["state"] == "running" and not one.get(job).get("result"), "it runs", PATIENCE)
    return job


def kernels(one):
    """gVisor's kernels below a service."""
    found = []
    for pid in harness.descendants(one.process.pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as line:
                if line.read().startswith(b"runsc-sandbox\0"):
                    found.append(pid)
        except OSError:
            pass
    return found


def test_limits_end_a_job_and_say_which(service):
    jobs = check_ends(service(), [
        *ENDS,
        ("while :; do :; done", {"wall_ms": 1000}, "timed_out", "wall"),
        ("while :; do :; done", {"cpu_ms": 1000}, "timed_out", "cpu"),
        ("exec python3 -S -c 'x = bytearray(1 << 30)'", {"mem_bytes": 192 << 20}, "failed", "oom"),
        ("exit 2", {}, "failed", "exit"),
        ("while :; do setsid sleep 1000 & done", {"wall_ms": 60000, "pids": 16}, "failed", "pids_limit"),
        ("trap '' TERM; while :; do sleep 1; done", {"wall_ms": 1000}, "timed_out", "wall"),
    ], boundary="gvisor")
    assert all(job["attempt"] == 1 for job in jobs), jobs


def test_a_disk_that_is_full_is_the_jobs_own_trouble(service):
    one = service()
    job = run(one, "head -c 20000000 /dev/zero > /work/a; echo $?; rm /work/a; echo x > /work/b; cat /work/b", limits={"disk_bytes": 8 << 20})
    assert job["state"] == "succeeded" and one.output(job) == b"1\nx\n", job


def test_what_is_above_the_output_limit_is_counted_and_dropped(service):
    check_output_limit(service(), boundary="gvisor")


def test_outputs_are_regular_files_and_nothing_else(service):
    one = service()
    job = run(one, "mkdir out out/d.txt; echo 1 > out/a.txt; ln -s /etc/passwd out/b.txt; mkfifo out/c.txt; ln -s / up; "
              "head -c 2000 /dev/zero > out/e.txt",
              outputs=[{"path": "out/*.txt", "max_bytes": 1000, "max_files": 9}, {"path": "up/etc/pass*"}])
    assert [found["name"] for found in details(job)["artifacts"]] == ["out/a.txt"]
    why = {found["name"]: found["why"] for found in details(job)["left_out"]}
    assert why["out/b.txt"] == why["out/c.txt"] == why["out/d.txt"] == "not a regular file" and why["out/e.txt"] == "too large"


def test_a_cancelled_job_ends_and_its_box_first(service):
    one = service("--warm=0")
    job = started(one, "trap '' TERM; echo up; while :; do sleep 1; done")
    assert kernels(one)
    assert one.ask("POST", f"/v1/jobs/{job}/cancel")[0] == 200
    assert one.wait(job)["state"] == "cancelled"


@pytest.mark.parametrize("name", ["ward-serve", "ward-runner", "ward-keeper", "gVisor's kernel"])
def test_who_dies_around_a_job_loses_it_not(service, name):
    one = service("--warm=0")
    job = started(one, SLOW)
    if name == "gVisor's kernel":
        for pid in kernels(one):
            os.kill(pid, signal.SIGKILL)
    else:
        one.kill_all(name)
    done = one.wait(job)
    assert done["state"] == "succeeded" and done["attempt"] == 2, done
    assert one.output(done) == b"done\n"


def test_a_launcher_that_dies_takes_all_with_it_and_the_next_one_goes_on(service):
    one = service("--warm=0")
    job = started(one, SLOW)
    below = harness.descendants(one.process.pid)
    assert kernels(one)
    one.process.kill()
    one.process.wait(PATIENCE)
    harness.wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") and harness.stat_of(pid)[1] != "Z" for pid in below
                                       if harness.stat_of(pid)), "everything ends", PATIENCE)
    one.start()
    done = one.wait(job)
    assert done["state"] == "succeeded" and done["attempt"] == 2


def test_a_job_finds_nothing_of_the_one_before(service):
    one = service("--boxes=4")
    for i in range(4):
        job = run(one, f"ls -A /work /tmp /dev/shm | grep -c marker; touch /work/marker{i} /tmp/marker{i} /dev/shm/marker{i}; setsid sleep 1000 &")
        assert one.output(job) == b"0\n", job
