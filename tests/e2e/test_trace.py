"""ward trace: what is recorded, what holds while it is, and what is left."""
import json
import os
import shutil
import signal
import socket
import subprocess

import pytest

import harness


def trace(ward, *command, options=(), **how):
    """`ward trace` with its record: the outcome, whose result is the record."""
    record = ward.name("record.json")
    outcome = ward.call("trace", "--format", "json", "-o", record, *options, "--", *command, **how)
    outcome.result = harness.read_result(record)
    return outcome


def calls(outcome):
    return {one["call"]: one for one in outcome.result["calls"]}


def files(outcome):
    return {one["path"]: one for one in outcome.result["files"]}


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_every_call_is_counted(anyone, programs, boundary):
    loop = programs("loop.c", "-static")
    run = trace(anyone, loop, "1234", options=["-b", boundary, "--rx", loop])
    assert run.code == 0 and run.result["runs"] == 1 and run.result["cut"] is None, run
    assert calls(run)["getppid"]["count"] == 1234 and calls(run)["getppid"]["phases"] == "steady"
    assert calls(run)["execve"]["count"] == 1 and calls(run)["brk"]["phases"] == "start"
    assert run.result["boundary"] == boundary and run.result["argv"] == [loop, "1234"]
    assert "1234" in run.errors and "getppid" in run.errors and run.out == b""


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_files_and_their_use_are_known(anyone, boundary):
    script = "cat /usr/lib/os-release > /dev/null; ls /usr > /dev/null; cat /nothing 2> /dev/null; " \
             "cd /usr && cat bin/../lib/./os-release > /dev/null"
    run = trace(anyone, "/bin/sh", "-c", script, options=["-b", boundary])
    assert run.code == 0, run
    release = files(run)["/usr/lib/os-release"]
    assert release["access"] == ["read"] and release["exists"] and release["count"] == 2
    assert "list" in files(run)["/usr"]["access"] and files(run)["/usr"]["is_dir"]
    assert not files(run)["/nothing"]["exists"]
    assert "exec" in files(run)["/usr/bin/cat"]["access"] or "exec" in files(run)["/bin/cat"]["access"]
    assert "write" in files(run)["/dev/null"]["access"]


def test_the_caller_behind_the_library_is_named(ward):
    run = trace(ward, "/usr/bin/python3", "-S", "-c", "print(1)")
    by = {site["by"]["module"] for one in run.result["calls"] for site in one["sites"]}
    at = {site["at"]["module"] for one in run.result["calls"] for site in one["sites"]}
    symbols = {site["at"]["symbol"] for one in run.result["calls"] for site in one["sites"]}
    assert any("python3" in (name or "") for name in by), by
    assert any("libc.so" in (name or "") for name in at), at
    assert any(name in symbols for name in ("write", "__write", "__libc_write")), symbols


def test_the_loader_is_start_up_and_the_program_is_not(anyone):
    run = trace(anyone, "/bin/echo", "x")
    assert calls(run)["pread64"]["phases"] == "start" and calls(run)["write"]["phases"] == "steady"
    libc = [one for path, one in files(run).items() if "libc.so" in path]
    assert libc and all(one["phases"] == "start" for one in libc)


def test_what_the_floor_refuses_is_refused_and_recorded(anyone):
    script = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
for nr in (165, 272, 101, 321, 425, 323, 41):
    args = (38, 5, 0) if nr == 41 else (0x10000000, 0, 0)
    print(nr, libc.syscall(nr, *args) == -1 and errno.errorcode[ctypes.get_errno()])
"""
    run = trace(anyone, "/usr/bin/python3", "-S", "-c", script)
    assert run.code == 0, run
    assert run.text == "".join(f"{nr} ENOSYS\n" for nr in (165, 272, 101, 321, 425, 323, 41)), run
    for name in ("mount", "unshare", "ptrace", "bpf", "io_uring_setup", "userfaultfd"):
        assert calls(run)[name]["refused"] == calls(run)[name]["count"] == 1


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_what_is_not_granted_is_not_reached(anyone, boundary):
    secret = anyone.file("secret", "seen", 0o600)
    run = trace(anyone, "/bin/sh", "-c", f"cat {secret}; echo x > {anyone.place}/new", options=["-b", boundary])
    assert run.out == b"" and not os.path.exists(f"{anyone.place}/new"), run


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_the_box_is_the_same_as_without_tracing(anyone, boundary):
    """But for the answers of the filter, and ids that every box has of its own."""
    script = "ulimit -a" if boundary == "process" else \
        "grep -E '^(Cap|NoNewPrivs|Seccomp)' /proc/self/status; readlink /proc/self/cwd; ulimit -a; ls -a /work /tmp /usr"
    traced = trace(anyone, "/bin/sh", "-c", script, options=["-b", boundary])
    plain = anyone.sh(script, "-b", boundary)
    same = [line for line in plain.text.split("\n") if not line.isdigit() and not line.startswith("process")]
    assert traced.code == plain.code == 0
    for line in same:
        assert line in traced.text, (line, traced)


def test_paths_with_control_bytes_never_reach_the_terminal(anyone, programs):
    odd = programs("odd_paths.c", "-static")
    run = trace(anyone, odd, options=["--rx", odd, "--sites"])
    assert run.code == 0, run
    assert b"\x1b" not in run.err and b"\xff" not in run.err and b"\xc2\x9b" not in run.err
    marked = [path for path, one in files(run).items() if one["is_odd"]]
    assert "/tmp/?[31mred?\"'\\" in marked and "/tmp/??" in marked and "/tmp/??31m" in marked
    assert files(run)["/etc/passwd"]["exists"] and run.result["unknown"] == 1
    assert not any(path.endswith("relative") or "xxxx" in path for path in files(run))


@pytest.mark.parametrize("kind", ["threads", "forks"])
def test_ten_thousand_short_lives_are_all_seen(ward, programs, kind):
    swarm = programs("swarm.c", "-static", "-pthread")
    run = trace(ward, swarm, kind, "10000", options=["--rx", swarm, "--widen", "--cpu", "60s", "--wall", "60s"], timeout=90)
    assert run.code == 0, run
    assert calls(run)["getppid"]["count"] == 10000


@pytest.mark.parametrize("after_ms", [0, 1, 2, 3, 5, 8, 13, 21, 34])
def test_a_program_that_dies_at_any_moment_leaves_nothing(anyone, programs, after_ms):
    loop = programs("loop.c", "-static")
    script = f"{loop} 100000000 & sleep 0.{after_ms:03}; kill -9 $$"
    run = trace(anyone, "/bin/sh", "-c", script, options=["--rx", loop])
    assert run.code in (137, 0), run
    assert run.result is None or run.result["runs"] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_ending_ward_ends_the_box(anyone, number):
    with anyone.start("trace", "-q", "--", "sleep", "20") as process:
        harness.wait_until(lambda: "sleep" in harness.descendants(process.pid).values(), "the program runs")
        process.send_signal(number)
        process.communicate(timeout=10)
    assert process.returncode in (-signal.SIGKILL, 143, 130)


def test_a_signal_during_a_call_reaches_the_program(anyone):
    script = "import signal,time,os; n=[0]; signal.signal(14, lambda *a: n.__setitem__(0,n[0]+1)); signal.setitimer(0,.001,.001)\n" \
             "while n[0] < 100: os.getppid()\n" \
             "signal.setitimer(0, 0); print(n[0] >= 100)"
    run = trace(anyone, "/usr/bin/python3", "-S", "-c", script)
    assert run.code == 0 and run.text == "True\n", run


def test_the_exit_code_is_the_programs(anyone):
    assert trace(anyone, "/bin/sh", "-c", "exit 7").code == 7
    assert trace(anyone, "/bin/sh", "-c", "kill -15 $$").code == 143
    missing = trace(anyone, "/nonexistent")
    assert missing.code == 127 and missing.result is None and "No such file" in missing.errors
    limited = trace(anyone, "sleep", "9", options=["--wall", "300ms"])
    assert limited.code == 124 and limited.result["runs"] == 1


def test_runs_add_up(anyone):
    one, two = anyone.name("json"), anyone.name("json")
    assert anyone.call("trace", "-q", "--format", "json", "-o", one, "--", "/bin/echo", "x").code == 0
    assert anyone.call("trace", "-q", "--format", "json", "-o", two, "--", "/bin/sh", "-c", "kill -0 $$").code == 0
    both = anyone.call("trace", "--merge", one, "--merge", two, "--format", "json")
    told = json.loads(both.out)
    assert both.code == 0 and told["runs"] == 2 and {"kill", "write"} <= {call["call"] for call in told["calls"]}
    assert "2 runs" in both.errors


@pytest.mark.parametrize("text", ["", "{}", "[" * 10000, '{"schema":"ward.record.1"}', "\x00\x1b"])
def test_a_record_that_is_none_is_refused_in_one_line(ward, text):
    run = ward.call("trace", "--merge", ward.file("bad.json", text))
    assert run.code == 125 and run.errors.count("\n") == 1 and "\x1b" not in run.errors and "bad.json" in run.errors


def test_usage(ward):
    assert ward.call("trace").code == 125 and "no program" in ward.call("trace").errors
    assert ward.call("trace", "--merge", "/nonexistent").code == 125
    assert ward.call("trace", "-o", "/nonexistent/x", "--", "true").code == 125


def test_neither_a_policy_nor_run_can_ask_for_it(ward):
    run = ward.run("true", policy="version: 1\nfiles: [{read: host}]\nsyscalls: {allow: ['@default'], trace: true}\n")
    assert run.code == 125 and "unknown key" in run.errors


def test_capabilities_are_named_by_the_call_that_asks(anyone):
    script = "import os, socket\nfor f in (lambda: os.chown('/work', 0, 0), lambda: os.setuid(0), lambda: socket.socket(2, 3, 1)):\n" \
             " try: f()\n except OSError: pass\n"
    run = trace(anyone, "/usr/bin/python3", "-S", "-c", script, options=["--caps"])
    assert run.code == 0, run
    assert "CAP_NET_RAW" in run.errors and "socket, 1 time\n" in run.errors and "CAP_CHOWN" in run.errors
    assert "CAP_SETUID" in run.errors and "CAP_SYS_ADMIN" not in run.errors
    plain = trace(anyone, "/bin/true", options=["--caps"])
    assert "none for certain" in plain.errors


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_a_watching_ward_has_no_right_over_the_host(root, boundary):
    """Found by its memory of the box: the process between us and the keeper."""
    with root.start("trace", "-q", "-b", boundary, "--", "sleep", "3") as process:
        def watcher():
            below = [pid for pid, name in harness.descendants(process.pid).items() if name == "ward-analyst"]
            return below and harness.status_of(below[0]).get("Seccomp", "0") == "2" and below[0]
        harness.wait_until(watcher, "ward confines itself")
        status = harness.status_of(watcher())
        same_users = os.readlink(f"/proc/{watcher()}/ns/user") == os.readlink("/proc/self/ns/user")
        process.terminate()
        process.communicate(timeout=10)
    assert status["NoNewPrivs"] == "1" and "0" not in status["Uid"].split()
    assert same_users == (boundary == "process")
    wanted = 1 << 19 if boundary == "container" else 0     # CAP_SYS_PTRACE, in the box's namespace
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == wanted


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_a_program_that_hides_its_memory_leaves_a_record_that_says_so(anyone, programs, boundary):
    hider = programs("nodump.c", "-static")
    run = trace(anyone, hider, options=["-b", boundary, "--rx", hider])
    assert run.code == 0 and calls(run)["open" if "open" in calls(run) else "openat"]["count"] >= 1
    if boundary == "container":     # its own CAP_SYS_PTRACE reaches there
        assert run.result["cut"] is None and "/usr/lib/os-release" in files(run)
    else:
        assert "PR_SET_DUMPABLE" in run.result["cut"] and "incomplete:" in run.errors


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_a_program_that_may_not_be_watched_is_not_run_on(root, user, programs, boundary):
    """A file that cannot be read makes a process that cannot be: root's, executable for all."""
    hidden = root.file("hidden", open(programs("loop.c", "-static"), "rb").read(), 0o711)
    run = trace(user, hidden, "1", options=["-b", boundary, "--rx", hidden])
    assert run.code == 125 and "does not let this user watch" in run.errors and run.result is None, run
    assert "% calls" not in run.errors


def replay(ward, *command, options=(), **how):
    """Trace, derive, run again: the outcome, whose result is the text of the policy."""
    policy = ward.name("yaml")
    outcome = ward.call("trace", "--replay", "-o", policy, *options, "--", *command, **how)
    if os.path.exists(policy):
        with open(policy, encoding="utf-8") as file:
            outcome.result = file.read()
    return outcome


def check_replay(ward, outcome, *command, expected, **how):
    assert outcome.code == 0 and "replay:" not in outcome.errors, outcome
    assert outcome.text == expected + expected, outcome
    again = ward.run(*command, policy=outcome.result, **how)
    assert again.code == 0 and again.text == expected, again


def replay_threads(ward, *command, options=(), **how):
    """What threads call hangs on the moment: as long as a replay misses something, another run is added."""
    records = []
    for _ in range(5):
        record = ward.name("json")
        words = [word for earlier in records for word in ("--merge", earlier)]
        outcome = replay(ward, *command, options=[*options, *words], **how)
        if outcome.code == 0:
            return outcome
        assert "replay: first miss: " in outcome.errors, outcome
        assert ward.call("trace", "-q", "--format", "json", "-o", record, *options, "--", *command, **how).code == 0
        records.append(record)
    return outcome


def test_a_static_program_is_replayed(anyone, programs):
    loop = programs("loop.c", "-static")
    run = replay(anyone, loop, "3", options=["--rx", loop])
    check_replay(anyone, run, loop, "3", expected="")
    assert "getppid" in run.result and "openat" not in run.result and "mount" not in run.result
    assert "derived:" in run.errors


def test_a_script_is_replayed(anyone):
    script = shutil.copy(os.path.join(harness.HERE, "programs", "work.py"), anyone.place)
    os.chmod(script, 0o644)
    run = replay_threads(anyone, "python3", "-B", script, options=["--ro", script])
    check_replay(anyone, run, "python3", "-B", script, expected='[4950, "b\\na\\n", 17]\n')


def test_node_is_replayed(anyone):
    if not shutil.which("node"):
        pytest.skip("node is missing (apt-get install nodejs)")
    words = ["node", "-e", "setTimeout(() => console.log(require('zlib').gzipSync('x').length), 1)"]
    run = replay_threads(anyone, *words, options=["--widen", "--set", "limits.memory=64G"])
    check_replay(anyone, run, *words, expected="21\n")


def test_a_compiler_is_replayed(anyone):
    if not shutil.which("gcc"):
        pytest.skip("gcc is missing (apt-get install gcc)")
    source = anyone.file("a.c", '#include <stdio.h>\nint main(void) { puts("compiled"); }\n')
    words = ["/bin/sh", "-c", f"gcc -O1 -o /tmp/a {source} && /tmp/a"]
    run = replay(anyone, *words, options=["--ro", source])
    check_replay(anyone, run, *words, expected="compiled\n")


def test_a_server_under_load_is_replayed(anyone):
    script = shutil.copy(os.path.join(harness.HERE, "programs", "server.py"), anyone.place)
    os.chmod(script, 0o644)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    policy = anyone.file("net.yaml", f"""version: 1
boundary: container
fallback: [rlimits]
limits: {{cpu: 30s, wall: 60s, pids: 256, files: 256, output: 1M}}
network: {{mode: host, connect: [{port}], bind: [{port}]}}
files: [{{read: host}}, {{read: "{script}"}}, {{scratch: /work}}]
cwd: /work
syscalls: {{default: errno, allow: ["@default"]}}
""")
    words = ["python3", "-B", script, str(port), "100"]
    if anyone.call("check", "-q", "-p", policy).code:
        pytest.skip("needs Landlock with ports (Linux 6.7)")
    run = replay_threads(anyone, *words, options=["-p", policy], timeout=60)
    check_replay(anyone, run, *words, expected="served\n", timeout=60)
    assert f"bind: [{port}]" in run.result and "accept4" in run.result


def test_git_is_replayed(anyone):
    if not shutil.which("git"):
        pytest.skip("git is missing (apt-get install git)")
    source = anyone.folder("source")
    script = "git init -q . && echo x > x && git add x && git -c user.name=n -c user.email=e commit -q -m x"
    subprocess.run(["/bin/sh", "-c", script], cwd=source, check=True, env=anyone.environment(), **anyone.identity())
    config = anyone.file("gitconfig", "[safe]\n\tdirectory = *\n")      # root's box has another uid
    words = ["git", "clone", "-q", source, "/tmp/clone"]
    run = replay(anyone, *words, options=["--ro", source, "--ro", f"{config}:/work/.gitconfig"])
    check_replay(anyone, run, *words, expected="")


def test_the_first_miss_is_named_with_its_arguments(anyone):
    state = anyone.folder("state")
    script = f"import os\nif os.path.exists('{state}/x'): os.getpgid(0)\nelse: open('{state}/x', 'w')\n"
    run = replay(anyone, "/usr/bin/python3", "-S", "-c", script, options=["--rw", state])
    assert run.code == 1 and "replay: first miss: getpgid(0)" in run.errors and "syscalls.allow: getpgid\n" in run.errors, run


def test_a_run_that_ends_otherwise_is_a_miss(anyone):
    state = anyone.folder("state")
    run = replay(anyone, "/bin/sh", "-c", f"test ! -e {state}/x || exit 3; : > {state}/x", options=["--rw", state])
    assert run.code == 1 and "ended with 3 instead of 0" in run.errors, run


def test_calls_the_policy_does_not_list_are_found_too(anyone):
    """A trace that could see only what is allowed would be of no use."""
    script = "import os, ctypes; print(ctypes.CDLL(None).syscall(319, b'x', 0) > 0)"      # memfd_create
    policy = "version: 1\nfallback: [rlimits]\nfiles: [{read: host}]\nsyscalls: {default: kill, allow: ['@strict']}\n"
    run = replay(anyone, "/usr/bin/python3", "-S", "-c", script, options=["-p", anyone.file("strict.yaml", policy)])
    assert run.code == 0 and run.text == "True\nTrue\n" and "memfd_create" in run.result, run


@pytest.mark.parametrize("form,begins", [("oci", b"{"), ("bpf-text", b""), ("bpf", b"\x20\x00"), ("ward", b"#"), ("json", b"{")])
def test_the_policy_is_written_in_other_words(ward, form, begins):
    run = ward.call("trace", "-q", "--format", form, "--", "/bin/true")
    assert run.code == 0 and run.out.startswith(begins) and run.out, run


def test_an_unknown_format_is_refused_before_anything_runs(ward):
    run = ward.call("trace", "--format", "jsn", "--", "/bin/echo", "ran")
    assert run.code == 125 and b"ran" not in run.out and "did you mean 'json'" in run.errors
    assert ward.call("trace", "--replay", "--merge", "x").code == 125
