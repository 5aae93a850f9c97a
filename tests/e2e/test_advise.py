"""ward advise through the binary: answers, exit codes, questions, what it makes of figures and policies."""
import json
import os
import re
import stat

import pytest

from harness import ROOT

THREATS = os.path.join(ROOT, "examples", "threats")
HERE = ("process", "container", "wasm", "js", "gvisor")


def threat(name):
    return os.path.join(THREATS, f"{name}.yaml")


def advise(ward, *words, **options):
    return ward.call("advise", "--bench", "none", *words, **options)


def answer(ward, *words, **options):
    run = advise(ward, "--json", *words, **options)
    assert run.code in (0, 1) and not run.err, run
    said = json.loads(run.out)
    assert said["schema"] == "ward.advise.1" and said["met"] == (run.code == 0)
    return run.code, said


# What may be missing on a host, by its name in the answer.
ENGINES = {"wasm": "ward-v8", "js": "ward-v8", "gvisor": "runsc"}


def is_here(ward, boundary):
    return ward.call("check", "-b", boundary).code == 0


@pytest.mark.parametrize("name", sorted(file[:-5] for file in os.listdir(THREATS)))
def test_a_shipped_threat_model_is_answered_as_the_golden_file_says(ward, name):
    """The golden file was written without a host: only what is missing here may differ."""
    run = advise(ward, threat(name))
    with open(os.path.join(ROOT, "tests", "golden", "advise", f"{name}.txt"), encoding="utf-8") as file:
        golden = file.read()
    advised = re.search(r"^advice: (\w+)$", golden, re.M)[1]
    assert f"\nadvice: {advised}\n" in run.text, run
    if advised in ENGINES and not is_here(ward, advised):
        assert run.code == 1 and ENGINES[advised] in run.text, run
    elif advised not in HERE:
        assert run.code == 1 and f"this build has no boundary '{advised}'" in run.text, run
        assert "nothing weaker takes its place" in run.text
    for title in ("it has to hold against", "holds ", "layer it with", "what remains"):
        section = re.search(rf"^{title}.*?(?=^\S|\Z)", golden, re.M | re.S)[0]
        assert section in run.text, f"{title}: {run}"


def test_a_bare_container_for_hostile_native_code_is_refused_with_the_reason(ward):
    for name in ("code-runner", "contributor-build"):
        run = advise(ward, "-b", "container", threat(name))
        assert run.code == 1, run
        assert "proposed: container: REFUSED: it does not contain this attacker" in run.text, run
        assert "one bug there is enough" in run.text and "CVE-2024-1086" in " ".join(run.text.split()), run


def test_more_than_enough_is_said_to_be_that(ward, fits):
    fits("default")
    run = advise(ward, "-b", "container", threat("own-script"))
    assert run.code == 0 and "proposed: container: contains this attacker" in run.text, run
    assert "advice: process" in run.text and "the advised boundary costs less" in run.text, run


def test_a_policy_is_a_proposal_and_its_gaps_are_named(ward):
    code, said = answer(ward, "-p", "default", threat("code-runner"))
    assert code == 1 and said["proposed"] == "container" and said["refused"]
    assert any("known or own" in gap["what"] for gap in said["gaps"]), said["gaps"]
    code, said = answer(ward, "-p", "contest", threat("contest-submission"))
    assert not said["refused"] and not said["gaps"], said["gaps"]


def test_the_document_lists_what_the_policy_lets_cross_and_a_threat_for_every_layer(ward):
    run = advise(ward, "--doc", "-p", "default", threat("contest-submission"))
    assert run.code in (0, 1) and run.text.startswith("# Threat model: contest-submission\n"), run
    for part in ("## Assets", "## Attackers", "## Boundary", "## The six compared", "## What crosses the boundary",
                 "| limits.memory | 512M |", "| files | host at / | can be read |", "## A threat for every layer",
                 "## What remains", "+- container: namespaces"):
        assert part in run.text, part
    with open(os.path.join(ROOT, "src", "model", "layer.def"), encoding="utf-8") as file:
        layers = re.findall(r'^LAYER\(\w+, *"([\w-]+)"', file.read(), re.M)
    assert len(layers) == 30 and all(f"\n| {layer} | " in run.text for layer in layers)


def test_quiet_says_it_with_the_exit_code_alone(ward):
    run = advise(ward, "-q", "-b", "container", threat("code-runner"))
    assert (run.code, run.out, run.err) == (1, b"", b"")


ANSWERS = "stranger\nnative\nsource, inputs\nhost secrets\nhostile\n\n\nnone\npatched\n\n\n"


def test_questions_are_answered_and_the_model_is_kept(ward):
    saved = os.path.join(ward.place, "saved.yaml")
    run = advise(ward, "--ask", "--save", saved, "--json", stdin=ANSWERS.encode())
    said = json.loads(run.out)
    assert run.code == (0 if is_here(ward, "gvisor") else 1) and said["advice"] == "gvisor", run
    assert "Who wrote the code?" in run.errors and "cost.density (a number; nothing for any): " in run.errors
    assert run.errors.count("(one word") == 6
    again = answer(ward, saved)[1]
    for left in (said, again):
        left.pop("measured_on")
    assert again == said
    assert stat.S_IMODE(os.stat(saved).st_mode) & 0o022 == 0
    refused = advise(ward, "--ask", "--save", saved, stdin=ANSWERS.encode())
    assert refused.code == 2 and "File exists" in refused.errors, refused


def test_on_a_terminal_a_wrong_answer_is_asked_again(ward):
    ours, theirs = os.openpty()
    os.write(ours, ("strangre\n" + ANSWERS).encode())
    run = advise(ward, "--ask", "--json", stdin=theirs)
    os.close(ours)
    os.close(theirs)
    assert run.code == (0 if is_here(ward, "gvisor") else 1) and json.loads(run.out)["advice"] == "gvisor", run
    assert run.errors.count("Who wrote the code?") == 2 and "did you mean 'stranger'?" in run.errors, run


@pytest.mark.parametrize("answers, says", [
    ("", "the answers end before code.author"),
    ("stranger\n", "the answers end before code.form"),
    ("nobody\n", "code.author has no word 'nobody'"),
    ("strangre\n", "did you mean 'stranger'?"),
    ("\n", "code.author wants one word"),
    ("stranger\nnative\nsource\ntenants\nnone\n\n\n\n\n\n\n", "stake names tenants, and tenants says none"),
    ("x" * 500 + "\n", "more than 400 bytes"),
    ("\x1b[31mred\n", "code.author has no word"),
])
def test_a_wrong_answer_ends_the_questions_in_one_line(ward, answers, says):
    run = advise(ward, "--ask", stdin=answers.encode())
    assert run.code == 2 and not run.out, run
    last = run.errors.rsplit("ward: ", 1)[1]
    assert says in last and last.count("\n") == 1 and "\x1b" not in last, run


@pytest.mark.parametrize("words, says", [
    ((), "name one threat model, or use --ask"),
    (("--ask", "x.yaml"), "name one threat model, or use --ask"),
    (("x.yaml", "--doc"), "options come before it"),
    (("--save", "y", "x.yaml"), "--save is for what --ask was told"),
    (("missing.yaml",), "missing.yaml: no such file"),
    (("-b", "docker", threat("own-script")), "no boundary is called 'docker'"),
    (("-p", "defualt", threat("own-script")), "did you mean 'default'?"),
    (("--json", "--doc", threat("own-script")), "choose one"),
    (("--bench", "missing.json", threat("own-script")), "missing.json: no such file"),
    (("/dev/null",), "not a regular file"),
])
def test_wrong_usage_is_refused_in_one_line(ward, words, says):
    run = ward.call("advise", *words)
    assert run.code == 2 and not run.out and says in run.errors and run.errors.count("\n") == 1, run


def test_a_bad_file_is_refused_with_its_place(ward):
    path = ward.file("bad.yaml", "version: 1\ncode: {author: strangre, form: native}\n")
    run = advise(ward, path)
    assert run.code == 2 and f"{path}:2:16: code.author has no word 'strangre' (did you mean 'stranger'?)" in run.errors, run
    deep = ward.file("deep.json", '{"a":' * 10000 + "1" + "}" * 10000)
    assert advise(ward, deep).code == 2
    large = ward.file("large.yaml", "# " + "x" * (2 << 20))
    assert advise(ward, large).code == 2


def test_json_from_standard_input_is_a_threat_model_too(ward):
    model = {"version": 1, "code": {"author": "own", "form": "script"}, "attacker": {"controls": []}, "stake": [],
             "tenants": "none"}
    code, said = answer(ward, "-", stdin=json.dumps(model).encode())
    assert said["advice"] == "process" and said["threat"]["power"] == "mistake"


def figures(host, p99):
    row = {"launches": 10, "start_p50_us": 100, "start_p99_us": p99, "rate_milli": 1, "idle_bytes": 4096}
    return json.dumps({"schema": "ward.bench.1", "host": host, "figures": {"spawn": row, "container": row}})


def test_figures_are_those_of_the_file_and_a_strange_host_is_told(ward):
    path = ward.file("bench.json", figures("another host", 1234))
    run = ward.call("advise", "--json", "--bench", path, threat("contest-submission"))
    said = json.loads(run.out)
    assert "measured on another host" in run.errors
    assert said["measured_on"] == "another host"
    assert said["boundaries"]["container"]["figures"] == "measured"
    assert said["boundaries"]["container"]["start_p99_us"] == 1234
    assert said["boundaries"]["gvisor"]["figures"] == "published" and said["boundaries"]["gvisor"]["figures_source"]


def test_a_file_left_by_another_kernel_is_not_used_unasked(ward):
    ward.file(".local/state/ward/bench.json", figures("another host", 1234))
    run = ward.call("advise", "--json", threat("contest-submission"))
    assert json.loads(run.out)["measured_on"] is None and "not used" in run.errors, run
    ward.file(".local/state/ward/bench.json", "{")
    run = ward.call("advise", "--json", threat("contest-submission"))
    assert json.loads(run.out)["measured_on"] is None and run.errors.count("\n") == 1, run
