"""ward bench: what it leaves, and that ward advise finds it. No figure is judged: nothing here is timed."""
import json
import os

import pytest

from harness import ROOT


@pytest.fixture
def benched(ward, fits):
    fits("default")
    run = ward.call("bench", "-n", "10", "--json", timeout=120)
    assert run.code == 0 and not run.err, run
    return run


def test_every_boundary_that_works_here_has_figures(ward, benched):
    said = json.loads(benched.out)
    assert said["schema"] == "ward.bench.1" and said["host"].startswith("Linux ")
    assert "spawn" in said["figures"] and "container" in said["figures"]
    for name, row in said["figures"].items():
        assert row["launches"] == 10 and 0 < row["start_p50_us"] <= row["start_p99_us"], name
        assert row["rate_milli"] > 0
    if ward.is_root:
        assert said["figures"]["container"]["idle_bytes"] > said["figures"]["spawn"]["idle_bytes"] > 0


def test_the_file_lies_where_advise_looks(ward, benched):
    path = os.path.join(ward.place, ".local/state/ward/bench.json")
    with open(path, encoding="utf-8") as file:
        assert file.read() == benched.text
    assert os.listdir(os.path.dirname(path)) == ["bench.json"]
    run = ward.call("advise", "--json", os.path.join(ROOT, "examples/threats/contest-submission.yaml"))
    said = json.loads(run.out)
    figures = json.loads(benched.out)["figures"]["container"]
    assert said["measured_on"] and said["boundaries"]["container"]["figures"] == "measured"
    assert said["boundaries"]["container"]["start_p99_us"] == figures["start_p99_us"]


def test_a_table_for_people_and_no_file(ward, fits):
    fits("default")
    run = ward.call("bench", "-n", "10", "-o", "none", timeout=120)
    assert run.code == 0 and not run.err, run
    lines = run.text.splitlines()
    assert lines[0].startswith("Linux ") and lines[3].split()[:2] == ["start", "p50"]
    assert [line.split()[0] for line in lines[4:]][0] == "spawn" and "container" in run.text
    assert not os.path.exists(os.path.join(ward.place, ".local"))


@pytest.mark.parametrize("words, says", [
    (("-n", "1"), "--launches"), (("-n", "many"), "--launches"), (("extra",), "takes no arguments"),
])
def test_wrong_usage_measures_nothing(ward, words, says):
    run = ward.call("bench", *words)
    assert run.code == 2 and says in run.errors and run.errors.count("\n") == 1, run


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(ward, fits):
    fits("default")
    run = ward.call("bench", "-n", "10", "-o", os.path.join(ward.place, "no", "where.json"), timeout=120)
    assert run.code == 1 and "where.json" in run.errors and run.errors.count("\n") == 1, run
    assert not os.listdir(ward.place)
