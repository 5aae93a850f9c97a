"""Runs every command block of docs/*.md and compares what it prints with what the document says.

A block that begins with ```sh is run, as it stands, by bash, in a directory that all blocks of one
document share. What it writes to standard output and standard error together must be what the
```output block right behind it says; without one it must write nothing. Other blocks are not run.

What varies from run to run is written in the output as a placeholder:

    <number>    decimal digits                  <address>   0x and hexadecimal digits
    <seconds>   digits, a point, digits         <text>      anything, to the end of the line at most
    <lines>     alone on a line: any number of lines, also none

WARD_BUILD is the directory of the program under test, by default build/src. A host that cannot enforce what the tour
shows skips, and says what is missing.
"""

import difflib
import os
import pathlib
import re
import shutil
import subprocess
from typing import NamedTuple

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WARD = pathlib.Path(os.environ.get("WARD_BUILD", ROOT / "build/src")).resolve() / "ward"
DOCUMENTS = sorted((ROOT / "docs").glob("*.md"))
NEEDED = "cgroup-memory,cgroup-pids,pidns,netns,seccomp,landlock"
SECONDS = 60

PLACEHOLDERS = {"<number>": r"\d+", "<address>": r"0x[0-9a-f]+", "<seconds>": r"\d+\.\d+", "<text>": r".*"}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


class Block(NamedTuple):
    line: int       # of the document
    command: str
    expected: str


def blocks_of(text):
    """The command blocks of a document, each with its output."""
    blocks = []
    end_of_command = None
    for fence in FENCE.finditer(text):
        kind, body = fence[1], fence[2]
        line = text.count("\n", 0, fence.start()) + 1
        if kind == "sh":
            blocks.append(Block(line, body, ""))
            end_of_command = fence.end()
        elif kind == "output":
            assert end_of_command is not None and not text[end_of_command:fence.start()].strip(), \
                f"line {line}: an output block does not follow its command"
            blocks[-1] = blocks[-1]._replace(expected=body)
            end_of_command = None
    return blocks


def pattern_of(expected):
    """The regular expression that an expected output stands for."""
    lines = []
    for line in expected.splitlines():
        if line.strip() == "<lines>":
            lines.append(r"(?:.*\n)*?")
            continue
        parts = re.split("(" + "|".join(PLACEHOLDERS) + ")", line)
        lines.append("".join(PLACEHOLDERS.get(part, re.escape(part)) for part in parts) + r"\n")
    return re.compile("".join(lines))


def is_same(expected, printed):
    if printed and not printed.endswith("\n"):
        printed += "\n"
    return pattern_of(expected).fullmatch(printed) is not None


def run_block(block, directory):
    env = {"PATH": f"{WARD.parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
           "HOME": str(directory), "EXAMPLES": str(ROOT / "examples"), "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    done = subprocess.run(["bash", "-c", block.command], cwd=directory, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
    return done.stdout.decode(errors="replace")


def difference(block, printed):
    lines = difflib.unified_diff(block.expected.splitlines(), printed.splitlines(), "the document", "this run",
                                 lineterm="")
    return f"line {block.line}:\n{block.command}" + "\n".join(lines)


@pytest.fixture(scope="module")
def host():
    if not WARD.exists():
        pytest.fail(f"{WARD} is not built")
    done = subprocess.run([WARD, "run", "--require", NEEDED, "--", "cc", "--version"], capture_output=True, text=True,
                          check=False)
    if done.returncode == 125:
        pytest.skip(f"this host cannot enforce what the tour shows: {done.stderr.strip()}")
    if done.returncode == 127:
        pytest.skip("there is no C compiler")


def need_engine():
    """A document about modules needs what runs and makes them."""
    done = subprocess.run([WARD, "check", "-b", "wasm"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(done.stdout.strip())
    if not shutil.which("clang") or not shutil.which("wasm-ld"):
        pytest.skip("needs clang and wasm-ld (apt-get install clang lld)")


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_prints_what_the_document_says(document, tmp_path):
    tmp_path.chmod(0o755)
    os.umask(0o022)
    blocks = blocks_of(document.read_text(encoding="utf-8"))
    if any("-b wasm" in block.command or "ward plugin" in block.command for block in blocks):
        need_engine()
    if any("ward precompile" in block.command for block in blocks) and not (shutil.which("wasm2c") and (WARD.parent / "libward-wasi.a").exists()):
        pytest.skip("needs wasm2c (apt-get install wabt) and libward-wasi.a")
    if any("ward plugin" in block.command for block in blocks) and not (WARD.parent / "ward-plugin").exists():
        pytest.skip("needs ward-plugin (libsqlite3-dev when it was built)")
    differing = []
    for block in blocks:
        printed = run_block(block, tmp_path)
        if not is_same(block.expected, printed):
            differing.append(difference(block, printed))
    assert not differing, f"{len(differing)} of {len(blocks)} blocks differ\n\n" + "\n\n".join(differing)


def test_there_is_a_tour():
    blocks = blocks_of((ROOT / "docs/tour.md").read_text(encoding="utf-8"))
    assert len(blocks) >= 20 and any("ward run" in block.command for block in blocks)


@pytest.mark.parametrize("expected, printed, same", [
    ("exit 159\n", "exit 159\n", True),
    ("exit 159\n", "exit 0\n", False),
    ("exit 159\n", "exit 159\nand more\n", False),
    ("exit 159\n", "", False),
    ("", "something\n", False),
    ("pid <number>\n", "pid 12\n", True),
    ("pid <number>\n", "pid twelve\n", False),
    ("write(1, <address>, 6)\n", "write(1, 0x55dafb62c2f0, 6)\n", True),
    ("took <seconds> s\n", "took 0.25 s\n", True),
    ("a <text> c\n", "a b b c\n", True),
    ("a <text>\n", "a\nb\n", False),
    ("first\n<lines>\nlast\n", "first\n1\n2\nlast\n", True),
    ("first\n<lines>\nlast\n", "first\nlast\n", True),
    ("first\n<lines>\nlast\n", "first\n1\n", False),
    ("a.c\n", "abc\n", False),
])
def test_a_block_that_differs_is_noticed(expected, printed, same):
    assert is_same(expected, printed) == same


def test_an_output_block_belongs_to_the_command_before_it():
    text = "```sh\ntrue\n```\n\n```sh\necho a\n```\n```output\na\n```\n\n```yaml\nx: 1\n```\n"
    assert [(b.line, b.command, b.expected) for b in blocks_of(text)] == [(1, "true\n", ""), (5, "echo a\n", "a\n")]
