"""WebAssembly modules of many owners beside one another: each a process of one zygote."""
import os
import tempfile

import pytest

import guests
import harness
from modules import DROP, EXIT, LOOP_FOR_EVER, UNREACHABLE, WASI, call, const, module

WRITE = (WASI, "fd_write", "iiii", True)
RANDOM = (WASI, "random_get", "ii", True)
OPEN = (WASI, "path_open", "iiiiiIIii", True)
TALK = b"\x08\0\0\0\x05\0\0\0hello"      # where the bytes are, how many, the bytes
HELLO = module(const(1) + const(0) + const(1) + const(100) + call(0) + DROP, [WRITE], data=TALK)


@pytest.fixture(scope="module", autouse=True)
def engine():
    if not os.access(os.path.join(harness.BUILD, "ward-v8"), os.X_OK):
        pytest.skip("this build has no engine (libnode-dev)")


@pytest.fixture(scope="module")
def zygote(engine):
    made = guests.Zygote("--modules")
    yield made
    made.close()


def exits(code):
    return module(const(code) + call(0), [EXIT])


@pytest.mark.parametrize("code, end", [(0, "ok"), (7, "error"), (255, "error"), (256, "error")])
def test_a_module_ends_with_its_code(zygote, code, end):
    assert zygote.fork().module(exits(code)).exit() == (end, min(code, 255), b"")


def test_what_it_writes_is_in_its_streams(zygote):
    assert zygote.fork().module(HELLO).exit() == ("ok", 0, b"hello")


GROWS_FOR_EVER = module(b"\x03\x40" + const(100) + b"\x40\0" + DROP + b"\x0c\0\x0b")
FILLS = module(b"\x03\x40\x20\0" + const(1) + b"\x36\2\0" + b"\x20\0" + const(4096) + b"\x6a\x22\0" + const(0x4000000 - 65536) +
               b"\x49\x0d\0\x0b", pages=1023, locals_=1)
BOMBS = {
    "a loop": (module(LOOP_FOR_EVER), {"cpu"}),
    "a loop before its start": (module(LOOP_FOR_EVER, start=True), {"cpu"}),
    "recursion": (module(call(0)), {"error"}),
    "a trap": (module(UNREACHABLE), {"error"}),
    "beyond its memory": (module(const(65536) + b"\x28\2\0" + DROP), {"error"}),
    "65,536 pages": (module(pages=65536), {"memory"}),
    "65,537 pages": (module(pages=65537), {"error"}),
    "grows for ever": (GROWS_FOR_EVER, {"memory", "cpu"}),
    "touches all it may have": (FILLS, {"ok", "memory"}),
    "entropy without end": (module(b"\x03\x40" + const(0) + const(65536) + call(0) + DROP + b"\x0c\0\x0b", [RANDOM]), {"cpu"}),
    "no module": (b"\x7fELF", {"error"}),
    "nothing": (b"", {"error"}),
    "cut off": (HELLO[:-9], {"error"}),
    "an import that is not there": (module(call(0), [("env", "system", "", False)]), {"error"}),
    "no _start": (module(export="main"), {"error"}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_alone(zygote, name):
    bytes_, ends = BOMBS[name]
    neighbour = zygote.fork(cpu_us=0, wall_us=0).module(module(LOOP_FOR_EVER))
    end, code, out = zygote.fork(cpu_us=300_000).module(bytes_).exit()
    assert end in ends and (code is None) == (end != "ok") and out == b""
    assert zygote.fork().module(HELLO).exit() == ("ok", 0, b"hello")
    zygote.kill(neighbour)
    assert neighbour.exit()[0] == "killed"


def test_a_directory_is_each_guests_own_descriptor_and_nothing_else_opens():
    """path_open below what was given works, and above it does not; two guests do not share a place in it."""
    with tempfile.TemporaryDirectory() as place:
        with open(os.path.join(place, "in"), "w", encoding="utf-8"):
            pass
        made = guests.Zygote("--modules", f"--read={place}:/data")

        def opens(name):
            body = const(3) + const(0) + const(0) + const(len(name)) + const(0) + b"\x42\2" + b"\x42\0" + const(0) + const(100) + \
                call(1) + call(0)
            return made.fork().module(module(body, [EXIT, OPEN], data=name.encode())).exit()[1]

        assert opens("in") == 0
        assert opens("out") == 44                       # ENOENT
        assert opens("../" + os.path.basename(place) + "/in") == 63     # EPERM
        assert opens("in") == 0
        made.close()


def test_one_compiled_for_all_guests_is_the_same_in_each():
    """What one guest writes into its memory the next one does not find: it exits with what is there, and adds one."""
    body = const(200) + const(200) + b"\x28\2\0" + const(1) + b"\x6a\x36\2\0" + const(200) + b"\x28\2\0" + call(0)
    with tempfile.NamedTemporaryFile(suffix=".wasm") as file:
        file.write(module(body, [EXIT]))
        file.flush()
        made = guests.Zygote("--modules", f"--module={file.name}")
        for _ in range(3):
            assert made.fork().module().exit() == ("error", 1, b"")
        assert made.fork().module(HELLO).exit()[0] == "channel"        # it has its module
        made.close()


def test_a_zygote_does_not_run_the_start_function_of_its_guests_module():
    with tempfile.NamedTemporaryFile(suffix=".wasm") as file:
        file.write(module(LOOP_FOR_EVER, start=True))
        file.flush()
        made = guests.Zygote("--modules", f"--module={file.name}")
        assert made.fork(cpu_us=100_000).module().exit()[0] == "cpu"
        made.close()


def test_a_parked_guest_of_a_compiled_module_ends_like_any(tmp_path):
    path = tmp_path / "exit.wasm"
    path.write_bytes(exits(9))
    made = guests.Zygote("--modules", f"--module={path}")
    parked = [made.fork() for _ in range(3)]
    harness.wait_until(lambda: all(asleep(pid) for pid in children(made)), "them to be parked")
    assert [guest.module().exit()[1] for guest in parked] == [9, 9, 9]
    made.close()


def asleep(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0] == "S"


def test_a_guest_holds_its_channel_and_its_streams(zygote):
    if os.geteuid() != 0:
        pytest.skip("needs root, to look at another process")
    before = children(zygote)
    guest = zygote.fork(cpu_us=0, wall_us=0).module(module(LOOP_FOR_EVER))
    harness.wait_until(lambda: children(zygote) - before, "it to be born")
    (pid,) = children(zygote) - before
    harness.wait_until(lambda: len(os.listdir(f"/proc/{pid}/fd")) == 4, "its streams to come")
    status = harness.status_of(pid)
    assert (status["Seccomp"], status["NoNewPrivs"], status["Threads"]) == ("2", "1", "1")
    zygote.kill(guest)
    assert guest.exit()[0] == "killed"


def children(zygote):
    with open(f"/proc/{zygote.process.pid}/task/{zygote.process.pid}/children", encoding="utf-8") as file:
        return set(map(int, file.read().split()))
