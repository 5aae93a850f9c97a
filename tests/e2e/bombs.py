"""WebAssembly modules that want to take the engine, the box or the host with them."""
import random

from modules import (DROP, EXIT, LOOP_FOR_EVER, MAGIC, UNREACHABLE, WASI, call, const, leb, module, section, text, vector)

TYPE = section(1, [b"\x60\0\0"])
ALL_ONES = b"\xff\xff\xff\xff\x0f"     # 2^32-1
OPEN = (WASI, "path_open", "iiiiiIIii", True)
WRITE = (WASI, "fd_write", "iiii", True)
READ = (WASI, "fd_read", "iiii", True)
RANDOM = (WASI, "random_get", "ii", True)
POLL = (WASI, "poll_oneoff", "iiii", True)
YIELD = (WASI, "sched_yield", "", True)


def raw(number, body):
    return bytes([number]) + leb(len(body)) + body


def forever(body):
    return b"\x03\x40" + body + b"\x0c\x00\x0b"


def functions(n, body=b"\x0b"):
    """n functions, the first of them _start."""
    code = leb(len(body) + 1) + b"\0" + body
    return (MAGIC + TYPE + raw(3, leb(n) + b"\0" * n) + section(7, [text("_start") + b"\0\0"]) + raw(10, leb(n) + code * n))


def one(body, more=b"", before_code=b""):
    """One function of these bytes, locals included; more: sections between function and export."""
    return (MAGIC + TYPE + section(3, [b"\0"]) + more + section(7, [text("_start") + b"\0\0"]) + before_code +
            section(10, [leb(len(body)) + body]))


def noise():
    return MAGIC + random.Random(1).randbytes(100_000)


def blocks(depth):
    return one(b"\0" + b"\x02\x40" * depth + b"\x0b" * (depth + 1))


def branch_table(n, there):
    return one(b"\0" + const(0) + b"\x0e" + leb(n) + b"\0" * there + b"\0" + b"\x0b")


def local_groups(n, each):
    return one(leb(n) + (leb(each) + b"\x7f") * n + b"\x0b")


def chain(n):
    """1 + 1 + 1 ... on an operand stack that grows first."""
    return one(b"\0" + const(1) * n + b"\x6a" * (n - 1) + DROP + b"\x0b")


def table(entries):
    return one(b"\0\x0b", raw(4, b"\1\x70\0" + leb(entries)))


def indirect(n):
    """Calls itself by way of a table, for ever."""
    return one(b"\0" + const(0) + b"\x11\0\0" + b"\x0b", raw(4, b"\1\x70\0" + leb(n)),
               raw(9, b"\1\0" + const(0) + b"\x0b" + vector([b"\0"])))


def wide_frames():
    return one(b"\1" + leb(40_000) + b"\x7e" + b"\x10\0" + b"\x0b")


def globals_(n):
    return one(b"\0\x0b", raw(6, leb(n) + (b"\x7f\0" + const(0) + b"\x0b") * n))


def imports(n):
    entry = text(WASI) + text("sched_yield") + b"\0\0"
    return (MAGIC + raw(1, b"\2\x60\0\1\x7f\x60\0\0") + raw(2, leb(n) + entry * n) + section(3, [b"\1"]) +
            section(7, [text("_start") + b"\0" + leb(n)]) + section(10, [b"\2\0\x0b"]))


def data_at(offset, declared=None):
    body = b"\1\0" + const(offset) + b"\x0b" + (leb(declared) if declared else leb(4)) + b"data"
    return module() + raw(11, body)


def segments(n):
    return module() + raw(11, leb(n) + (b"\0" + const(0) + b"\x0b\0") * n)


def floods(fd):
    vectors = (64).to_bytes(4, "little") + (65536 - 64).to_bytes(4, "little")
    return module(forever(const(fd) + const(0) + const(1) + const(48) + call(0) + DROP), [WRITE], data=vectors)


def grows():
    return module(forever(const(1) + b"\x40\0" + DROP))


def opens():
    """Opens its directory until that fails, and exits with the error number."""
    body = const(3) + const(0) + const(100) + const(1) + const(2) + b"\x42\0\x42\0" + const(0) + const(32) + call(1)
    return module(b"\x03\x40" + body + b"\x22\0\x45\x0d\0\x0b\x20\0" + call(0), [EXIT, OPEN], data=bytes(100) + b".", locals_=1)


def sleeps():
    """Half of 2^64 nanoseconds of the monotonic clock."""
    subscription = bytes(16) + (1).to_bytes(8, "little") + (1 << 63).to_bytes(8, "little") + bytes(16)
    return module(const(32) + const(128) + const(1) + const(192) + call(0) + DROP, [POLL], data=bytes(32) + subscription)


def answers(body, *what):
    """Exits with what the call answers."""
    return module(body + call(1) + call(0), [EXIT, *what])


class Bomb:
    """code: of ward; message: part of the one line on standard error; verdict: of the result."""

    def __init__(self, name, made, code, message="", verdict=None, options=()):
        self.name, self.made, self.code, self.message, self.verdict, self.options = name, made, code, message, verdict, options

    def bytes(self):
        return self.made() if callable(self.made) else self.made


VALID = module(const(7) + call(0), [EXIT], data=b"data")
BOMBS = [
    # no module
    *(Bomb(f"cut at {n}", VALID[:n], 126) for n in range(1, len(VALID), len(VALID) // 6)),
    Bomb("noise", noise, 126),
    Bomb("zeros", MAGIC + bytes(100_000), 126),
    Bomb("section of 4 GiB", MAGIC + b"\1" + ALL_ONES, 126),
    Bomb("section that ends early", MAGIC + b"\1\4\1\x60", 126),
    Bomb("number without end", MAGIC + b"\1" + b"\x80" * 1000, 126),
    Bomb("name of 4 GiB", MAGIC + raw(0, ALL_ONES + b"x"), 126),
    Bomb("sections in no order", MAGIC + section(3, [b"\0"]) + TYPE, 126),
    Bomb("code without functions", MAGIC + section(10, [b"\2\0\x0b"]), 126),
    # large numbers, with nothing behind them
    Bomb("2^32-1 types", MAGIC + raw(1, ALL_ONES), 126),
    Bomb("2^32-1 functions", MAGIC + TYPE + raw(3, ALL_ONES), 126),
    Bomb("2^32-1 imports", MAGIC + TYPE + raw(2, ALL_ONES), 126),
    Bomb("2^32-1 exports", MAGIC + TYPE + raw(7, ALL_ONES), 126),
    Bomb("2^32-1 locals", lambda: one(b"\1" + ALL_ONES + b"\x7f\x0b"), 126, "local count"),
    Bomb("2^32-1 locals in parts", lambda: local_groups(1000, 1 << 24), 126, "local count"),
    Bomb("2^32-1 branches", lambda: branch_table(0xffffffff, 10), 126),
    Bomb("2^32-1 in a table", lambda: table(0xffffffff), 126),
    Bomb("data of 4 GiB", lambda: data_at(0, 0xffffffff), 126),
    Bomb("data beyond the memory", lambda: data_at(1 << 20), 126, "data segment"),
    Bomb("memory of 2^32-1 pages", lambda: MAGIC + raw(5, b"\1\0" + ALL_ONES), 126),
    # large numbers, with everything behind them
    Bomb("100,000 functions", lambda: functions(100_000), 0),
    Bomb("1,000,001 functions", lambda: functions(1_000_001), 126, "exceeds internal limit"),
    Bomb("100,000 nested blocks", lambda: blocks(100_000), 0),
    Bomb("60,000 branches", lambda: branch_table(60_000, 60_000), 0),
    Bomb("70,000 branches", lambda: branch_table(70_000, 70_000), 126),
    Bomb("50,000 locals", lambda: local_groups(1, 50_000), 0),
    Bomb("an operand stack of 100,000", lambda: chain(100_000), 0),
    Bomb("a function of 8 MB", lambda: one(b"\0" + b"\x01" * (8 << 20) + b"\x0b"), 126, "size"),
    Bomb("a table of 10,000,000", lambda: table(10_000_000), 0),
    Bomb("a table of 10,000,001", lambda: table(10_000_001), 126),
    Bomb("100,000 globals", lambda: globals_(100_000), 0),
    Bomb("200,000 imports", lambda: imports(200_000), 126),
    Bomb("90,000 data segments", lambda: segments(90_000), 0),
    # what runs
    Bomb("recursion", module(call(0)), 134, "Maximum call stack"),
    Bomb("recursion with 320 KB frames", wide_frames, 134, "Maximum call stack"),
    Bomb("recursion by a table", lambda: indirect(10), 134, "Maximum call stack"),
    Bomb("recursion at the start", module(call(0), start=True), 126, "Maximum call stack"),
    Bomb("a trap at the start", module(UNREACHABLE, start=True), 126, "unreachable"),
    Bomb("a loop", module(LOOP_FOR_EVER), 124, verdict="limit.cpu", options=("--cpu", "1s")),
    Bomb("a loop at the start", module(LOOP_FOR_EVER, start=True), 124, verdict="limit.cpu", options=("--cpu", "1s")),
    Bomb("a loop of calls", module(forever(call(0) + DROP), [YIELD]), 124, verdict="limit.cpu", options=("--cpu", "1s")),
    Bomb("a loop that grows", grows, 124, verdict="limit.cpu", options=("--cpu", "1s")),
    Bomb("floods standard output", lambda: floods(1), 124, verdict="limit.output", options=("--set", "limits.output=1M")),
    Bomb("floods standard error", lambda: floods(2), 124, verdict="limit.output", options=("--set", "limits.output=1M")),
    Bomb("sleeps for ever", sleeps, 124, verdict="limit.wall", options=("--wall", "1s")),
    Bomb("opens without end", opens, 33),                                                                    # ENFILE or EMFILE
    Bomb("polls 2^32-1 events", answers(const(0) + const(0) + const(-1) + const(0), POLL), 28),              # EINVAL
    Bomb("4 GiB of random bytes", answers(const(0) + const(-1), RANDOM), 21),                                # EFAULT
    Bomb("a vector of 2^32-1", answers(const(0) + const(0) + const(-1) + const(0), READ), 28),
    Bomb("a vector that overflows", answers(const(1) + const(-8) + const(2) + const(0), WRITE), 21),
]
