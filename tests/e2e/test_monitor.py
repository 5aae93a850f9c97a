"""The resident monitor: cgroup limits for ordinary users, and nothing for enemies."""
import array
import fcntl
import os
import random
import signal
import socket
import struct
import subprocess
import threading
import time
import traceback

import pytest

import harness
from conftest import ORDINARY

REQUEST = struct.Struct("=IIQ")     # op, zero, arg
SPAWN, FDS, SIGNAL, KILL, FREEZE, USAGE, RELEASE = range(7)


class Monitor:
    def __init__(self, path, place, ceiling="", *words):
        self.socket = os.path.join(place, "monitor.sock")
        command = [path, "--socket", self.socket, *words]
        if ceiling:
            file = os.path.join(place, "ceiling")
            with open(file, "w", encoding="ascii") as out:
                out.write(ceiling)
            command += ["--ceiling", file]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)
        try:
            harness.wait_until(lambda: os.path.exists(self.socket) and len(self.slots()) >= 1, "the monitor is ready")
        except AssertionError:
            self.process.kill()
            raise AssertionError(self.process.communicate()[1])

    def slots(self):
        return harness.descendants(self.process.pid)

    def connect(self):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.settimeout(8)
        sock.connect(self.socket)
        return sock

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        self.process.stderr.close()


@pytest.fixture
def make(monitor_path, user):
    """Starts monitors; the place is walkable by the user."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    place = harness.make_place(0)
    made = []

    def start(*words, ceiling=""):
        made.append(Monitor(monitor_path, place, ceiling, *words))
        return made[-1]

    yield start
    for monitor in made:
        monitor.stop()
    subprocess.run(["rm", "-rf", place], check=True)


def through(user, monitor, *command, options=(), **how):
    return user.run(*command, options=["--monitor", monitor.socket, *options], **how)


def test_an_ordinary_user_gets_cgroup_limits(make, user):
    monitor = make()
    run = through(user, monitor, "/bin/echo", "hello", options=["--require", "cgroup-memory,cgroup-pids,cgroup-swap"])
    assert run.code == 0 and run.text == "hello\n", run
    assert {"cgroup-memory", "cgroup-pids", "cgroup-swap"} <= set(run.result["layers"])
    run = through(user, monitor, "/usr/bin/python3", "-S", "-c", "x = bytearray(1 << 30)", options=["--mem", "64M"])
    assert run.code == 137 and run.result["verdict"] == "limit.memory" and run.result["oom"] is True


def test_the_box_is_the_users_own(make, user):
    monitor = make()
    with user.start("run", "--monitor", monitor.socket, "/bin/sh", "-c", "echo up; exec sleep 60") as process:
        assert process.stdout.readline() == b"up\n"
        busy = lambda: [pid for pid in monitor.slots() if harness.stat_of(pid)[0] == "sleep"]     # the shell, and then it
        harness.wait_until(lambda: len(busy()) == 1, "one slot sleeps")
        status = harness.status_of(busy()[0])
        assert set(status["Uid"].split()) == {str(ORDINARY)}
        process.terminate()
        process.wait(10)


def test_limits_of_the_whole_box_hold(make, user):
    monitor = make()
    run = through(user, monitor, "/bin/sh", "-c", "for i in 1 2 3 4; do (while :; do :; done) & done; wait",
                  options=["--cpu", "500ms", "--grace", "0ms"])
    assert run.code == 124 and run.result["verdict"] == "limit.cpu" and run.result["cpu_us"] >= 500000
    run = through(user, monitor, "/usr/bin/python3", "-S", "-c", """
import os, time
n = 1
try:
    while n < 99:
        if os.fork() == 0:
            time.sleep(60)
        n += 1
except OSError:
    print(n, flush=True)
""", options=["--pids", "10"])
    assert run.text == "10\n"


def test_boxes_one_after_another_and_at_once(make, user):
    monitor = make()
    for n in range(10):
        assert through(user, monitor, "/bin/sh", "-c", f"exit {n}").code == n
    codes = []
    threads = [threading.Thread(target=lambda n=n: codes.append((n, user.call(
        "run", "--monitor", monitor.socket, "/bin/sh", "-c", f"exit {n}").code))) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [(n, n) for n in range(12)]


def test_the_ceiling_refuses_more(make, user):
    monitor = make(ceiling="# root's limits\nmemory_max = 128M\npids_max = 20\ncpus_max = 500\n")
    assert through(user, monitor, "/bin/true", options=["--mem", "64M", "--pids", "8"]).code == 0
    for flags in (["--mem", "256M", "--pids", "8"], ["--mem", "64M", "--pids", "40"],
                  ["--mem", "64M", "--pids", "8", "--cpus", "1"]):
        run = through(user, monitor, "/bin/echo", "ran", options=flags)
        assert run.code == 125 and run.out == b"" and "ceiling" in run.errors, run
        assert run.errors.count("\n") == 1


def test_the_ceiling_may_require_cgroup_limits(make, user):
    monitor = make(ceiling="cgroup_required = yes\n")
    policy = "version: 1\nfiles: [{read: host}]\nsyscalls: {allow: ['@default']}\n"
    run = through(user, monitor, "/bin/echo", "ran", policy=policy)
    assert run.code == 125 and "cgroup" in run.errors


@pytest.mark.parametrize("text", ["memory_max 5\n", "memory_max = lots\n", "memmory_max = 5\n", "memory_max = -1\n",
                                  "pids_max = 5K\n", "x" * 5000, "memory_max = 99999999999999999999\n"])
def test_a_bad_ceiling_stops_the_start(monitor_path, root, text):
    path = root.file("ceiling", text)
    done = subprocess.run([monitor_path, "--socket", f"{root.place}/s", "--ceiling", path], capture_output=True,
                          text=True, timeout=10)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "ceiling" in done.stderr
    assert not os.path.exists(f"{root.place}/s")


def test_a_ceiling_others_may_write_is_refused(monitor_path, root):
    path = root.file("ceiling", "memory_max = 1G\n", 0o666)
    done = subprocess.run([monitor_path, "--socket", f"{root.place}/s", "--ceiling", path], capture_output=True, timeout=10)
    assert done.returncode == 1


def test_only_root_starts_it(monitor_path, user):
    done = subprocess.run([monitor_path, "--socket", f"{user.place}/s"], capture_output=True, text=True, timeout=10,
                          **user.identity())
    assert done.returncode == 1 and "root" in done.stderr


def still_serves(monitor, user):
    assert monitor.process.poll() is None
    assert through(user, monitor, "/bin/echo", "fine").text == "fine\n"


def as_user(action):
    """Runs in a child that is the ordinary user."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(ORDINARY, ORDINARY, ORDINARY)
            os.setresuid(ORDINARY, ORDINARY, ORDINARY)
            action()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0


def plan_fd(size, seals=0xF, fill=b""):
    fd = os.memfd_create("plan", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    if fill:
        os.write(fd, fill)
    if seals:
        fcntl.fcntl(fd, 1033, seals)
    return fd


def send(sock, data, fds=()):
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    try:
        sock.sendmsg([data], ancillary)
    except (BrokenPipeError, ConnectionResetError):
        pass


def answer(sock):
    try:
        return sock.recv(4096)
    except ConnectionResetError:
        return b""


def refused(data):
    """The end of the connection, or an answer whose status is -1."""
    return data == b"" or struct.unpack_from("=i", data)[0] == -1


def size_of_plan():
    """sizeof(struct plan) of model/plan.h; test_the_size_is_right notices when it changes."""
    return 12288 * 32 + 16 + (1 << 20)


def enemy(monitor, data, make_fds=lambda: (), then=None):
    def act():
        with monitor.connect() as sock:
            send(sock, data, make_fds())
            if then:
                then(sock)
            assert refused(answer(sock))
    as_user(act)


def pair():
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    keep.append((left, right))
    return right.fileno()


keep = []


CASES = {
    "nothing": (b"", None),
    "one byte": (b"x", None),
    "random bytes": (random.Random(3).randbytes(16), None),
    "many random bytes": (random.Random(4).randbytes(4000), None),
    "truncated": (REQUEST.pack(SPAWN, 0, 0)[:15], None),
    "too long": (REQUEST.pack(SPAWN, 0, 0) + b"x", None),
    "no descriptors": (REQUEST.pack(SPAWN, 0, 0), None),
    "one descriptor": (REQUEST.pack(SPAWN, 0, 0), lambda: [pair()]),
    "three descriptors": (REQUEST.pack(SPAWN, 0, 0), lambda: [pair(), plan_fd(4096), plan_fd(4096)]),
    "another request first": (REQUEST.pack(KILL, 0, 0), lambda: [pair(), plan_fd(size_of_plan())]),
    "an unknown request": (REQUEST.pack(99, 0, 0), lambda: [pair(), plan_fd(size_of_plan())]),
    "zero is not": (REQUEST.pack(SPAWN, 1, 0), lambda: [pair(), plan_fd(size_of_plan())]),
    "too many promised": (REQUEST.pack(SPAWN, 0, 1 << 40), lambda: [pair(), plan_fd(size_of_plan())]),
    "a short plan": (REQUEST.pack(SPAWN, 0, 0), lambda: [pair(), plan_fd(4096)]),
    "an unsealed plan": (REQUEST.pack(SPAWN, 0, 0), lambda: [pair(), plan_fd(size_of_plan(), 0)]),
    "a plan that may grow": (REQUEST.pack(SPAWN, 0, 0), lambda: [pair(), plan_fd(size_of_plan(), 2 | 8)]),
    "a plan that is no memfd": (REQUEST.pack(SPAWN, 0, 0), lambda: [pair(), os.open("/usr/bin/python3", os.O_RDONLY)]),
    "a plan that is a directory": (REQUEST.pack(SPAWN, 0, 0), lambda: [pair(), os.open("/", os.O_RDONLY)]),
    "a plan of zeroes": (REQUEST.pack(SPAWN, 0, 0), lambda: [pair(), plan_fd(size_of_plan())]),
    "a plan of ones": (REQUEST.pack(SPAWN, 0, 0),
                       lambda: [pair(), plan_fd(size_of_plan(), 0xF, b"\xff" * size_of_plan())]),
    "a plan of noise": (REQUEST.pack(SPAWN, 0, 0),
                        lambda: [pair(), plan_fd(size_of_plan(), 0xF, random.Random(5).randbytes(size_of_plan()))]),
    "too many descriptors at once": (REQUEST.pack(SPAWN, 0, 0), lambda: [os.open("/dev/null", os.O_RDONLY)] * 253),
}


def test_the_size_is_right(make):
    monitor = make()
    with monitor.connect() as sock:
        send(sock, REQUEST.pack(SPAWN, 0, 0), [pair(), plan_fd(size_of_plan())])
        assert b"counts are out of range" in answer(sock)


@pytest.mark.parametrize("case", CASES)
def test_garbage_ends_the_connection_and_nothing_else(make, user, case):
    monitor = make()
    data, fds = CASES[case]
    enemy(monitor, data, fds or (lambda: ()))
    still_serves(monitor, user)


def test_more_descriptors_than_promised_are_refused(make, user):
    monitor = make()

    def more(sock):
        send(sock, REQUEST.pack(FDS, 0, 0), [os.open("/dev/null", os.O_RDONLY)] * 250)

    enemy(monitor, REQUEST.pack(SPAWN, 0, 3), lambda: [pair(), plan_fd(size_of_plan())], more)
    still_serves(monitor, user)


def test_silence_does_not_keep_a_slot_for_ever(make, user):
    monitor = make("--parked", "1")
    idle = [monitor.connect() for _ in range(3)]
    still_serves(monitor, user)
    for sock in idle:
        sock.close()
    harness.wait_until(lambda: len(monitor.slots()) == 1, "the idle slots go")


def test_a_client_that_is_killed_leaves_no_box(make, user):
    monitor = make()
    with user.start("run", "--monitor", monitor.socket, "/bin/sh", "-c", "echo up; sleep 60 & exec sleep 60") as process:
        assert process.stdout.readline() == b"up\n"
        process.kill()
        process.wait()
    harness.wait_until(lambda: "sleep" not in monitor.slots().values(), "the box ends")
    still_serves(monitor, user)


def test_clients_killed_at_any_moment_leave_no_box(make, user):
    monitor = make()
    chance = random.Random(7)
    for _ in range(30):
        with user.start("run", "--monitor", monitor.socket, "/bin/sleep", "60", stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL) as process:
            time.sleep(chance.uniform(0, 0.02))
            process.kill()
            process.wait()
    harness.wait_until(lambda: "sleep" not in monitor.slots().values(), "the boxes end")
    still_serves(monitor, user)


def test_the_monitors_end_is_the_end_of_all_boxes(make, user, home):
    monitor = make()
    with user.start("run", "--monitor", monitor.socket, "/bin/sh", "-c", "echo up; sleep 60 & exec sleep 60") as process:
        assert process.stdout.readline() == b"up\n"
        monitor.process.send_signal(signal.SIGTERM)
        assert monitor.process.wait(10) == 0
        err = process.communicate(timeout=10)[1]
        assert process.returncode == 125 and err.count(b"\n") == 1
    assert not os.path.exists(monitor.socket)
    assert not home.boxes()


def test_sigkill_to_the_monitor_leaves_no_process(make, user, home):
    monitor = make()
    with user.start("run", "--monitor", monitor.socket, "/bin/sh", "-c", "echo up; sleep 60 & exec sleep 60") as process:
        assert process.stdout.readline() == b"up\n"
        monitor.process.kill()
        monitor.process.wait()
        process.communicate(timeout=10)
        assert process.returncode not in (0, None)
    harness.wait_until(lambda: not [1 for name in harness.descendants().values() if name != "python3"], "all end")
    time.sleep(2.1)
    make()      # sweeps what the dead one left, and takes its socket over
    harness.wait_until(lambda: len(home.boxes()) <= 2 * max(1, len(home.groups)), "the sweep")


def test_a_user_has_so_many_boxes_at_once(make, user):
    monitor = make(ceiling="boxes_per_user = 2\n")
    held = []
    try:
        for _ in range(2):
            process = user.start("run", "--monitor", monitor.socket, "/bin/sh", "-c", "echo up; exec sleep 60")
            held.append(process)
            assert process.stdout.readline() == b"up\n"
        run = through(user, monitor, "/bin/echo", "ran")
        assert run.code == 125 and run.out == b"" and run.errors.count("\n") == 1
    finally:
        for process in held:
            process.terminate()
            process.communicate(timeout=10)
    harness.wait_until(lambda: "sleep" not in monitor.slots().values(), "the boxes end")
    still_serves(monitor, user)


def test_root_needs_no_monitor(make, root):
    monitor = make()
    run = root.run("/bin/echo", "ran", options=["--monitor", monitor.socket])
    assert run.code == 125 and "monitor" in run.errors and run.errors.count("\n") == 1


def test_no_monitor_answers(user):
    run = user.run("/bin/echo", "ran", options=["--monitor", f"{user.place}/nothing"])
    assert run.code == 125 and "no monitor answers" in run.errors


def test_a_second_monitor_at_one_socket_is_refused(make, monitor_path):
    monitor = make()
    done = subprocess.run([monitor_path, "--socket", monitor.socket], capture_output=True, text=True, timeout=10)
    assert done.returncode == 1 and "already" in done.stderr
    assert monitor.process.poll() is None


def test_the_monitor_is_confined(make):
    monitor = make()
    for pid in [monitor.process.pid, *monitor.slots()]:
        status = harness.status_of(pid)
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", harness.stat_of(pid)


def test_passed_descriptors_and_streams_work_through_the_monitor(make, user):
    monitor = make()
    data = os.urandom(1 << 20)
    run = user.call("run", "--monitor", monitor.socket, "/bin/cat", stdin=data)
    assert run.out == data
    path = user.file("f", "through")
    with open(path, "rb") as passed:
        run = user.call("run", "--monitor", monitor.socket, "--pass-fd", str(passed.fileno()), "/usr/bin/python3",
                        "-S", "-c", f"import os; print(os.read({passed.fileno()}, 99).decode(), end='')",
                        pass_fds=[passed.fileno()])
    assert run.text == "through"


def test_many_grants_go_through_the_monitor(make, user):
    monitor = make()
    place = user.folder("many")
    options = []
    for n in range(600):
        user.file(f"many/{n}", "")
        options += ["--ro", f"{place}/{n}"]
    run = through(user, monitor, "/bin/sh", "-c", f"ls {place} | wc -l", options=options)
    assert run.text == "600\n", run
