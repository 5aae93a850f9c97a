#!/usr/bin/env python3
"""Fills the tables of man pages: manpages.py WARD PAGE OUT, or manpages.py --check WARD PAGE...

A line `.\\" table: NAME` is replaced by what `WARD completion man NAME` prints, so that a page cannot
disagree with the program. --check formats each filled page and fails on any warning.
"""

import pathlib
import re
import subprocess
import sys

TABLE = re.compile(r'^\.\\" table: (\w+)\n', re.M)


def filled(ward: str, page: pathlib.Path) -> str:
    def table(match: re.Match) -> str:
        words = [ward, "completion", "man", match[1]]
        return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE).stdout

    return TABLE.sub(table, page.read_text(encoding="utf-8"))


def warnings(text: str) -> str:
    words = ["groff", "-mdoc", "-ww", "-Tutf8", "-rLL=80n", "-z"]
    done = subprocess.run(words, input=text, text=True, capture_output=True, check=False)
    return done.stderr


def check(ward: str, pages: list[str]) -> int:
    failed = 0
    for name in pages:
        page = pathlib.Path(name)
        text = filled(ward, page)
        found = warnings(text)
        section = page.suffix[1:]
        if f".Dt {page.stem.upper()} {section}\n" not in text:
            found += f"the title is not {page.stem.upper()} {section}\n"
        if found:
            failed += 1
            print(f"{page}: {found}", end="")
    print(f"manpages: {len(pages) - failed} of {len(pages)} without warnings")
    return 1 if failed else 0


def main() -> int:
    if sys.argv[1] == "--check":
        return check(sys.argv[2], sys.argv[3:])
    ward, page, out = sys.argv[1:]
    pathlib.Path(out).write_text(filled(ward, pathlib.Path(page)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
