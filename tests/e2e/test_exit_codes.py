"""The table of exit codes (cli.md section 3), through the binary."""
import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import harness
import pytest

PYTHON = "/usr/bin/python3"


def test_exit_codes_0_to_123_are_the_programs_own(ward):
    def one(code):
        return code, ward.call("run", "/bin/sh", "-c", f"exit {code}").code

    with ThreadPoolExecutor(4) as pool:
        for code, got in pool.map(one, range(124)):
            assert got == code


@pytest.mark.parametrize("code", [124, 125, 126, 127, 128, 137, 159, 200, 255])
def test_higher_codes_pass_and_the_result_tells_them_from_wards(ward, code):
    run = ward.sh(f"exit {code}")
    assert run.code == code
    assert (run.result["stage"], run.result["verdict"], run.result["exit"]) == ("run", "nonzero", code)
    assert run.result["ward_exit"] == code
    assert run.result["signal"] is None


def test_success_is_ok(anyone):
    run = anyone.run("/bin/true")
    assert run.code == 0 and run.result["verdict"] == "ok" and run.result["exit"] == 0
    assert run.result["schema"] == 1 and run.result["stage"] == "run"


@pytest.mark.parametrize("option,script,verdict", [
    (("--wall", "200ms"), "sleep 20", "limit.wall"),
    (("--cpu", "200ms"), "while :; do :; done", "limit.cpu"),
    (("--out-max", "1000"), "yes", "limit.output"),
])
def test_a_limit_gives_124(ward, option, script, verdict):
    run = ward.sh(script, *option)
    assert run.code == 124 and run.result["verdict"] == verdict and run.result["stage"] == "run"
    assert run.result["ward_exit"] == 124


@pytest.mark.parametrize("words,says", [
    (("run",), "no program"),
    (("run", "--"), "no program"),
    (("run", "--wal=5s", "true"), "--wall"),
    (("run", "--memm", "64M", "true"), "--mem"),
    (("run", "--wall", "soon", "true"), "--wall"),
    (("run", "--wall"), "--wall"),
    (("run", "--wall=5", "true"), "--wall"),
    (("run", "--pids", "0", "true"), "--pids"),
    (("run", "--pids", "-1", "true"), "--pids"),
    (("run", "-Z", "true"), "-Z"),
    (("run", "-b", "contaner", "true"), "container"),
    (("run", "--explain=yes", "true"), "--explain"),
    (("run", "-p", "/nonexistent/policy.yaml", "true"), "no such file"),
    (("run", "-p", "defualt", "true"), "default"),
    (("run", "-p", "", "true"), "name"),
    (("run", "--require", "seccom", "true"), "seccomp"),
    (("run", "--status-fd", "77", "true"), "77"),
    (("run", "--pass-fd", "77", "true"), "77"),
    (("run", "--result", "/nonexistent/x", "true"), "/nonexistent/x"),
    (("run", "--stdin", "/nonexistent/x", "true"), "/nonexistent/x"),
    (("run", "--exit-prefix", "300", "true"), "--exit-prefix"),
    (("rnu", "true"), "run"),
    ((), "--help"),
])
def test_bad_usage_gives_125_and_one_line_that_helps(ward, words, says):
    run = ward.call(*words)
    assert run.code == 125
    assert run.out == b""
    assert run.errors.startswith("ward: ") and run.errors.count("\n") == 1
    assert says in run.errors


def test_a_refused_run_writes_its_result(ward):
    run = ward.run("true", options=["--wall", "soon"])
    assert run.code == 125
    assert (run.result["stage"], run.result["verdict"], run.result["exit"]) == ("setup", "setup", None)
    assert run.result["ward_exit"] == 125 and run.result["error"]["kind"] == "usage"


@pytest.mark.parametrize("command", ["/nonexistent/program", "no-such-program-anywhere", "/etc/passwd/x"])
def test_a_missing_program_gives_127(anyone, command):
    run = anyone.run(command)
    assert run.code == 127 and run.result["stage"] == "exec" and run.result["exit"] is None
    assert command in run.errors and run.errors.count("\n") == 1


def test_an_interpreter_that_is_missing_gives_127(ward):
    script = ward.file("script", "#!/nonexistent/interpreter\n", 0o755)
    assert ward.run("/script", options=["--rx", f"{script}:/script"]).code == 127


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_what_cannot_be_executed_gives_126(anyone, boundary):
    text = anyone.file("text", "echo no\n", 0o644)
    shebangless = anyone.file("shebangless", "echo no\n", 0o755)
    good = anyone.file("good", "#!/bin/sh\necho yes\n", 0o755)
    options = ["-b", boundary, "--rx", text, "--rx", shebangless]
    for command in ("/usr", text, shebangless):
        run = anyone.run(command, options=options)
        assert run.code == 126, command
        assert run.result["stage"] == "exec" and run.out == b""
    assert anyone.run(good, options=["-b", boundary, "--ro", good]).code == 126
    assert anyone.run(good, options=["-b", boundary, "--rx", good]).out == b"yes\n"


@pytest.mark.parametrize("name", ["HUP", "INT", "TERM", "KILL", "SEGV", "ABRT", "USR1", "PIPE"])
def test_a_signal_gives_128_and_its_number(anyone, name):
    number = getattr(signal, f"SIG{name}")
    run = anyone.sh(f"kill -{name} $$")
    assert run.code == 128 + number
    assert run.result["verdict"] == "signal" and run.result["signal"] == number
    assert run.result["exit"] is None and not run.result.get("oom")


def test_out_of_memory_gives_137_and_says_so(root):
    run = root.python("x = bytearray(1 << 30)", "--mem", "64M")
    assert run.code == 137 and run.result["verdict"] == "limit.memory" and run.result["oom"] is True


@pytest.mark.parametrize("report", ["denials", "none"])
def test_a_call_that_kills_gives_159(anyone, report):
    run = anyone.python("import ctypes; ctypes.CDLL(None).mount(0, 0, 0, 0, 0)",
                        "--syscall-default", "kill", "--log", report)
    assert run.code == 159 and run.result["verdict"] == "denied.syscall"
    assert run.result["signal"] == signal.SIGSYS


def test_exit_prefix_moves_wards_codes_and_no_others(ward):
    def code(*words):
        return ward.call("run", "--exit-prefix", "90", *words).code

    assert code("--wall", "100ms", "sleep", "9") == 90
    assert code("--wall", "soon", "true") == 91
    assert code("-p", "/nonexistent.yaml", "true") == 91
    assert code("/usr") == 92
    assert code("/nonexistent") == 93
    for own in (90, 91, 124, 125, 126, 127):
        assert code("sh", "-c", f"exit {own}") == own
    assert code("sh", "-c", "kill -9 $$") == 137


def test_two_dashes_end_the_options(ward):
    assert ward.call("run", "--", "--version").code == 127
    assert ward.call("run", "--", "-q").code == 127
    assert ward.call("run", "--", "--", "true").code == 127
    assert ward.call("run", "-q", "--", "true").code == 0


def test_words_after_the_program_are_the_programs(ward):
    words = ["--wall", "1ms", "-p", "nope", "--", "--result=x", "-q", "--help", ""]
    run = ward.call("run", PYTHON, "-c", "import sys; print(sys.argv[1:])", *words)
    assert run.code == 0 and run.text == f"{words}\n"


def test_options_are_written_with_equals_or_a_space(ward):
    assert ward.call("run", "--wall=9s", "true").code == 0
    assert ward.call("run", "--wall", "9s", "true").code == 0
    assert ward.call("run", "-pdefault", "true").code == 0


def test_help_and_version_go_to_standard_output(ward):
    for words in (("--help",), ("run", "--help"), ("help",), ("help", "run"), ("--version",), ("version",)):
        run = ward.call(*words)
        assert run.code == 0 and run.out and not run.err, words


def test_a_policy_comes_by_standard_input(ward):
    policy = b"version: 1\nfiles: [{read: host}]\nlimits: {wall: 5s}\nsyscalls: {allow: ['@default']}\n"
    run = ward.call("run", "-p", "-", "/bin/sh", "-c", "echo it ran", stdin=policy)
    assert run.code == 0 and run.out == b"it ran\n"
    assert ward.call("run", "-p", "-", "/bin/true", stdin=b"").code == 125


def test_a_silent_program_does_not_care_that_nothing_can_be_written(ward):
    with open("/dev/full", "wb") as full:
        assert ward.call("run", "true", stdout=full, stderr=full).code == 0


def test_the_status_lines_tell_start_and_end(ward):
    read, write = os.pipe()
    run = ward.call("run", "--status-fd", str(write), "/bin/sh", "-c", "exit 3", pass_fds=[write])
    os.close(write)
    with os.fdopen(read) as file:
        events = [json.loads(line) for line in file]
    assert run.code == 3
    assert len(events) >= 2 and all(isinstance(event, dict) for event in events)
    assert any(3 in event.values() or 3 in (event.get("result") or {}).values() for event in events)


def test_the_last_event_is_the_result(ward):
    read, write = os.pipe()
    result = ward.name("json")
    run = ward.call("run", "--status-fd", str(write), "--result", result, "--exit-prefix", "200", "--wall", "50ms",
                    "/bin/sleep", "9", pass_fds=[write])
    os.close(write)
    with os.fdopen(read) as lines:
        last = [json.loads(line) for line in lines][-1]
    assert run.code == 200 and last["event"] == "ended"
    assert last["result"] == harness.read_result(result) and last["result"]["ward_exit"] == 200
