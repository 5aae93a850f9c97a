"""Refused system calls: what the program gets, and what the result tells."""
import pytest

POLICY = """version: 1
boundary: %s
fallback: [rlimits]
limits: {wall: 10s, output: 1M}
files: [{read: host}]
syscalls:
  default: %s
  allow: ["@default"]
  rules:
    - call: getpid
      action: %s
%s"""
CALL = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
n = libc.syscall(39)
print('got', 'a pid' if n > 0 else errno.errorcode[ctypes.get_errno()], flush=True)
"""


def policy(action, boundary="container", default="errno", error=None):
    return POLICY % (boundary, default, action, f"      errno: {error}\n" if error else "")


@pytest.mark.parametrize("boundary", ["container", "process"])
@pytest.mark.parametrize("action,error,got", [
    ("errno", None, "EPERM"), ("errno", "ENOSYS", "ENOSYS"), ("errno", "EACCES", "EACCES"), ("notify", "EPERM", "EPERM"), ("log", None, "a pid"),
    ("allow", None, "a pid")])
def test_each_action_does_what_it_says(anyone, action, error, got, boundary):
    run = anyone.python(CALL, policy=policy(action, boundary, error=error))
    assert run.code == 0 and run.text == f"got {got}\n", run
    denials = [one for one in run.result["denials"] if one["name"] == "getpid"]
    if got == "a pid":
        assert not [one for one in denials if one["action"] not in ("log",)]
        return
    assert len(denials) == 1
    told = denials[0]
    assert told["nr"] == 39 and told["count"] >= 1 and told["line"] == 10 and told["errno"] == got
    assert told["action"] == action and told["origin"] == "policy" and len(told["args"]) == 6


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_kill_ends_the_program_and_the_result_says_why(anyone, boundary):
    run = anyone.python(CALL, policy=policy("kill", boundary))
    assert run.code == 159 and run.out == b"" and run.result["verdict"] == "denied.syscall"
    told = [one for one in run.result["denials"] if one["name"] == "getpid"]
    assert len(told) == 1 and told[0]["action"] == "kill" and told[0]["line"] == 10
    assert "getpid" in run.errors


def test_arguments_are_told(anyone):
    run = anyone.python("import ctypes; ctypes.CDLL(None).syscall(165, *map(ctypes.c_long, (0x1234, 0x5678, 0, 0xabcdef0123, 0)))")
    told = [one for one in run.result["denials"] if one["name"] == "mount"]
    assert len(told) == 1 and told[0]["args"][:4] == ["0x1234", "0x5678", "0x0", "0xabcdef0123"]
    assert told[0]["origin"] == "default"


def test_rules_look_at_arguments_on_their_true_width(anyone):
    rules = POLICY % ("container", "errno", "allow", "") + """    - call: kill
      when: {arg1: 0}
    - call: kill
      action: errno
      errno: EDOM
"""
    run = anyone.python("""
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
for signal in (0, 10, 1 << 32, (1 << 32) + 10):
    ctypes.set_errno(0)
    n = libc.syscall(62, ctypes.c_long(os.getppid() and os.getpid()), ctypes.c_long(signal))
    print(n if n == 0 else errno.errorcode[ctypes.get_errno()])
""", policy=rules)
    assert run.text.split() == ["0", "EDOM", "0", "EDOM"]


def test_ten_thousand_denials_are_counted_and_not_kept(anyone):
    run = anyone.python("""
import ctypes
libc = ctypes.CDLL(None)
for _ in range(10000):
    libc.syscall(165, 0, 0, 0, 0, 0)
""", timeout=60)
    assert run.code == 0
    told = [one for one in run.result["denials"] if one["name"] == "mount"]
    assert len(told) == 1 and told[0]["count"] == 10000


def test_many_different_denials_are_bounded(anyone):
    run = anyone.python("""
import ctypes
libc = ctypes.CDLL(None)
for n in range(500, 900):
    libc.syscall(n, 0, 0, 0, 0, 0)
""")
    assert run.code == 0 and len(run.result["denials"]) <= 64
    total = sum(one["count"] for one in run.result["denials"]) + run.result["denials_more"]
    assert total >= 400 and run.result["denials_more"] >= 336


def test_denials_of_many_processes_are_all_counted(anyone):
    run = anyone.sh("for i in 1 2 3 4; do python3 -S -c 'import ctypes\nl = ctypes.CDLL(None)\n"
                    "for _ in range(500): l.syscall(165, 0, 0, 0, 0, 0)' & done; wait")
    told = [one for one in run.result["denials"] if one["name"] == "mount"]
    assert sum(one["count"] for one in told) == 2000


def test_without_a_report_calls_are_refused_all_the_same(anyone):
    run = anyone.python("import ctypes; print(ctypes.CDLL(None).syscall(165, 0, 0, 0, 0, 0))", "--log", "none")
    assert run.text == "-1\n" and run.result["denials"] == []


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_clone3_is_refused_quietly(anyone, boundary):
    """glibc tries it for each thread and process: it would fill every report."""
    run = anyone.python("""
import ctypes, errno, os, threading
thread = threading.Thread(target=print, args=('thread',)); thread.start(); thread.join()
os.system('true')
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall(435, 0, 0), errno.errorcode[ctypes.get_errno()])
""", "-b", boundary)
    assert run.code == 0 and run.text == "thread\n-1 ENOSYS\n"
    assert run.result["denials"] == []


def test_ordinary_programs_are_refused_nothing(anyone):
    for command in ("ls -la /usr", "sh -c 'echo a | sort | wc -l'", "python3 -c 'import json, subprocess, threading'",
                    "awk 'BEGIN { print 1 }'", "find /usr/share/misc", "date", "tar -C /usr/share -cf /tmp/x.tar misc"):
        run = anyone.sh(command)
        assert run.code == 0 and run.result["denials"] == [], (command, run)


def test_a_program_that_answers_its_own_filter_is_still_held(anyone):
    """A filter of the program's own cannot allow what the policy refuses."""
    run = anyone.python("""
import ctypes, struct
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
code = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000))
class Prog(ctypes.Structure):
    _fields_ = [('len', ctypes.c_ushort), ('filter', ctypes.c_void_p)]
prog = Prog(1, ctypes.addressof(code))
print(libc.syscall(317, 1, 0, ctypes.byref(prog)), libc.mount(b'x', b'/tmp', b'tmpfs', 0, 0), libc.unshare(0x10000000))
""")
    assert run.text.split()[1:] == ["-1", "-1"]
