"""Plug-ins: what one can reach, what is refused before it runs, and what a bad one does to the others."""
import ctypes
import hashlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import struct
import subprocess
import threading
import time

import pytest

import harness
from modules import I32, LETTERS, LOOP_FOR_EVER, MAGIC, UNREACHABLE, call, const, leb, section, text, vector

LOG = ("ward", "log", "iii", "")
GET = ("ward", "kv_get", "iiii", "i")
PUT = ("ward", "kv_put", "iiii", "i")
WASI_OPEN = ("wasi_snapshot_preview1", "path_open", "iiiiiIIii", "i")
EXAMPLES = pathlib.Path(harness.ROOT) / "examples/plugin"


ENGINES = ("v8", "wasm2c")


def once(test):
    """No engine has a part in it."""
    test.once = True
    return test


def pytest_generate_tests(metafunc):
    metafunc.parametrize("engine", ENGINES[:1] if hasattr(metafunc.function, "once") else ENGINES, indirect=True)


@pytest.fixture(autouse=True)
def engine(request, ward_path):
    """The engine that plug-ins of this test run in."""
    if not os.access(os.path.join(harness.BUILD, "ward-plugin"), os.X_OK):
        pytest.skip("needs ward-plugin (libsqlite3-dev when it was built)")
    if request.param == "wasm2c":
        if not shutil.which("wasm2c") or not shutil.which("gcc"):
            pytest.skip("needs wasm2c and gcc (apt-get install wabt gcc libc6-dev)")
        if not os.path.exists(os.path.join(harness.BUILD, "libward-module.a")):
            pytest.skip("needs libward-module.a: this build has no compiled plug-ins")
    else:
        done = subprocess.run([ward_path, "check", "-b", "wasm"], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(done.stdout.strip() or done.stderr.strip())
    Plugin.engine = request.param
    return request.param


def types_of(signatures):
    return [b"\x60" + vector([LETTERS[c] for c in words]) + vector([LETTERS[c] for c in results])
            for words, results in signatures]


def plugin_module(functions=None, imports=(), pages=1, data=b"", start=None, memory="memory", extra=b""):
    """A module by hand. functions: name -> body of a () function. data lies at 0, one global counts."""
    functions = functions or {"run": b""}
    out = MAGIC + section(1, types_of([(words, results) for _, _, words, results in imports]) + [b"\x60\0\0"])
    if imports:
        out += section(2, [text(space) + text(name) + b"\0" + leb(i) for i, (space, name, _, _) in enumerate(imports)])
    own = len(imports)
    out += section(3, [leb(own)] * len(functions)) + section(5, [b"\0" + leb(pages)])
    out += section(6, [I32 + b"\x01" + const(0) + b"\x0b"])
    exports = [text(name) + b"\0" + leb(own + i) for i, name in enumerate(functions)]
    out += section(7, exports + ([text(memory) + b"\2\0"] if memory else []))
    if start is not None:
        out += b"\x08" + leb(len(leb(own + start))) + leb(own + start)
    bodies = [b"\0" + body + b"\x0b" for body in functions.values()]
    out += section(10, [leb(len(body)) + body for body in bodies])
    if data:
        out += section(11, [b"\0" + const(0) + b"\x0b" + leb(len(data)) + data])
    return out + extra


def put(at, key_len, value_at, value_len, function=0):
    return const(at) + const(key_len) + const(value_at) + const(value_len) + call(function) + b"\x1a"


class Plugin:
    """A manifest and its module, for one ward."""

    engine = "v8"

    def __init__(self, ward, name, module, more="", sha256=None):
        self.ward, self.name = ward, name
        self.compiled, self.installed = os.path.join(ward.place, "compiled"), None
        digest = sha256 or hashlib.sha256(module).hexdigest()
        ward.file(f"{name}.wasm", module)
        self.manifest = ward.file(f"{name}.yaml", f"version: 1\nname: {name}\nmodule: {name}.wasm\nsha256: {digest}\n{more}")
        self.store = os.path.join(ward.place, "store.db")

    def where(self):
        return ["--engine", self.engine, "--compiled", self.compiled]

    def install(self, *options):
        """Compiles it; what cannot be compiled is refused by run, too."""
        self.installed = self.ward.call("plugin", "install", "--compiled", self.compiled, *options, self.manifest, timeout=120)
        return self.installed

    def run(self, *words, options=(), **how):
        if self.engine == "wasm2c" and not self.installed:
            self.install()
        return self.ward.call("plugin", "run", "--store", self.store, *self.where(), *options, self.manifest, *words, **how)

    def check(self, *options):
        return self.ward.call("plugin", "check", "--engine", "any", "--compiled", self.compiled, *options, self.manifest)

    def pairs(self):
        with sqlite3.connect(self.store) as db:
            return dict(db.execute("SELECT key, value FROM pair WHERE space = ?", (self.name,)))


@pytest.fixture
def counter(ward):
    return Plugin(ward, "counter", compiled("counter.c"))


def compiled(name, *flags):
    if not shutil.which("clang") or not shutil.which("wasm-ld"):
        pytest.skip("needs clang and wasm-ld (apt-get install clang lld)")
    done = subprocess.run(["clang", "--target=wasm32", "-O2", "-nostdlib", "-Wl,--no-entry", "-o", "/dev/stdout", *flags,
                           str(EXAMPLES / name)], check=True, stdout=subprocess.PIPE)
    return done.stdout


# ---- the three functions ----

def test_a_plugin_counts_and_what_it_put_is_there_the_next_time(anyone):
    plugin = Plugin(anyone, "counter", compiled("counter.c"))
    assert [plugin.run("run", word).text for word in ("a", "b", "a", "a")] == ["1", "1", "2", "3"]
    assert plugin.run("forget", "a").code == 0
    assert plugin.run("run", "a").text == "1"
    assert set(plugin.pairs()) == {b"a", b"b"}


def test_input_comes_from_a_word_or_from_standard_input(counter):
    assert counter.run("run", "word").text == "1"
    assert counter.run("run", "-", stdin=b"word").text == "2"
    refused = counter.run("run", "-", stdin=b"x" * 2000)
    assert refused.code == 134 and "its alloc(2000) gave 0" in refused.errors
    assert counter.run("nothing").code == 125
    assert "takes no input" in Plugin(counter.ward, "plain", plugin_module()).run("run", "word").errors


def test_a_log_line_cannot_reach_the_terminal(ward):
    data = b"\x1b[31mred\x07\nnext\xc2\x9b2J\x9b\xff\x00end"
    plugin = Plugin(ward, "loud", plugin_module({"run": const(1) + const(0) + const(len(data)) + call(0)}, [LOG], data=data))
    run = plugin.run()
    assert run.code == 0 and run.err == b"ward: loud: warning: ?[31mred??next??2J???end\n"
    assert plugin.run(options=["-q"]).errors == ""


# ---- namespaces and quotas ----

def test_a_namespace_is_not_crossed(ward):
    module = compiled("counter.c")
    one, two = Plugin(ward, "one", module), Plugin(ward, "two", module + b"\0\x02\x01x")
    assert one.run("run", "key").text == "1" and one.run("run", "key").text == "2"
    assert two.run("run", "key").text == "1"
    for name in ("one", "../one", "one\\u0000", "one/key"):
        thief = Plugin(ward, "thief", module + b"\0\x02\x01y", f'namespace: "{name}"\n')
        run = thief.run("run", "key")
        assert run.code in (1, 2, 125) and run.out == b"", (name, run)
    assert "belongs to the module with sha256" in Plugin(ward, "thief", module + b"\0\x02\x01y", "namespace: one\n").run().errors
    assert one.pairs() == {b"key": struct.pack("<I", 2)}


def test_a_new_version_adopts_its_namespace_when_told_to(ward):
    module = compiled("counter.c")
    assert Plugin(ward, "app", module).run("run", "key").text == "1"
    newer = Plugin(ward, "app", module + b"\0\x02\x01z")
    assert newer.run("run", "key").code == 1
    assert newer.run("run", "key", options=["--adopt"]).text == "2"
    assert newer.run("run", "key").text == "3"


def test_keys_and_values_have_sizes(ward):
    # The result of each put goes into memory at 1000, 1004, ...; the output is those bytes.
    sizes = [(1, 1), (0, 1), (256, 1), (257, 1), (1, 65536), (2, 65537), (60000, 1)]
    body = b"".join(const(1000 + 4 * i) + const(0) + const(key) + const(2000) + const(value) + call(0) + b"\x36\x02\0"
                    for i, (key, value) in enumerate(sizes))
    body += const(1) + const(1000) + const(4 * len(sizes)) + call(1)
    plugin = Plugin(ward, "sizes", plugin_module({"run": body}, [PUT, LOG], pages=2, data=b"k" * 300))
    plugin.run()
    assert {len(key) for key in plugin.pairs()} == {1, 256}
    assert len(plugin.pairs()[b"k"]) == 65536


def test_a_quota_is_the_end_and_is_counted_over_calls(ward):
    # A key of four bytes from a global, 0, 1, 2, ...: `run` puts one more each time round, for ever until -3.
    body = (b"\x03\x40" + const(0) + b"\x23\0" + const(1) + b"\x6a\x24\0" + b"\x23\0" + b"\x36\x02\0" + const(0) + const(4)
            + const(100) + const(10) + call(0) + b"\x45\x0d\x00\x0b")
    plugin = Plugin(ward, "greedy", plugin_module({"run": body}, [PUT]), "quota: {keys: 20, bytes: 1K}\n")
    assert plugin.run().code == 0
    assert len(plugin.pairs()) == 20
    assert plugin.run().code == 0
    assert len(plugin.pairs()) == 20
    bytes_ = Plugin(ward, "wide", plugin_module({"run": body}, [PUT]), "quota: {keys: 2000, bytes: 1K}\n")
    assert bytes_.run().code == 0
    assert len(bytes_.pairs()) == 1024 // 14


def test_a_call_that_fails_leaves_nothing(ward):
    bodies = {"trap": put(0, 1, 1, 1) + UNREACHABLE, "loop": put(0, 1, 1, 1) + LOOP_FOR_EVER, "fine": put(0, 1, 1, 1),
              "wild": put(0, 1, 1, 1) + put(-16, 100, 0, 1)}
    plugin = Plugin(ward, "half", plugin_module(bodies, [PUT], data=b"kv"))
    for name, code, words in (("trap", 134, "unreachable"), ("loop", 124, "limits.cpu"),
                              ("wild", 134, "100 bytes at 0xfffffff0 are not in its memory of 65536 bytes")):
        run = plugin.run(name)
        assert run.code == code and words in run.errors, run
        assert plugin.pairs() == {}, name
    assert plugin.run("fine").code == 0 and plugin.pairs() == {b"k": b"v"}


# ---- what is refused before it runs ----

def header(*sections):
    return MAGIC + b"".join(sections)


IMPORTS = {
    "wasi": ([WASI_OPEN], "import wasi_snapshot_preview1.path_open: WASI reaches files"),
    "env": ([("env", "log", "iii", "")], "import env.log: that is where compilers put"),
    "unknown": ([("ward", "exec", "ii", "i")], "import ward.exec: there is no such function"),
    "nearly": ([("ward", "kv_gte", "iiii", "i")], "did you mean 'kv_get'?"),
    "other case": ([("Ward", "log", "iii", "")], "import Ward.log: a plug-in imports from"),
    "clock": ([("ward", "clock_ms", "", "I")], "the manifest does not grant it; write grant: [clock]"),
    "random": ([("ward", "random_get", "ii", "i")], "write grant: [random]"),
    "signature": ([("ward", "kv_put", "iiiI", "i")], "it is declared as (i32, i32, i32, i64) -> i32 and is (i32, i32, i32, i32)"),
    "result": ([("ward", "log", "iii", "i")], "it is declared as (i32, i32, i32) -> i32"),
    "twice": ([LOG, LOG], "import ward.log: it is there twice"),
    "embedder": ([("embedder", "fetch", "iiii", "i")], "import embedder.fetch: the manifest lists no such function"),
    "control bytes": ([("ward\x1b[2J", "lo\x07g", "iii", "")], "import ward?[2J.lo?g"),
    "empty": ([("", "", "", "")], "import .: a plug-in imports from"),
    "prefix": ([("ward.log", "", "iii", "")], "import ward.log.: a plug-in imports from"),
}


@once
@pytest.mark.parametrize("case", IMPORTS)
def test_an_import_is_refused_by_name_before_anything_runs(ward, case):
    imports, words = IMPORTS[case]
    plugin = Plugin(ward, "smuggler", plugin_module({"run": b""}, imports))
    check = plugin.check()
    assert check.code == 1 and words in check.text and "refused: " in check.text, check
    assert b"\x1b" not in check.out and b"\x07" not in check.out
    run = plugin.run()
    assert run.code == 125 and words in run.errors and not os.path.exists(plugin.store), run
    assert json.loads(plugin.check("--json").text)["admitted"] is False


def module_of(*sections):
    return MAGIC + b"".join(sections)


BAD = {
    "empty": (b"", "it is no WebAssembly module"),
    "text": (b"#!/bin/sh\n", "it is no WebAssembly module"),
    "elf": (b"\x7fELF\2\1\1" + bytes(64), "it is no WebAssembly module"),
    "component": (b"\0asm\x0d\0\1\0", "it is not of version 1"),
    "cut": (plugin_module()[:-3], "a section is longer than the file"),
    "length": (MAGIC + b"\x01\xff\xff\xff\xff\x0f", "a section is longer than the file"),
    "count": (MAGIC + b"\x01\x05\xff\xff\xff\xff\x0f", "the number of items is more"),
    "order": (MAGIC + section(3, []) + section(1, [b"\x60\0\0"]), "sections out of order"),
    "memory import": (module_of(section(1, [b"\x60\0\0"]), section(2, [text("ward") + text("memory") + b"\2\0\1"])),
                      "import ward.memory: a memory cannot be given"),
    "table import": (module_of(section(2, [text("ward") + text("t") + b"\1\x70\0\1"])), "a table cannot be given"),
    "global import": (module_of(section(2, [text("ward") + text("g") + b"\3\x7f\0"])), "a global cannot be given"),
    "shared memory": (module_of(section(5, [b"\3\1\1"])), "its memory is shared"),
    "large memory": (plugin_module(pages=65536), "a memory of 65536 pages of 64 KiB, limits.memory allows 256"),
    "no memory": (plugin_module({"run": b""}, [LOG], memory=None), "it exports no memory under the name"),
    "no function": (module_of(section(5, [b"\0\1"])), "it exports no function that could be called"),
    "many imports": (module_of(section(1, [b"\x60\0\0"]), section(2, [text("ward") + text("log") + b"\0\0"] * 300)),
                     "300 imports; at most 256"),
}


@once
@pytest.mark.parametrize("case", BAD)
def test_a_bad_module_is_refused_in_one_line_each(ward, case):
    module, words = BAD[case]
    plugin = Plugin(ward, "bad", module)
    check = plugin.check()
    assert check.code == 1 and words in check.text, check
    run = plugin.run()
    assert run.code == 125 and words in run.errors, run


@once
def test_a_module_of_a_hundred_megabytes_is_not_read(ward):
    plugin = Plugin(ward, "huge", b"")
    with open(os.path.join(ward.place, "huge.wasm"), "wb") as file:
        file.truncate(100 << 20)
    for run in (plugin.check(), plugin.run()):
        assert run.code in (2, 125) and "huge.wasm" in run.errors


def test_what_our_reader_admits_and_the_engine_does_not_is_a_clear_error(ward, engine):
    plugin = Plugin(ward, "broken", plugin_module({"run": b"\xfe\xff\xff"}))
    assert plugin.check().code == 0     # no code is looked at
    run = plugin.run()
    if engine == "v8":
        assert run.code == 134 and "it does not start: CompileError" in run.errors, run
    else:
        assert plugin.installed.code == 2 and "wasm2c refuses the module: " in plugin.installed.errors
        assert run.code == 125 and "was not compiled by this ward" in run.errors


def test_another_module_than_the_one_that_was_looked_at_does_not_run(ward):
    plugin = Plugin(ward, "swapped", plugin_module())
    assert plugin.run().code == 0
    ward.file("swapped.wasm", plugin_module(pages=2))
    run = plugin.run()
    assert run.code == 125 and "it is another module, or it was changed" in run.errors


@once
def test_a_manifest_is_checked_strictly(ward):
    plugin = Plugin(ward, "strict", plugin_module(), "limits: {memmory: 1M}\n")
    for run in (plugin.check(), plugin.run()):
        assert "strict.yaml:5:10: unknown key 'memmory' in limits (did you mean 'memory'?)" in run.errors
        assert run.code in (2, 125)
    fifo = os.path.join(ward.place, "fifo.yaml")
    os.mkfifo(fifo)
    run = ward.call("plugin", "check", fifo)
    assert run.code == 2 and "is no regular file" in run.errors
    assert ward.call("plugin", "check", "/nonexistent.yaml").code == 2
    assert ward.call("plugin", "list").code == 2 and ward.call("plugin").code == 2


# ---- limits ----

LIMITS = {
    "loop": ({"run": LOOP_FOR_EVER}, (), None, 124, "200 ms of processor time (limits.cpu) were used up"),
    "start": ({"run": b"", "begin": LOOP_FOR_EVER}, (), 1, 124, "it does not start: 200 ms of processor time"),
    "trap": ({"run": UNREACHABLE}, (), None, 134, "unreachable, in function 0"),
    "recursion": ({"run": call(0)}, (), None, 134, ("Maximum call stack size exceeded, in function 0", "call stack exhausted, in function 0")),
    "memory": ({"run": b"\x03\x40" + const(1) + b"\x40\0" + const(-1) + b"\x47\x0d\0\x0b" + const((256 << 16) - 1) + b"\x2d\0\0\x1a"
                + const(256 << 16) + b"\x2d\0\0\x1a"}, (), None, 134, "memory access out of bounds"),
    "calls": ({"run": b"\x03\x40" + put(0, 1, 0, 1) + b"\x0c\0\x0b"}, [PUT], None, 124, "more than 1000000 calls of host functions"),
}


@pytest.mark.parametrize("case", LIMITS)
def test_a_limit_is_an_error_that_names_it(anyone, engine, case):
    functions, imports, start, code, words = LIMITS[case]
    words = words if isinstance(words, str) else words[ENGINES.index(engine)]
    more = "limits: {cpu: 10s, wall: 20s}\n" if case == "calls" else ""
    plugin = Plugin(anyone, "limited", plugin_module(functions, imports, start=start), more)
    run = plugin.run()
    assert run.code == code and words in run.errors, run


def test_who_sleeps_on_the_host_is_ended_by_the_wall_clock(ward):
    plugin = Plugin(ward, "slow", plugin_module({"run": LOOP_FOR_EVER}), "limits: {cpu: 1h, wall: 300ms}\n")
    run = plugin.run()
    assert run.code == 124 and "the call took longer than 300 ms (limits.wall); its worker was ended" in run.errors, run


def test_a_flood_of_log_is_cut_and_said(ward):
    body = b"\x03\x40" + b"\x23\0" + const(1) + b"\x6a\x24\0" + const(1) + const(0) + const(100) + call(0) + b"\x23\0" + const(5000) + b"\x48\x0d\0\x0b"
    plugin = Plugin(ward, "flood", plugin_module({"run": body}, [LOG], data=b"x" * 100), "quota: {log: 4K}\n")
    run = plugin.run()
    lines = run.errors.splitlines()
    assert run.code == 0 and len(lines) == 4096 // 108 + 1
    assert lines[-1].endswith(f"{5000 - 4096 // 108} lines more than quota.log allows were dropped")


# ---- isolation ----

class Library:
    """The C library, as an embedder calls it."""

    class Options(ctypes.Structure):
        _fields_ = [("manifest", ctypes.c_char_p), ("store", ctypes.c_char_p), ("ward", ctypes.c_char_p), ("adopt", ctypes.c_int),
                    ("functions", ctypes.c_void_p), ("n_functions", ctypes.c_size_t), ("log", ctypes.c_void_p),
                    ("warn", ctypes.c_void_p), ("at", ctypes.c_void_p)]

    class Choice(ctypes.Structure):
        _fields_ = [("engine", ctypes.c_int), ("compiled", ctypes.c_char_p)]

    class Error(ctypes.Structure):
        _fields_ = [("end", ctypes.c_int), ("text", ctypes.c_char * 368)]

    OK, REFUSED, TRAP, LIMIT, STORE, BROKEN = range(6)

    def __init__(self, ward):
        path = os.path.join(harness.BUILD, "libward-plugin.so")
        if not os.path.exists(path):
            pytest.skip("needs libward-plugin.so: this build has no shared library")
        self.library = ctypes.CDLL(path)
        self.library.ward_plugin_open_with.restype = ctypes.c_void_p
        self.library.ward_plugin_engine_name.restype = ctypes.c_char_p
        self.library.ward_plugin_process.restype = ctypes.c_long
        self.ward = ward

    def open(self, plugin):
        if plugin.engine == "wasm2c" and not plugin.installed:
            plugin.install()
        options = self.Options(plugin.manifest.encode(), plugin.store.encode(), self.ward.program.encode())
        choice = self.Choice(1 + ENGINES.index(plugin.engine), plugin.compiled.encode())
        error = self.Error()
        handle = self.library.ward_plugin_open_with(ctypes.byref(options), ctypes.byref(choice), ctypes.byref(error))
        assert handle, error.text
        handle = ctypes.c_void_p(handle)
        assert self.library.ward_plugin_engine_name(handle) == plugin.engine.encode()
        return Opened(self, handle)


class Opened:
    def __init__(self, library, handle):
        self.owner, self.handle = library, handle

    def call(self, name="run", data=b""):
        output, length, error = ctypes.c_void_p(), ctypes.c_size_t(), self.owner.Error()
        end = self.owner.library.ward_plugin_call(self.handle, name.encode(), data, ctypes.c_size_t(len(data)), ctypes.byref(output),
                                                  ctypes.byref(length), ctypes.byref(error))
        out = ctypes.string_at(output, length.value) if output else b""
        harness.libc.free(output)
        return end, out, error.text.decode()

    def process(self):
        return self.owner.library.ward_plugin_process(self.handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.owner.library.ward_plugin_close(self.handle)


@pytest.fixture
def library(ward):
    return Library(ward)


COUNT = b"\x23\0" + const(1) + b"\x6a\x24\0" + const(0) + b"\x23\0\x36\x02\0" + put(100, 1, 0, 4)


@pytest.mark.parametrize("state, counts", [("fresh", [1, 1, 1]), ("kept", [1, 2, 3])])
def test_an_instance_is_fresh_or_kept_as_the_manifest_says(library, state, counts):
    plugin = Plugin(library.ward, "count", plugin_module({"run": COUNT, "trap": UNREACHABLE}, [PUT], data=bytes(100) + b"k"), f"state: {state}\n")
    seen = []
    with library.open(plugin) as opened:
        for _ in counts:
            assert opened.call()[0] == library.OK
            seen.append(struct.unpack("<I", plugin.pairs()[b"k"])[0])
        assert seen == counts
        # What trapped half-way is not a state to go on from.
        assert opened.call("trap")[0] == library.TRAP
        assert opened.call()[0] == library.OK
        assert struct.unpack("<I", plugin.pairs()[b"k"])[0] == 1


def test_one_plugin_fails_and_the_other_does_not_notice(library):
    bad = {"loop": LOOP_FOR_EVER, "trap": UNREACHABLE, "recursion": call(1 + 2), "calls": b"\x03\x40" + put(0, 1, 0, 1) + b"\x0c\0\x0b"}
    attacker = Plugin(library.ward, "attacker", plugin_module(bad, [PUT]), "limits: {cpu: 100ms}\n")
    victim = Plugin(library.ward, "victim", compiled("counter.c"), "limits: {wall: 20s, cpu: 5s}\n")
    with library.open(victim) as good, library.open(attacker) as evil:
        count, ends, over = 0, set(), threading.Event()

        def attack():
            while not over.is_set():
                for name in bad:
                    ends.add((name, evil.call(name)[0]))

        thread = threading.Thread(target=attack)
        thread.start()
        while len(ends) < len(bad) or count < 50:
            count += 1
            assert good.call("run", b"key") == (library.OK, str(count).encode(), "")
        over.set()
        thread.join()
    assert ends == {("loop", library.LIMIT), ("trap", library.TRAP), ("recursion", library.TRAP), ("calls", library.LIMIT)}


def descendants(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            for child in map(int, file.read().split()):
                found += [child, *descendants(child)]
    return found


WORKERS = (b"/ward/ward-v8\0plugin", b"/ward/plugin\0")


def worker_of(opened):
    """The engine's process."""
    for pid in descendants(opened.process()):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if file.read().startswith(WORKERS):
                return pid
    raise AssertionError("no worker")


def test_a_worker_that_is_killed_is_an_error_and_the_next_call_has_a_new_one(library):
    plugin = Plugin(library.ward, "counter", compiled("counter.c"))
    with library.open(plugin) as opened:
        assert opened.call("run", b"a")[1] == b"1"
        os.kill(worker_of(opened), signal.SIGKILL)
        end, out, why = opened.call("run", b"a")
        assert end in (library.BROKEN, library.LIMIT) and out == b"" and "its worker has ended" in why, why
        assert opened.call("run", b"a")[1] == b"2"
        # ward above it: the worker may live on for a moment, and answer.
        count, first = 2, opened.process()
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while opened.process() == first or count < 4:
            end, out, _ = opened.call("run", b"a")
            count += end == library.OK
            assert (end, out) == (library.OK, str(count).encode()) or end in (library.BROKEN, library.LIMIT)
            assert time.monotonic() < deadline


def test_a_worker_that_is_killed_in_the_middle_of_a_call_leaves_nothing(library):
    plugin = Plugin(library.ward, "middle", plugin_module({"run": put(0, 1, 1, 1) + LOOP_FOR_EVER, "fine": b""}, [PUT], data=b"kv"),
                    "limits: {cpu: 1h, wall: 1h}\n")
    with library.open(plugin) as opened:
        assert opened.call("fine")[0] == library.OK
        worker = worker_of(opened)
        result = []
        thread = threading.Thread(target=lambda: result.append(opened.call()))
        thread.start()
        deadline = time.monotonic() + 20
        while not has_worked(worker) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(worker, signal.SIGKILL)
        thread.join(20)
        assert result and result[0][0] in (library.BROKEN, library.LIMIT)
        assert plugin.pairs() == {}
        assert opened.call("fine")[0] == library.OK


def has_worked(pid):
    """More than a tenth of a second of processor time since it was ready."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        user = int(file.read().rsplit(")", 1)[1].split()[11])
    return user > 20


def test_the_worker_holds_a_socket_and_no_path(library):
    plugin = Plugin(library.ward, "bare", plugin_module())
    with library.open(plugin) as opened:
        worker = worker_of(opened)
        descriptors = {fd: os.readlink(f"/proc/{worker}/fd/{fd}") for fd in os.listdir(f"/proc/{worker}/fd")}
        with open(f"/proc/{worker}/status", encoding="ascii") as file:
            status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1" and status["CapEff"].strip() == "0" * 16
    assert sum(target.startswith("socket:") for target in descriptors.values()) == 1
    assert all(target.startswith(("socket:", "pipe:", "/dev/null")) for target in descriptors.values()), descriptors


def test_nothing_of_the_host_is_in_the_worker(library, monkeypatch):
    monkeypatch.setenv("A_SECRET_OF_THE_HOST", "1")
    secret = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(secret, True)
    plugin = Plugin(library.ward, "bare", plugin_module())
    try:
        with library.open(plugin) as opened:
            for pid in [opened.process(), *descendants(opened.process())]:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    assert b"A_SECRET" not in file.read()
                assert str(secret) not in os.listdir(f"/proc/{pid}/fd") or \
                    os.readlink(f"/proc/{pid}/fd/{secret}") != "/dev/null"
    finally:
        os.close(secret)


def test_a_host_that_dies_leaves_no_worker(ward):
    plugin = Plugin(ward, "orphan", plugin_module({"run": LOOP_FOR_EVER}), "limits: {cpu: 1h, wall: 1h}\n")
    with ward.start("plugin", "run", "--store", plugin.store, plugin.manifest) as process:
        deadline = time.monotonic() + 20
        while not any_worker(process.pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert any_worker(process.pid)
        process.kill()
        process.wait()
    # nothing_left fails when something of the box is still there.


def any_worker(pid):
    for child in descendants(pid):
        try:
            with open(f"/proc/{child}/cmdline", "rb") as file:
                if file.read().startswith(WORKERS):
                    return True
        except OSError:
            pass
    return False


def test_many_fresh_instances_do_not_add_up(library):
    """Each call touches 8 MiB of an instance of its own; the box has some 300."""
    grow = const(128) + b"\x40\0\x1a" + const(65536) + const(1) + const(128 << 16) + b"\xfc\x0b\0"
    plugin = Plugin(library.ward, "heavy", plugin_module({"run": grow}), "limits: {cpu: 10s, wall: 60s}\n")
    with library.open(plugin) as opened:
        worker = None
        for _ in range(100):
            end, _, why = opened.call()
            assert end == library.OK, why
            worker = worker or worker_of(opened)
        assert worker == worker_of(opened)


@pytest.mark.parametrize("state, counts", [("fresh", [42, 42]), ("kept", [42, 43])])
def test_a_start_function_runs_for_each_instance(library, state, counts):
    module = plugin_module({"run": COUNT, "begin": const(41) + b"\x24\0"}, [PUT], data=bytes(100) + b"k", start=1)
    plugin = Plugin(library.ward, "begins", module, f"state: {state}\n")
    with library.open(plugin) as opened:
        for count in counts:
            assert opened.call()[0] == library.OK
            assert plugin.pairs() == {b"k": struct.pack("<I", count)}


def test_a_start_function_has_no_memory_to_show_yet(ward):
    plugin = Plugin(ward, "early", plugin_module({"run": b"", "begin": put(0, 1, 0, 1)}, [PUT], start=1))
    run = plugin.run()
    assert run.code == 134 and "it does not start: 1 bytes at 0x0 are not in its memory of 0 bytes" in run.errors


def test_an_instruction_that_takes_longer_than_its_limit_ends_the_worker(library):
    # memory.fill of 500 MiB, again and again: the engine looks at nothing within one.
    fill = b"\x03\x40" + const(0) + const(1) + const(8000 << 16) + b"\xfc\x0b\0\x0c\0\x0b"
    plugin = Plugin(library.ward, "filler", plugin_module({"run": fill, "fine": b""}, pages=8000), "limits: {cpu: 10ms, wall: 60s, memory: 512M}\n")
    with library.open(plugin) as opened:
        end, _, why = opened.call()
        assert end == library.LIMIT and "limits.cpu" in why, why
        assert opened.call("fine")[0] == library.OK


# ---- a worker that was broken into ----

IMPOSTOR = """#!/usr/bin/python3
import os, struct, sys
def take(n):
    data = b""
    while len(data) < n:
        more = os.read(3, n - len(data))
        if not more:
            sys.exit(0)
        data += more
    return data
def frame():
    kind, word, *lengths = struct.unpack("<Ii3I", take(20))
    return kind, word, [take(n) for n in lengths]
def send(kind, word, *parts):
    parts = list(parts) + [b""] * (3 - len(parts))
    os.write(3, struct.pack("<Ii3I", kind, word, *map(len, parts)) + b"".join(parts))
def put(key, value):
    return struct.pack("<BBHI", 1, 0, len(key), len(value)) + key + value
frame()
send(2, 0)
while True:
    frame()
    %s
"""
LIES = {
    "half a record": ("send(6, 0, b'', b'', b'abc')", "the worker's journal: byte 0 is no record"),
    "a length around": ("send(6, 0, b'', b'', struct.pack('<BBHI', 1, 0, 9, 0xfffffff8) + b'x' * 64)", "byte 0 is no record"),
    "an unknown kind": ("send(6, 0, b'', b'', struct.pack('<BBHI', 7, 0, 1, 1) + b'xx')", "byte 0 is no record"),
    "a long value": ("send(6, 0, b'', b'', put(b'k', b'v' * 70000))", "a value of 70000 bytes; quota.value is 65536"),
    "many keys": ("send(6, 0, b'', b'', b''.join(put(b'%d' % i, b'v') for i in range(3000)))", "3000 keys"),
    "more keys than the quota": ("send(6, 0, b'', b'', b''.join(put(b'%d' % i, b'v') for i in range(1500)))", "would hold 1500 keys"),
    "a long output": ("send(6, 0, b'', b'o' * (1 << 20) + b'o')", "a part of 1048577 bytes where at most 1048576 may be"),
    "a long journal": ("os.write(3, struct.pack('<Ii3I', 6, 0, 0, 0, 0xffffffff))", "a part of 4294967295 bytes"),
    "another answer": ("send(2, 0)", "the worker spoke nonsense"),
    "no such end": ("send(6, 99)", "the worker spoke nonsense"),
    "a function": ("send(4, 0, b'', struct.pack('<Q', 8))", "the worker asked for function 0"),
    "a function below": ("send(4, -1, b'', struct.pack('<Q', 8))", "the worker asked for function -1"),
    "nothing": ("pass", "the call took longer than 300 ms (limits.wall)"),
    "an end": ("sys.exit(7)", "its worker has ended (exit 7)"),
    "an end with words": ("sys.exit('bad \\x1b[31m news')", "its worker has ended (exit 1): bad ?[31m news"),
}


@once
@pytest.mark.parametrize("case", LIES)
def test_a_host_believes_no_worker(library, case):
    lie, words = LIES[case]
    ward = library.ward
    impostor = ward.file("impostor", IMPOSTOR % lie, 0o755)
    plugin = Plugin(ward, "lied-to", plugin_module({"run": b""}, [PUT]), "limits: {wall: 300ms}\n" if case == "nothing" else "")
    library.ward = type("Ward", (), {"program": impostor})
    with library.open(plugin) as opened:
        for _ in range(2):
            end, out, why = opened.call()
            assert end in (library.BROKEN, library.LIMIT, library.STORE) and out == b"" and words in why, (end, why)
            assert plugin.pairs() == {}


def test_a_worker_can_write_what_its_plugin_may_write_and_no_more(library):
    ward = library.ward
    honest = Plugin(ward, "honest", compiled("counter.c"))
    assert honest.run("run", "key").code == 0
    impostor = ward.file("impostor", IMPOSTOR % "send(6, 0, b'', b'out', put(b'key', b'mine'))", 0o755)
    plugin = Plugin(ward, "broken-into", plugin_module({"run": b""}, [PUT]))
    library.ward = type("Ward", (), {"program": impostor})
    with library.open(plugin) as opened:
        assert opened.call()[0] == library.OK
    assert plugin.pairs() == {b"key": b"mine"} and honest.pairs() == {b"key": struct.pack("<I", 1)}


@once
def test_run_takes_a_plugin_only_where_there_are_some(ward):
    for options, words in ((["--plugin", "-b", "process"], "boundary process has no plug-ins; write -b wasm"),
                           (["--plugin", "-b", "wasm"], "write --pass-fd N once")):
        run = ward.run("name", options=options)
        assert run.code == 125 and words in run.errors, run


@once
# ---- the store ----

def test_a_store_that_is_locked_is_an_error_and_not_a_wait(counter):
    assert counter.run("run", "a").code == 0
    with sqlite3.connect(counter.store, isolation_level=None) as db:
        db.execute("BEGIN IMMEDIATE")
        run = counter.run("run", "a")
        db.execute("ROLLBACK")
    assert run.code == 1 and "another process has held it for too long" in run.errors, run
    assert counter.run("run", "a").text == "2"


@once
def test_a_store_that_is_full_is_an_error_and_stays_whole(ward):
    if not ward.is_root:
        pytest.skip("needs root, to mount a small file system")
    place = ward.folder("small")
    if harness.libc.mount(b"none", place.encode(), b"tmpfs", ctypes.c_ulong(0), b"size=64k") != 0:
        pytest.skip("needs the right to mount")
    try:
        body = b"\x23\0" + const(1) + b"\x6a\x24\0" + put(0, 1, 0, 60000)
        plugin = Plugin(ward, "full", plugin_module({"run": body}, [PUT], data=b"k"))
        plugin.store = os.path.join(place, "store.db")
        run = plugin.run()
        assert run.code == 1 and ("full" in run.errors or "disk" in run.errors), run
        with sqlite3.connect(plugin.store) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert plugin.pairs() == {}
    finally:
        harness.libc.umount2(place.encode(), 2)


@once
def test_what_is_no_store_is_not_touched(ward):
    plugin = Plugin(ward, "plain", plugin_module())
    ward.file("store.db", b"not a database at all, but long enough to be looked at by one" * 20)
    run = plugin.run()
    assert run.code == 1 and "not a database" in run.errors
    with sqlite3.connect(os.path.join(ward.place, "other.db")) as db:
        db.execute("CREATE TABLE mine (x)")
    plugin.store = os.path.join(ward.place, "other.db")
    run = plugin.run()
    assert run.code == 1 and "no store of plug-ins" in run.errors


def test_two_hosts_of_one_plugin_do_not_lose_a_count(counter):
    assert counter.run("run", "a").code == 0
    done = []

    def count():
        for _ in range(5):
            while (run := counter.run("run", "a")).code == 1:
                assert "somebody else has changed" in run.errors or "another process has held" in run.errors
            assert run.code == 0, run
            done.append(int(run.text))

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(2, 17))


# ---- functions of an embedder ----

@pytest.fixture
def embedder(ward, programs):
    folder = ward.folder("include")
    os.mkdir(os.path.join(folder, "ward"))
    shutil.copy(os.path.join(harness.ROOT, "src/plugin/plugin.h"), os.path.join(folder, "ward"))
    library = os.path.join(harness.BUILD, "libward-plugin.so.0")
    if not os.path.exists(library):
        pytest.skip("needs libward-plugin.so: this build has no shared library")
    out = os.path.join(ward.place, "embedder")
    subprocess.run(["gcc", "-Wall", "-Werror", "-O1", "-I", folder, "-o", out, str(EXAMPLES / "embedder.c"), library,
                    f"-Wl,-rpath,{harness.BUILD}"], check=True)

    def run(plugin, *words, **env):
        return subprocess.run([out, plugin.manifest, plugin.store, *words], capture_output=True, text=True, timeout=60, check=False,
                              env={"PATH": "/usr/bin:/bin", "WARD": ward.program, **env})
    return run


UPPER = "functions: [{name: upper, class: pure}"


@once
def test_an_embedder_registers_a_function_and_is_warned_when_it_widens(ward, embedder):
    plain = Plugin(ward, "shout", compiled("shout.c"), UPPER + "]\n")
    run = embedder(plain, "run", "quiet")
    assert (run.stdout, run.stderr, run.returncode) == ("QUIET\n", "", 0)
    assert plain.check().code == 0
    wide = Plugin(ward, "tell", compiled("shout.c", "-DTELL"), UPPER + ", {name: ask, class: network}]\n")
    run = embedder(wide, "run", "a secret", WITH_ASK="1")
    assert run.returncode == 0 and "ask: 8 bytes would leave this machine: a secret" in run.stdout
    assert "ward: WARNING: embedder.ask, of class network, widens the sandbox of tell." in run.stderr
    assert "Every input of a call, every value it has stored and every answer it was given can become packets" in run.stderr
    check = wide.check()
    assert check.code == 1 and "WARNING: embedder.ask" in check.text


@once
def test_an_embedder_is_built_and_runs_with_what_is_installed(ward):
    """As docs/plugin.md has it: a C program, pkg-config, and nothing of the build's own folders."""
    for tool in ("meson", "pkg-config", "gcc"):
        if not shutil.which(tool):
            pytest.skip(f"needs {tool}")
    if not os.path.exists(os.path.join(harness.BUILD, "libward-plugin.so.0")):
        pytest.skip("needs libward-plugin.so: this build has no shared library")
    root = ward.folder("root")
    subprocess.run(["meson", "install", "-C", os.path.dirname(harness.BUILD), "--no-rebuild", "--quiet", "--destdir", root], check=True,
                   stdout=subprocess.DEVNULL)
    config = next(pathlib.Path(root).rglob("ward-plugin.pc")).parent
    words = subprocess.run(["pkg-config", "--cflags", "--libs", "ward-plugin"], check=True, capture_output=True, text=True,
                           env={"PATH": "/usr/bin:/bin", "PKG_CONFIG_PATH": str(config), "PKG_CONFIG_SYSROOT_DIR": root}).stdout.split()
    out = os.path.join(ward.place, "outside")
    subprocess.run(["gcc", "-std=c99", "-pedantic", "-Wall", "-Werror", "-o", out, str(EXAMPLES / "embedder.c"), *words], check=True)
    plugin = Plugin(ward, "shout", compiled("shout.c"), UPPER + "]\n")
    program = next(path for path in pathlib.Path(root).rglob("bin/ward") if path.is_file())
    run = subprocess.run([out, plugin.manifest, plugin.store, "run", "quiet"], capture_output=True, text=True, timeout=60, check=False,
                         env={"PATH": "/usr/bin:/bin", "WARD": str(program), "LD_LIBRARY_PATH": str(config.parent)})
    assert (run.stdout, run.stderr, run.returncode) == ("QUIET\n", "", 0)


@once
def test_manifest_and_embedder_have_to_agree(ward, embedder):
    module = compiled("shout.c")
    for functions, words in (("", "import embedder.upper: the manifest lists no such function"),
                             ("functions: [{name: upper, class: file}]\n", "registers function upper of class pure, and the manifest says another class"),
                             (UPPER + ", {name: ask, class: network}]\n", "the manifest lists function ask, which this embedder does not have")):
        run = embedder(Plugin(ward, "shout", module, functions), "run", "x")
        assert run.returncode == 1 and words in run.stderr, run.stderr
    refused = Plugin(ward, "shout", module, UPPER + "]\n").run("run", "x")
    assert refused.code == 125 and "which this embedder does not have" in refused.errors


@once
def test_a_warning_that_is_explained_is_no_finding(ward):
    plugin = Plugin(ward, "tell", compiled("shout.c", "-DTELL"), UPPER + ", {name: ask, class: network, why: 'it is a client'}]\n")
    check = plugin.check()
    assert check.code == 0 and "WARNING: embedder.ask" in check.text and "the manifest says why: it is a client" in check.text


def test_what_is_granted_beyond_the_three_is_warned_about(ward):
    body = const(0) + call(0) + b"\x37\x03\0" + const(8) + const(16) + call(1) + b"\x1a" + put(100, 1, 0, 24, 2)
    plugin = Plugin(ward, "granted", plugin_module({"run": body}, [("ward", "clock_ms", "", "I"), ("ward", "random_get", "ii", "i"), PUT],
                                                   data=bytes(100) + b"k"), "grant: [clock, random]\n")
    check = plugin.check()
    assert check.code == 0 and "the grant of ward.clock_ms widens" in check.text and "the grant of ward.random_get" in check.text
    before = time.time()
    assert plugin.run().code == 0
    value = plugin.pairs()[b"k"]
    assert before - 1 <= struct.unpack("<Q", value[:8])[0] / 1000 <= time.time() + 1
    assert value[8:] != bytes(16)
