"""Signals to ward, its keeper and the box's first process at any moment: everything ends, nothing stays."""
import os
import random
import signal
import subprocess
import time

import pytest

import harness

WAITS = ("run", "/bin/sh", "-c", "echo up; sleep 60 & exec sleep 60")


def up(process):
    assert process.stdout.readline() == b"up\n"


def keeper_of(process):
    found = children(process.pid)
    assert len(found) == 1 and harness.stat_of(found[0])[0] == "ward-keeper", found
    return found[0]


def children(pid):
    return [child for child in harness.descendants(pid) if harness.stat_of(child)[2] == pid]


@pytest.mark.parametrize("boundary", ["container", "process"])
@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT"])
def test_a_signal_to_ward_ends_the_box_by_that_signal(anyone, name, boundary):
    number = getattr(signal, f"SIG{name}")
    result = anyone.name("json")
    with anyone.start("run", "--result", result, "-b", boundary, *WAITS[1:]) as process:
        up(process)
        process.send_signal(number)
        assert process.wait(10) == 128 + number
    told = harness.read_result(result)
    assert told["ended_by_user"] is True and told["verdict"] == "signal" and told["signal"] == number


def test_a_program_may_finish_on_sigterm_but_not_take_for_ever(anyone):
    script = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.02; done"
    result = anyone.name("json")
    with anyone.start("run", "--result", result, "/bin/sh", "-c", script) as process:
        up(process)
        process.terminate()
        assert process.stdout.read() == b"bye\n"
        assert process.wait(10) == 0
    told = harness.read_result(result)
    assert told["ended_by_user"] is True and told["exit"] == 0 and told["killed"] is False
    with anyone.start("run", "/bin/sh", "-c", "trap '' TERM; echo up; sleep 60 & wait; sleep 60") as process:
        up(process)
        process.terminate()
        assert process.wait(10) == 137


def test_a_second_signal_kills_at_once(anyone):
    with anyone.start("run", "--set", "limits.grace=500ms", "/bin/sh", "-c",
                      "trap '' TERM; echo up; sleep 60 & wait; sleep 60") as process:
        up(process)
        begun = time.monotonic()
        process.terminate()
        time.sleep(0.05)
        process.terminate()
        assert process.wait(10) == 137
        assert time.monotonic() - begun < 0.45


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP"])
def test_a_signal_at_any_moment_of_the_start_leaves_nothing(anyone, name, home):
    number = getattr(signal, f"SIG{name}")
    chance = random.Random(name)
    codes = set()
    for _ in range(50):
        with anyone.start("run", "/bin/sleep", "60", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            time.sleep(chance.uniform(0, 0.010))
            process.send_signal(number)
            err = process.communicate(timeout=10)[1]
            codes.add(process.returncode)
            assert process.returncode in (-number, 128 + number, 125, 137), (process.returncode, err)
            assert err.count(b"\n") <= 1, err
    assert codes


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_sigkill_to_ward_leaves_nothing(anyone, boundary):
    with anyone.start(*WAITS[:1], "-b", boundary, *WAITS[1:]) as process:
        up(process)
        process.kill()
        process.wait(10)


def test_sigkill_at_any_moment_of_the_start_leaves_nothing(anyone, home):
    chance = random.Random(9)
    for _ in range(50):
        with anyone.start("run", "/bin/sleep", "60", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(chance.uniform(0, 0.010))
            process.kill()
            process.wait(10)


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_sigkill_to_the_keeper_ends_the_box_and_is_no_success(anyone, boundary, home):
    result = anyone.name("json")
    with anyone.start("run", "--result", result, "-b", boundary, *WAITS[1:]) as process:
        up(process)
        os.kill(keeper_of(process), signal.SIGKILL)
        err = process.communicate(timeout=10)[1]
        assert process.returncode == 125, err
    assert harness.read_result(result)["verdict"] == "internal"
    left = home.boxes()
    if left:        # a killed keeper cannot clean up; the next start sweeps
        time.sleep(2.1)
        anyone.call("run", "true")
        harness.wait_until(lambda: not home.boxes(), "the sweep")


@pytest.mark.parametrize("boundary", ["container", "process"])
def test_sigkill_to_the_first_process_is_no_success(anyone, boundary):
    result = anyone.name("json")
    with anyone.start("run", "--result", result, "-b", boundary, *WAITS[1:]) as process:
        up(process)
        os.kill(children(keeper_of(process))[0], signal.SIGKILL)
        err = process.communicate(timeout=10)[1]
        assert process.returncode not in (0, 1), err
    assert harness.read_result(result)["verdict"] in ("internal", "signal")


def test_stopping_and_continuing_ward_loses_nothing(anyone):
    script = "for i in 1 2 3 4 5 6; do echo $i; sleep 0.05; done"
    with anyone.start("run", "/bin/sh", "-c", script) as process:
        time.sleep(0.1)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        process.send_signal(signal.SIGCONT)
        out, _ = process.communicate(timeout=10)
        assert process.returncode == 0 and out == b"1\n2\n3\n4\n5\n6\n"


def test_sigkill_to_a_stopped_ward_leaves_nothing(anyone):
    with anyone.start(*WAITS) as process:
        up(process)
        process.send_signal(signal.SIGSTOP)
        process.kill()
        process.wait(10)


def test_user_signals_are_passed_on(anyone):
    script = "trap 'echo one' USR1; trap 'echo two; exit 0' USR2; echo up; while :; do sleep 0.02; done"
    with anyone.start("run", "/bin/sh", "-c", script) as process:
        up(process)
        process.send_signal(signal.SIGUSR1)
        assert process.stdout.readline() == b"one\n"
        process.send_signal(signal.SIGUSR2)
        assert process.stdout.readline() == b"two\n"
        assert process.wait(10) == 0


def test_signals_ward_was_started_ignoring_do_not_reach_the_program_ignored(anyone):
    run = subprocess.run(["/bin/sh", "-c", f"trap '' TERM INT HUP USR1 PIPE; exec {anyone.program} run "
                          "/bin/sh -c 'kill -USR1 $$; echo survived'"], capture_output=True, timeout=20,
                         env=anyone.environment(), cwd=anyone.place, **anyone.identity())
    assert run.returncode == 128 + signal.SIGUSR1 and run.stdout == b""


def test_a_parent_that_dies_does_not_leave_a_box(anyone):
    """ward started by a shell that is killed: the pipe it writes to is gone, so is its box in time."""
    with subprocess.Popen(["/bin/sh", "-c", f"{anyone.program} run /bin/sh -c 'echo up; sleep 60' & wait"],
                          stdout=subprocess.PIPE, env=anyone.environment(), cwd=anyone.place,
                          **anyone.identity()) as shell:
        up(shell)
        wards = [pid for pid, name in harness.descendants(shell.pid).items() if name == "ward"]
        assert len(wards) == 1
        shell.kill()
        shell.wait()
        os.kill(wards[0], signal.SIGTERM)
