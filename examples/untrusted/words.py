"""An untrusted Python script: counts the words of its input, and helps itself to what it can reach.

Everything it tries is harmless where it succeeds. Each try is one line for examples/contained.py:
"tried: WHAT | SYSTEM CALL | PATH or - | OUTCOME", where the outcome is the name of an error, or
"possible", or a number that was seen.
"""

import collections
import ctypes
import errno
import os
import re
import signal
import socket
import sys

libc = ctypes.CDLL(None, use_errno=True)


def tried(what, call, outcome, path="-"):
    print(f"tried: {what} | {call} | {path} | {outcome}", flush=True)


def attempt(what, call, action, path="-"):
    try:
        action()
        tried(what, call, "possible", path)
    except OSError as e:
        tried(what, call, errno.errorcode[e.errno], path)


def by_number(what, call, number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        tried(what, call, errno.errorcode[ctypes.get_errno()])
    else:
        tried(what, call, "possible")


def connect(family, kind):
    with socket.socket(family, kind) as s:
        s.settimeout(2)
        s.connect(("192.0.2.1", 80))    # TEST-NET-1: nobody answers there


def fork_bomb(most):
    children = []
    try:
        while len(children) < most:
            pid = os.fork()
            if pid == 0:
                signal.pause()
            children.append(pid)
        tried(f"start {most} processes", "fork", "possible")
    except OSError as e:
        tried(f"start {most} processes", "fork", f"{errno.errorcode[e.errno]} after {len(children)}")
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def see_processes():
    try:
        seen = sum(name.isdigit() for name in os.listdir("/proc"))
        tried("list the host's processes", "getdents64", f"saw {seen}", "/proc")
    except OSError as e:
        tried("list the host's processes", "getdents64", errno.errorcode[e.errno], "/proc")


def work():
    words = collections.Counter(re.findall(r"[a-z]+", sys.stdin.read().lower()))
    common = ", ".join(f"{word} {count}" for word, count in words.most_common(3))
    print(f"work: {words.total()} words, {len(words)} different; most frequent: {common}", flush=True)


work()
attempt("read the password hashes", "openat", lambda: open("/etc/shadow").read(), "/etc/shadow")
attempt("list root's home directory", "openat", lambda: os.listdir("/root"), "/root")
attempt("read the kernel's log", "openat", lambda: open("/dev/kmsg").read(1), "/dev/kmsg")
see_processes()
attempt("connect out by TCP", "socket", lambda: connect(socket.AF_INET, socket.SOCK_STREAM))
attempt("send out by UDP", "socket", lambda: connect(socket.AF_INET, socket.SOCK_DGRAM))
attempt("write to /usr/bin", "openat", lambda: open("/usr/bin/words-was-here", "w").close(), "/usr/bin")
attempt("signal process 1", "kill", lambda: os.kill(1, 0))
by_number("trace another process", "ptrace", 101, 0x4206, 1, 0, 0)
by_number("load a BPF program", "bpf", 321, 9999, 0, 0)
fork_bomb(300)
