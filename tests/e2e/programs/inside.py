"""Runs in a box: says what it is and what it could do there, as one JSON object."""
import ctypes
import errno
import json
import os
import socket
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
MARKS = json.loads(sys.argv[1])


def call(number, *args):
    """The error's name, or what the call returned."""
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[
        ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args])
    return errno.errorcode.get(ctypes.get_errno(), "?") if result == -1 else result


def attempt(action):
    try:
        return action()
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))


def connect(family, kind, address):
    with socket.socket(family, kind) as sock:
        sock.settimeout(2)
        sock.connect(address)
    return "connected"


def status():
    with open("/proc/self/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def create(path):
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    return "created"


NULL = None
buffer = ctypes.create_string_buffer(256)
CALLS = {
    "mount": (165, b"none", b"/tmp", b"tmpfs", 0, NULL),
    "bind_mount": (165, b"/usr", b"/tmp", b"none", 4096, NULL),
    "umount2": (166, b"/tmp", 2),
    "pivot_root": (155, b"/", b"/tmp"),
    "chroot": (161, b"/tmp"),
    "unshare_user": (272, 0x10000000),
    "unshare_mount": (272, 0x20000),
    "unshare_net": (272, 0x40000000),
    "clone_newuser": (56, 0x10000000 | 17, 0, 0, 0, 0),
    "clone_newpid": (56, 0x20000000 | 17, 0, 0, 0, 0),
    "setns": (308, 0, 0),
    "ptrace_traceme": (101, 0, 0, 0, 0),
    "ptrace_attach": (101, 16, 1, 0, 0),
    "process_vm_readv": (310, 1, buffer, 1, buffer, 1, 0),
    "bpf": (321, 0, buffer, 64),
    "perf_event_open": (298, buffer, 0, -1, -1, 0),
    "io_uring_setup": (425, 8, buffer),
    "keyctl": (250, 0, -3, 1),
    "add_key": (248, b"user", b"x", b"y", 1, -3),
    "request_key": (249, b"user", b"x", NULL, -3),
    "userfaultfd": (323, 0),
    "userfaultfd_user_only": (323, 1),
    "fsopen": (430, b"tmpfs", 0),
    "open_tree": (428, -100, b"/", 1),
    "move_mount": (429, -100, b"/usr", -100, b"/tmp", 0),
    "open_by_handle_at": (304, -100, buffer, 0),
    "name_to_handle_at": (303, -100, b"/", buffer, buffer, 0),
    "kexec_load": (246, 0, 0, 0, 0),
    "init_module": (175, buffer, 0, b""),
    "finit_module": (313, 0, b"", 0),
    "reboot": (169, 0, 0, 0, 0),
    "swapon": (167, b"/tmp/x", 0),
    "sethostname": (170, b"mine", 4),
    "settimeofday": (164, buffer, NULL),
    "clock_settime": (227, 0, buffer),
    "acct": (163, b"/tmp/x"),
    "syslog": (103, 3, buffer, 256),
    "iopl": (172, 3),
    "modify_ldt": (154, 0, buffer, 16),
    "mknod_device": (133, b"/tmp/kmem", 0o20600, 0x0101),
    "setuid_root": (105, 0),
    "setgid_root": (106, 0),
    "setgroups": (116, 1, buffer),
    "fanotify_init": (300, 0, 0),
    "pidfd_getfd": (438, 0, 0, 0),
    "vmsplice": (278, 1, buffer, 0, 0),
    "seccomp_listener": (317, 1, 8, buffer),
    "landlock_free": (0x1be + 2, -1, 0),
    "tiocsti": (16, 0, 0x5412, buffer),
    "tioclinux": (16, 0, 0x541C, buffer),
    "personality": (135, 0x0040000),
}
FAMILIES = {"AF_ALG": (38, 5, 0), "AF_NETLINK": (16, 3, 0), "NETLINK_GENERIC": (16, 3, 16),
            "AF_PACKET": (17, 3, 0), "AF_VSOCK": (40, 1, 0), "AF_KEY": (15, 3, 2), "RAW": (2, 3, 1),
            "AF_BLUETOOTH": (31, 1, 0), "AF_XDP": (44, 3, 0), "AF_RDS": (21, 5, 0), "AF_TIPC": (30, 1, 0),
            "SCTP": (2, 1, 132), "AF_CAN": (29, 3, 1), "AF_SMC": (43, 1, 0)}
facts = {
    "ids": [os.getresuid(), os.getresgid(), os.getgroups()],
    "pid": os.getpid(),
    "hostname": socket.gethostname(),
    "environment": dict(os.environ),
    "boottime": time.clock_gettime(time.CLOCK_BOOTTIME),
    "monotonic": time.clock_gettime(time.CLOCK_MONOTONIC),
    "calls": {name: call(*args) for name, args in CALLS.items()},
    "sockets": {name: call(41, *args) for name, args in FAMILIES.items()},
}
facts["status"] = attempt(status)
facts["interfaces"] = attempt(lambda: [name for _, name in socket.if_nameindex()])
facts["tcp_loopback"] = attempt(lambda: connect(2, 1, ("127.0.0.1", MARKS["port"])))
facts["tcp6_loopback"] = attempt(lambda: connect(10, 1, ("::1", MARKS["port"])))
facts["tcp_outside"] = attempt(lambda: connect(2, 1, ("192.0.2.1", 80)))
facts["abstract"] = attempt(lambda: connect(1, 1, "\0" + MARKS["abstract"]))
facts["unix_path"] = attempt(lambda: connect(1, 1, MARKS["unix"]))
facts["read_secret"] = attempt(lambda: open(MARKS["secret"], encoding="utf-8").read())
facts["kill_host"] = attempt(lambda: os.kill(MARKS["pid"], 0))
facts["kill_all"] = call(62, -1, 0)
facts["top"] = attempt(lambda: sorted(os.listdir("/")))
facts["paths"] = {path: os.path.lexists(path) for path in MARKS["absent"]}
facts["reads"] = {path: attempt(lambda: len(open(path, "rb").read(64))) for path in MARKS["unreadable"]}
facts["writes"] = {path: attempt(lambda: create(path + "/ward-was-here")) for path in MARKS["unwritable"]}
facts["proc"] = attempt(lambda: sorted(os.listdir("/proc")))
facts["cgroup"] = attempt(lambda: open("/proc/self/cgroup", encoding="utf-8").read())
facts["mounts"] = attempt(lambda: open("/proc/self/mountinfo", encoding="utf-8").read())
facts["fds"] = attempt(lambda: {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                                if os.path.lexists(f"/proc/self/fd/{fd}")})
facts["open_fds"] = [fd for fd in range(1024) if call(72, fd, 1) == 0 or call(72, fd, 1) == 1]
print(json.dumps(facts, default=str))
