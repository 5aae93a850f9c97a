"""WebAssembly modules by hand: just enough of the binary format for what no compiler would write."""

I32, I64 = b"\x7f", b"\x7e"
LETTERS = {"i": I32, "I": I64}
MAGIC = b"\0asm\1\0\0\0"


def leb(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def sleb(n):
    out = b""
    while not -64 <= n < 64:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n & 127])


def vector(items):
    return leb(len(items)) + b"".join(items)


def section(number, items):
    body = vector(items)
    return bytes([number]) + leb(len(body)) + body


def text(name):
    return leb(len(name.encode())) + name.encode()


def const(n):
    return b"\x41" + sleb(n)


def call(n):
    return b"\x10" + leb(n)


DROP, UNREACHABLE, LOOP_FOR_EVER = b"\x1a", b"\x00", b"\x03\x40\x0c\x00\x0b"


def module(body=b"", imports=(), pages=1, export="_start", start=False, data=b"", locals_=0):
    """One function with this body, and one memory. imports: ("module", "name", "iI", has a result); they are
    functions 0, 1, ... and the one that is made comes after them. data lies at 0; locals_ of 32 bits."""
    types = [b"\x60" + vector([LETTERS[c] for c in words]) + vector([I32] if result else [])
             for _, _, words, result in imports] + [b"\x60\0\0"]
    own = len(imports)
    code = (b"\1" + leb(locals_) + I32 if locals_ else b"\0") + body + b"\x0b"
    out = MAGIC + section(1, types)
    if imports:
        out += section(2, [text(space) + text(name) + b"\0" + leb(i) for i, (space, name, _, _) in enumerate(imports)])
    out += section(3, [leb(own)]) + section(5, [b"\0" + leb(pages)])
    exports = [text("memory") + b"\2\0"] + ([text(export) + b"\0" + leb(own)] if export else [])
    out += section(7, exports)
    if start:
        out += b"\x08" + leb(len(leb(own))) + leb(own)
    out += section(10, [leb(len(code)) + code])
    if data:
        out += section(11, [b"\0" + const(0) + b"\x0b" + leb(len(data)) + data])
    return out


WASI = "wasi_snapshot_preview1"
EXIT = (WASI, "proc_exit", "i", False)
