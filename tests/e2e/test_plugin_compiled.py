"""Compiled plug-ins: what `ward plugin install` makes, where it keeps it, and what is around what it made."""
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import time

import pytest

import harness
from modules import MAGIC, UNREACHABLE, const, leb, section, text
from test_plugin import LOG, PUT, Library, Plugin, compiled, plugin_module, put, worker_of


@pytest.fixture(autouse=True)
def tools():
    if not os.access(os.path.join(harness.BUILD, "ward-plugin"), os.X_OK):
        pytest.skip("needs ward-plugin (libsqlite3-dev when it was built)")
    if not shutil.which("wasm2c") or not shutil.which("gcc"):
        pytest.skip("needs wasm2c and gcc (apt-get install wabt gcc libc6-dev)")
    if not os.path.exists(os.path.join(harness.BUILD, "libward-module.a")):
        pytest.skip("needs libward-module.a: this build has no compiled plug-ins")
    Plugin.engine = "wasm2c"


@pytest.fixture
def plain(ward):
    plugin = Plugin(ward, "plain", plugin_module({"run": put(0, 1, 1, 1)}, [PUT], data=b"kv"))
    assert plugin.install().code == 0, plugin.installed
    return plugin


def programs_of(plugin):
    return list(pathlib.Path(plugin.compiled).iterdir())


# ---- what it says ----

def test_install_says_what_it_did_and_check_says_what_that_means(anyone):
    plugin = Plugin(anyone, "plain", plugin_module())
    assert "engine: v8: a compiler in the worker's process" in plugin.check().text
    done = plugin.install()
    assert done.code == 0 and re.search(r"plain: \d+ bytes of WebAssembly were compiled, in a box, to a program of \d+, in \d", done.text), done
    assert done.text.splitlines()[1] == str(programs_of(plugin)[0])
    assert "engine: wasm2c: compiled when it was installed; its process makes no code" in plugin.check().text
    assert json.loads(plugin.check("--json").text)["engine"] == "wasm2c"
    assert json.loads(plugin.install("--json").text)["engine"] == "wasm2c"
    assert "engine: v8" in anyone.call("plugin", "check", "--engine", "v8", "--compiled", plugin.compiled, plugin.manifest).text


def test_what_was_not_installed_does_not_run_compiled_and_what_was_removed_neither(ward, plain):
    bare = Plugin(ward, "bare", plugin_module(pages=2))
    run = ward.call("plugin", "run", "--engine", "wasm2c", "--store", bare.store, bare.manifest)
    assert run.code == 125 and "was not compiled by this ward; write `ward plugin install`" in run.errors, run
    assert plain.run().code == 0
    remove = ["plugin", "remove", "--compiled", plain.compiled, plain.manifest]
    assert ward.call(*remove).code == 0 and programs_of(plain) == []
    assert "was not compiled" in plain.run().errors
    assert ward.call(*remove).code == 2
    assert ward.call("plugin", "install", "--engine", "v8", plain.manifest).code == 2
    assert ward.call("plugin", "run", "--engine", "v9", plain.manifest).code in (2, 125)


def test_the_users_own_place_is_found_without_a_word(ward):
    plugin = Plugin(ward, "mine", plugin_module())
    assert ward.call("plugin", "install", plugin.manifest, timeout=120).code == 0
    place = pathlib.Path(ward.place, ".local/state/ward/compiled")
    assert len(list(place.iterdir())) == 1 and stat.S_IMODE(place.stat().st_mode) == 0o700
    assert "engine: wasm2c" in ward.call("plugin", "check", plugin.manifest).text
    assert ward.call("plugin", "run", plugin.manifest).code == 0


def test_a_place_of_its_own_in_the_home_leaves_the_usual_one_unmade(ward):
    plugin = Plugin(ward, "mine", plugin_module())
    home = ward.folder("home")
    os.mkdir(os.path.join(home, "state"))
    env = {"PATH": "/usr/bin:/bin", "HOME": home, "XDG_STATE_HOME": os.path.join(home, "state")}
    done = subprocess.run([ward.program, "plugin", "install", plugin.manifest], capture_output=True, timeout=120, check=False, env=env)
    assert done.returncode == 0, done
    assert os.listdir(home) == ["state"] and os.listdir(os.path.join(home, "state", "ward", "compiled"))


def test_plugins_run_where_there_is_no_v8(ward):
    place = pathlib.Path(ward.folder("without"))
    for name in ("ward", "ward-plugin", "libward-module.a"):
        shutil.copy(os.path.join(harness.BUILD, name), place / name)
    plugin = Plugin(ward, "plain", plugin_module())
    words = [place / "ward", "plugin"]
    options = ["--compiled", plugin.compiled, "--store", plugin.store, plugin.manifest]
    how = {"capture_output": True, "text": True, "check": False, "env": ward.environment(), "timeout": 120}
    before = subprocess.run([*words, "run", *options], **how)
    assert before.returncode == 125 and "ward-v8" in before.stderr, before
    assert subprocess.run([*words, "install", "--compiled", plugin.compiled, plugin.manifest], **how).returncode == 0
    after = subprocess.run([*words, "run", *options], **how)
    assert after.returncode == 0, after


# ---- what is refused ----

FOREIGN = {
    "simd": plugin_module({"run": b"\xfd\x0c" + bytes(16) + b"\x1a"}),
    "threads": plugin_module({"run": b"\xfe\x03\x00"}),
    "exceptions": plugin_module({"run": b"\x06\x40\x19\x0b"}),
    "tail calls": plugin_module({"run": b"\x12\x00"}),
    "types that do not fit": plugin_module({"run": b"\x6a\x1a"}),
    "an opcode": plugin_module({"run": b"\xff"}),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_what_wasm2c_does_not_know_is_a_clear_error(ward, case):
    plugin = Plugin(ward, "foreign", FOREIGN[case])
    done = plugin.install()
    assert done.code == 2 and "wasm2c refuses the module: " in done.errors and "--engine v8 may run it" in done.errors, done
    assert len(done.errors.splitlines()) == 1 and not os.path.exists(plugin.compiled)


def test_a_memory_of_64_bits_is_not_even_translated(ward):
    module = MAGIC + section(1, [b"\x60\0\0"]) + section(3, [b"\0"]) + section(5, [b"\4\1"]) + \
        section(7, [text("run") + b"\0\0"]) + section(10, [b"\2\0\x0b"])
    done = Plugin(ward, "wide", module).install()
    assert done.code == 2 and "64" in done.errors, done


def test_what_is_not_admitted_is_not_compiled(ward):
    plugin = Plugin(ward, "smuggler", plugin_module({"run": b""}, [("wasi_snapshot_preview1", "proc_exit", "i", "")]))
    done = plugin.install()
    assert done.code == 2 and "import wasi_snapshot_preview1.proc_exit" in done.errors and not os.path.exists(plugin.compiled)


# ---- names are no C ----

NAMES = ["*/ __attribute__((constructor)) void evil(void) { for (;;); } /*", '*/\n#include "/etc/passwd"\n/*', '"; int x; "', "??/", "\u202e", "Z_mZ_e0", "e0", "run\x07"]


def test_a_name_of_the_module_never_becomes_c(ward):
    functions = dict.fromkeys(NAMES, b"") | {"run": put(0, 1, 1, 1)}
    custom = b"\0" + leb(60) + text("name") + b"\1" + leb(53) + leb(1) + leb(0) + leb(50) + b"*/ int main(void) { return 0; } /*".ljust(50)
    plugin = Plugin(ward, "names", plugin_module(functions, [PUT], data=b"kv", extra=custom))
    assert plugin.run().code == 0 and plugin.pairs() == {b"k": b"v"}, plugin.installed
    for name in NAMES:
        assert plugin.run(name).code == 0, name


# ---- where it is kept ----

def test_nothing_runs_that_somebody_else_could_have_written(ward, plain):
    program = programs_of(plain)[0]
    assert stat.S_IMODE(program.stat().st_mode) == 0o555 and stat.S_IMODE(os.stat(plain.compiled).st_mode) == 0o700
    changes = [(program, 0o575, "its owner alone can write to"), (plain.compiled, 0o777, "can be written to by others")]
    for path, mode, words in changes:
        before = stat.S_IMODE(os.stat(path).st_mode)
        os.chmod(path, mode)
        for engine in ("wasm2c", "any"):        # and nothing falls back to another engine
            run = ward.call("plugin", "run", "--engine", engine, "--compiled", plain.compiled, "--store", plain.store, plain.manifest)
            assert run.code == 125 and words in run.errors, run
        assert ward.call("plugin", "check", "--compiled", plain.compiled, plain.manifest).code == 2
        os.chmod(path, before)
    assert plain.run().code == 0
    if ward.is_root:
        os.chown(program, 61999, -1)
        assert "its owner alone can write to" in plain.run().errors


def test_a_program_that_was_changed_does_not_run(ward, plain):
    program = programs_of(plain)[0]
    bytes_ = bytearray(program.read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    os.chmod(program, 0o755)
    program.write_bytes(bytes_)
    run = plain.run()
    assert run.code == 125 and "it is not what was put there" in run.errors, run
    assert plain.install().code == 0 and plain.run().code == 0


def test_a_program_of_another_module_does_not_run_in_its_place(ward, plain):
    other = Plugin(ward, "other", plugin_module({"run": UNREACHABLE}))
    assert other.install().code == 0
    mine, = (path for path in programs_of(plain) if str(path) in plain.installed.text)
    theirs, = (path for path in programs_of(plain) if str(path) in other.installed.text)
    os.rename(theirs, mine)
    assert "it is not what was put there" in plain.run().errors


def test_an_install_that_is_killed_leaves_no_half_of_a_program(ward):
    plugin = Plugin(ward, "killed", plugin_module())
    with ward.start("plugin", "install", "--compiled", plugin.compiled, plugin.manifest) as process:
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not os.path.exists(plugin.compiled) or all(path.name.count(".") == 0 for path in programs_of(plugin))
    assert plugin.install().code == 0 and plugin.run().code == 0


# ---- what is around it ----

def policy_of(ward, plugin):
    done = ward.call("plugin", "policy", "--compiled", plugin.compiled, plugin.manifest)
    assert done.code == 0, done
    return done.text


@pytest.mark.parametrize("way, code", [("none", 7), ("mmap", 159), ("both", 1), ("mprotect", 1), ("shared", 159)])
def test_in_its_box_no_memory_becomes_executable_or_shared(ward, plain, programs, way, code):
    """By the filter's own row, or by hardening.mdwe, which says EACCES."""
    policy = policy_of(ward, plain).replace(str(programs_of(plain)[0]), programs("makes_code.c", "-static-pie"))
    run = ward.run("/ward/plugin", way, policy=policy)
    assert run.code == code, run


def test_who_takes_the_engines_place_meets_the_jail(ward, plain):
    """The engine's own boundary is gone: native code has the compiled module's box to itself."""
    path = ward.file("box.yaml", policy_of(ward, plain))
    run = ward.call("selftest", "-p", path, timeout=180)
    assert run.code == 0, run
    assert re.search(r"^\d{3} refused, 0 allowed, ", run.text, re.M), run.text[-300:]
    surface = ward.call("surface", "-p", path)
    assert surface.code == 0, surface


def test_the_worker_is_sealed_twice_and_maps_nothing_that_is_both_written_and_executed(ward, plain):
    library = Library(ward)
    with library.open(plain) as opened:
        assert opened.call()[0] == library.OK
        worker = worker_of(opened)
        status = pathlib.Path(f"/proc/{worker}/status").read_text(encoding="ascii")
        maps = [line.split()[1] for line in pathlib.Path(f"/proc/{worker}/maps").read_text(encoding="ascii").splitlines()]
        files = {line.split()[5] for line in pathlib.Path(f"/proc/{worker}/maps").read_text(encoding="ascii").splitlines() if "/" in line}
    assert not any("w" in rights and "x" in rights for rights in maps) and files == {"/ward/plugin"}, (maps, files)
    filters = re.search(r"Seccomp_filters:\s+(\d+)", status)
    assert "Seccomp:\t2" in status and (not filters or int(filters[1]) >= 2)


def test_deep_code_is_compiled_or_refused_in_words(ward):
    body = b"\x02\x40" * 4000 + b"\x0b" * 4000
    plugin = Plugin(ward, "deep", plugin_module({f"f{i}": body for i in range(20)}))
    done = plugin.install()
    assert done.code == 0, done
    assert plugin.run("f19").code == 0


def test_a_trap_names_its_function(ward):
    functions = {"run": b"", "first": UNREACHABLE, "second": const(0) + b"\x28\2\0\x1a" + const(-4) + b"\x28\2\0\x1a", "third": const(1) + const(0) + b"\x6d\x1a"}
    plugin = Plugin(ward, "traps", plugin_module(functions, [LOG]))
    for name, words in (("first", "unreachable, in function 2"), ("second", "memory access out of bounds, in function 3"),
                        ("third", "divide by zero, in function 4")):
        run = plugin.run(name)
        assert run.code == 134 and words in run.errors, run


def test_the_example_counts_on_both_engines_in_one_store(ward):
    module = compiled("counter.c")
    plugin = Plugin(ward, "counter", module)
    assert [plugin.run("run", "a").text for _ in range(2)] == ["1", "2"]
    other = ward.call("plugin", "run", "--engine", "v8", "--store", plugin.store, plugin.manifest, "run", "a")
    assert other.text == "3" or "ward-v8" in other.errors, other
