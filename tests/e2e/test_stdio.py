"""Standard streams: forwarded exactly, at the reader's pace, and no host descriptor is inside."""
import fcntl
import hashlib
import os
import random
import signal
import subprocess
import time

import pytest

TEN_MB = random.Random(1).randbytes(10 << 20)


def test_ten_megabytes_go_through_unchanged(anyone):
    run = anyone.call("run", "/bin/cat", stdin=TEN_MB)
    assert run.code == 0 and run.err == b""
    assert hashlib.sha256(run.out).digest() == hashlib.sha256(TEN_MB).digest()


def test_input_from_a_file(anyone):
    path = anyone.file("in", TEN_MB)
    with open(path, "rb") as file:
        run = anyone.call("run", "/usr/bin/sha256sum", stdin=file)
    assert run.text.split()[0] == hashlib.sha256(TEN_MB).hexdigest()
    run = anyone.call("run", "--stdin", path, "/usr/bin/sha256sum")
    assert run.text.split()[0] == hashlib.sha256(TEN_MB).hexdigest()


def test_output_to_a_file(anyone):
    out, err = anyone.name("out"), anyone.name("err")
    run = anyone.call("run", "--stdout", out, "--stderr", err, "/bin/sh", "-c", "cat; echo err >&2", stdin=TEN_MB)
    assert run.code == 0 and run.out == run.err == b""
    assert open(out, "rb").read() == TEN_MB and open(err, "rb").read() == b"err\n"


def test_output_appends_where_the_shell_said_so(anyone):
    path = anyone.file("log", "before\n")
    with open(path, "ab") as file:
        anyone.call("run", "/bin/echo", "after", stdout=file)
    assert open(path).read() == "before\nafter\n"


def test_no_input_is_an_end_of_file(anyone):
    assert anyone.call("run", "/bin/cat", stdin=subprocess.DEVNULL).code == 0
    assert anyone.call("run", "/bin/cat", stdin=b"").code == 0


@pytest.mark.parametrize("closed", ["0", "1", "2", "0 1", "0 1 2"])
def test_closed_streams_are_no_trouble(anyone, closed):
    """The program has all three; what it says to a closed one goes nowhere."""
    redirect = " ".join({"0": "<&-", "1": ">&-", "2": "2>&-"}[fd] for fd in closed.split())
    inner = "echo out; echo err >&2; cat; ls -l /proc/self/fd >/dev/null && test -e /proc/self/fd/2"
    done = subprocess.run(["/bin/sh", "-c", f"exec {anyone.program} run /bin/sh -c '{inner}' {redirect}"],
                          input=b"in\n", capture_output=True, timeout=20, env=anyone.environment(),
                          cwd=anyone.place, **anyone.identity())
    assert done.returncode == 0
    assert done.stdout == (b"" if "1" in closed else b"out\n" if "0" in closed else b"out\nin\n")
    assert done.stderr == (b"" if "2" in closed else b"err\n")


def test_output_and_error_are_two(anyone):
    run = anyone.sh("echo out; echo err >&2; exit 4")
    assert (run.code, run.out, run.err) == (4, b"out\n", b"err\n")


def test_output_and_error_to_one_place_keep_their_order(anyone):
    run = anyone.sh("for i in 1 2 3 4 5; do echo out$i; echo err$i >&2; done", stderr=subprocess.STDOUT)
    assert run.text == "".join(f"out{i}\nerr{i}\n" for i in range(1, 6))


def test_a_slow_reader_slows_the_program_and_not_wards_memory(anyone):
    with anyone.start("run", "/bin/sh", "-c", "head -c 12000000 /dev/zero; echo done >&2") as process:
        time.sleep(0.5)
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            rss = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
        assert rss < 8192
        assert process.poll() is None
        out = process.stdout.read()
        assert process.wait(20) == 0 and len(out) == 12000000


def test_a_reader_that_goes_away_ends_the_program(anyone):
    begun = time.monotonic()
    with anyone.start("run", "/usr/bin/yes", stderr=subprocess.DEVNULL) as process:
        assert process.stdout.read(10) == b"y\n" * 5
        process.stdout.close()
        code = process.wait(20)
    assert code != 0 and time.monotonic() - begun < 10


def test_a_program_that_does_not_read_is_no_trouble(anyone):
    run = anyone.call("run", "/bin/true", stdin=TEN_MB)
    assert run.code == 0
    run = anyone.call("run", "/usr/bin/head", "-c", "5", stdin=TEN_MB)
    assert run.code == 0 and run.out == TEN_MB[:5]


def test_an_input_that_stays_open_does_not_delay_the_end(anyone):
    read, write = os.pipe()
    begun = time.monotonic()
    try:
        assert anyone.call("run", "/bin/echo", "x", stdin=read).out == b"x\n"
    finally:
        os.close(read)
        os.close(write)
    assert time.monotonic() - begun < 5


def test_input_comes_while_it_is_typed(anyone):
    with anyone.start("run", "/bin/cat", stdin=subprocess.PIPE) as process:
        for word in (b"one\n", b"two\n"):
            process.stdin.write(word)
            process.stdin.flush()
            assert process.stdout.readline() == word
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_full_disk_behind_standard_output_is_not_a_success(anyone):
    with open("/dev/full", "wb") as full:
        run = anyone.run("/bin/sh", "-c", "echo lost; sleep 0.2; echo lost too || exit 9", stdout=full)
    assert run.code != 0 or run.result["output_cut"] is True


def test_only_pipes_of_wards_are_inside(anyone):
    path = anyone.file("host", "x")
    with open(path, "r+b") as file:
        run = anyone.call("run", "/bin/sh", "-c", "ls -l /proc/self/fd | awk '/->/ {print $9, $11}'",
                          stdin=file, stderr=file)
    lines = [line.split() for line in run.text.splitlines()]
    for number, name in lines:
        assert name.startswith("pipe:[") or (number not in "012" and name.startswith("/proc/")), lines
    assert {"0", "1", "2"} <= {number for number, _ in lines}


def test_the_program_cannot_change_flags_of_wards_streams(anyone):
    read, write = os.pipe()
    before = fcntl.fcntl(write, fcntl.F_GETFL)
    anyone.call("run", "/usr/bin/python3", "-S", "-c", "import os; os.set_blocking(1, False)", stdout=write)
    assert fcntl.fcntl(write, fcntl.F_GETFL) == before
    os.close(read)
    os.close(write)


def test_what_was_written_before_a_kill_is_delivered(anyone):
    run = anyone.sh("head -c 50000 /dev/zero; kill -9 $$")
    assert run.code == 137 and len(run.out) == 50000


def test_sigpipe_has_its_usual_meaning_inside(anyone):
    """Python, which runs the tests, ignores SIGPIPE; what ward starts must not."""
    run = anyone.sh("(yes; echo $? >&2) | head -n 1")
    assert run.out == b"y\n" and run.err == f"{128 + signal.SIGPIPE}\n".encode()
