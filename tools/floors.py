#!/usr/bin/env python3
"""Checks who includes whom (ARCHITECTURE.md, section 2): floors.py [SRC]. Exit status 1 on offenders."""

import pathlib
import re
import sys

# Folder -> what it may include besides itself: folders, or single headers.
MAY = {
    "base": [],
    "model": ["base"],
    "mech": ["base"],  # not model: mechanisms take numbers and strings, and are audited alone
    "probe": ["model/layer.h"],  # runs inside boxes; of ward it knows the names of layers
    "monitor": ["base", "model", "mech"],
    "boundary": ["base", "model"],  # pure; host programs: see HOST
    "broker": ["base", "model"],
    "store": ["base", "model"],
    "isolate": ["base"],  # what a guest of the engine, its zygote and its owner say to each other
    "wasi": ["base"],  # hostile bytes in, kernel calls out; no idea of engines or policies
    "wasm": ["base"],  # the seam between engines and host functions, and what a module says of itself
    "plugin": ["base", "model", "wasm"],  # plug-ins: the host's library, and the worker's functions
    "module": ["base", "mech", "wasi", "wasm", "model/engine_calls.def"],  # the process of a module with WASI, for any engine
    # the engine of a module that was compiled, and the rest of its process
    "aot": ["base", "mech", "wasm", "module", "plugin/serve.h", "plugin/compiled_calls.def"],
    # the engine's process, a program of its own
    "v8": ["base", "mech", "wasi", "wasm", "module", "plugin/serve.h", "isolate", "model/engine_calls.def", "model/guest_calls.def",
           "probe/probe.h"],
    "format": ["base", "model"],  # peers' formats, both ways; pure
    "judge": ["base", "model", "boundary", "probe/attempt.h", "probe/guest.def", "wasi/calls.def",
              "wasi/errno.def"],  # the tables of attempts, and what a guest can call
    "explain": ["base", "model", "boundary", "judge", "serve/config.h", "serve/order.h", "serve/frame.h", "serve/herald.h"],  # pure
    "engine": ["base", "model", "boundary", "broker", "store", "isolate", "monitor/client.h"],
    "serve": ["base", "model", "store", "isolate"],  # the service: what its processes say to each other; see RUNNER
    "remote": ["base", "serve/base64.h"],  # the service from outside: every byte of an answer may be hostile
    "herald": ["base", "model", "mech", "serve/herald.h"],  # connects to whatever a webhook names; holds nothing
    "api": ["base", "model", "mech", "store", "serve"],  # the front: every byte of a client's
    "oci": ["base", "model", "boundary", "engine"],
}
MAY["cmd"] = [*MAY]  # the only place that ties the rest together
HOST = re.compile(r"boundary/(microvm/vmm\w*|\w+/host)\.c")  # programs of their own: mech as well
RUNNER = re.compile(r"serve/(launcher|runner)\w*\.[ch]")  # the side that holds boxes
INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')


def refusal(path: str, target: str) -> str | None:
    """Why the file src/path may not include target; None when it may."""
    own, folder, rest = path.split("/")[0], *target.partition("/")[::2]
    if not rest:  # made at build time, beside the file that includes it
        return None if target.endswith(".inc") else "is not included by folder from src/"
    if folder not in MAY:
        return f"is in {folder}, which has no floor: add a row to tools/floors.py"
    if own == folder == "boundary" and "/" in rest and path.split("/")[1] != rest.split("/")[0]:
        return "belongs to another boundary"
    may = MAY[own] + [own] + (["mech"] if HOST.fullmatch(path) else [])
    may += ["boundary", "engine", "monitor/client.h", "mech/cgroup.h", "mech/net.h"] if RUNNER.fullmatch(path) else []
    return None if folder in may or target in may else f"is not below {own}"


def offences(src: pathlib.Path):
    for file in sorted(p for p in src.rglob("*") if p.suffix in (".c", ".h", ".cc", ".hh", ".def")):
        path = file.relative_to(src).as_posix()
        if path.split("/")[0] not in MAY:
            yield f"{file}: its folder has no floor: add a row to tools/floors.py"
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            include = INCLUDE.match(line)
            if include and (why := refusal(path, include[1])):
                yield f"{file}:{number}: {include[1]} {why}"


if __name__ == "__main__":
    default = pathlib.Path(__file__).parent.parent / "src"
    found = list(offences(pathlib.Path(sys.argv[1]) if sys.argv[1:] else default))
    print("\n".join(found) if found else "floors: every include goes down")
    sys.exit(1 if found else 0)
