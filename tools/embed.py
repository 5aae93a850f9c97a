#!/usr/bin/env python3
"""Writes YAML files as rows EMBED("stem", "text", "bare") for a C file to include: embed.py OUT FILE...
embed.py --files OUT FILE... writes any text files as rows EMBED("name", "text", "first half of its SHA-256").

bare is the text without comments, with the same lines and columns: libyaml looks at every character
of a comment, which would be half the time that reading a built-in policy takes. Our own files have
no '#' inside a text that goes over several lines; tests/unit/model/policy_builtin.c compares both.
"""

import hashlib
import pathlib
import re
import sys

# A comment begins at the start of a line or after a blank, outside quotes (YAML 1.2, 6.6).
BEFORE_COMMENT = re.compile(r"""((?:"[^"]*"|'[^']*'|[^#"'\n]|(?<=[^ \n])\#)*)""")


def literal(line: str) -> str:
    """One C string literal; a question mark is escaped because "??=" would be a trigraph."""
    out = []
    for c in line:
        if c in '"\\?':
            out.append("\\" + c)
        elif c == "\n":
            out.append("\\n")
        elif " " <= c <= "~":
            out.append(c)
        else:
            out.extend(f"\\{b:03o}" for b in c.encode())
    return '\t"' + "".join(out) + '"\n'


def quoted(lines: list[str]) -> str:
    return "".join(map(literal, lines))


def bare(line: str) -> str:
    return BEFORE_COMMENT.match(line).group(1).rstrip() + "\n"


def whole(path: pathlib.Path) -> str:
    text = path.read_text(encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    return f'EMBED("{path.name}",\n{quoted(text.splitlines(keepends=True))}\t, "{digest}")\n'


def write(out: str, rows: list[str]) -> None:
    pathlib.Path(out).write_text("/* Made by tools/embed.py. */\n" + "".join(rows), encoding="ascii")


def main() -> None:
    if sys.argv[1] == "--files":
        write(sys.argv[2], [whole(pathlib.Path(name)) for name in sys.argv[3:]])
        return
    rows = []
    for name in sys.argv[2:]:
        path = pathlib.Path(name)
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        rows.append(f'EMBED("{path.stem}",\n{quoted(lines)}\t,\n{quoted(list(map(bare, lines)))})\n')
    write(sys.argv[1], rows)


main()
