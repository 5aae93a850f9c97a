"""Runs ward as a user would, within a time limit, and looks at what is left on the machine.

Refuses to judge: it starts, waits, counts. Everything started here descends from this process (it is
a subreaper), so that what a dead ward leaves behind is found by walking down from here.
"""
import ctypes
import glob
import json
import os
import signal
import stat
import subprocess
import tempfile
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("WARD_BUILD", os.path.join(ROOT, "build", "src")))
SETTLE_S = 2.0
# What a program that is not built was missing (the packages of Debian).
WANTS = {"ward-serve": "libmicrohttpd-dev, libwslay-dev, libsqlite3-dev", "ward-client": "libcurl4-openssl-dev, libwslay-dev",
         "ward-herald": "libcurl4-openssl-dev", "ward-archive": "libsqlite3-dev"}
CGROUPS = "/sys/fs/cgroup"
# What ward puts groups into on a v1 host; a process without a home in the others is as good.
CONTROLLERS = {"memory", "pids", "cpu", "cpuacct", "blkio", "freezer"}

libc = ctypes.CDLL(None, use_errno=True)
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE, MS_SHARED = 0x4000, 1 << 18, 1 << 20


class Outcome:
    """What a run said: exit code (negative: ward died of that signal), output, result, seconds."""

    def __init__(self, code, out, err, result, seconds):
        self.code, self.out, self.err, self.result, self.seconds = code, out, err, result, seconds

    @property
    def text(self):
        return self.out.decode(errors="replace")

    @property
    def errors(self):
        return self.err.decode(errors="replace")

    def __repr__(self):
        return (f"exit {self.code} after {self.seconds:.2f} s\nstdout {self.out[:2000]!r}\n"
                f"stderr {self.err[:2000]!r}\nresult {self.result}")


class Process(subprocess.Popen):
    """Ends with its test, also when that fails."""

    def __exit__(self, kind, value, trace):
        if kind:
            self.kill()
        return super().__exit__(kind, value, trace)


class Runner:
    """ward as one identity: root, or somebody with a home of its own."""

    def __init__(self, program, uid, place):
        self.program, self.uid, self.place = program, uid, place
        self.is_root = uid == 0
        self.count = 0

    def environment(self, extra=None):
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": self.place, "LANG": "C.UTF-8"}
        env.update(extra or {})
        return env

    def identity(self):
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.uid, "extra_groups": []}

    def name(self, ending):
        self.count += 1
        return os.path.join(self.place, f"{self.count}.{ending}")

    def file(self, name, text, mode=0o644):
        path = os.path.join(self.place, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)
        os.chown(path, self.uid, self.uid)
        return path

    def folder(self, name, mode=0o755):
        path = os.path.join(self.place, name)
        os.mkdir(path)
        os.chmod(path, mode)
        os.chown(path, self.uid, self.uid)
        return path

    def start(self, *words, env=None, **popen):
        """ward with these words, without waiting."""
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", subprocess.PIPE)
        popen.setdefault("cwd", self.place)
        return Process([self.program, *words], env=self.environment(env), **self.identity(), **popen)

    def call(self, *words, stdin=b"", timeout=30, **popen):
        """ward with these words, to its end; stdin is bytes, or what Popen takes."""
        is_bytes = isinstance(stdin, bytes)
        begun = time.monotonic()
        with self.start(*words, stdin=subprocess.PIPE if is_bytes else stdin, **popen) as process:
            try:
                out, err = process.communicate(stdin if is_bytes else None, timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                raise AssertionError(f"not over after {timeout} s: {words}\n{out[-500:]}\n{err[-500:]}")
        return Outcome(process.returncode, out or b"", err or b"", None, time.monotonic() - begun)

    def run(self, *command, options=(), policy=None, **how):
        """`ward run` with a result file; policy is the text of one, or a name."""
        result = self.name("json")
        words = ["run", "--result", result, *options]
        if policy:
            words += ["-p", self.file(f"{self.count}.yaml", policy) if "\n" in policy else policy]
        if command:
            words += ["--", *command]
        outcome = self.call(*words, **how)
        outcome.result = read_result(result)
        return outcome

    def sh(self, script, *options, **how):
        return self.run("/bin/sh", "-c", script, options=options, **how)

    def python(self, script, *options, **how):
        return self.run("/usr/bin/python3", "-S", "-c", script, options=options, **how)


def need(*programs):
    """Skips the test that asked unless these were built."""
    for name in programs:
        if not os.access(os.path.join(BUILD, name), os.X_OK):
            pytest.skip(f"{name} is not built ({WANTS[name]})")


def is_sanitized(path):
    """Is that program of a build with sanitizers? Such a one is dynamic, and slower."""
    with open(path, "rb") as program:
        return b"__asan_init" in program.read()


def read_result(path):
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return None
    return json.loads(text) if text else None


def make_place(uid):
    """A directory that everybody may walk through and that belongs to uid."""
    path = tempfile.mkdtemp(prefix="e2e-")
    os.chmod(path, 0o755)
    os.chown(path, uid, uid)
    return path


def become_reaper():
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def leave_mounts():
    """A mount tree of our own, whose mounts are shared as systemd's are: what leaks is seen here, and
    what others mount is not."""
    if os.geteuid() != 0 or libc.unshare(CLONE_NEWNS) != 0:
        return
    for kind in (MS_PRIVATE, MS_SHARED):
        libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | kind), None)
    # Other people's marks, and a resident monitor of theirs.
    for place in (b"/dev/shm", b"/run"):
        libc.mount(b"tmpfs", place, b"tmpfs", ctypes.c_ulong(0), None)


class Home:
    """Groups of our own in each v1 tree, so that other people's boxes are none of our business. On
    v2, where a group with processes can have no children, we stay where we are."""

    def __init__(self):
        self.groups = []        # where we were and where we are
        if os.geteuid() != 0:
            return
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            lines = file.read().split("\n")
        for line in filter(None, lines):
            _, names, path = line.split(":", 2)
            if names and set(names.split(",")) <= CONTROLLERS:
                self.enter(os.path.join(CGROUPS, names) + path)

    def enter(self, outer):
        inner = os.path.join(outer, f"e2e-{os.getpid()}")
        try:
            os.mkdir(inner)
            move(inner)
        except OSError:
            return
        self.groups.append((outer, inner))

    def leave(self):
        for outer, inner in self.groups:
            try:
                move(outer)
                os.rmdir(inner)
            except OSError:
                pass

    def boxes(self):
        places = [inner for _, inner in self.groups] or [CGROUPS]
        found = []
        for place in places:
            found += [at for at, _, _ in os.walk(place) if os.path.basename(at).startswith("ward-")]
        return set(found)


def move(group):
    with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as file:
        file.write(str(os.getpid()))


def stat_of(pid):
    """Name, state and parent of a process, None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return None
    name, rest = text[text.index("(") + 1:].rsplit(")", 1)
    fields = rest.split()
    return name, fields[0], int(fields[1])


def descendants(ancestor=None):
    """{pid: name} of every process below, zombies of ours reaped."""
    ancestor = ancestor or os.getpid()
    known = {int(name): stat_of(name) for name in os.listdir("/proc") if name.isdigit()}
    below, found = {ancestor}, {}
    changed = True
    while changed:
        changed = False
        for pid, seen in known.items():
            if seen and pid not in below and seen[2] in below:
                below.add(pid)
                found[pid] = seen[0]
                changed = True
    for pid in list(found):
        if known[pid][1] == "Z" and known[pid][2] == os.getpid():
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
            del found[pid]
    return found


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def mounts():
    found = set()
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            fields = line.split()
            found.add((fields[4], fields[fields.index("-") + 1]))
    return found


def files():
    found = set()
    for pattern in ("/tmp/ward-[0-9]*", "/tmp/.ward*", "/dev/shm/*ward*", "/run/ward/*"):
        found.update(glob.glob(pattern))
    return found


class Traces:
    """All that a run could leave; compare() waits for what takes a moment to go."""

    def __init__(self, home):
        self.home = home
        self.before = self.look()

    def look(self):
        return {"cgroups": self.home.boxes(), "mounts": mounts(), "files": files(),
                "processes": set(descendants().items())}

    def compare(self, settle_s=SETTLE_S):
        end = time.monotonic() + settle_s
        while True:
            now = self.look()
            left = {kind: sorted(now[kind] - self.before[kind]) for kind in now}
            left = {kind: what for kind, what in left.items() if what}
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.02)

    def clean(self, left):
        for pid, _ in left.get("processes", ()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        descendants()


def wait_until(holds, what, seconds=30.0):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.005)


def compile_c(source, directory, *flags):
    """A program from C text or a file of programs/; its path."""
    os.makedirs(directory, exist_ok=True)
    os.chmod(directory, 0o755)
    name = os.path.splitext(os.path.basename(source))[0]
    target = os.path.join(directory, name)
    if not os.path.exists(target):
        subprocess.run(["gcc", "-O1", "-w", "-o", target, source, *flags], check=True)
        os.chmod(target, os.stat(target).st_mode | stat.S_IXOTH | stat.S_IROTH)
    return target
