"""Holds the documents to the source: lists that exist twice are compared, names that are mentioned must exist."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
BEGIN, END = "<!-- residuals: begin", "<!-- residuals: end -->"


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def rows_of(path, macro):
    """The arguments of each row of a .def file."""
    return [re.findall(r'"(?:[^"\\]|\\.)*"|[^\s,()]+', row)
            for row in re.findall(rf"^{macro}\((.*(?:\n[ \t]+.*)*)\)", read(path), re.M)]


def cells(document, heading):
    """The first column of every table row in one section."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", read(document), re.M | re.S)[1]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_the_table_of_layers_is_that_of_the_source():
    layers = [[text.strip('"') for text in row[1:5]] for row in rows_of("src/model/layer.def", "LAYER")]
    assert [row[:4] for row in cells("SECURITY.md", "4. Layers")] == layers


def test_the_table_of_operations_is_that_of_the_source():
    operations = {}
    for row in rows_of("src/model/plan_ops.def", "OP"):
        operations.setdefault((row[2], row[3].lower()), []).append(row[1].strip('"'))
    table = {(row[0], row[1]): re.split(r",\s*", row[2]) for row in cells("ARCHITECTURE.md", "5. The plan")}
    assert list(table.items()) == list(operations.items())


TEXT = r'"(?:\\.|[^"\\])*"'


def joined(text):
    """What C makes of texts that stand side by side."""
    return "".join(re.findall(r'"((?:\\.|[^"\\])*)"', text))


def residuals():
    """Rows of the table in the source: boundary, layers, operations, reason."""
    text = read("src/judge/residual.c")
    layers = {row[0]: row[1].strip('"') for row in rows_of("src/model/layer.def", "LAYER")} | {"ENGINE": "engine", "SEAL": "seal", "KERNEL": "answered by its own kernel",
                                                                                              "GVISOR": "gvisor"}
    for name, meaning in re.findall(r"^#define (\w+) \(?(L\(.*?)\)?$", text, re.M):
        text = text.replace(f" {name} ", f" {meaning} ").replace(f" {name},", f" {meaning},")
    table = text[text.index("residuals[] = {"):text.index("\n};")]
    found = re.findall(rf"\{{ CLAIM_(\w+), ([^,]*),\s*((?:{TEXT}\s*)+),\s*((?:{TEXT}\s*)+)\}}", table)
    assert len(found) == table.count("CLAIM_"), "a row that is not understood"
    return [("both" if claim == "BOTH" else f"`{claim.lower()}`",
             [layers[name] for name in re.findall(r"[LG]\((\w+)", where)], joined(ids).split(), joined(reason))
            for claim, where, ids, reason in found]


def residual_table():
    rows = [f"| {boundary} | {', '.join(layers)} | {', '.join(ids)} | {reason} |" for boundary, layers, ids, reason in residuals()]
    return "\n".join(["| boundary | only layer, one of | operations | why that is accepted |", "|---|---|---|---|", *rows])


IN = {"`gvisor`": "container"}    # what it stands in, and so what it claims


def test_every_residual_names_an_attempt_that_its_boundary_claims_to_refuse():
    attempts = dict(re.findall(r'^ATTEMPT\(\w+,\s*"([\w-]+)",\s*\w+,\s*(\w+)', read("src/probe/attempts.def"), re.M))
    assert len(attempts) > 200
    unknown = {name for _, _, ids, _ in residuals() for name in ids} - set(attempts)
    assert not unknown
    for boundary, _, ids, _ in residuals():
        idle = [name for name in ids if attempts[name] not in ("BOTH", IN.get(boundary, boundary).strip("`").upper())]
        assert boundary == "both" or not idle


def test_no_residual_is_written_twice():
    seen = [(boundary, layer, name) for boundary, layers, ids, _ in residuals() for layer in layers for name in ids]
    assert len(seen) == len(set(seen)), sorted(entry for entry in set(seen) if seen.count(entry) > 1)


def test_the_table_of_residuals_is_that_of_the_source():
    """WARD_WRITE_DOCUMENTS=1 writes it anew."""
    text = read("SECURITY.md")
    at = text.index("-->\n", text.index(BEGIN)) + len("-->\n")
    wanted = residual_table() + "\n"
    if os.environ.get("WARD_WRITE_DOCUMENTS"):
        text = text[:at] + wanted + text[text.index(END):]
        (ROOT / "SECURITY.md").write_text(text, encoding="utf-8")
    assert text[at:text.index(END)] == wanted


def texts_of(path, macro):
    return [[text.strip('"') for text in row if text.startswith('"')] for row in rows_of(path, macro)]


def test_what_a_broken_process_can_do_is_that_of_the_source():
    wanted = [[row[1], row[4], row[5]] for row in texts_of("src/explain/processes.def", "PROCESS")]
    text = read("SECURITY.md")
    table = text[text.index("| if this is broken into |"):].split("\n\n")[0].splitlines()[2:]
    assert len(wanted) > 4
    assert [[cell.strip() for cell in line.split("|")[1:-1]] for line in table] == wanted


def test_what_remains_of_the_service_is_that_of_the_source():
    wanted = [row[0] for row in texts_of("src/explain/remains.def", "REMAINS")]
    text = read("SECURITY.md")
    told = text[text.index("<!-- remains: begin"):text.index("<!-- remains: end -->")].splitlines()[1:]
    assert len(wanted) > 8
    assert told == [f"* {one}" for one in wanted]


def test_the_rights_of_a_keeper_are_those_of_the_source():
    kept = re.search(r"drop_own_caps\((1u << CAP_.*?), e\)", read("src/monitor/keeper.c"))[1]
    told = re.search(r"#define KEEPER_RIGHTS \((.*)\)", read("src/cmd/serve_explain.c"))[1]
    assert set(re.findall(r"CAP_\w+", kept)) == set(re.findall(r"CAP_\w+", told)) != set()


def test_the_table_of_boundaries_is_that_of_the_source():
    holds = {(row[1].lower(), row[0].lower()): row[2].lower() for row in rows_of("src/judge/holds.def", "HOLDS")}
    boundaries = ["process", "container", "gvisor", "microvm", "wasm", "js"]
    table = cells("docs/boundaries.md", "3. What each boundary holds")
    assert len(holds) == len(table) * len(boundaries)
    assert table == [[row[0], *(holds[row[0], boundary] for boundary in boundaries)] for row in table]


WARD = pathlib.Path(os.environ.get("WARD_BUILD", ROOT / "build/src")).resolve() / "ward"


def danger_entries():
    """Every entry of the danger data as the program prints it."""
    def lint(*words):
        return subprocess.run([WARD, "lint", *words], check=True, text=True, capture_output=True).stdout
    for row in lint("--list").splitlines():
        if not row.startswith(" "):
            name, _, text = lint("--explain", row.split()[1]).partition("\n")
            yield f"## {name}\n\n```text\n{text}```\n"


def test_the_page_of_the_danger_data_is_that_of_the_source():
    """WARD_WRITE_DOCUMENTS=1 writes it anew."""
    if not WARD.exists():
        pytest.fail(f"{WARD} is not built")
    text = read("docs/danger.md")
    at = text.index("-->\n", text.index("<!-- danger: begin")) + len("-->\n")
    wanted = "\n" + "\n".join(danger_entries()) + "\n"
    if os.environ.get("WARD_WRITE_DOCUMENTS"):
        text = text[:at] + wanted + text[text.index("<!-- danger: end"):]
        (ROOT / "docs/danger.md").write_text(text, encoding="utf-8")
    assert wanted.count("## ") >= 91
    assert text[at:text.index("<!-- danger: end")] == wanted


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


def test_the_page_of_operation_says_what_to_do_about_every_alert():
    alerts = re.findall(r"- alert: (\w+)", read("packaging/ward.rules.yml"))
    assert sorted(row[0] for row in cells("docs/operation.md", "8. Watching")) == sorted(alerts)


def test_the_architecture_can_be_read_in_one_go():
    assert len(read("ARCHITECTURE.md").splitlines()) <= 250


def test_the_table_of_classes_is_that_of_the_source():
    """What each class of function would let out of a plug-in."""
    text = read("src/plugin/classes.def").partition("*/")[2]
    rows = re.findall(r'CLASS\(\w+, "(\w+)", (true|false),\s*((?:"[^"]*"\s*)+),\s*((?:"[^"]*"\s*)+)\)', text)
    whole = [[f"`{word}`" + ("" if widens == "true" else " (does not widen)"),
              *("".join(re.findall(r'"([^"]*)"', column)) or "-" for column in columns)] for word, widens, *columns in rows]
    assert whole and cells("docs/plugin.md", "4. What a fourth function would let out") == whole
