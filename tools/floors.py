#!/usr/bin/env python3
"""Checks who includes whom (ARCHITECTURE.md, section 2): floors.py [--headers CC] [SRC].

--headers compiles every header alone as well. Lists offenders; exit status 1 when there are any.
"""

import pathlib
import re
import subprocess
import sys

# Folder -> what it may include besides itself: folders, or single headers.
MAY = {
    "base": [],
    "model": ["base"],
    "mech": ["base"],  # not model: mechanisms take numbers and strings, and are audited alone
    "probe": [],  # runs inside boxes and knows nothing of ward
    "monitor": ["base", "model", "mech"],
    "boundary": ["base", "model"],  # pure; host programs: see HOST
    "broker": ["base", "model"],
    "store": ["base", "model"],
    "judge": ["base", "model", "boundary"],
    "engine": ["base", "model", "boundary", "broker", "store", "monitor/client.h"],
    "api": ["base", "model", "store", "engine"],
    "oci": ["base", "model", "boundary", "engine"],
}
MAY["cmd"] = [*MAY]  # the only place that ties the rest together
HOST = re.compile(r"boundary/(microvm/vmm\w*|\w+/host)\.c")  # programs of their own: mech as well
INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')
GENERATED = re.compile(r"\w+\.inc")  # made at build time, beside the file that includes it


def refusal(path: str, target: str) -> str | None:
    """Why the file src/path may not include target; None when it may."""
    folder, _, rest = target.partition("/")
    own = path.split("/")[0]
    if not rest:
        return None if GENERATED.fullmatch(target) else "is not included by folder from src/"
    if folder not in MAY:
        return f"is in {folder}, which has no floor: add a row to tools/floors.py"
    if own == folder == "boundary" and "/" in rest and path.split("/")[1] != rest.split("/")[0]:
        return "belongs to another boundary"
    extra = ["mech"] if HOST.fullmatch(path) else []
    if folder == own or folder in MAY[own] + extra or target in MAY[own]:
        return None
    return f"is not below {own}"


def offences(src: pathlib.Path, headers_cc: str | None):
    for file in sorted(p for p in src.rglob("*") if p.suffix in (".c", ".h", ".cc", ".def")):
        path = file.relative_to(src).as_posix()
        if path.split("/")[0] not in MAY:
            yield f"{file}: its folder has no floor: add a row to tools/floors.py"
            continue
        text = file.read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            include = INCLUDE.match(line)
            if include and (why := refusal(path, include[1])):
                yield f"{file}:{number}: {include[1]} {why}"
        if file.suffix == ".h" and "\n#pragma once\n" not in "\n" + text:
            yield f"{file}: no #pragma once"
        if file.suffix == ".h" and headers_cc:
            yield from alone(src, file, headers_cc)


def alone(src: pathlib.Path, header: pathlib.Path, cc: str):
    command = [*cc.split(), "-std=gnu17", "-D_GNU_SOURCE", f"-I{src}", "-fsyntax-only", "-x", "c", "-"]
    source = f'#include "{header.relative_to(src).as_posix()}"\n'
    done = subprocess.run(command, input=source, text=True, capture_output=True, check=False)
    if done.returncode:
        yield f"{header}: does not compile alone: {done.stderr.splitlines()[0]}"


def main() -> int:
    words = sys.argv[1:]
    headers_cc = words.pop(words.index("--headers") + 1) if "--headers" in words else None
    roots = [w for w in words if w != "--headers"]
    root = pathlib.Path(__file__).parent.parent / "src"
    found = list(offences(pathlib.Path(roots[0]) if roots else root, headers_cc))
    print("\n".join(found) if found else "floors: every include goes down")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
