"""`ward serve --config`: what a file says is what the service does, flags count more, and a wrong one is refused where it is
wrong."""
import os

import pytest
from service import nothing_left, served  # noqa: F401

FILE = """version: 1
limits: {wall: 20s, memory: 128M}
ceilings: {wall: 40s, memory: 1G, pids: 100}
boxes: {warm: 0, most: 8}
runtimes:
  exec: {enabled: false}
  bash: {run: bash -e @, main: start.sh}
"""


@pytest.fixture(scope="module")
def service(home, ward_path, tmp_path_factory):
    file = tmp_path_factory.mktemp("config") / "ward-serve.yml"
    file.write_text(FILE)
    with served(home, ward_path, "--config", str(file), "--boxes=6") as made:
        yield made


def runtimes(service):
    return {one["name"]: one for one in service.call("GET", "/v1/runtimes").json["runtimes"]}


def test_limits_and_ceilings_are_the_files(service):
    place = runtimes(service)["bash"]["boundaries"][0]
    assert place["limits"]["wall_ms"] == 20000 and place["limits"]["mem_bytes"] == 128 << 20
    assert place["ceilings"]["wall_ms"] == 40000 and place["ceilings"]["pids"] == 100
    reply = service.call("POST", "/v1/jobs", {"runtime": "bash", "files": [{"path": "a.sh", "text": "true"}], "limits": {"pids": 101}})
    assert reply.json["code"] == "limit_above_ceiling" and reply.json["field"] == "/limits/pids"


def test_a_runtime_that_is_off_says_so(service):
    exec_ = runtimes(service)["exec"]
    assert not exec_["available"] and "configuration" in exec_["boundaries"][0]["why"]
    assert service.call("POST", "/v1/jobs", {"runtime": "exec", "steps": [{"argv": ["true"]}]}).status >= 400


def test_a_runtime_runs_the_operators_words(service):
    job = service.job({"runtime": "bash", "files": [{"path": "start.sh", "text": "false; echo went on"}, {"path": "b", "text": ""}]})
    assert job["state"] == "failed" and job["result"]["stdout_bytes"] == 0, job


@pytest.mark.parametrize("text,wanted", [
    ("version: 1\nlimits: {memroy: 1G}\n", ":2:10: unknown key 'memroy' in limits (did you mean 'memory'?)"),
    ("version: 1\nboxes: {most: 100000}\n", ":2:15: "), ("limits: {}\n", "no version"), ("version: 1\n\tx: 1\n", ":2:"),
    ("version: 1\nlisten: 8086\n", ":2:9: 8086 is no address"), ("version: 1\nlisten: 0.0.0.0:8086\n", "--behind-proxy"),
    ("version: 1\nlisten: \x1b[2J\n", "control"), ("version: 1\na: &b c\n", "anchor"),
])
def test_a_wrong_file_is_refused_where_it_is_wrong(ward, text, wanted):
    path = ward.file("bad.yml", text)
    outcome = ward.call("serve", "--config", path, "--check-config")
    assert outcome.code == 2 and wanted in outcome.errors and "\x1b" not in outcome.errors, outcome


def test_the_example_is_sound(ward):
    example = os.path.join(os.path.dirname(__file__), "../../doc/ward-serve.yml")
    assert ward.call("serve", "--config", example, "--check-config").code == 0
    outcome = ward.call("serve", "--check-config")
    assert outcome.code == 2 and "--config" in outcome.errors
    assert ward.call("serve", "--config", "/nowhere/a.yml", "--check-config").code == 2
