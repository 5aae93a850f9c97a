"""The boundary wasm: what a module is given, what it is refused, and what a bad one does."""
import json
import os
import pathlib
import shutil
import socket
import subprocess

import pytest

import harness
import modules
from modules import DROP, EXIT, LOOP_FOR_EVER, UNREACHABLE, WASI, call, const

TESTS = pathlib.Path(harness.HERE).parent
SUITES = [TESTS / "wasi/c", TESTS / "wasi/assemblyscript",
          *(pathlib.Path(folder) for folder in os.environ.get("WARD_WASI_TESTS", "").split(":") if folder)]
EMPTY = "version: 1\nname: empty\nboundary: wasm\nfallback: [rlimits]\nlimits: {memory: 256M, wall: 20s}\n" \
        "syscalls: {allow: [\"@startup\"]}\n"


@pytest.fixture(autouse=True)
def engine(ward_path):
    done = subprocess.run([ward_path, "check", "-b", "wasm"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(done.stdout.strip() or done.stderr.strip())


def wasm(ward, bytes_, *arguments, options=(), policy=None, **how):
    """Runs a module; bytes, or a path."""
    path = bytes_ if isinstance(bytes_, (str, pathlib.Path)) else ward.file(f"{ward.count}.wasm", bytes_)
    if policy:
        return ward.run(str(path), *arguments, options=options, policy=policy, **how)
    return ward.run(str(path), *arguments, options=["-b", "wasm", *options], **how)


# ---- the suite ----

def suite():
    for folder in SUITES:
        for path in sorted(folder.glob("*.wasm")):
            yield pytest.param(path, id=f"{folder.name}-{path.stem}")


def run_case(anyone, path, program):
    """Runs a program as what lies beside the module says."""
    case = path.with_suffix(".json")
    case = json.loads(case.read_text()) if case.exists() else {}
    grants = ""
    roots = [case["root"]] if "root" in case else case.get("dirs", [])
    for i, root in enumerate(roots):
        copy = os.path.join(anyone.place, f"root{i}")
        shutil.copytree(path.parent / root, copy, dirs_exist_ok=True)
        for folder, _, files in os.walk(copy):
            os.chown(folder, anyone.uid, anyone.uid)
            for name in files:
                os.chown(os.path.join(folder, name), anyone.uid, anyone.uid)
        grants += f"  - write: {copy}\n    as: {'/' if 'root' in case else '/' + root}\n"
    policy = EMPTY + (f"files:\n{grants}" if roots else "")
    variables = [word for name, value in case.get("env", {}).items() for word in ("-e", f"{name}={value}")]
    run = wasm(anyone, program, *case.get("args", []), options=variables, policy=policy)
    assert run.code == case.get("exit_code", 0), run
    if "stdout" in case:
        assert run.text == case["stdout"]


@pytest.mark.parametrize("path", suite())
def test_the_wasi_testsuite(anyone, path):
    run_case(anyone, path, anyone.file(path.name, path.read_bytes()))


# ---- what is granted ----

@pytest.fixture(scope="module")
def cat():
    """examples/wasm/cat.c: writes the files that its arguments name."""
    if not shutil.which("clang") or not shutil.which("wasm-ld"):
        pytest.skip("needs clang and wasm-ld (apt-get install clang lld)")
    place = harness.make_place(os.geteuid())
    path = os.path.join(place, "cat.wasm")
    subprocess.run(["clang", "--target=wasm32", "-O2", "-nostdlib", "-Wl,--no-entry,--export=_start", "-o", path,
                    str(TESTS.parent / "examples/wasm/cat.c")], check=True)
    yield path
    shutil.rmtree(place, ignore_errors=True)


def test_a_module_reads_what_is_granted_and_nothing_else(anyone, cat):
    data = anyone.folder("data")
    anyone.file("data/file", "granted\n")
    anyone.file("secret", "secret\n")
    os.symlink("../secret", os.path.join(data, "out"))
    os.symlink("/etc/passwd", os.path.join(data, "absolute"))
    run = wasm(anyone, cat, "/data/file", options=["--ro", f"{data}:/data"])
    assert (run.code, run.out) == (0, b"granted\n"), run
    for path in ("/data/out", "/data/absolute", "/data/../secret", "/etc/passwd", "/proc/self/environ",
                 os.path.join(anyone.place, "secret"), "/usr/lib/os-release", "/guest/0/file", "/ward/module.wasm"):
        run = wasm(anyone, cat, path, options=["--ro", f"{data}:/data"])
        assert run.code == 1 and run.out == b"", (path, run)


def test_a_grant_inside_another_is_a_directory_of_its_own(anyone, cat):
    outer, inner = anyone.folder("outer"), anyone.folder("inner")
    anyone.file("outer/a", "outer\n")
    anyone.file("inner/b", "inner\n")
    run = wasm(anyone, cat, "/o/a", options=["--ro", f"{outer}:/o", "--ro", f"{inner}:/o/i"])
    assert run.out == b"outer\n"
    assert not os.path.exists(os.path.join(outer, "i"))


def test_a_directory_can_be_the_modules_root(anyone, cat):
    data = anyone.folder("data")
    anyone.file("data/file", "granted\n")
    policy = f"{EMPTY}files:\n  - write: {data}\n    as: /\n"
    assert wasm(anyone, cat, "//file", policy=policy).out == b"granted\n"
    assert wasm(anyone, cat, "//file", options=["--ro", f"{data}:/"]).out == b"granted\n"
    refused = anyone.run("/bin/true", options=["--ro", f"{data}:/"])
    assert refused.code == 125 and "would cover /proc, /sys and /dev" in refused.errors


def test_a_file_cannot_be_granted(ward):
    path = ward.file("single", "x")
    run = wasm(ward, modules.module(), options=["--ro", f"{path}:/single"])
    assert run.code == 125 and "a module can be given directories only" in run.errors


def test_a_pipe_in_a_grant_does_not_stop_a_module(anyone, cat):
    data = anyone.folder("data")
    os.mkfifo(os.path.join(data, "pipe"), 0o666)
    run = wasm(anyone, cat, "/data/pipe", options=["--rw", f"{data}:/data"], timeout=20)
    assert run.code == 1 and run.errors.startswith("/data/pipe: errno 2\n")


def test_the_box_around_the_engine_holds_no_more(ward):
    data = ward.folder("data")
    done = ward.call("run", "-b", "wasm", "--dry-run", "--ro", f"{data}:/data", ward.file("m.wasm", b""))
    binds = [line.split()[2] for line in done.text.splitlines() if " bind " in line]
    libraries = ("/usr/lib", "/lib")
    others = [place for place in binds if not place.startswith(libraries) and "libnode" not in place]
    assert sorted(others) == ["/dev/full", "/dev/null", "/dev/urandom", "/dev/zero", "/guest/0", "/ward/module.wasm",
                              "/ward/ward-v8"], binds
    assert " socket" not in done.text and "proc " not in done.text


def test_a_result_tells_the_layers(root):
    run = wasm(root, modules.module(const(7) + call(0), [EXIT]))
    assert run.code == 7 and run.result["verdict"] == "nonzero" and run.result["boundary"] == "wasm"
    for layer in ("userns", "mountns", "rootfs", "netns", "seccomp", "seccomp-floor", "caps", "cgroup-memory"):
        assert layer in run.result["layers"]


def test_a_large_code_is_no_success(ward):
    assert wasm(ward, modules.module(const(256) + call(0), [EXIT])).code == 255


# ---- bad modules ----

@pytest.mark.parametrize("name, module, message", [
    ("empty", b"", "it is empty"),
    ("truncated", modules.module(const(7) + call(0), [EXIT])[:30], "fell off end"),
    ("text", b"(module)", "expected magic word"),
    ("library", modules.module(export=None), "exports no function _start"),
    ("missing import", modules.module(imports=[("env", "system", "i", True)]), "imports the function env.system"),
    ("old name", modules.module(imports=[("wasi_unstable", "fd_close", "i", True)]), "wasi_unstable.fd_close"),
    ("not a call", modules.module(imports=[(WASI, "fd_dup", "i", True)]), "fd_dup, which is not there"),
    ("control bytes", modules.module(imports=[("\x1b[31m", "a\nb", "i", True)]), "the function ?[31m.a?b, which"),
    ("whole memory", modules.module(pages=65536), "Out of memory"),
    ("more than memory", modules.module(pages=65537), "larger than implementation limit"),
])
def test_what_is_no_module_is_refused_in_one_line(anyone, name, module, message):
    run = wasm(anyone, module)
    assert run.code == 126 and message in run.errors and run.errors.count("\n") == 1, run


def test_a_module_that_is_not_there(anyone):
    run = wasm(anyone, "/tmp/no/such.wasm")
    assert run.code == 127 and run.errors == "ward-v8: /tmp/no/such.wasm: No such file or directory\n"


def test_a_directory_is_no_module(anyone):
    run = wasm(anyone, anyone.place)
    assert run.code == 125 and "name the WebAssembly module itself" in run.errors


@pytest.mark.parametrize("body, message", [
    (UNREACHABLE, "trap: RuntimeError: unreachable"),
    (call(0), "trap: RangeError: Maximum call stack size exceeded"),
    (const(-4) + b"\x28\x02\x00" + DROP, "trap: RuntimeError: memory access out of bounds"),
    (const(1) + const(0) + b"\x6d" + DROP, "trap: RuntimeError: divide by zero"),
])
def test_a_trap_says_which(anyone, body, message):
    run = wasm(anyone, modules.module(body))
    assert run.code == 134 and message in run.errors and run.result["verdict"] == "signal", run


@pytest.mark.parametrize("start", [True, False])
def test_a_loop_ends_at_the_limit(anyone, start):
    run = wasm(anyone, modules.module(LOOP_FOR_EVER, start=start), options=["--cpu", "1s", "--wall", "20s"], timeout=40)
    assert run.code == 124 and run.result["verdict"] == "limit.cpu"


def test_memory_is_the_kernels_limit_and_growing_fails_before_it(root):
    # memory.grow(100) until it fails, then exit with 9.
    grow = b"\x02\x40\x03\x40" + const(100) + b"\x40\x00" + const(-1) + b"\x46\x0d\x01\x0c\x00\x0b\x0b" + const(9) + call(0)
    run = wasm(root, modules.module(grow, [EXIT]), options=["--mem", "64M"])
    assert run.code == 9, run
    fill = const(0) + const(1) + const(1000 * 65536) + b"\xfc\x0b\x00" # memory.fill
    run = wasm(root, modules.module(fill, pages=1000), options=["--mem", "64M"])
    assert run.code == 137 and run.result["verdict"] == "limit.memory", run


def test_a_module_of_100_megabytes(root):
    name = b"\4name"
    large = modules.module(const(7) + call(0), [EXIT]) + b"\0" + modules.leb(100 << 20) + name + bytes((100 << 20) - 5)
    assert wasm(root, large, timeout=60).code == 7
    run = wasm(root, large, options=["--mem", "32M"], timeout=60)
    assert run.code == 137 and run.result["verdict"] == "limit.memory", run


def test_no_code_from_memory_that_may_not_become_code(ward):
    run = wasm(ward, modules.module(), options=["--mdwe"])
    assert run.code == 125 and "hardening.mdwe" in run.errors


# ---- the engine's process ----

def test_the_engine_is_sealed_before_it_sees_a_byte_of_the_module(ward, ward_path):
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    path = ward.file("m.wasm", modules.module(const(0) + call(0), [EXIT]))
    done = subprocess.run(["strace", "-f", os.path.join(os.path.dirname(ward_path), "ward-v8"), "wasm", path, "m"],
                          capture_output=True, text=True, check=False)
    calls = [line.split("(")[0] for line in done.stderr.splitlines() if "(" in line]
    after = calls[len(calls) - calls[::-1].index("seccomp"):]
    assert after and set(after) <= {"mmap", "munmap", "mprotect", "pkey_mprotect", "madvise", "brk", "futex",
                                    "clock_gettime", "exit_group"}, after


def test_the_seal_is_on_while_a_module_runs(anyone):
    path = anyone.file("loop.wasm", modules.module(LOOP_FOR_EVER))
    with anyone.start("run", "-b", "wasm", path) as process:
        def engine_status():
            for pid in harness.descendants(process.pid):
                status = harness.status_of(pid)
                if status.get("Name") == "ward-v8" and status.get("Seccomp_filters") == "3":
                    return status
            return None
        harness.wait_until(engine_status, "the engine to seal itself", 20)
        status = engine_status()
        assert (status["Seccomp"], status["NoNewPrivs"], status["Threads"]) == ("2", "1", "1")
        assert all(int(status[name], 16) == 0 for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb", "CapInh"))
        process.terminate()
        process.wait(20)


def test_code_that_broke_out_of_the_engine_stands_in_a_jail(anyone, ward_path, programs):
    """The engine taken away: a native program in its place, before any seal of its own, has what the module was
    granted and no more."""
    place = anyone.folder("bin")
    for name in ("ward", "ward-monitor"):
        shutil.copy(os.path.join(os.path.dirname(ward_path), name), place)
    shutil.copy(programs("breakout.c", "-static"), os.path.join(place, "ward-v8"))
    data = anyone.folder("data")
    anyone.file("data/file", "granted\n")
    secret = anyone.file("secret", "secret\n")
    stranger = harness.Runner(os.path.join(place, "ward"), anyone.uid, anyone.place)
    run = wasm(stranger, modules.module(), secret, data, ward_path, "/etc/hostname", "/usr/bin/env",
               policy=f"{EMPTY}files:\n  - read: {data}\n    as: /data\n")
    assert run.text == "opened /guest/0/file\n", run


def test_a_socket_is_there_only_when_it_is_handed_over(ward):
    # sock_send(3, {64, 4}, 1, 0, 32), exit with its errno
    send = (WASI, "sock_send", "iiiii", True)
    vector = (64).to_bytes(4, "little") + (4).to_bytes(4, "little")
    module = modules.module(const(3) + const(0) + const(1) + const(0) + const(32) + call(1) + call(0), [EXIT, send],
                            data=vector + bytes(56) + b"ping")
    here, there = socket.socketpair()
    with here, there:
        number = there.fileno()
        run = wasm(ward, module, options=["--widen", "--pass-fd", str(number)], policy=EMPTY, pass_fds=(number,))
        assert run.code == 0 and here.recv(16) == b"ping", run
    assert wasm(ward, module, policy=EMPTY).code == 8       # EBADF


def test_a_large_write_to_a_limited_file_is_an_error_and_no_signal(ward):
    # path_open(3, ...) needs a preopen; then fd_pwrite beyond limits.fsize answers EFBIG (22)
    data = ward.folder("data")
    opens = (WASI, "path_open", "iiiiiIIii", True)
    write = (WASI, "fd_pwrite", "iiiIi", True)
    long = lambda n: b"\x42" + modules.sleb(n)  # noqa: E731
    body = const(3) + const(0) + const(100) + const(1) + const(1) + long(1 << 6 | 1 << 2) + long(0) + const(0) + const(32) + \
        call(1) + DROP + const(32) + b"\x28\x02\x00" + const(0) + const(1) + long(4 << 20) + const(40) + call(2) + call(0)
    module = modules.module(body, [EXIT, opens, write], data=(100).to_bytes(4, "little") + (1).to_bytes(4, "little") +
                            bytes(92) + b"f")
    policy = EMPTY.replace("limits: {", "limits: {fsize: 1M, ") + f"files:\n  - write: {data}\n    as: /data\n"
    run = wasm(ward, module, policy=policy)
    assert run.code == 22, run


def test_what_is_said_of_calls_is_said_of_the_engines_list(ward_path):
    """The policy's own rules are for programs: neither its default nor an edit of its rules decides here."""
    def say(*words):
        done = subprocess.run([ward_path, words[0], "-b", "wasm", *words[1:]], capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, " ".join(done.stdout.split())

    code, why = say("why", "ptrace")
    assert code == 1 and "not among the engine's calls" in why and "default errno" not in why
    _, surface = say("surface")
    assert "the calls are the engine's" in surface and "syscalls.rules: {" not in surface
