#!/usr/bin/env python3
"""Compiles every header alone: headers.py [CC]. Exit status 1 when one does not compile, is no
`#pragma once`, or does not stand first in its own .c file."""

import pathlib
import subprocess
import sys


def offences(src: pathlib.Path, cc: str):
    for header in sorted(src.rglob("*.h")):
        path = header.relative_to(src).as_posix()
        include = f'#include "{path}"\n'
        if "\n#pragma once\n" not in header.read_text(encoding="utf-8"):
            yield f"{header}: no #pragma once"
        own = header.with_suffix(".c")
        if own.exists():
            includes = [s for s in own.read_text().splitlines() if s.startswith("#include")]
            if f'#include "{path}"' in includes and includes[0] != f'#include "{path}"':
                yield f"{own}: its own header does not come first"
        words = [*cc.split(), "-std=gnu17", "-D_GNU_SOURCE", f"-I{src}", "-fsyntax-only", "-x", "c", "-"]
        done = subprocess.run(words, input=include, text=True, capture_output=True, check=False)
        if done.returncode:
            yield f"{header}: does not compile alone: {done.stderr.splitlines()[0]}"


if __name__ == "__main__":
    root = pathlib.Path(__file__).parent.parent / "src"
    found = list(offences(root, sys.argv[1] if sys.argv[1:] else "cc"))
    print("\n".join(found) if found else "headers: each compiles alone")
    sys.exit(1 if found else 0)
