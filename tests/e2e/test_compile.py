"""`ward compile`: what is written works in the tools it is written for, and holds there what ward holds."""
import errno
import json
import os
import pty
import re
import shutil
import subprocess
import sys

import pytest

# Calls with one answer each: the filter is asked, not the kernel behind it.
ASK = r"""
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
def ask(nr, *args):
    ctypes.set_errno(0)
    libc.syscall(ctypes.c_long(nr), *(ctypes.c_ulong(a) for a in args))
    return ctypes.get_errno()
for words in sys.argv[1:]:
    print(words, ask(*(int(word, 0) for word in words.split(","))))
"""
CALLS = {
    "41,16,3,0": errno.EAFNOSUPPORT,            # socket(AF_NETLINK)
    "41,38,5,0": errno.EAFNOSUPPORT,            # socket(AF_ALG)
    "41,0x100000026,5,0": errno.EAFNOSUPPORT,   # the same with a bit that the kernel throws away
    "41,1,1,0": 0,                              # socket(AF_UNIX)
    "16,0,0x5412,0": errno.ENOTTY,              # ioctl(TIOCSTI)
    "101,0,0,0,0": errno.ENOSYS,                # ptrace(PTRACE_TRACEME)
    "165,0,0,0,0,0": errno.ENOSYS,              # mount
    "272,0x10000000": errno.ENOSYS,             # unshare(CLONE_NEWUSER)
    "56,0x10000011,0,0,0,0": errno.EPERM,       # clone(CLONE_NEWUSER|SIGCHLD)
    "39": 0,                                    # getpid
}

LOAD = r"""
import ctypes, os, sys
class Prog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
text = open(sys.argv[1], "rb").read()
libc = ctypes.CDLL(None, use_errno=True)
assert len(text) % 8 == 0
prog = Prog(len(text) // 8, text)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(prog)) == 0, os.strerror(ctypes.get_errno())
del sys.argv[1]
""" + ASK


def compiled(ward, *words, code=0):
    outcome = ward.call("compile", *words)
    assert outcome.code == code, outcome
    return outcome


def answers(text):
    return {line.rsplit(" ", 1)[0]: int(line.rsplit(" ", 1)[1]) for line in text.strip().split("\n")}


def need(name):
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not path:
        pytest.skip(f"{name} is missing")
    return path


def need_bwrap():
    path = need("bwrap")
    probe = subprocess.run([path, "--unshare-user", "--disable-userns", "--ro-bind", "/", "/", "true"],
                           capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"bwrap does not run here: {probe.stderr.strip()}")


def as_user(ward):
    return {**ward.identity(), "cwd": ward.place, "env": ward.environment()}


def test_the_bytes_are_a_filter_the_kernel_takes(ward):
    path = ward.name("bpf")
    compiled(ward, "--to", "bpf", "-o", path)
    done = subprocess.run([sys.executable, "-S", "-c", LOAD, path, *CALLS], capture_output=True, text=True,
                          **as_user(ward))
    assert done.returncode == 0, done
    assert answers(done.stdout) == CALLS


def test_ward_itself_answers_the_same(ward):
    run = ward.run("/usr/bin/python3", "-S", "-c", ASK, *CALLS, policy="default")
    assert run.code == 0, run
    assert answers(run.text) == CALLS


def test_the_script_runs_a_program_under_bwrap(anyone):
    need_bwrap()
    script = anyone.name("sh")
    compiled(anyone, "--to", "bwrap", "-o", script, code=1)

    def bwrap(*words, stdin=""):
        return subprocess.run(["/bin/sh", script, *words], input=stdin, capture_output=True, text=True, timeout=60,
                              **as_user(anyone))

    done = bwrap("/usr/bin/python3", "-S", "-c", ASK, *CALLS)
    assert done.returncode == 0, done
    assert answers(done.stdout) == CALLS
    done = bwrap("/bin/sh", "-c", "cat; echo $HOME; ls /home /root /var 2>&1 | wc -l; echo x > /usr/x; exit 7",
                 stdin="given\n")
    assert done.returncode == 7 and done.stdout == "given\n/work\n3\n", done
    assert "Read-only" in done.stderr, done
    assert bwrap().returncode == 2


def test_the_script_of_a_policy_that_kills_kills(ward):
    need_bwrap()
    script = ward.name("sh")
    compiled(ward, "-p", "strict", "--to", "bwrap", "-o", script, code=1)

    def bwrap(*words):
        return subprocess.run(["/bin/sh", script, *words], capture_output=True, text=True, timeout=60, **as_user(ward))

    assert bwrap("/bin/echo", "it's").stdout == "it's\n"
    assert bwrap("/usr/bin/python3", "-S", "-c", "import socket; socket.socket()").returncode == 159


def test_hostile_words_stay_words(ward):
    need_bwrap()
    folder = ward.folder("a'b $(touch pwned) c")
    policy = ward.file("p.yaml", "version: 1\nfiles:\n  - read: host\n  - {read: \"%s\", as: \"/in 'x'\"}\n"
                       "env: {set: {W: \"'`$(touch pwned)`\\\\\"}}\nsyscalls:\n  allow: [\"@default\"]\n" % folder)
    script = ward.name("sh")
    compiled(ward, "-p", policy, "--to", "bwrap", "-o", script, "--", "/bin/sh", "-c",
             "printf '%s\\n' \"$W\"; ls -d /in*", code=1)
    done = subprocess.run(["/bin/sh", script], capture_output=True, text=True, timeout=60, **as_user(ward))
    assert done.stdout == "'`$(touch pwned)`\\\n/in 'x'\n", done
    assert not os.path.exists(os.path.join(ward.place, "pwned"))


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_the_profile_runs_under_an_oci_runtime(root, runtime):
    path = need(runtime)
    bundle = root.folder("bundle")
    os.mkdir(os.path.join(bundle, "rootfs"))
    compiled(root, "--to", "oci-config", "-o", os.path.join(bundle, "config.json"), "--", "/usr/bin/python3", "-S", "-c",
             ASK, *CALLS, code=1)
    with open(os.path.join(bundle, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    # What the notes ask for: no mount that this host has not. And no cgroup, which is another test's.
    config["mounts"] = [m for m in config["mounts"] if m["type"] != "bind" or os.path.exists(m["source"])]
    del config["linux"]["resources"]
    name = f"ward-test-{os.getpid()}"
    state = os.path.join(root.place, "state")

    def run():
        with open(os.path.join(bundle, "config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)
        done = subprocess.run([path, "--root", state, "run", "--bundle", bundle, name], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60)
        subprocess.run([path, "--root", state, "delete", "-f", name], capture_output=True)
        return done

    done = run()
    if done.returncode:
        del config["linux"]["seccomp"]
        without = run()
        if without.returncode:
            pytest.skip(f"{runtime} does not run here: {without.stderr.strip()[:120]}")
    assert done.returncode == 0, done
    said, named = answers(done.stdout), {c: v for c, v in CALLS.items() if not c.startswith("16,")}
    assert {c: said[c] for c in named} == named
    assert said["16,0,0x5412,0"] == errno.ENOSYS    # as the note says


def test_systemd_takes_the_drop_in(ward):
    path = need("systemd-analyze")
    for options in ([], ["--wider"]):
        units = ward.folder(f"units{len(options)}")
        os.mkdir(os.path.join(units, "x.service.d"))
        ward.file(os.path.join(units, "x.service"), "[Service]\nExecStart=/bin/true\n")
        compiled(ward, "--to", "systemd", *options, "-o", os.path.join(units, "x.service.d", "ward.conf"), code=1)
        done = subprocess.run([path, "verify", os.path.join(units, "x.service")], capture_output=True, text=True,
                              env={**ward.environment(), "SYSTEMD_UNIT_PATH": units + ":"})
        said = [line for line in done.stderr.split("\n") if "ward.conf" in line and
                "Failed to parse system call" not in line]      # newer than this systemd
        assert done.returncode == 0 and not said, done
    done = subprocess.run([path, "syscall-filter", "@default"], capture_output=True, text=True)
    permitted = set(re.findall(r"^ {4}(\w+)$", done.stdout, re.M))
    assert permitted
    with open(os.path.join(ward.place, "units0", "x.service.d", "ward.conf"), encoding="utf-8") as file:
        lines = re.findall(r"^SystemCallFilter=(~?)(.*)$", file.read(), re.M)
    named = {name for _, names in lines for name in names.split()}
    with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", encoding="utf-8") as file:
        known = set(re.findall(r"__NR_(\w+) ", file.read()))
    assert permitted & known <= named      # each is allowed by the policy, or taken out again


@pytest.mark.parametrize("policy", ["strict", "default", "contest", "build"])
def test_diff_finds_nothing_that_only_the_other_allows(ward, policy):
    for form in ("bpf", "oci", "systemd"):
        path = ward.name("service" if form == "systemd" else form)
        compiled(ward, "-p", policy, "--to", form, "-q", "-o", path, code=1 if form == "systemd" else 0)
        said = ward.call("diff", policy, path).text
        assert said.startswith("A: ") and "allowed by B only" not in said, said
        # The bytes are exact; names that libseccomp does not know are refused elsewhere.
        assert form != "bpf" or "allowed by" not in said and "refused by" not in said, said


def test_the_listing_names_the_line(ward):
    policy = ward.file("p.yaml", "version: 1\nsyscalls:\n  allow: [execve]\n  rules:\n"
                       "    - {call: ioctl, when: {arg1: TCGETS}}\n")
    out = compiled(ward, "-p", policy, "--to", "bpf-text").text
    assert "# ioctl (16), from line 5 (policy)" in out and "(TCGETS)" in out


def test_differences_are_said(ward):
    run = compiled(ward, "--to", "systemd", code=1)
    assert "ward: wider: " in run.errors and "ward: narrower: " in run.errors
    assert "# wider: " in run.text and "# narrower: " in run.text
    assert compiled(ward, "--to", "systemd", "-q", code=1).errors == ""
    assert compiled(ward, "-p", "strict", "--to", "oci").errors == ""


BAD = {
    "no format": ((), "--to"),
    "an unknown format": (("--to", "ocl"), "'oci'"),
    "a far format": (("--to", "zzzzzz"), "ward compile --help"),
    "a policy that is not there": (("--to", "bpf", "-p", "dafault"), "default"),
    "nowhere to write": (("--to", "bpf", "-o", "/nonexistent/x"), "/nonexistent/x"),
    "a policy that no box gets": (("--to", "bpf", "-p", "mount.yaml"), "mount"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_calls_are_one_line(ward, case):
    ward.file("mount.yaml", "version: 1\nsyscalls:\n  allow: [\"@default\", mount]\n")
    words, says = BAD[case]
    run = ward.call("compile", *words)
    assert run.code == 2 and run.out == b"" and run.errors.count("\n") == 1 and says in run.errors, run


def test_bytes_do_not_go_to_a_terminal(ward):
    ours, theirs = pty.openpty()
    try:
        for words in ([], ["-o", "-"]):
            run = ward.call("compile", "--to", "bpf", *words, stdout=theirs)
            assert run.code == 2 and "-o FILE" in run.errors, run
    finally:
        os.close(ours)
        os.close(theirs)


def test_what_has_no_order_may_be_too_much(ward):
    values = "[0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f, 0x00ff00ff00ff00ff, 0x0000ffff0000ffff]"
    policy = ward.file("p.yaml", "version: 1\nsyscalls:\n  default: kill\n  allow: [execve]\n  rules:\n"
                       f"    - {{call: pwrite64, action: errno, when: {{arg1: {values}, arg2: {values}, arg3: {values}}}}}\n"
                       "    - {call: pwrite64, action: allow}\n")
    assert len(compiled(ward, "-p", policy, "--to", "bpf").out) % 8 == 0
    for form in ("oci", "systemd"):
        run = ward.call("compile", "-p", policy, "--to", form)
        assert run.code == 2 and "pwrite64" in run.errors and run.out == b"", run
