"""Boundaries nest: an engine inside a container. Take the engine away, and the container still holds."""
import json
import subprocess

import pytest

# Attempts of each kind, few enough to be repeated without each layer.
SOME = ["secret-read", "secret-dotdot", "secret-stat", "create-usr", "granted-write", "unshare-user", "setuid-root", "mount",
        "host-signal", "tcp-loopback", "proc1-mem", "fd-left", "open-files", "daemon", "can-getpid", "can-read", "can-write",
        "wasm"]


@pytest.fixture(autouse=True)
def engine(ward_path):
    done = subprocess.run([ward_path, "check", "-b", "wasm"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(done.stdout.strip() or done.stderr.strip())


def selftest(ward, *options, only=(), boundary="wasm"):
    words = [word for name in only for word in ("--only", name)]
    done = ward.call("selftest", "-b", boundary, "--json", *options, *words, timeout=300)
    assert done.code in (0, 1), done
    return done.code, json.loads(done.text)


def rows(report):
    return {row["id"]: row for row in report["attempts"]}


def test_with_the_engine_gone_the_jail_holds_and_with_it_there_so_does_it(anyone):
    code, report = selftest(anyone)
    summary, tried = report["summary"], rows(report)
    assert code == 0 and report["engine_taken_away"], [row for row in tried.values() if not row["good"]]
    assert summary["refused"] > 250 and not summary["allowed"] and not summary["unknown"] and not summary["controls_failed"]
    # By native code, with the calls of the seal: refused for what it is, and for its number where that is all there is.
    assert tried["secret-read"]["cause"] == "ENOENT" and tried["secret-read"]["by"] == "native code"
    assert tried["granted-write"]["outcome"] == "refused"
    assert tried["unshare-user"]["cause"] == tried["daemon"]["cause"] == "SIGSYS"
    assert all(tried[control]["outcome"] == "allowed" for control in ("can-getpid", "can-read", "can-write"))
    # By a module: refused by the calls themselves, and not because none of them works.
    module = [row for row in tried.values() if row["group"] == "wasm"]
    assert all(row["by"] == "guest" for row in module) and len(module) > 30
    assert {row["outcome"] for row in module} == {"refused", "allowed"}
    assert all(row["outcome"] == ("allowed" if row["id"].startswith("wasm-can-") else "refused") for row in module)


def test_the_same_holds_for_scripts(anyone):
    """Two processes there, and a guest's seal on top of its parent's."""
    code, report = selftest(anyone, boundary="js")
    summary, tried = report["summary"], rows(report)
    assert code == 0 and report["engine_taken_away"], [row for row in tried.values() if not row["good"]]
    assert summary["refused"] > 200 and not summary["allowed"] and not summary["unknown"] and not summary["controls_failed"]
    assert tried["secret-read"]["cause"] in ("SIGSYS", "ENOENT") and tried["unshare-user"]["cause"] == "SIGSYS"
    assert all(tried[control]["outcome"] == "allowed" for control in ("can-getpid", "can-time", "can-memory"))
    script = [row for row in tried.values() if row["group"] == "js"]
    assert all(row["outcome"] == ("allowed" if row["id"].startswith("js-can-") else "refused") for row in script) and len(script) > 15
    assert tried["js-eval"]["detail"] == "EvalError" and summary["engine_alone"] >= 4


def test_what_the_engine_alone_holds_is_written_down(anyone):
    code, report = selftest(anyone, only=["write-exec-map", "write-exec-protect", "tsc", "clock-fine", "wasm-clock"])
    assert code == 0 and report["summary"]["engine_alone"] == 4
    assert rows(report)["wasm-clock"]["outcome"] == "refused"


def test_each_layer_can_be_taken_away_as_well(root):
    code, report = selftest(root, "--matrix", only=SOME)
    columns = {column["without"]: column for column in report["matrix"]}
    assert code == 0 and not report["summary"]["undocumented"] and not report["summary"]["unanswered"], columns
    assert list(columns)[:2] == ["engine", "seal"] and not columns["engine"]["possible"] and not columns["seal"]["possible"]
    for layer in ("userns", "mountns", "rootfs", "seccomp", "seccomp-floor", "landlock", "caps", "pidns", "netns"):
        assert columns[layer]["error"] is None
    # The matrix can show something: names, where the tree is the host's; open files, where no limit is.
    assert [row["id"] for row in columns["rootfs"]["possible"]] == ["secret-stat"]
    assert [row["id"] for row in columns["rlimits"]["possible"]] == ["open-files"]


def test_each_layer_can_be_taken_from_a_script_too(root):
    some = [name for name in SOME if name not in ("wasm", "can-read", "can-write", "open-files")] + ["js"]
    code, report = selftest(root, "--matrix", only=some, boundary="js")
    columns = {column["without"]: column for column in report["matrix"]}
    assert code == 0 and not report["summary"]["undocumented"] and not report["summary"]["unanswered"], columns
    assert list(columns)[:2] == ["engine", "seal"] and not columns["engine"]["possible"] and not columns["seal"]["possible"]


def test_attempts_of_a_guest_are_no_other_boundarys(ward):
    code, report = selftest(ward, only=["wasm", "can-getpid"], boundary="container")
    assert code == 0 and list(rows(report)) == ["can-getpid"] and not report["engine_taken_away"]


def test_what_stands_in_what_is_told_before_anything_runs(ward):
    data = ward.folder("data")
    done = ward.call("run", "-b", "wasm", "--dry-run", "--ro", f"{data}:/data", "/no/such.wasm")
    lines = done.text.splitlines()
    assert "engine seccomp        49 calls, any other kills" in lines and "module import         wasi_snapshot_preview1: 46 calls" in lines
    assert any(line.startswith("module preopen ") and line.endswith(" /data read") for line in lines)
    # The last of the plan is the engine, and what follows is its own doing.
    assert [line.split()[0] for line in lines].index("engine") > max(i for i, line in enumerate(lines) if line.startswith("guest "))
    surface = json.loads(ward.call("surface", "-b", "wasm", "--json", "--ro", f"{data}:/data", "/no/such.wasm").text)
    nested = surface["nested"]
    assert nested["engine_calls_sealed"] == 49 < surface["calls"] and len(nested["calls"]) == 46 and "path_open" in nested["calls"]
    assert [d["writes"] for d in nested["directories"] if d["name"] == "/data"] == [False]
    assert "49 from before the module's first byte on" in " ".join(ward.call("surface", "-b", "wasm").text.split())
    svg = ward.call("surface", "-b", "wasm", "--svg").text
    assert "ward-v8: 49 system calls, sealed" in svg and "module: 46 calls of wasi_snapshot_preview1" in svg
    assert "nested" not in json.loads(ward.call("surface", "-b", "container", "--json").text)
