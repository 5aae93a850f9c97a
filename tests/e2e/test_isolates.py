"""Scripts of many tenants beside one another: each a process of one zygote. None takes the others with it, none leaves
anything to the next."""
import ctypes
import os
import secrets
import signal
import socket
import struct
import time

import pytest

import guests
import harness

SCHED_GETATTR = 315     # x86-64


@pytest.fixture(scope="module")
def zygote():
    if not os.access(os.path.join(harness.BUILD, "ward-v8"), os.X_OK):
        pytest.skip("this build has no engine (libnode-dev)")
    made = guests.Zygote("--wasm", "--shared-memory")
    yield made
    made.close()


class Ticker:
    """A neighbour that counts, and waits whenever nobody reads: it uses no processor time for nothing."""

    def __init__(self, zygote):
        self.guest = zygote.fork(cpu_us=0, wall_us=0)
        self.guest.script("for (let n = 0;; n++) console.log(n)")
        self.next = 0

    def check(self):
        """More than what can wait in its channel (some 300 writes): some of it is counted only now. None is missing."""
        before = self.next
        while self.next < before + 3000:
            assert self.guest.read(), (self.guest.end, self.guest.why())
            lines, _, self.guest.out = self.guest.out.rpartition(b"\n")
            numbers = list(map(int, lines.split()))
            assert numbers == list(range(self.next, self.next + len(numbers)))
            self.next += len(numbers)


@pytest.fixture(scope="module")
def neighbours(zygote):
    made = [Ticker(zygote) for _ in range(2)]
    for ticker in made:
        ticker.check()
    yield made
    for ticker in made:
        zygote.kill(ticker.guest)
        assert ticker.guest.result()[0] == "killed"


# What wants more than it may have is refused memory, is told so by an exception, or runs out of time before: which of
# them comes first hangs on the machine.
GROWS = {"memory", "error", "cpu"}

# What it does, and how it may end.
BOMBS = {
    # heap
    "objects": ("const a = []; for (;;) a.push({a: a.length, b: {}})", GROWS),
    "arrays": ("const a = []; for (;;) a.push(new Array(1000).fill(0))", GROWS),
    "one array": ("const a = []; for (;;) a.push(1.5)", GROWS),
    "new Array(2e8).fill": ("new Array(2e8).fill(0)", GROWS),
    "fill 2^31": ("const a = []; a.length = 2 ** 31; a.fill(1)", GROWS),
    "Map": ("const m = new Map(); for (let i = 0;; i++) m.set(i, {})", GROWS),
    "Set of strings": ("const s = new Set(); for (let i = 0;; i++) s.add('k' + i)", GROWS),
    "properties": ("const o = {}; for (let i = 0;; i++) o['p' + i] = i", GROWS),
    "closures": ("let f = () => 0; for (;;) { const g = f; f = () => g }", GROWS),
    "promise storm": ("const a = []; for (;;) a.push(new Promise(() => {}).then(() => {}))", GROWS),
    "microtasks for ever": ("const f = () => { Promise.resolve().then(f) }; f()", {"cpu"}),
    "microtasks that wait for each other": ("const f = () => Promise.resolve().then(f); f()", GROWS),
    "microtasks that grow": ("const f = () => { Promise.resolve().then(f); Promise.resolve().then(f) }; f()", GROWS),
    "weak references": ("const a = []; for (;;) a.push(new WeakRef({}))", GROWS),
    "symbols": ("const a = []; for (let i = 0;; i++) a.push(Symbol.for('s' + i))", GROWS),
    # strings
    "string doubled": ("let s = 'a'; for (;;) s += s", {"error"}),
    "strings kept": ("const a = []; for (let i = 0;; i++) a.push('x'.repeat(1e6) + i)", GROWS),
    "flattened strings": ("const a = []; for (;;) { const s = 'ab'.repeat(1e6); s.charCodeAt(1e5); a.push(JSON.parse(JSON.stringify(s))) }",
                          GROWS),
    "replaceAll 2^28": ("'a'.repeat(2 ** 28).replaceAll('a', 'bb')", GROWS),
    "split 2^27": ("'a'.repeat(2 ** 27).split('')", GROWS),
    "localeCompare 2^28": ("'a'.repeat(2 ** 28).localeCompare('a'.repeat(2 ** 28) + 'b')", GROWS | {"ok"}),
    "normalize 2^27": ("'\\u00e9'.repeat(2 ** 27).normalize('NFD')", GROWS),
    "indexOf 2^28": ("('a'.repeat(2 ** 28)).indexOf('a'.repeat(2 ** 14) + 'b')", GROWS),
    "padEnd": ("const a = []; for (;;) a.push('x'.padEnd(2 ** 28, 'yz'))", GROWS),
    "join": ("new Array(2 ** 28).join('abcdef')", GROWS),
    # what no engine interrupts
    "indexOf on holes": ("Array(2 ** 32 - 2).indexOf(1)", {"cpu"}),
    "indexOf on a length": ("[].indexOf.call({length: 2 ** 53 - 1}, 1)", {"cpu"}),
    "includes on holes": ("Array(2 ** 32 - 2).includes(1)", {"cpu", "ok"}),
    "lastIndexOf": ("[].lastIndexOf.call({length: 2 ** 53 - 1}, 1)", {"cpu"}),
    "reverse of a length": ("[].reverse.call({length: 2 ** 53 - 1})", {"cpu"}),
    "sort": ("const a = []; a.length = 2 ** 31; a[0] = 1; a.sort(() => 0)", GROWS | {"ok"}),
    "BigInt": ("let n = 3n; for (;;) n *= n", GROWS),
    "BigInt to text": ("(2n ** 20000000n).toString().length", GROWS),
    # regular expressions and parsers
    "backtracking": ("/^(a+)+$/.test('a'.repeat(40) + 'b')", {"cpu"}),
    "backtracking by reference": ("/^(([a-z])+.)+[A-Z]([a-z])+$/.test('a'.repeat(60))", {"cpu"}),
    "nested groups": ("new RegExp('('.repeat(100000) + ')'.repeat(100000))", GROWS),
    "a large pattern": ("new RegExp('(?:a{1,1000}){1,1000}'.repeat(100)).test('a'.repeat(1e5))", GROWS | {"ok"}),
    "brackets": ("JSON.parse('['.repeat(1e6))", {"error"}),
    "deep JSON": ("JSON.parse('['.repeat(1e6) + ']'.repeat(1e6))", GROWS | {"ok"}),
    "wide JSON": ("JSON.parse('[' + '[],'.repeat(2e7) + '0]')", GROWS),
    "stringify a cycle of getters": ("const o = {get a() { return o }}; JSON.stringify(o)", {"error"}),
    "stringify deep": ("let o = {}; for (let i = 0; i < 1e6; i++) o = {o}; JSON.stringify(o)", GROWS),
    "parentheses": ("'(".ljust(1000002, "(") + "'; ({}).x.y", {"error"}),
    # control
    "a loop": ("for (;;) ;", {"cpu"}),
    "a loop that catches": ("for (;;) try { for (;;) ; } finally { continue }", {"cpu"}),
    "recursion": ("const f = () => f() + 1; f()", {"error"}),
    "recursion that catches": ("const f = () => { try { f() } finally { f() } }; f()", {"cpu", "error"}),
    "recursion by proxy": ("const p = new Proxy({}, {get: (t, k, r) => r[k]}); p.x", {"error"}),
    "a proxy of proxies": ("let p = {}; for (let i = 0; i < 1e6; i++) p = new Proxy(p, {}); p.x", GROWS),
    "prototypes without end": ("let o = {}; for (let i = 0; i < 1e7; i++) o = Object.create(o); o.x", GROWS | {"ok"}),
    "a generator": ("function* g() { for (;;) yield* [1, 2, 3] } for (const x of g()) ;", {"cpu"}),
    "spread": ("Math.max(...new Array(2 ** 28))", GROWS),
    "apply": ("String.fromCharCode.apply(null, {length: 2 ** 31})", GROWS),
    "a thrown chain": ("const f = e => { throw new Error('x', {cause: e}) }; let e; for (;;) try { f(e) } catch (n) { e = n }", GROWS),
    "Error.stack": ("Error.stackTraceLimit = Infinity; const f = n => n ? f(n - 1) : new Error().stack; for (;;) f(5000)",
                    GROWS),
    # buffers and WebAssembly
    "one buffer of 1 GiB": ("new ArrayBuffer(2 ** 30)", {"error"}),
    "many buffers": ("const a = []; for (;;) a.push(new Uint8Array(2 ** 20).fill(1))", GROWS),
    "buffers dropped": ("for (;;) new ArrayBuffer(2 ** 20)", {"cpu", "error"}),
    "a memory": ("const m = new WebAssembly.Memory({initial: 1}); for (;;) { m.grow(16); new Uint8Array(m.buffer).fill(1) }",
                 GROWS),
    "many memories": ("const a = []; for (;;) a.push(new WebAssembly.Memory({initial: 16}))", GROWS),
    "tables": ("const a = []; for (;;) a.push(new WebAssembly.Table({initial: 1e6, element: 'anyfunc'}))", GROWS),
    "shared buffers": ("const a = []; for (;;) a.push(new Uint8Array(new SharedArrayBuffer(2 ** 20)).fill(1))", GROWS),
    "Atomics.wait": ("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)", {"error", "wall"}),
    # what comes out
    "console floods": ("for (;;) console.log('x'.repeat(1000))", {"cpu", "wall"}),
    "one long line": ("console.log('x'.repeat(2 ** 27)); console.log('y'.repeat(2 ** 27))", GROWS | {"ok"}),
    "a large result": ("'x'.repeat(2 ** 27)", GROWS | {"channel", "ok"}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_script_that_explodes_ends_alone(zygote, neighbours, name):
    text, ends = BOMBS[name]
    end, _ = zygote.run(text, wall_us=5_000_000 if "wall" in ends else 60_000_000)
    assert end in ends
    for ticker in neighbours:
        ticker.check()
    assert zygote.run("export default () => 6 * 7", is_module=True) == ("ok", "42")


# ---- nothing of one tenant reaches the next ----

def test_no_state_is_left_to_the_next(zygote):
    spoil = """globalThis.left = 1; Object.prototype.left = 2; Array.prototype.push = () => 3; Object.freeze(Math);
        String.prototype.split = null; JSON.parse = () => 'mine'; delete globalThis.Promise;
        Object.defineProperty(globalThis, 'console', {value: 4}); ward.left = 5; export default () => globalThis.left"""
    look = """export default () => [typeof left, ({}).left, [1].push(2), Object.isFrozen(Math), 'a b'.split(' ').length,
        JSON.parse('1'), typeof Promise, typeof console.log, ward.left]"""
    before = zygote.run(look, is_module=True)
    assert zygote.run(spoil, is_module=True) == ("ok", "1")
    after = zygote.run(look, is_module=True)
    assert before == after == ("ok", '["undefined",null,2,false,2,1,"function","function",null]')


def test_a_tenants_modules_are_not_there_for_the_next(zygote):
    first = zygote.fork()
    first.send(guests.frame("MODULE", b"/main.js\0import {n} from '/own.js'; export default () => n"),
               guests.frame("MODULE", b"/own.js\0export const n = 'mine'"))
    first.send(guests.frame("RUN", bytes(4)))
    assert first.result() == ("ok", '"mine"')
    second = zygote.fork().script("import {n} from '/own.js'; export default () => n", name="/main.js", is_module=True)
    assert second.result() == ("error", None) and "/own.js" in second.why()


def test_no_two_guests_draw_the_same_numbers(zygote):
    drawn = [zygote.run("export default () => [0, 1, 2].map(Math.random).join()", is_module=True) for _ in range(20)]
    assert all(end == "ok" for end, _ in drawn) and len({numbers for _, numbers in drawn}) == 20
    # One stream is not another one's later part, either.
    long = [zygote.run("export default () => Array.from({length: 1000}, Math.random)", is_module=True)[1][1:-1].split(",")
            for _ in range(4)]
    assert len({number for stream in long for number in stream}) == 4000


def children(zygote):
    pid = zygote.process.pid
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return {int(word) for word in file.read().split()}


def slice_ns(pid):
    """For how long it may keep the processor from others; 0: the kernel does not say (Linux before 6.12)."""
    attr = ctypes.create_string_buffer(48)
    if ctypes.CDLL(None).syscall(SCHED_GETATTR, pid, attr, len(attr), 0):
        return 0
    return struct.unpack_from("<Q", attr, 24)[0]


def test_a_zygote_goes_before_its_guests_and_gives_none_of_that_away(zygote):
    if not slice_ns(os.getpid()):
        pytest.skip("Linux before 6.12 has one slice for all")
    guest, pid = waiting(zygote, "0")
    assert slice_ns(zygote.process.pid) == 100_000
    assert slice_ns(pid) == slice_ns(os.getpid()) > 100_000
    zygote.kill(guest)
    assert guest.result()[0] == "killed"


# ---- forks for requests ----

HANDLER = """let seen = 0; export default (r) => { seen++; if (r === 'loop') for (;;); return {seen, twice: r * 2} }"""


@pytest.fixture(scope="module")
def serving():
    if not os.access(os.path.join(harness.BUILD, "ward-v8"), os.X_OK):
        pytest.skip("this build has no engine (libnode-dev)")
    made = guests.Zygote("--requests")
    yield made
    made.close()


def server(zygote, text=HANDLER, **how):
    guest = zygote.fork(**how)
    guest.send(guests.frame("MODULE", b"/main.mjs\0" + text.encode()), guests.frame("RUN", struct.pack("<I", 1)))
    while not guest.frames:
        assert guest.read(), guest.why()
    assert guest.frames[0][0] == "READY"
    return guest


def fork_that_waits(guest):
    """Its channel and the number it says."""
    ours, theirs = socket.socketpair()
    socket.send_fds(guest.channel, [guests.frame("SERVE")], [theirs.fileno()])
    theirs.close()
    raw = ours.recv(12, socket.MSG_WAITALL)
    assert raw[:8] == guests.frame("WAITS", bytes(4))[:8]
    return ours, struct.unpack("<i", raw[8:])[0]


def ask(fork, request):
    fork.send(guests.frame("REQUEST", request.encode()))
    return fork.result()


def test_each_request_finds_what_the_top_level_left(serving):
    guest = server(serving)
    forks = [serving.adopt(guest, *fork_that_waits(guest)) for _ in range(3)]
    assert [ask(fork, str(n)) for n, fork in enumerate(forks)] == [("ok", f'{{"seen":1,"twice":{2 * n}}}') for n in range(3)]
    assert ask(serving.adopt(guest, *fork_that_waits(guest), cpu_us=50_000), '"loop"') == ("cpu", None)
    late = serving.adopt(guest, *fork_that_waits(guest), cpu_us=0)
    late.send(guests.frame("REQUEST", b'"loop"'))
    serving.kill(late)
    assert late.result() == ("killed", None)
    serving.kill(guest)
    assert guest.result()[0] == "killed"


def test_only_a_fork_that_is_nobody_yet_is_adopted(serving):
    guest, other = server(serving), server(serving)
    ours, pid = fork_that_waits(guest)
    fork = serving.adopt(guest, ours, pid)
    for wrong in (pid, 0, -1, 1, os.getpid(), serving.process.pid):
        made = serving.adopt(guest, socket.socketpair()[0], wrong)
        serving.wait(made)
        assert made.end == "refused No such process", wrong
    ours, pid = fork_that_waits(guest)
    made = serving.adopt(fork, ours.dup(), pid)   # a fork serves nobody
    serving.wait(made)
    assert made.end == "refused No such process"
    assert ask(fork, "3") == ("ok", '{"seen":1,"twice":6}')
    assert ask(serving.adopt(other, ours, pid), "4")[0] == "ok"     # they are one tenant's: whose fork it is is all the same
    for each in (guest, other):
        serving.kill(each)
        assert each.result()[0] == "killed"


def test_a_servers_own_time_is_over_with_its_first_fork(serving):
    """What it uses to fork is no request's and not its top level's."""
    guest = server(serving, cpu_us=30_000)
    for n in range(150):
        assert ask(serving.adopt(guest, *fork_that_waits(guest), cpu_us=1_000_000), str(n))[0] == "ok"
    assert guest.end is None
    serving.kill(guest)
    assert guest.result()[0] == "killed"


def test_a_zygote_of_many_tenants_adopts_nobody(zygote):
    guest = zygote.fork()
    guest.send(guests.frame("SCRIPT", b"/a.js\0 1"), guests.frame("RUN", struct.pack("<I", 1)))
    assert guest.result() == ("channel", None)
    made = zygote.adopt(guest, socket.socketpair()[0], zygote.process.pid)
    zygote.wait(made)
    assert made.end == "refused No such process"


def holds(pid, marker):
    """Does the memory of a process have these bytes anywhere?"""
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            start, end = (int(word, 16) for word in line.split()[0].split("-"))
            if " r" not in line or "[v" in line or end - start > 1 << 30:
                continue
            try:
                memory.seek(start)
                if marker in memory.read(end - start):
                    return True
            except OSError:
                continue
    return False


def waiting(zygote, text):
    """A guest that has run this and then waits for its channel to be read, and its pid."""
    before = children(zygote)
    guest = zygote.fork(cpu_us=0, wall_us=0).script(text + "; for (;;) console.log('.'.repeat(1000))")
    while b"." not in guest.out:
        assert guest.read(), (guest.end, guest.why())
    (pid,) = children(zygote) - before
    return guest, pid


def test_a_guest_that_is_stopped_while_it_waits_goes_on(zygote):
    """As by the pause of a container around it: the kernel goes on with some calls by one of another name."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to stop another user's process")
    before = children(zygote)
    guest = zygote.fork(cpu_us=0, wall_us=0)
    harness.wait_until(lambda: children(zygote) - before, "it is there")
    (pid,) = children(zygote) - before
    harness.wait_until(lambda: harness.stat_of(pid)[1] == "S", "it waits")
    time.sleep(0.2)
    os.kill(pid, signal.SIGSTOP)
    harness.wait_until(lambda: harness.stat_of(pid)[1] == "T", "it is stopped")
    os.kill(pid, signal.SIGCONT)
    guest.script("ward.output(1)")
    assert guest.result() == ("ok", "1"), guest.why()


def test_no_byte_of_one_guest_is_in_the_next_one_or_in_the_zygote(zygote):
    if os.geteuid() != 0:
        pytest.skip("needs root, to read another process's memory")
    marker = secrets.token_hex(16)
    keep = f"globalThis.kept = [...Array(100).keys()].map(i => '{marker}' + i); " \
           f"globalThis.bytes = new Uint8Array([...'{marker}'].map(c => c.charCodeAt(0)))"
    first, first_pid = waiting(zygote, keep)
    second, second_pid = waiting(zygote, "1")       # beside it
    assert holds(first_pid, marker.encode())
    assert not holds(second_pid, marker.encode())
    zygote.kill(first)
    assert first.result()[0] == "killed"
    third, third_pid = waiting(zygote, "1")         # behind it, where its memory may be used again
    assert not holds(third_pid, marker.encode())
    assert not holds(zygote.process.pid, marker.encode())
    for guest in (second, third):
        zygote.kill(guest)
        guest.result()


def test_a_guest_holds_its_channel_and_nothing_else(zygote):
    if os.geteuid() != 0:
        pytest.skip("needs root, to look at another process")
    guest, pid = waiting(zygote, "1")
    assert len(os.listdir(f"/proc/{pid}/fd")) == 1
    status = harness.status_of(pid)
    assert (status["Seccomp"], status["NoNewPrivs"], status["Threads"]) == ("2", "1", "1")
    zygote.kill(guest)
    guest.result()


def resident_file_kib(pid):
    return int(harness.status_of(pid)["RssFile"].split()[0])


def test_a_guest_that_waits_gives_back_what_it_can_have_again(zygote):
    if os.geteuid() != 0:
        pytest.skip("needs root, to look at another process")
    before = children(zygote)
    guest = zygote.fork(cpu_us=0, wall_us=0).script(
        "const f = n => n ? f(n - 1) + 1 : 0, deep = f(5000); const had = ward.input;"
        "ward.output([had, deep, f(5000), 'aXb'.split(/x/i), (1e6).toLocaleString(), Object.keys({a: 1})])", input_='{"n": 7}')
    asked = []
    guest.send, send = asked.append, guest.send      # the answer to its question, kept back
    while not asked:
        assert guest.read(), (guest.end, guest.why())
    (pid,) = children(zygote) - before
    harness.wait_until(lambda: resident_file_kib(pid) < 4096, "the guest to give back its pages of code", 30)
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as file:
        maps = file.read()
    assert "libnode" in maps and "libssl" not in maps and "libcrypto" not in maps and "libuv" not in maps
    send(*asked)
    assert guest.result() == ("ok", '[{"n":7},5000,5000,["a","b"],"1,000,000",["a"]]')


def test_an_owner_that_goes_takes_everybody_along():
    if not os.access(os.path.join(harness.BUILD, "ward-v8"), os.X_OK):
        pytest.skip("this build has no engine (libnode-dev)")
    made = guests.Zygote()
    pids = [waiting(made, "1")[1] for _ in range(3)]
    made.control.close()
    made.process.wait(30)
    harness.wait_until(lambda: not set(pids) & set(harness.descendants()), "the guests to end", 30)
    made.close()


def test_what_is_not_granted_is_not_there():
    if not os.access(os.path.join(harness.BUILD, "ward-v8"), os.X_OK):
        pytest.skip("this build has no engine (libnode-dev)")
    made = guests.Zygote()
    look = "export default () => [typeof WebAssembly, typeof SharedArrayBuffer, typeof Atomics, typeof require, typeof process]"
    assert made.run(look, is_module=True) == ("ok", '["undefined","undefined","undefined","undefined","undefined"]')
    for text in ("eval('1')", "new Function('return 1')()", "(() => {}).constructor('return 1')()",
                 "(async () => {}).constructor('return 1')()"):
        assert made.run(text)[0] == "error", text
    made.close()
