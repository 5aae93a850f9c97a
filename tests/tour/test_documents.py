"""Holds the documents to the source: lists that exist twice are compared, names that are mentioned must exist."""

import os
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
BEGIN, END = "<!-- residuals: begin", "<!-- residuals: end -->"


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def rows_of(path, macro):
    """The arguments of each row of a .def file."""
    return [re.findall(r'"[^"]*"|[^\s,()]+', row) for row in re.findall(rf"^{macro}\((.*)\)", read(path), re.M)]


def cells(document, heading):
    """The first column of every table row in one section."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", read(document), re.M | re.S)[1]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_the_table_of_layers_is_that_of_the_source():
    layers = [(row[1].strip('"'), row[2].strip('"')) for row in rows_of("src/model/layer.def", "LAYER")]
    assert [(row[0], row[1]) for row in cells("SECURITY.md", "4. Layers")] == layers


def test_the_table_of_operations_is_that_of_the_source():
    operations = {}
    for row in rows_of("src/model/plan_ops.def", "OP"):
        operations.setdefault((row[2], row[3].lower()), []).append(row[1].strip('"'))
    table = {(row[0], row[1]): re.split(r",\s*", row[2]) for row in cells("ARCHITECTURE.md", "5. The plan")}
    assert list(table.items()) == list(operations.items())


def residuals():
    """Rows of the table in the source: operation, layer, reason."""
    text = read("src/judge/residual.c")
    layers = {row[0]: row[1].strip('"') for row in rows_of("src/model/layer.def", "LAYER")}
    found = re.findall(r'\{\s*"([\w-]+)",\s*LAYER_(\w+),\s*((?:"(?:\\.|[^"\\])*"\s*)+)\}', text)
    return [(name, layers[layer], "".join(re.findall(r'"((?:\\.|[^"\\])*)"', reason))) for name, layer, reason in found]


def residual_table():
    rows = [f"| {name} | {layer} | {reason} |" for name, layer, reason in residuals()]
    return "\n".join(["| operation | only layer | why that is accepted |", "|---|---|---|", *rows])


def test_the_table_of_residuals_is_that_of_the_source():
    """WARD_WRITE_DOCUMENTS=1 writes it anew."""
    text = read("SECURITY.md")
    at = text.index("-->\n", text.index(BEGIN)) + len("-->\n")
    wanted = residual_table() + "\n"
    if os.environ.get("WARD_WRITE_DOCUMENTS"):
        text = text[:at] + wanted + text[text.index(END):]
        (ROOT / "SECURITY.md").write_text(text, encoding="utf-8")
    assert text[at:text.index(END)] == wanted


def known_tests():
    files = [p for p in (ROOT / "tests").rglob("*.py") if p.name.startswith("test_")]
    return set(re.findall(r"^def (test_\w+)", "\n".join(p.read_text(encoding="utf-8") for p in files), re.M))


def test_every_test_that_is_mentioned_exists():
    mentioned = {name for path in DOCUMENTS for name in re.findall(r"`(test_\w+)`", path.read_text(encoding="utf-8"))}
    assert not mentioned - known_tests()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8"))
    local = [link for link in links if not re.match(r"\w+:", link)]
    assert not [link for link in local if not (document.parent / link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_is_mentioned_exists(document):
    words = re.findall(r"`((?:src|tools|tests|bench|docs|examples|policies)/[\w./-]+)`", document.read_text(encoding="utf-8"))
    missing = [word for word in words if "NAME" not in word and not (ROOT / word).exists()]
    assert not missing


def test_the_architecture_can_be_read_in_one_go():
    assert len(read("ARCHITECTURE.md").splitlines()) <= 250
