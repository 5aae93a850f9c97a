"""What a program finds and cannot do inside, as root and as an ordinary user, under both boundaries.

One run of programs/inside.py a combination tries everything; the tests below read what it said.
"""
import json
import os
import shutil
import socket
import stat
import subprocess

import pytest

import harness
from conftest import ORDINARY

INSIDE = os.path.join(harness.HERE, "programs", "inside.py")
ABSENT = ["/home", "/root", "/var", "/run", "/sys", "/boot", "/srv", "/mnt", "/media", "/etc/shadow",
          "/etc/gshadow", "/etc/ssh", "/etc/machine-id", "/etc/hostname", "/dev/mem", "/dev/kvm",
          "/dev/sda", "/dev/vda", "/dev/fuse", "/dev/net", "/dev/kmsg", "/proc/kcore", "/proc/sys",
          "/proc/sysrq-trigger", "/proc/uptime", "/proc/kallsyms", "/proc/1"]
UNREADABLE = ["/etc/shadow", "/etc/ssh/ssh_host_rsa_key", "/root/.bashrc", "/proc/1/environ",
              "/proc/kcore", "/dev/mem", "/dev/kmsg", "/sys/kernel/notes"]
UNWRITABLE = ["/", "/usr", "/usr/bin", "/etc", "/dev", "/proc", "/bin", "/lib", "/var/tmp", "/run"]


class Marks:
    """What the host has that no box may reach."""

    def __init__(self, place):
        self.secret = os.path.join(place, "secret")
        with open(self.secret, "w", encoding="ascii") as file:
            file.write("the secret")
        os.chmod(self.secret, 0o644)
        self.tcp = socket.socket()
        self.tcp.bind(("127.0.0.1", 0))
        self.tcp.listen()
        self.abstract_name = f"ward-e2e-{os.getpid()}"
        self.abstract = self.listen("\0" + self.abstract_name)
        self.unix_path = os.path.join(place, "socket")
        self.unix = self.listen(self.unix_path)
        os.chmod(self.unix_path, 0o777)

    @staticmethod
    def listen(address):
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(address)
        sock.listen()
        return sock

    def text(self):
        return json.dumps({
            "port": self.tcp.getsockname()[1], "abstract": self.abstract_name, "unix": self.unix_path,
            "secret": self.secret, "pid": os.getpid(), "absent": ABSENT, "unreadable": UNREADABLE,
            "unwritable": UNWRITABLE,
        })

    def close(self):
        for sock in (self.tcp, self.abstract, self.unix):
            sock.close()


COMBINATIONS = [(who, boundary) for who in ("root", "user") for boundary in ("container", "process")]


@pytest.fixture(scope="module", params=COMBINATIONS, ids=lambda pair: "-".join(pair))
def inside(request, ward_path):
    """What the program said; .who, .boundary, .marks beside."""
    who, boundary = request.param
    if os.geteuid() != 0:
        pytest.skip("needs root")
    runner = harness.Runner(ward_path, 0 if who == "root" else ORDINARY,
                            harness.make_place(0 if who == "root" else ORDINARY))
    marks = Marks(runner.place)
    leaked = os.open(marks.secret, os.O_RDONLY)
    os.set_inheritable(leaked, True)
    with open(INSIDE, encoding="utf-8") as file:
        script = file.read()
    run = runner.run("/usr/bin/python3", "-c", script, marks.text(),
                     options=["-b", boundary], close_fds=False, env={"SECRET_TOKEN": "leak", "LANG": "C"})
    os.close(leaked)
    assert run.code == 0, run
    facts = json.loads(run.text)
    facts.update(who=who, boundary=boundary, run=run, uid=runner.uid)
    yield facts
    marks.close()
    shutil.rmtree(runner.place)


def only(inside, *boundaries):
    if inside["boundary"] not in boundaries:
        pytest.skip(f"not claimed by boundary {inside['boundary']}")


def test_nobody_is_root(inside):
    uids, gids, groups = inside["ids"]
    assert 0 not in uids and 0 not in gids and len(set(uids)) == len(set(gids)) == 1
    assert set(groups) <= {gids[0], 65534}


def test_there_are_no_rights(inside):
    if inside["boundary"] == "process":
        status = inside["run"].result
        assert {"caps", "no-new-privs", "seccomp", "seccomp-floor"} <= set(status["layers"])
        return
    status = inside["status"]
    sets = {name: value for name, value in status.items() if name.startswith("Cap")}
    assert len(sets) == 5 and set(sets.values()) == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert int(status["Seccomp_filters"]) >= 2


def test_the_result_lists_the_layers(inside):
    layers = set(inside["run"].result["layers"])
    expected = {"caps", "no-new-privs", "seccomp-floor", "seccomp", "landlock", "rlimits", "fds", "session",
                "no-dump"}
    if inside["boundary"] == "container":
        expected |= {"userns", "mountns", "pidns", "netns", "ipcns", "utsns", "cgroupns", "timens", "rootfs",
                     "proc", "identity", "nested-ns"}
        if inside["who"] == "root":
            expected |= {"cgroup-memory", "cgroup-swap", "cgroup-pids"}
    elif inside["who"] == "root":
        expected |= {"identity"}
    assert expected <= layers


def test_no_forbidden_call_succeeds(inside):
    done = {name: got for name, got in inside["calls"].items() if not isinstance(got, str)}
    assert not done


def test_no_forbidden_socket_can_be_made(inside):
    done = {name: got for name, got in inside["sockets"].items() if not isinstance(got, str)}
    assert not done


def test_forbidden_calls_are_refused_by_the_filter_and_not_by_luck(inside):
    """EINVAL or EFAULT would mean that the kernel looked at the arguments."""
    refused = {"ENOSYS", "EPERM", "EACCES", "EAFNOSUPPORT", "EINVAL"}
    looked = {name: got for name, got in inside["calls"].items()
              if got not in refused and name not in ("landlock_free", "tiocsti", "tioclinux")}
    assert not looked
    einval = {name for name, got in inside["calls"].items() if got == "EINVAL"}
    assert einval <= {"seccomp_listener", "landlock_free"}


def test_no_host_process_can_be_seen(inside):
    only(inside, "container")
    assert 1 < inside["pid"] < 10
    numbers = [name for name in inside["proc"] if name.isdigit()]
    assert numbers == [str(inside["pid"])]
    assert not {"sys", "kcore", "kallsyms", "uptime", "meminfo", "cmdline", "net"} & set(inside["proc"])


def test_no_host_process_can_be_signalled(inside):
    assert inside["kill_host"] in ("ESRCH", "EPERM")


def test_the_host_name_is_the_boxs_own(inside):
    only(inside, "container")
    assert inside["hostname"] == "box" != socket.gethostname()


def test_there_is_no_network(inside):
    for name in ("tcp_loopback", "tcp6_loopback", "tcp_outside"):
        assert inside[name] == "EAFNOSUPPORT", name


SOCKETS = """version: 1
boundary: %s
network: none
files: [{read: host}]
fallback: [rlimits]
syscalls: {allow: ["@default", "@net-client", "@net-server"]}
"""

CONNECT = """
import errno, socket, sys
def attempt(action):
    try:
        return action()
    except OSError as e:
        return errno.errorcode[e.errno]
made = [attempt(lambda: socket.socket(2, kind)) for kind in (1, 2, 1)]
if isinstance(made[0], str):
    sys.exit(f"no sockets: {made}")
tcp, udp, outside = made
outside.settimeout(2)
print(attempt(lambda: tcp.connect(('127.0.0.1', int(sys.argv[1])))),
      attempt(lambda: udp.sendto(b'leak', ('127.0.0.1', int(sys.argv[2])))),
      attempt(lambda: outside.connect(('192.0.2.1', 80))),
      attempt(lambda: [name for _, name in socket.if_nameindex()]))
"""


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_there_is_no_network_even_where_sockets_may_be_made(anyone, boundary):
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        for sock in (tcp, udp):
            sock.bind(("127.0.0.1", 0))
            sock.settimeout(0.2)
        tcp.listen()
        run = anyone.run("/usr/bin/python3", "-S", "-c", CONNECT, str(tcp.getsockname()[1]),
                         str(udp.getsockname()[1]), policy=SOCKETS % boundary)
        with pytest.raises(TimeoutError):
            udp.recv(10)
        if boundary == "process":  # no namespace: there must be no socket to begin with
            assert "no sockets: ['EAFNOSUPPORT', 'EAFNOSUPPORT', 'EAFNOSUPPORT']" in run.errors, run
            return
        assert run.code == 0, run
        words = run.text.split(None, 3)
        assert words[0] in ("ECONNREFUSED", "EACCES") and words[2] in ("ENETUNREACH", "EACCES")
        assert words[3] in ("['lo']\n", "EAFNOSUPPORT\n")
        with pytest.raises(TimeoutError):
            tcp.accept()


def test_no_host_socket_can_be_reached(inside):
    assert inside["abstract"] in ("ECONNREFUSED", "EPERM", "EACCES")
    assert inside["unix_path"] in ("ENOENT", "EACCES", "EPERM")


def test_the_hosts_files_are_not_there(inside):
    assert inside["read_secret"] in ("ENOENT", "EACCES")
    only(inside, "container")
    assert not [path for path, is_there in inside["paths"].items() if is_there]


def test_the_hosts_secrets_cannot_be_read(inside):
    got = {path: what for path, what in inside["reads"].items() if what not in ("ENOENT", "EACCES", "ENOTDIR")}
    assert not got


def test_the_root_cannot_be_written(inside):
    got = {path: what for path, what in inside["writes"].items()
           if what not in ("ENOENT", "EACCES", "EROFS", "EPERM")}
    assert not got


def test_no_inherited_descriptor_is_open(inside):
    assert inside["open_fds"] == [0, 1, 2]


def test_descriptors_are_pipes_of_wards(inside):
    only(inside, "container")
    standard = [inside["fds"][name] for name in ("0", "1", "2")]
    assert all(name.startswith("pipe:") for name in standard)


def test_the_environment_is_clean(inside):
    assert set(inside["environment"]) <= {"PATH", "HOME", "LANG", "TERM", "LC_CTYPE"}
    assert inside["environment"]["LANG"] == "C" and "leak" not in str(inside["environment"])


def test_the_clock_starts_with_the_box(inside):
    only(inside, "container")
    assert 0 <= inside["boottime"] < 5 and 0 <= inside["monotonic"] < 5


def test_cgroup_paths_are_hidden(inside):
    only(inside, "container")
    assert "ward-" not in inside["cgroup"]
    limited = [line for line in inside["cgroup"].split() if line.split(":")[1] in ("memory", "pids", "")]
    if inside["who"] == "root":
        assert limited and all(line.endswith(":/") for line in limited)


def test_the_hosts_mounts_are_hidden(inside):
    only(inside, "container")
    for line in inside["mounts"].splitlines():
        fields = line.split()
        assert "nosuid" in fields[5], line
        assert fields[4] == "/dev" or fields[4].startswith("/dev/") or "nodev" in fields[5], line
        if fields[4] not in ("/tmp", "/work", "/dev/shm", "/proc") and not fields[4].startswith("/dev/"):
            assert fields[5].startswith("ro"), line


def test_no_core_dump_is_made(anyone):
    run = anyone.run("/bin/sh", "-c", "cd /tmp; (kill -SEGV $$); kill -ABRT $$", options=["-C", "/tmp"])
    assert run.code in (128 + 11, 128 + 6)
    run = anyone.python("import resource; print(max(resource.getrlimit(resource.RLIMIT_CORE)) <= 1)")
    assert run.text == "True\n"


def test_a_keyring_of_the_caller_is_not_shared(anyone):
    run = anyone.python("""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print([libc.syscall(250, op, -3, 0, 0, 0) for op in (0, 1, 6, 11)])
""")
    assert run.text == "[-1, -1, -1, -1]\n"


@pytest.mark.parametrize("boundary", ["container", "process"])
@pytest.mark.parametrize("source", ["x32.c", "int80.c"])
def test_foreign_system_calls_kill(anyone, programs, source, boundary):
    program = programs(source, "-static")
    if source == "int80.c" and subprocess.run([program]).returncode not in (0, 1):
        pytest.skip("this kernel has no i386 entry")
    place = anyone.folder("bin")
    shutil.copy(program, place)
    run = anyone.run(f"{place}/{source[:-2]}", options=["--rx", place, "-b", boundary])
    assert run.code == 159 and run.result["verdict"] == "denied.syscall"


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_setuid_gives_nothing(root, boundary):
    place = root.folder("bin")
    target = f"{place}/id"
    shutil.copy("/usr/bin/id", target)
    os.chmod(target, stat.S_ISUID | stat.S_ISGID | 0o755)
    run = root.run(target, options=["--rx", place, "-b", boundary])
    assert run.code == 0 and "uid=0" not in run.text and "euid" not in run.text


def test_setuid_programs_of_the_host_are_powerless(anyone):
    run = anyone.sh("su -c id; mount -t tmpfs x /tmp; umount /tmp; id -u")
    assert run.code == 0 and run.text.splitlines()[-1] != "0"


def test_nested_namespaces_are_refused(anyone):
    for flags in ("-U", "-m", "-n", "-p", "-i", "-u", "-C", "-T"):
        assert anyone.run("unshare", flags, "true").code != 0, flags


def test_one_passed_descriptor_is_there_and_no_other(anyone):
    path = anyone.file("passed", "through")
    with open(path, "rb") as passed, open(path, "rb") as other:
        os.set_inheritable(other.fileno(), True)
        run = anyone.python("""
import fcntl, os
found = []
for fd in range(250):
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
        found.append(fd)
    except OSError:
        pass
print(found, os.read(found[-1], 100))
""", "--pass-fd", str(passed.fileno()), pass_fds=[passed.fileno(), other.fileno()])
        assert run.text == f"[0, 1, 2, {passed.fileno()}] b'through'\n"


def test_the_program_cannot_be_traced_by_its_like(anyone):
    run = anyone.python("""
import ctypes, os, time
libc = ctypes.CDLL(None, use_errno=True)
child = os.fork()
if not child:
    time.sleep(5); os._exit(0)
print(libc.ptrace(16, child, 0, 0), os.path.exists('/proc/1'))
os.kill(child, 9)
""")
    assert run.text == "-1 False\n"


def test_two_boxes_do_not_see_each_other(anyone):
    with anyone.start("run", "/bin/sh", "-c", "echo up; sleep 20; echo marker-of-the-first") as first:
        assert first.stdout.readline() == b"up\n"
        run = anyone.sh("ls /proc; ls -la /tmp /dev/shm; kill -9 -1; echo $?")
        first.terminate()
        first.wait(10)
    assert run.text.count("\n") < 20 and b"marker" not in run.out


def test_the_time_of_the_host_cannot_be_set(anyone):
    assert anyone.run("date", "-s", "2001-01-01").code != 0


def test_dry_kill_of_everything_reaches_only_the_box(anyone):
    """kill(-1) inside ends the box and nothing of the host."""
    bystander = subprocess.Popen(["sleep", "60"], **anyone.identity())
    try:
        for boundary in ("container", "process"):
            anyone.python("import os; os.kill(-1, 9)", "-b", boundary)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
