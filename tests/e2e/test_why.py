"""ward why and ward diff: what they say is what happens inside a box."""
import errno
import json

import pytest

CALLS = """
import ctypes, json, sys
libc = ctypes.CDLL(None, use_errno=True)
out = []
for nr, args in json.loads(sys.argv[1]):
    ctypes.set_errno(0)
    got = libc.syscall(ctypes.c_long(nr), *[ctypes.c_ulong(a) for a in args])
    out.append(ctypes.get_errno() if got == -1 else 0)
print(json.dumps(out))
"""
# Harmless with these arguments, whoever makes them: bad descriptors, null pointers, questions.
BAD_FD = 0xffffffff
ASKED = [
    ("ptrace(99, 0, 0, 0)", 101, [99, 0, 0, 0]),
    ("socket(AF_ALG, 5, 0)", 41, [38, 5, 0]),
    ("socket(0x100000026, 5, 0)", 41, [0x100000026, 5, 0]),
    ("socket(AF_UNIX, SOCK_STREAM, 0)", 41, [1, 1, 0]),
    ("ioctl(-1, TIOCSTI, 0)", 16, [BAD_FD, 0x5412, 0]),
    ("ioctl(-1, TCGETS, 0)", 16, [BAD_FD, 0x5401, 0]),
    ("getppid()", 110, []),
    ("keyctl(0, 0, 0, 0, 0)", 250, [0, 0, 0, 0, 0]),
    ("bpf(99, NULL, 0)", 321, [99, 0, 0]),
    ("clone3(NULL, 0)", 435, [0, 0]),
    ("mount(NULL, NULL, NULL, 0, NULL)", 165, [0, 0, 0, 0, 0]),
    ("fchmod(-1, 04755)", 91, [BAD_FD, 0o4755]),
    ("fchmod(-1, 0755)", 91, [BAD_FD, 0o755]),
    ("600(1, 2, 3, 4, 5, 6)", 600, [1, 2, 3, 4, 5, 6]),
]


def answers(ward, *words):
    done = ward.call("why", "--json", *words)
    assert done.code in (0, 1), done
    return [json.loads(line) for line in done.text.splitlines()]


@pytest.mark.parametrize("policy", ["default", "build"])
def test_a_call_fares_as_why_says(anyone, fits, policy):
    fits(policy)
    said = answers(anyone, "-p", policy, *[text for text, _, _ in ASKED])
    ran = anyone.run("python3", "-c", CALLS, json.dumps([[nr, args] for _, nr, args in ASKED]), policy=policy)
    assert ran.code == 0, ran
    for one, (text, _, _), got in zip(said, ASKED, json.loads(ran.text)):
        if one["refused"]:
            assert got == getattr(errno, one["answer"].split()[-1]), (text, one, got)
        else:
            # What reaches the kernel never fails with what ward's filters say of these calls.
            assert got not in (errno.EAFNOSUPPORT, errno.ENOTTY) and (got != errno.ENOSYS), (text, one, got)
    assert any(one["refused"] for one in said) and not all(one["refused"] for one in said)


TRIES = """
import json, os, sys
def attempt(path, op):
    if op == "r": os.close(os.open(path, os.O_RDONLY))
    elif op == "w": os.close(os.open(path, os.O_WRONLY))
    elif op == "create": os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    elif op == "list": os.listdir(path)
    elif op == "x":
        if os.spawnv(os.P_WAIT, path, [path]) == 127: raise OSError
out = []
for path, op in json.loads(sys.argv[1]):
    try:
        attempt(path, op); out.append(True)
    except OSError:
        out.append(False)
print(json.dumps(out))
"""
PLACES = [
    ("/usr/bin/true", "r"), ("/usr/bin/true", "w"), ("/usr/bin/true", "x"), ("/bin/true", "x"), ("/etc/passwd", "r"),
    ("/etc/shadow", "r"), ("/etc/passwd", "w"), ("/usr/new", "create"), ("/work/new", "create"), ("/tmp/new", "create"),
    ("/root/x", "r"), ("/home", "list"), ("/usr/share", "list"), ("/tmp", "list"), ("/", "list"), ("/new", "create"),
    ("/proc/self/status", "r"), ("/dev/null", "w"), ("/dev/kmsg", "r"), ("/granted/a", "r"), ("/granted/a", "w"),
    ("/granted/new", "create"), ("/usr/../granted/a", "r"),
]


def test_a_path_fares_as_why_says(anyone):
    place = anyone.folder("granted", 0o755)
    with open(f"{place}/a", "w", encoding="ascii") as file:
        file.write("x")
    policy = anyone.file("p.yaml", f"""version: 1
name: p
fallback: [rlimits]
files:
  - read: host
  - read: {place}
    as: /granted
  - scratch: /work
    size: 1M
  - scratch: /tmp
    size: 1M
proc: pid
env: {{set: {{PATH: /usr/bin:/bin}}}}
syscalls: {{default: errno, allow: ["@default"]}}
""")
    said = []
    for path, op in PLACES:
        said += answers(anyone, "-p", policy, "--op", op, "--path", path)
    ran = anyone.run("python3", "-c", TRIES, json.dumps(PLACES), policy=policy)
    assert ran.code == 0, ran
    for one, place_, got in zip(said, PLACES, json.loads(ran.text)):
        assert got == (not one["refused"]), (place_, one)


def test_exit_codes_tell_allowed_from_refused(ward):
    assert ward.call("why", "getpid").code == 0
    assert ward.call("why", "getpid", "ptrace").code == 1
    assert ward.call("why", "--host", "example.org:443").code == 1
    for words in ([], ["no_such_call"], ["getpid(1)"], ["--path", "relative"], ["--op", "q", "getpid"],
                  ["--host", "x"], ["--denial", "nothing"], ["-p", "./nothing.yaml", "getpid"]):
        done = ward.call("why", *words)
        assert done.code == 2 and done.errors.count("\n") == 1 and done.out == b"", (words, done)


def test_a_denial_is_asked_about_as_it_was_reported(anyone, fits):
    fits("default")
    ran = anyone.run("python3", "-c", "import socket; socket.socket(38, 5)", policy="default")
    line = next(line for line in ran.errors.splitlines() if "refused: socket" in line)
    why = answers(anyone, "-p", "default", "--denial", line)[0]
    assert why["refused"] and why["question"].startswith("socket(AF_ALG"), (line, why)


def test_a_policy_does_not_differ_from_itself(ward):
    for name in ("strict", "default", "contest", "build"):
        if ward.call("check", "-q", "-p", name).code:
            continue
        done = ward.call("diff", name, name)
        assert done.code == 0 and "no difference" in done.text, done


def test_a_difference_is_what_was_changed(ward):
    text = """version: 1
name: a
files: [{read: host}]
limits: {memory: 64M}
fallback: [rlimits]
syscalls:
  default: errno
  allow: ["@default"]
"""
    before = ward.file("a.yaml", text)
    rule = "  rules: [{call: sysinfo, action: kill}, {call: socket, action: errno, errno: EPERM, when: {arg0: [AF_INET6]}}]\n"
    after = ward.file("b.yaml", text.replace("64M", "32M") + rule)
    done = ward.call("diff", "--json", before, after)
    assert done.code == 1, done
    diff = json.loads(done.text)
    assert {(c["kind"], c["call"]) for c in diff["calls"]} == {("removed", "sysinfo"), ("changed", "socket")}
    sock = next(c for c in diff["calls"] if c["call"] == "socket")
    assert sock["when"] == "arg0 is AF_INET6" and sock["b"]["errno_name"] == "EPERM"
    assert {s["key"] for s in diff["settings"]} == {"limits.memory"}
    back = json.loads(ward.call("diff", "--json", after, before).text)
    assert {c["kind"] for c in back["calls"]} == {"added", "changed"}


def test_two_things_are_compared(ward):
    for words in ([], ["default"], ["default", "strict", "build"], ["default", "./nothing.yaml"]):
        done = ward.call("diff", *words)
        assert done.code == 2 and done.errors.count("\n") == 1, done
