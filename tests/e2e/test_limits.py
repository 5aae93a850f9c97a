"""Limits hold, their verdicts are right, and nothing survives them."""
import time

import pytest

MIB = 1 << 20


def test_a_fork_bomb_ends_at_the_wall_limit(anyone):
    run = anyone.sh("b() { b | b & }; b; sleep 30", "--wall", "1s", "--grace", "100ms", timeout=20)
    # Without a cgroup nobody counts the refusals: the shell that cannot fork may simply give up.
    gave_up = "cgroup-pids" not in run.result["layers"] and "Cannot fork" in run.errors
    assert run.code != 0 and (gave_up or run.result["verdict"] in ("limit.wall", "limit.pids"))
    assert run.seconds < 10


def test_a_fork_bomb_stays_within_its_processes(root):
    run = root.sh("b() { b | b & }; b; sleep 30", "--wall", "1s", "--pids", "20", timeout=20)
    assert run.result["pids_refused"] > 0
    assert run.result["pids_peak"] <= 21        # and the box's first process


@pytest.mark.parametrize("mem", ["64M", "512M"])
def test_two_gigabytes_in_python_are_too_many(root, mem):
    run = root.python("x = bytearray(2 << 30); print('got it')", "--mem", mem)
    assert run.code == 137 and run.out == b""
    assert run.result["verdict"] == "limit.memory" and run.result["oom"] is True
    assert run.result["memory_peak_bytes"] <= (int(mem[:-1]) + 1) * MIB


def test_two_gigabytes_in_c_are_too_many(anyone, programs):
    eat = programs("eat.c")
    run = anyone.run("/eat", "2048", options=["--rx", f"{eat}:/eat", "--mem", "64M"])
    if anyone.is_root:
        assert run.code == 137 and run.result["verdict"] == "limit.memory"
    else:       # without a cgroup: the limit of each process, and malloc says no
        assert run.code == 1 and run.out == b"ENOMEM\n"
    assert b"got it" not in run.out


def test_memory_of_many_processes_is_counted_together(root, programs):
    eat = programs("eat.c")
    run = root.sh("for i in 1 2 3 4; do /eat 40 1 & done; wait; echo survived",
                  "--rx", f"{eat}:/eat", "--mem", "100M")
    assert run.result["oom_kills"] > 0
    assert run.result["memory_peak_bytes"] <= 101 * MIB


def test_what_is_written_to_scratch_counts_as_memory(root):
    run = root.python("open('/tmp/x', 'wb').write(bytes(60 << 20)); print('got it')", "--mem", "32M")
    assert run.code == 137 and run.result["verdict"] == "limit.memory" and run.out == b""


@pytest.mark.parametrize("script,size", [("yes", 100000), ("yes", 1), ("yes", 0),
                                         ("exec cat /dev/zero", (1 << 20) + 1)])
def test_output_is_cut_at_exactly_the_limit(anyone, script, size):
    run = anyone.sh(script, "--out-max", str(size), "--wall", "10s")
    assert run.code == 124 and run.result["verdict"] == "limit.output"
    assert len(run.out) == size
    assert run.result["output_cut"] is True and run.result["output_bytes"] > size


def test_output_as_long_as_the_limit_is_not_too_much(anyone):
    run = anyone.sh("head -c 100000 /dev/zero", "--out-max", "100000")
    assert run.code == 0 and len(run.out) == 100000
    assert run.result["output_cut"] is False and run.result["output_bytes"] == 100000


def test_standard_error_counts_as_output(anyone):
    run = anyone.sh("yes >&2 & yes; wait", "--out-max", "50000", "-q")
    assert run.code == 124 and len(run.out) + len(run.err) == 50000


FILL = """
import os, errno
n = 0
try:
    with open('/scratch/x', 'wb', buffering=0) as file:
        while True:
            n += file.write(bytes(65536))
except OSError as e:
    print(errno.errorcode[e.errno], n)
"""


def test_a_full_scratch_says_so(anyone):
    run = anyone.python(FILL, "--tmp", "/scratch:2M")
    assert run.code == 0 and run.text == f"ENOSPC {2 * MIB}\n"


def test_a_file_over_fsize_ends_the_program(anyone):
    run = anyone.sh("head -c 3000000 /dev/zero > /work/x", "--fsize", "1M")
    assert run.code != 0
    run = anyone.sh("exec head -c 3000000 /dev/zero > /work/x", "--fsize", "1M")
    assert run.code == 128 + 25 and run.result["verdict"] == "limit.disk"


MANY_FILES = """
import errno
n = 0
try:
    while True:
        open(f'/scratch/{n}', 'x').close()
        n += 1
except OSError as e:
    print(errno.errorcode[e.errno], n)
"""


def test_inodes_run_out(anyone):
    run = anyone.python(MANY_FILES, "--inodes", "50", "--tmp", "/scratch:1M")
    word, n = run.text.split()
    assert word == "ENOSPC" and 40 <= int(n) < 50


def test_descriptors_run_out(anyone):
    run = anyone.python("""
import os, errno
n = 3
try:
    while True:
        os.open('/dev/null', os.O_RDONLY); n += 1
except OSError as e:
    print(errno.errorcode[e.errno], n)
""", "--files", "32")
    assert run.text == "EMFILE 32\n"


PROCESSES = """
import os, errno, time
n = 1
try:
    while n < 500:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        n += 1
except OSError as e:
    print(errno.errorcode[e.errno], n, flush=True)
"""


@pytest.mark.parametrize("pids", [1, 2, 10])
def test_processes_run_out_at_the_number_stated(anyone, pids):
    run = anyone.python(PROCESSES, "--pids", str(pids))
    assert run.code == 0 and run.text == f"EAGAIN {pids}\n"
    if anyone.is_root:
        assert run.result["pids_refused"] >= 1 and run.result["pids_peak"] == pids + 1


def test_threads_count_as_processes(anyone):
    run = anyone.python("""
import threading
gate, n = threading.Event(), 1
try:
    while n < 200:
        threading.Thread(target=gate.wait).start(); n += 1
except RuntimeError:
    pass
gate.set()
print(n)
""", "--pids", "12")
    assert run.text == "12\n"


def test_a_program_that_fails_for_want_of_processes_gets_the_verdict(root):
    run = root.python(PROCESSES + "raise SystemExit(7)", "--pids", "5")
    assert run.code == 7 and run.result["verdict"] == "limit.pids"


def test_one_spinning_process_ends_at_the_cpu_limit(anyone):
    run = anyone.sh("while :; do :; done", "--cpu", "300ms", "--wall", "20s", "--grace", "0ms")
    assert run.result["verdict"] == "limit.cpu"
    assert run.code == (124 if anyone.is_root else run.code) and run.code != 0
    if anyone.is_root:
        assert 300000 <= run.result["cpu_us"] < 600000


def test_many_spinning_processes_share_one_cpu_limit(root):
    run = root.sh("for i in 1 2 3 4 5 6; do (while :; do :; done) & done; wait",
                  "--cpu", "600ms", "--wall", "20s", "--grace", "0ms")
    assert run.code == 124 and run.result["verdict"] == "limit.cpu"
    assert 600000 <= run.result["cpu_us"] < 1200000


def test_processes_that_ended_count_for_the_cpu_limit(root):
    run = root.sh("while :; do /bin/sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'; done",
                  "--cpu", "500ms", "--wall", "20s", "--grace", "0ms")
    assert run.code == 124 and run.result["verdict"] == "limit.cpu"


def test_a_processor_share_is_kept(root):
    run = root.sh("while :; do :; done", "--cpus", "0.2", "--wall", "1s", "--grace", "0ms")
    assert run.result["verdict"] == "limit.wall" and run.result["cpu_us"] < 500000


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_sleeping_ends_at_the_wall_limit(anyone, boundary):
    run = anyone.sh("sleep 30", "-b", boundary, "--wall", "300ms", "--grace", "0ms")
    assert run.code == 124 and run.result["verdict"] == "limit.wall"
    assert 0.3 <= run.seconds < 3 and run.result["killed"] is True


def test_sigterm_comes_first(anyone):
    run = anyone.sh("trap 'echo asked; exit 5' TERM; while :; do sleep 0.05; done",
                    "--wall", "300ms", "--grace", "500ms")
    assert run.code == 124 and run.out == b"asked\n"
    assert run.result["verdict"] == "limit.wall" and run.result["killed"] is False


def test_sigkill_comes_when_grace_is_over(anyone):
    run = anyone.sh("trap 'echo asked' TERM; while :; do sleep 0.05; done",
                    "--wall", "300ms", "--grace", "400ms")
    assert run.code == 124 and run.out == b"asked\n" and run.result["killed"] is True
    assert 0.7 <= run.seconds < 3


def test_ignoring_sigterm_wins_nothing_but_the_grace(anyone):
    run = anyone.sh("trap '' TERM; sleep 30 & wait", "--wall", "200ms", "--grace", "200ms")
    assert run.code == 124 and run.result["killed"] is True and 0.4 <= run.seconds < 3


def test_stopping_itself_wins_nothing(anyone):
    run = anyone.sh("kill -STOP $$; echo woke", "--wall", "300ms", "--grace", "100ms")
    assert run.code == 124 and run.seconds < 3


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_a_daemon_does_not_survive(anyone, boundary):
    run = anyone.python("""
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(3):
            os.close(fd)
        time.sleep(60)
    os._exit(0)
os.wait()
""", "-b", boundary)
    assert run.code == 0 and run.seconds < 5


def test_a_daemon_that_holds_the_output_does_not_delay_the_end(anyone):
    run = anyone.sh("(setsid sleep 30 &) ; echo done")
    assert run.code == 0 and run.out == b"done\n" and run.seconds < 5


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_orphans_are_reaped(anyone, boundary):
    run = anyone.python("""
import os, time
done = 0
for i in range(300):
    for tries in range(400):
        try:
            child = os.fork()
            break
        except BlockingIOError:
            time.sleep(0.005)
    else:
        break
    if child == 0:
        try:
            os.fork()
        except BlockingIOError:
            os._exit(1)
        os._exit(0)
    done += os.waitpid(child, 0)[1] == 0
print(done)
""", "-b", boundary, "--pids", "30", timeout=60)
    assert run.code == 0 and int(run.text) >= 250


def test_a_limit_cannot_be_lifted_from_inside(anyone):
    run = anyone.python("""
import resource
for name in ('RLIMIT_NOFILE', 'RLIMIT_FSIZE', 'RLIMIT_CPU', 'RLIMIT_NPROC', 'RLIMIT_CORE', 'RLIMIT_MEMLOCK'):
    which = getattr(resource, name)
    soft, hard = resource.getrlimit(which)
    try:
        resource.setrlimit(which, (hard + 1, hard + 1))
        print('raised', name)
    except (ValueError, OSError):
        pass
""")
    assert run.code == 0 and run.out == b""


def test_the_clock_stands_for_setup(anyone):
    """A wall limit counts from the program's start, and ward ends promptly when it is over."""
    begun = time.monotonic()
    run = anyone.run("/bin/true", options=["--wall", "1s"])
    assert run.code == 0 and time.monotonic() - begun < 1
