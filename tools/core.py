#!/usr/bin/env python3
"""Counts the trusted core, the code that may run with privilege: core.py [-v] [ROOT].

What counts: physical lines of code, without blank lines and lines that are only comment; headers and
tables count, once. Exit status 1 when there are more than LIMIT.
"""

import pathlib
import re
import sys

LIMIT = 3000
# Code that ever holds a right over the host: the monitor's side outside the box, the mechanisms it uses,
# the verifier, and the one file of base it needs.
CORE = ("src/monitor/*.[ch]", "src/mech/*.[ch]", "src/model/plan_verify.c", "src/base/err.[ch]")
# Runs with no more rights over the host than any user has: in the box's own user namespace, or after the
# change of identity with CAP_SETPCAP alone. Counted apart: a mistake here weakens a box, not the host.
BOX = ("src/monitor/walk.[ch]", "src/monitor/guest.c", "src/monitor/init.c", "src/mech/landlock.[ch]",
       "src/mech/seccomp.[ch]", "src/mech/net.[ch]")
# ward's own end of the channel; what only looks, for ward, doctor and the analysis commands.
NOT = ("src/monitor/client.*", "src/monitor/send.*", "src/mech/probe*", "src/mech/seccomp_get.*")
# Comments, but not what looks like one inside a text or a character.
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(match: re.Match) -> str:
    text = match[0]
    return "\n" * text.count("\n") if text.startswith("/") else text


def count(text: str) -> int:
    return sum(1 for line in TOKEN.sub(blank, text).splitlines() if line.strip())


def lines_of(root: pathlib.Path, patterns: tuple) -> dict:
    files = sorted({p for pattern in patterns for p in root.glob(pattern)})
    return {p.relative_to(root).as_posix(): count(p.read_text(encoding="utf-8")) for p in files}


def main() -> int:
    words = [w for w in sys.argv[1:] if w != "-v"]
    root = pathlib.Path(words[0]) if words else pathlib.Path(__file__).parent.parent
    box = lines_of(root, BOX)
    apart = {*box, *lines_of(root, NOT)}
    core = {path: n for path, n in lines_of(root, CORE).items() if path not in apart}
    if "-v" in sys.argv:
        for path, n in {**core, **box}.items():
            print(f"{n:5} {'box ' if path in box else 'host'} {path}")
    total = sum(core.values())
    print(f"core: {total} lines of code that may hold a right over the host, at most {LIMIT} "
          f"(no blank lines, no comments); {sum(box.values())} more run inside the box")
    return 1 if total > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
