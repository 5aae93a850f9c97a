#!/usr/bin/env python3
"""Checks the budgets of STYLE.md: sizes.py [ROOT]. Lists offenders; exit status 1 when there are any.

Tables (.def) have no limit: they grow with the kernel, not with our cleverness.
"""

import pathlib
import sys

FUNCTION = 60  # lines between the braces, in column 0 as clang-format puts them, braces included
FILES = {".c": 600, ".cc": 600, ".h": 120}
# The two nouns of the program: one struct and all that is done to it, in one place.
WIDER = {"src/model/plan.h": 200, "src/model/policy.h": 200}
FOLDERS = ("src", "tests", "bench")
# A test is a table with a loop behind it, and its fixtures are hosts and policies written out.
TESTS = 1.8  # times what the source may have


def functions(lines: list[str]):
    """Yields (line of the name, its text, length) for every function."""
    start = 0
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            name = start - 1
            while name > 1 and lines[name - 1].startswith(("\t", " ")):
                name -= 1  # the arguments go over several lines
            yield name, lines[name - 1], number - start + 1
            start = 0


def offences(root: pathlib.Path):
    for folder in FOLDERS:
        for file in sorted(p for p in (root / folder).rglob("*") if p.suffix in FILES):
            lines = file.read_text(encoding="utf-8").splitlines()
            path = file.relative_to(root).as_posix()
            times = TESTS if folder == "tests" else 1
            limit = int(WIDER.get(path, FILES[file.suffix]) * times)
            if len(lines) > limit:
                yield f"{path}: {len(lines)} lines, at most {limit}"
            for number, text, length in functions(lines):
                if length > FUNCTION * times:
                    yield f"{path}:{number}: {length} lines, at most {int(FUNCTION * times)}: {text}"


def main() -> int:
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent
    found = list(offences(root))
    print("\n".join(found) if found else "sizes: every function and file fits")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
