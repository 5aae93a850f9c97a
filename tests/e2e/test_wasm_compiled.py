"""Compiled modules: what `ward precompile` makes and refuses, and that `ward run -b wasm` means the same for it."""
import functools
import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import tempfile

import pytest

import harness
import modules
from modules import EXIT, LOOP_FOR_EVER, UNREACHABLE, WASI, DROP, call, const
from test_wasm import EMPTY, run_case, suite

TRAILER = 64


@pytest.fixture(autouse=True)
def tools():
    if not os.path.exists(os.path.join(harness.BUILD, "libward-wasi.a")):
        pytest.skip("needs libward-wasi.a: this build has no compiled modules")
    if not shutil.which("wasm2c") or not shutil.which("gcc"):
        pytest.skip("needs wasm2c and gcc (apt-get install wabt gcc libc6-dev)")


PLACE = tempfile.TemporaryDirectory(prefix="ward-compiled-")
os.chmod(PLACE.name, 0o755)


@functools.cache
def program_of(bytes_):
    """The path of what ward makes of a module; each is compiled once."""
    module = pathlib.Path(PLACE.name, f"{program_of.cache_info().misses}.wasm")
    module.write_bytes(bytes_)
    done = subprocess.run([os.path.join(harness.BUILD, "ward"), "precompile", module], capture_output=True, text=True, timeout=200,
                          check=False)
    assert done.returncode == 0, done
    return str(module.with_suffix(".ward"))


def run(ward, bytes_, *arguments, options=(), policy=None, **how):
    path = bytes_ if isinstance(bytes_, str) else program_of(bytes_)
    if policy:
        return ward.run(path, *arguments, options=options, policy=policy, **how)
    return ward.run(path, *arguments, options=["-b", "wasm", *options], **how)


def precompile(ward, bytes_, *options):
    return ward.call("precompile", *options, ward.file("m.wasm", bytes_), timeout=200)


# ---- what it makes ----

def test_it_says_what_it_made_and_where(anyone):
    module = modules.module(const(7) + call(0), [EXIT])
    done = precompile(anyone, module)
    path = pathlib.Path(anyone.place, "m.ward")
    assert done.code == 0 and re.search(r"^\d+ bytes of WebAssembly were compiled, in a box, to a program of \d+, in \d", done.text), done
    assert path.read_bytes()[:4] == b"\x7fELF" and b"wasm2c" in path.read_bytes()[-TRAILER:]
    assert stat.S_IMODE(path.stat().st_mode) == 0o755 and sorted(os.listdir(anyone.place))[:2] == ["m.ward", "m.wasm"]
    other = os.path.join(anyone.place, "other")
    said = json.loads(precompile(anyone, module, "--json", "-o", other).text)
    assert said["schema"] == "ward.precompile.1" and said["program"] == other
    assert anyone.run(other, options=["-b", "wasm"]).code == 7


def test_names_of_the_module_are_no_c(ward):
    code = b"\0" + const(3) + call(0) + b"\x0b"
    evil = "*/ __attribute__((constructor)) void evil(void) { for (;;); } /*"
    module = modules.MAGIC + modules.section(1, [b"\x60\1\x7f\0", b"\x60\0\0"]) + \
        modules.section(2, [modules.text(WASI) + modules.text("proc_exit") + b"\0\0"]) + modules.section(3, [b"\1"]) + \
        modules.section(5, [b"\0\1"]) + \
        modules.section(7, [modules.text("memory") + b"\2\0", modules.text("_start") + b"\0\1", modules.text(evil) + b"\0\1"]) + \
        modules.section(10, [modules.leb(len(code)) + code])
    assert run(ward, module).code == 3


# ---- what it refuses ----

@pytest.mark.parametrize("module, words", [
    (b"", "it is no WebAssembly module"),
    (modules.module(export=None), "it exports no function _start"),
    (modules.module(imports=[("env", "system", "i", True)]), "it imports the function env.system, which is not there"),
    (modules.module(imports=[(WASI, "fd_dup", "i", True)]), "fd_dup, which is not there"),
    (modules.module(imports=[("wasi_unstable", "fd_close", "i", True)]), "wasi_unstable.fd_close"),
    (modules.module(imports=[(WASI, "fd_close", "ii", True)]), "it declares the import fd_close with a type that is not WASI's"),
    (modules.module(imports=[(WASI, "fd_close", "i", False)]), "with a type that is not WASI's"),
    (modules.module(imports=[(WASI, "proc_exit", "i", True)]), "with a type that is not WASI's"),
    (modules.module(b"\xfd\x0c" + bytes(16) + DROP), "wasm2c refuses the module"),
    (modules.module(b"\x6a" + DROP), "wasm2c refuses the module"),
    (modules.module(imports=[("\x1b[31m", "a\nb", "i", True)]), "the function ?[31m.a?b, which"),
])
def test_what_cannot_be_compiled_is_refused_in_one_line(ward, module, words):
    done = precompile(ward, module)
    assert done.code == 2 and words in done.errors and done.errors.count("\n") == 1, done
    assert not os.path.exists(os.path.join(ward.place, "m.ward"))


def test_a_program_is_no_module_and_that_of_another_ward_is_not_run(ward):
    done = ward.run("/bin/true", options=["-b", "wasm"])
    assert done.code == 125 and "it is a program and no WebAssembly module; use -b container for it" in done.errors
    mine = pathlib.Path(program_of(modules.module())).read_bytes()
    other = ward.file("other.ward", mine[:-TRAILER] + mine[-TRAILER:].replace(b"ward 0", b"ward 9"))
    done = ward.run(other, options=["-b", "wasm"])
    assert done.code == 125 and "compiled it, and this is ward" in done.errors and "`ward precompile`" in done.errors, done


# ---- it means the same ----

def test_what_is_imported_twice_is_the_same_function(ward):
    assert run(ward, modules.module(const(5) + call(1), [EXIT, EXIT])).code == 5


@pytest.mark.parametrize("path", suite())
def test_the_wasi_testsuite(anyone, path):
    run_case(anyone, path, program_of(path.read_bytes()))


@pytest.mark.parametrize("body, message", [
    (UNREACHABLE, "trap: unreachable"),
    (call(0), "trap: call stack exhausted"),
    (const(-4) + b"\x28\x02\x00" + DROP, "trap: memory access out of bounds"),
    (const(1) + const(0) + b"\x6d" + DROP, "trap: divide by zero"),
])
def test_a_trap_says_which(anyone, body, message):
    done = run(anyone, modules.module(body))
    assert done.code == 134 and message in done.errors and done.result["verdict"] == "signal", done


@pytest.mark.parametrize("start", [True, False])
def test_a_loop_ends_at_the_limit(anyone, start):
    done = run(anyone, modules.module(LOOP_FOR_EVER, start=start), options=["--cpu", "1s", "--wall", "20s"], timeout=40)
    assert done.code == 124 and done.result["verdict"] == "limit.cpu"


def test_memory_is_the_kernels_limit_and_growing_fails_before_it(root):
    grow = b"\x02\x40\x03\x40" + const(100) + b"\x40\x00" + const(-1) + b"\x46\x0d\x01\x0c\x00\x0b\x0b" + const(9) + call(0)
    assert run(root, modules.module(grow, [EXIT]), options=["--mem", "64M"]).code == 9
    fill = const(0) + const(1) + const(1024 * 65536) + b"\xfc\x0b\x00"
    done = run(root, modules.module(fill, pages=1024), options=["--mem", "64M"])
    assert done.code == 137 and done.result["verdict"] == "limit.memory", done
    done = run(root, modules.module(pages=65000), options=["--mem", "64M"])
    assert done.code == 126 and "a second memory, or one that is too large: pages of 65000" in done.errors, done


def test_a_large_code_is_no_success(ward):
    assert run(ward, modules.module(const(256) + call(0), [EXIT])).code == 255


def test_a_socket_is_there_only_when_it_is_handed_over(ward):
    send = (WASI, "sock_send", "iiiii", True)
    vector = (64).to_bytes(4, "little") + (4).to_bytes(4, "little")
    module = modules.module(const(3) + const(0) + const(1) + const(0) + const(32) + call(1) + call(0), [EXIT, send],
                            data=vector + bytes(56) + b"ping")
    here, there = socket.socketpair()
    with here, there:
        number = there.fileno()
        done = run(ward, module, options=["--widen", "--pass-fd", str(number)], policy=EMPTY, pass_fds=(number,))
        assert done.code == 0 and here.recv(16) == b"ping", done
    assert run(ward, module, policy=EMPTY).code == 8       # EBADF


# ---- what is around it ----

def test_the_box_holds_the_program_and_nothing_is_made_executable(ward):
    data = ward.folder("data")
    done = ward.call("run", "-b", "wasm", "--dry-run", "--ro", f"{data}:/data", program_of(modules.module()))
    binds = [line.split()[2] for line in done.text.splitlines() if " bind " in line]
    assert sorted(binds) == ["/dev/full", "/dev/null", "/dev/urandom", "/dev/zero", "/guest/0", "/ward/module"], binds
    assert re.search(r"module preopen +4 /data read", done.text) and "guest mdwe" in done.text, done.text
    assert run(ward, modules.module(), options=["--mdwe"]).code == 0


BREAK_OUT = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	const char *const what = argv[argc - 1];
	if (!strcmp(what, "files")) {
		for (int i = 1; i < argc - 1; i++) {
			const int fd = openat(AT_FDCWD, argv[i], O_RDONLY);
			if (fd >= 0)
				dprintf(1, "opened %s\n", argv[i]);
		}
		return 0;
	}
	if (!strcmp(what, "map")) {
		void *const at = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		return at != MAP_FAILED;
	}
	if (!strcmp(what, "protect")) {
		void *const at = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		return !mprotect(at, 4096, PROT_READ | PROT_EXEC);
	}
	if (!strcmp(what, "socket"))
		return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
	if (!strcmp(what, "fork"))
		return syscall(SYS_fork) >= 0;
	if (!strcmp(what, "exec"))
		return execl("/ward/module", "x", "files", NULL) != -1;
	return 9;
}
"""


@pytest.fixture
def native(ward_path, tmp_path):
    """A program of a stranger's that says it was compiled by this ward."""
    source = tmp_path / "n.c"
    source.write_text(BREAK_OUT)
    subprocess.run(["gcc", "-O2", "-static-pie", "-o", tmp_path / "n", source], check=True)
    mine = pathlib.Path(program_of(modules.module())).read_bytes()
    path = pathlib.Path(PLACE.name, "native.ward")
    path.write_bytes((tmp_path / "n").read_bytes() + mine[-TRAILER:])
    path.chmod(0o755)
    return str(path)


def test_a_program_that_was_forged_stands_in_the_same_jail(anyone, native, ward_path):
    data = anyone.folder("data")
    anyone.file("data/file", "granted\n")
    secret = anyone.file("secret", "secret\n")
    policy = f"{EMPTY}files:\n  - read: {data}\n    as: /data\n"
    done = run(anyone, native, secret, os.path.join(data, "file"), "/guest/0/file", ward_path, "/etc/passwd", "/usr/bin/env", "files",
               policy=policy)
    assert done.text == "opened /guest/0/file\n", done


@pytest.mark.parametrize("what", ["map", "protect", "socket", "fork"])
def test_a_program_that_was_forged_makes_no_code_and_no_way_out(ward, native, what):
    done = run(ward, native, what, policy=EMPTY)
    assert done.code != 9 and (done.code == 0 or done.result["verdict"] in ("denied.syscall", "signal", "denied")), done


def test_it_runs_where_there_is_no_engine(ward):
    place = pathlib.Path(ward.folder("without"))
    shutil.copy(os.path.join(harness.BUILD, "ward"), place / "ward")
    path = program_of(modules.module(const(5) + call(0), [EXIT]))
    done = subprocess.run([place / "ward", "run", "-q", "-b", "wasm", path], capture_output=True, text=True, timeout=30, check=False,
                          env=ward.environment())
    assert done.returncode == 5, done


def test_the_seal_is_on_while_a_module_runs(anyone):
    with anyone.start("run", "-b", "wasm", program_of(modules.module(LOOP_FOR_EVER))) as process:
        def status():
            for pid in harness.descendants(process.pid):
                found = harness.status_of(pid)
                if found.get("Name") == "module" and found.get("Seccomp_filters") == "3":
                    return found
            return None
        harness.wait_until(status, "the module to seal itself", 20)
        found = status()
        assert (found["Seccomp"], found["NoNewPrivs"], found["Threads"]) == ("2", "1", "1")
        assert all(int(found[name], 16) == 0 for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb", "CapInh"))
        process.terminate()
        process.wait(20)


