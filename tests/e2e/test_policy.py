"""Policies through the binary: bad ones are refused in one line, flags only narrow."""
import json
import os
import re
import subprocess

import pytest

import harness

GOOD = """version: 1
name: good
boundary: container
fallback: [rlimits]
limits: {wall: 5s, memory: 512M, pids: 32}
files:
  - read: host
syscalls:
  default: errno
  allow: ["@default"]
"""


def refused(run, *says):
    assert run.code == 125 and run.out == b"", run
    assert run.errors.startswith("ward: ") and run.errors.count("\n") == 1, run
    for word in says:
        assert word in run.errors, run
    assert all(byte >= 0x20 or byte == 0x0A for byte in run.err)


BAD = {
    "unknown key": (GOOD + "boundry: process\n", "boundary", ":11:"),
    "unknown key below": (GOOD.replace("wall:", "wal:"), "wall", ":5:"),
    "a list for a word": (GOOD.replace("boundary: container", "boundary: [container]"), ":3:"),
    "a word for a list": (GOOD.replace('["@default"]', '"@default"'), ":10:"),
    "a word for a map": (GOOD.replace("{wall: 5s, memory: 512M, pids: 32}", "none"), ":5:"),
    "no unit": (GOOD.replace("5s", "5"), ":5:"),
    "negative": (GOOD.replace("pids: 32", "pids: -1"), ":5:"),
    "huge": (GOOD.replace("512M", "99999999999999999999G"), ":5:"),
    "overflow": (GOOD.replace("512M", "18446744073709551617"), ":5:"),
    "not a choice": (GOOD.replace("default: errno", "default: ernno"), "errno", ":9:"),
    "duplicate": (GOOD + "name: again\n", "name", ":11:"),
    "duplicate below": (GOOD.replace("wall: 5s,", "wall: 5s, wall: 6s,"), ":5:"),
    "unknown group": (GOOD.replace("@default", "@defualt"), "@default", ":10:"),
    "unknown call": (GOOD.replace('"@default"', '"@default", getpidd'), "getpid", ":10:"),
    "an anchor": (GOOD.replace("name: good", "name: &a good"), ":2:"),
    "an alias": (GOOD.replace("name: good", "name: *a"), ":2:"),
    "a tag": (GOOD.replace("name: good", "name: !!str good"), ":2:"),
    "two documents": (GOOD + "---\n" + GOOD, ""),
    "no version": (GOOD.replace("version: 1\n", ""), "version"),
    "another version": (GOOD.replace("version: 1", "version: 2"), "version"),
    "empty": ("\n", ""),
    "a scalar": ("hello\n", ""),
    "a list": ("- hello\n- you\n", ""),
    "broken yaml": ("version: 1\nlimits: {wall: 5s\n", ""),
    "a tab": ("version: 1\n\tname: x\n", ""),
    "a NUL": ("version: 1\nname: a\0b\n", ""),
    "control bytes": ("version: 1\nname: \"a\x1b[31mb\"\n", ""),
    "an escaped NUL": ("version: 1\nname: \"a\\0b\"\n", ""),
    "an escaped control byte": ("version: 1\nname: \"a\\x1b[31mb\"\n", ""),
    "not UTF-8": (b"version: 1\nname: \xff\xfe\n", ""),
    "a call no box gets": (GOOD.replace('"@default"', '"@default", mount'), "mount"),
    "no execve": (GOOD.replace('"@default"', "read, write"), "execve"),
    "two grants at one place": (GOOD.replace("- read: host", "- read: host\n  - scratch: /a\n  - scratch: /a"), ":9:"),
    "required and off": (GOOD + "require: [no-tsc]\n", "no_tsc"),
    "an unknown layer": (GOOD + "require: [secomp]\n", "seccomp"),
    "ports without network": (GOOD + "network: {connect: [80]}\n", "network"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_policies_are_refused(ward, case):
    text, *says = BAD[case]
    path = ward.file("bad.yaml", text)
    run = ward.call("run", "-p", path, "/bin/echo", "ran")
    refused(run, *says, "bad.yaml" if case not in ("a call no box gets", "no execve") else "")
    if text and says and says[-1].startswith(":"):
        assert re.search(r"bad\.yaml:\d+:\d+: ", run.errors), run
    assert ward.call("check", "-p", path).code == 2 or case in ("a call no box gets", "no execve")


def test_an_anchor_bomb_is_refused_at_once(ward):
    lines = ["version: 1", "a: &a [x, x, x, x, x, x, x, x, x]"]
    for n, name in enumerate("bcdefghi"):
        lines.append(f"{name}: &{name} [{', '.join(['*' + 'abcdefgh'[n]] * 9)}]")
    run = ward.call("run", "-p", ward.file("bomb.yaml", "\n".join(lines) + "\n"), "true")
    refused(run, "bomb.yaml:2:")
    assert run.seconds < 1


@pytest.mark.parametrize("text", [
    "version: 1\n# " + "x" * (10 << 20) + "\n",
    "version: 1\nname: " + "x" * (10 << 20) + "\n",
    "version: 1\nsyscalls: {allow: [" + "read, " * 1700000 + "read]}\n",
])
def test_ten_megabytes_are_refused(ward, text):
    run = ward.call("run", "-p", ward.file("big.yaml", text), "true")
    refused(run, "big.yaml")
    assert run.seconds < 2


@pytest.mark.parametrize("text", ["[" * 100000, "{a: " * 100000, '{"a":' * 100000 + "1" + "}" * 100000,
                                  "version: 1\nlimits: " + "[" * 500000 + "]" * 500000])
def test_deep_nesting_is_refused(ward, text):
    for ending in ("yaml", "json"):
        refused(ward.call("run", "-p", ward.file(f"deep.{ending}", text), "true"))


def test_files_that_are_no_policies_are_refused(ward):
    refused(ward.call("run", "-p", ward.place, "true"))
    refused(ward.call("run", "-p", "/dev/zero", "true"))
    refused(ward.call("run", "-p", "/nonexistent/x.yaml", "true"), "no such file")
    os.mkfifo(f"{ward.place}/fifo.yaml")
    refused(ward.call("run", "-p", f"{ward.place}/fifo.yaml", "true"))


def test_an_unreadable_policy_is_refused(user, tmp_path):
    path = user.file("closed.yaml", GOOD, 0o000)
    if os.geteuid() == 0:
        os.chown(path, 0, 0)
    refused(user.call("run", "-p", path, "true"), "ermission denied")


def test_json_says_the_same(ward):
    policy = {"version": 1, "fallback": ["rlimits"], "limits": {"wall": "5s"}, "files": [{"read": "host"}],
              "syscalls": {"allow": ["@default"]}}
    path = ward.file("p.json", json.dumps(policy))
    assert ward.call("run", "-p", path, "/bin/echo", "ran").text == "ran\n"
    policy["limits"]["wal"] = "5s"
    refused(ward.call("run", "-p", ward.file("q.json", json.dumps(policy)), "true"), "wall", "q.json:1:")
    refused(ward.call("run", "-p", ward.file("r.json", '{"version": 1, "version": 1}'), "true"))
    refused(ward.call("run", "-p", ward.file("s.json", '{"version": 1}{}'), "true"))


WIDER = [("--mem", "2G"), ("--pids", "64"), ("--wall", "6s"), ("--syscall-default", "log"), ("--net", "host"),
         ("--set", "limits.memory=2G"), ("--ro", "/opt"), ("--rw", "/opt"), ("--tmp", "/x"), ("--env-keep",),
         ("-b", "process")]


@pytest.mark.parametrize("flag", WIDER, ids=" ".join)
def test_flags_do_not_widen(ward, flag):
    path = ward.file("p.yaml", GOOD)
    refused(ward.call("run", "-p", path, *flag, "true"), "--widen" if flag[0] != "-b" else "")
    assert ward.call("run", "-p", path, "--widen", *flag, "true").code == 0


@pytest.mark.parametrize("flag", [("--mem", "64M"), ("--pids", "8"), ("--wall", "1s"), ("--syscall-default", "kill"),
                                  ("--set", "limits.fsize=1M"), ("--mdwe",), ("--out-max", "1M")], ids=" ".join)
def test_flags_narrow(ward, flag):
    assert ward.call("run", "-p", ward.file("p.yaml", GOOD), *flag, "true").code == 0


def test_set_has_an_effect_and_names_unknown_keys(ward):
    run = ward.call("run", "--set", "identity.hostname=mine", "hostname")
    assert run.text == "mine\n"
    refused(ward.call("run", "--set", "limits.memroy=1M", "true"), "limits.memory")
    refused(ward.call("run", "--set", "limits.memory", "true"))


def test_explain_tells_where_each_setting_came_from_and_runs(ward):
    path = ward.file("p.yaml", GOOD)
    run = ward.call("run", "-p", path, "--explain", "--mem", "64M", "/bin/echo", "ran")
    assert run.out == b"ran\n"
    lines = {line.split()[0]: line for line in run.errors.splitlines() if line.strip()}
    assert "64M" in lines["limits.memory"] and "--mem" in lines["limits.memory"]
    assert f"{path}:5" in lines["limits.wall"]


def test_a_dry_run_runs_nothing_and_is_the_same_twice(ward):
    marker = f"{ward.place}/marker"
    words = ("run", "--rw", ward.place, "--dry-run", "/bin/sh", "-c", f"touch {marker}")
    first, second = (ward.call(*words) for _ in range(2))
    assert first.code == second.code == 0 and first.err == b""
    assert not os.path.exists(marker)

    def without_ids(text):
        return re.sub(r"\b1[89]\d{8}\b|\b2\d{9}\b", "ID", text)

    assert without_ids(first.text) == without_ids(second.text)
    assert first.text.count("\n") > 40
    for step in ("pivot", "no-new-privs", "seccomp", "exec"):
        assert re.search(rf"\b{step}\b", first.text), step


def test_a_missing_layer_that_is_required_refuses_the_run(user):
    """An ordinary user has no cgroups: with the fallback it runs, and not when they are required."""
    policy = GOOD + "require: [cgroup-memory]\n"
    if user.call("check", "-p", user.file("plain.yaml", GOOD.replace("fallback: [rlimits]\n", ""))).code == 0:
        pytest.skip("this user may make cgroups")
    assert user.call("run", "-p", user.file("p.yaml", GOOD), "true").code == 0
    refused(user.call("run", "-p", user.file("q.yaml", policy), "true"), "cgroup")
    refused(user.call("run", "--require", "cgroup-memory", "true"), "cgroup")
    refused(user.call("run", "-p", user.file("r.yaml", GOOD.replace("fallback: [rlimits]\n", "")), "true"), "cgroup")


def test_a_required_layer_that_is_there_is_fine(ward):
    assert ward.call("run", "--require", "seccomp,caps,no-new-privs", "true").code == 0
    refused(ward.call("run", "-b", "process", "--require", "pidns", "true"), "pidns")


def test_no_policy_is_read_from_the_working_directory_by_name(ward):
    ward.file("mine.yaml", GOOD)
    ward.file("mine", GOOD)
    ward.file("default.yaml", "garbage")
    ward.file("default", "garbage")
    refused(ward.call("run", "-p", "mine", "true"), "mine")
    assert ward.call("run", "true").code == 0
    assert ward.call("run", "-p", "default", "true").code == 0
    assert ward.call("run", "-p", "./mine.yaml", "true").code == 0


def test_a_policy_is_found_by_name_in_the_configuration(ward):
    os.makedirs(f"{ward.place}/.config/ward")
    ward.file(".config/ward/mine.yaml", GOOD)
    assert ward.call("run", "-p", "mine", "true").code == 0
    ward.file("xdg/ward/other.yaml", GOOD)
    assert ward.call("run", "-p", "other", "true", env={"XDG_CONFIG_HOME": f"{ward.place}/xdg"}).code == 0
    refused(ward.call("run", "-p", "mine", "true", env={"XDG_CONFIG_HOME": f"{ward.place}/xdg"}))
    refused(ward.call("run", "-p", "../default", "true", env={"XDG_CONFIG_HOME": f"{ward.place}/xdg"}))


def test_a_policys_relative_paths_start_beside_it(ward):
    ward.file("sub/data", "beside")
    path = ward.file("sub/p.yaml", GOOD.replace("- read: host", "- read: host\n  - read: ./data\n    as: /data"))
    assert ward.call("run", "-p", path, "cat", "/data", cwd="/").text == "beside"


def test_check_judges_without_running(anyone):
    marker = f"{anyone.place}/marker"
    run = anyone.call("check", "-p", "default", "/bin/touch", marker)
    assert run.code == 0 and "fits this host" in run.text and not os.path.exists(marker)
    run = anyone.call("check", "--json", "-p", "default")
    told = json.loads(run.text)
    assert told["fits"] is True and told["boundary"] == "container" and "seccomp" in told["layers"]
    missing = GOOD.replace("- read: host", "- read: host\n  - read: /nonexistent/data")
    run = anyone.call("check", "-p", anyone.file("m.yaml", missing))
    assert run.code == 1 and "/nonexistent/data" in run.text
    assert anyone.call("check", "-p", "nope").code == 2


@pytest.mark.parametrize("name", ["default", "contest", "build", "strict"])
def test_the_built_in_policies_run_what_they_are_for(root, fits, name):
    fits(name)
    assert root.call("run", "-p", name, "/bin/true").code == 0


def test_python_runs_under_the_strict_policy(root, fits):
    fits("strict")
    run = root.call("run", "-p", "strict", "/usr/bin/python3", "-S", "-c", "print(6 * 7)")
    assert run.code == 0 and run.text == "42\n"


def test_the_build_policy_compiles(root):
    source = root.file("a.c", "#include <stdio.h>\nint main(void) { puts(\"built\"); return 0; }\n")
    run = root.call("run", "-p", "build", "--widen", "--ro", f"{source}:/src/a.c", "/bin/sh", "-c",
                    "gcc -o a /src/a.c && ./a")
    assert run.code == 0 and run.text == "built\n"


def test_wards_words_carry_no_control_bytes(ward):
    evil = "x\x1b[2J\x07\r\n.yaml"
    for words in (("-p", f"./{evil}"), ("--ro", f"/{evil}"), ("--set", f"{evil}=1"), (f"--{evil}",), ("--name", evil)):
        run = ward.call("run", *words, "/nonexistent\x1b[2J")
        assert run.errors.count("\n") == 1 and not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", run.errors), words


def test_the_loader_variables_of_the_caller_do_not_enter(ward):
    evil = {"LD_PRELOAD": "/tmp/evil.so", "LD_LIBRARY_PATH": "/tmp", "LD_AUDIT": "x", "GLIBC_TUNABLES": "x"}
    for flags in ((), ("--env-keep",)):
        run = ward.call("run", *flags, "env", env=evil)
        assert "LD_" not in run.text and "GLIBC_TUNABLES" not in run.text
    refused(ward.call("run", "-e", "LD_PRELOAD", "true", env=evil))


def test_an_unwritable_result_refuses_the_run_before_it_begins(user):
    marker = f"{user.place}/marker"
    done = subprocess.run([user.program, "run", "--result", "/result.json", "--rw", user.place, "touch", marker],
                          capture_output=True, env=user.environment(), cwd=user.place, **user.identity())
    assert done.returncode == 125 and not os.path.exists(marker)


def test_auto_gives_hostile_code_gvisor_or_nothing(anyone):
    if harness.is_sanitized(anyone.program):
        pytest.skip("a sanitizer's ward-runsc is dynamic, and gVisor's box has no loader")
    hostile = anyone.sh("true", "--boundary=auto", "--threat=hostile")
    if hostile.code == 0:
        assert hostile.result["boundary"] == "gvisor" and "which nothing cheaper does" in hostile.result["boundary_why"]
    else:
        assert hostile.code == 125 and "gvisor" in hostile.errors


def test_auto_is_chosen_by_the_threat_and_says_so(anyone):
    known = anyone.sh("true", "--boundary=auto", "--threat=known")
    assert known.result["boundary"] == "container" and "threat known" in known.result["boundary_why"]
    assert "boundary_why" not in anyone.sh("true").result
    unstated = anyone.file("unstated.yaml", "version: 1\nboundary: auto\nsyscalls: {allow: ['@default']}\n")
    refused = anyone.call("run", "-p", unstated, "--", "true")
    assert refused.code == 125 and "states none" in refused.errors


def test_a_named_policys_threat_is_only_raised(anyone):
    assert anyone.call("run", "-p", "build", "--threat=hostile", "--dry-run", "--", "true").code == 0
    refused = anyone.call("run", "-p", "build", "--threat=own", "--dry-run", "--", "true")
    assert refused.code == 125 and "weaker" in refused.errors
