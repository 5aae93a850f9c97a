#!/usr/bin/env python3
"""Counts the trusted core, the code that may run with privilege: core.py [-v] [ROOT].

What counts: physical lines of code, without blank lines and lines that are only comment; headers and
tables count, once. Exit status 1 when there are more than LIMIT.
"""

import pathlib
import re
import sys

LIMIT = 3000
# What ward-monitor and a keeper link. client.* is ward's end; probe_try* is doctor's.
CORE = ("src/monitor/*.[ch]", "src/mech/*.[ch]", "src/model/plan_verify.c",
        "src/base/err.[ch]", "src/base/fd.[ch]")
NOT = ("src/monitor/client.*", "src/mech/probe_try*")
# Comments, but not what looks like one inside a text or a character.
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(match: re.Match) -> str:
    text = match[0]
    return "\n" * text.count("\n") if text.startswith("/") else text


def count(text: str) -> int:
    return sum(1 for line in TOKEN.sub(blank, text).splitlines() if line.strip())


def main() -> int:
    words = [w for w in sys.argv[1:] if w != "-v"]
    root = pathlib.Path(words[0]) if words else pathlib.Path(__file__).parent.parent
    files = sorted({p for pattern in CORE for p in root.glob(pattern)})
    lines = {}
    for file in files:
        path = file.relative_to(root)
        if not any(path.match(pattern) for pattern in NOT):
            lines[path] = count(file.read_text(encoding="utf-8"))
    if "-v" in sys.argv:
        for path, n in lines.items():
            print(f"{n:5} {path}")
    total = sum(lines.values())
    print(f"core: {total} lines of code in {len(lines)} files, at most {LIMIT} (no blank lines, no comments)")
    return 1 if total > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
