"""ward lint: what it finds in real profiles, that each example passes the kernel's filter, and how it says so."""
import json
import os
import re
import shutil
import struct
import subprocess
import time

import pytest

PODMAN = "/usr/share/containers/seccomp.json"
DOCKER = "/usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json"
UNITS = "/lib/systemd/system"
BUILT_IN = ["strict", "default", "contest", "build"]
SEVERITIES = ["info", "low", "medium", "high", "critical"]

POLICY = """version: 1
name: x
files: [{read: host}]
syscalls:
  default: errno
  allow:
    - "@default"
    - fadvise64
    - mincore
"""


def lint(ward, *words, code=None):
    outcome = ward.call("lint", *words)
    assert code is None or outcome.code == code, outcome
    return outcome


def judged(ward, *words):
    """Subjects as JSON."""
    outcome = lint(ward, "--format", "json", *words)
    document = json.loads(outcome.out)
    assert document["schema"] == "ward.lint.1"
    return document["subjects"]


def ids(subject, at_least="info"):
    wanted = SEVERITIES[SEVERITIES.index(at_least):]
    return [f["id"] for f in subject["findings"] if f["severity"] in wanted and not f["documented"]]


# ---- what is found, and what is not ----

def test_strict_is_clean(ward):
    outcome = lint(ward, "--fail-on", "info", "strict", code=0)
    assert outcome.text == "strict (built in): no findings\n"


@pytest.mark.parametrize("name", BUILT_IN)
def test_no_policy_of_wards_has_a_finding_that_counts(ward, name):
    lint(ward, name, code=0)


def test_a_process_boundary_is_judged_by_what_it_lacks(ward):
    alone = ids(judged(ward, "-b", "process", "default")[0])
    boxed = ids(judged(ward, "default")[0])
    assert {"net.unix", "proc.signals"} <= set(alone) - set(boxed)


def test_a_hole_in_a_policy_is_found_on_its_line(ward):
    path = ward.file("hole.yaml", POLICY)
    outcome = lint(ward, path)
    finding = next(f for f in judged(ward, path)[0]["findings"] if f["id"] == "mem.pincache")
    assert finding["from"]["line"] == 9 and "mincore" in finding["from"]["text"]
    assert "mincore(NULL, 0, NULL)" in outcome.text
    assert "{call: mincore, action: errno, errno: EPERM}" in " ".join(outcome.text.split())


def test_a_policy_that_ward_would_not_run_is_no_policy_to_judge(ward):
    outcome = lint(ward, ward.file("ptrace.yaml", POLICY.replace("mincore", "ptrace")), code=2)
    assert "the policy allows ptrace, which ward gives no box" in outcome.errors


def test_a_comment_documents_one_finding_or_its_line(ward):
    plain = POLICY + "    - msgget\n"
    policy = plain.replace("- mincore", "- mincore      # why: mem.pincache: the job measures its cache")
    policy = policy.replace("- msgget", "- msgget       # why: an old program")
    subject = judged(ward, ward.file("documented.yaml", policy))[0]
    told = {f["id"]: f["documented"] for f in subject["findings"]}
    assert told["mem.pincache"] == "mem.pincache: the job measures its cache"
    assert told["ipc.sysv"] == "an old program"
    assert {"mem.pincache", "ipc.sysv"} <= set(ids(judged(ward, ward.file("plain.yaml", plain))[0]))
    text = lint(ward, ward.file("again.yaml", policy)).text
    assert "documented  mem.pincache (low)" in text


def apply_edit(policy, edit):
    """The policy with what a finding proposes."""
    match = re.fullmatch(r"(?:put first in syscalls\.rules:|change the rule of line (\d+) to) (\{.*\})", edit)
    assert match, edit
    lines = policy.splitlines()
    if match[1]:
        lines[int(match[1]) - 1] = f"    - {match[2]}"
    elif "  rules:" in lines:
        lines.insert(lines.index("  rules:") + 1, f"    - {match[2]}")
    else:
        lines += ["  rules:", f"    - {match[2]}"]
    return "\n".join(lines) + "\n"


def test_the_edit_that_is_proposed_ends_the_finding(ward):
    policy = POLICY + "    - ioctl\n    - prctl\n    - chmod\n    - madvise\n"
    wanted = {"mem.pincache", "mem.madvise", "proc.prctl", "io.setid-bits", "ioctl.broad"}
    before = judged(ward, ward.file("before.yaml", policy))[0]
    found = [f for f in before["findings"] if f["id"] in wanted]
    assert {f["id"] for f in found} == wanted
    for finding in found:
        edited = policy
        for edit in finding["edits"]:
            edited = apply_edit(edited, edit)
        after = judged(ward, ward.file(f"{finding['id']}.yaml", edited))[0]
        assert finding["id"] not in ids(after), finding


def test_an_edit_ends_what_a_rule_allows_as_well(ward):
    policy = POLICY.replace("    - mincore\n", "") + \
        "  rules:\n    - {call: mincore, when: {arg0: 0}}\n    - {call: madvise, when: {arg2: [4, 12]}}\n"
    found = {f["id"]: f for f in judged(ward, ward.file("rule.yaml", policy))[0]["findings"]}
    assert found["mem.madvise"]["edits"][0].startswith("change the rule of line 11 to ")
    for name in ("mem.pincache", "mem.madvise"):
        edited = policy
        for edit in found[name]["edits"]:
            edited = apply_edit(edited, edit)
        assert name not in ids(judged(ward, ward.file(f"{name}.yaml", edited))[0]), edited


UNIT = """[Service]
ExecStart=/bin/true
SystemCallFilter=@system-service @mount @module @raw-io @reboot @swap @keyring @debug bpf setns unshare
"""


def test_the_edits_of_a_unit_end_what_they_are_for(ward):
    found = [f for f in judged(ward, ward.file("x.service", UNIT))[0]["findings"]
             if f["severity"] in ("high", "critical")]
    assert {"ns.clone-flags", "io.mount", "host.bpf", "net.alg", "ioctl.broad"} <= {f["id"] for f in found}
    for finding in found:
        edits = "\n".join(re.sub(r" \(whole: .*", "", edit) for edit in finding["edits"])
        after = judged(ward, ward.file(f"{finding['id']}.service", f"{UNIT}{edits}\n"))[0]
        assert finding["id"] not in ids(after, "high"), finding


def edit_profile(profile, edit):
    """A profile with what a finding proposes; None where it leaves a choice of values."""
    profile = json.loads(json.dumps(profile))
    names = re.findall(r'"(\w+)"', edit.split(" out of ")[0]) if edit.startswith("take ") else []
    own = re.fullmatch(r'give "(\w+)" an entry of its own with "args": (\[.*\])', edit)
    if own:
        names = [own[1]]
        profile["syscalls"].append({"names": names, "action": "SCMP_ACT_ALLOW", "args": json.loads(own[2])})
    for entry in profile["syscalls"][:1]:
        entry["names"] = [name for name in entry["names"] if name not in names]
    return profile if names else None


def test_the_edits_of_a_profile_end_what_they_are_for(ward):
    names = ["read", "clone", "unshare", "keyctl", "add_key", "bpf", "ptrace", "io_uring_setup", "userfaultfd", "mount"]
    profile = {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
               "syscalls": [{"names": names, "action": "SCMP_ACT_ALLOW"}]}
    found = judged(ward, ward.file("x.json", json.dumps(profile)))[0]["findings"]
    wanted = {"ns.clone-flags", "ns.unshare", "ipc.keyring", "host.bpf", "proc.ptrace", "io.uring", "mem.userfaultfd",
              "io.mount"}
    assert wanted <= {f["id"] for f in found}
    for finding in (f for f in found if f["id"] in wanted):
        edited = profile
        for edit in finding["edits"]:
            edited = edit_profile(edited, edit)
            assert edited, edit
        after = judged(ward, ward.file(f"{finding['id']}.json", json.dumps(edited)))[0]
        assert finding["id"] not in ids(after), finding


# ---- the kernel agrees ----

@pytest.fixture(scope="module")
def under_filter(programs):
    path = programs("under_filter.c")

    def ask(program, calls, *really):
        lines = "".join(f"{c['arch']} {c['nr']} {' '.join(str(a) for a in c['args'])}\n" for c in calls)
        done = subprocess.run([path, program, *really], input=lines, text=True, capture_output=True, timeout=120)
        assert done.returncode == 0, done
        return done.stdout.split()
    return ask


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read().split("\0")[:-1]
    except OSError:
        return []


def prove(under_filter, program, subject, least):
    """Each example gets through the filter that the kernel runs; what is about a refusal does not."""
    calls = [f["call"] for f in subject["findings"] if f["call"]]
    answers = under_filter(program, calls)
    assert len(answers) == len(calls) >= least
    wrong = [f"{call['text']}: {answer}" for call, answer in zip(calls, answers)
             if (answer == "passes") == call["refused"]]
    assert not wrong, wrong


CALL_NUMBERS = {"read": 0, "ioctl": 16, "socket": 41, "ptrace": 101}
ALLOW, ERRNO, KILL = 0x7fff0000, 0x00050000, 0x80000000


def bpf(*rows):
    return b"".join(struct.pack("<HBBI", *row) for row in rows)


def ret(word):
    return (0x06, 0, 0, word)


DENY_LIST = bpf((0x20, 0, 0, 0), (0x15, 0, 1, CALL_NUMBERS["ptrace"]), ret(ERRNO | 1), ret(ALLOW))


def test_every_example_passes_a_deny_list_in_the_kernel(ward, under_filter):
    path = ward.file("deny.bpf", DENY_LIST)
    subject = judged(ward, "--as", "bpf", path)[0]
    found = set(ids(subject))
    assert {"abi.arch-unchecked", "abi.x32", "abi.default-allow", "io.uring", "net.alg", "tty.sti"} <= found
    assert "proc.ptrace" not in found
    prove(under_filter, path, subject, 70)


def test_the_test_can_tell_a_refusal(ward, under_filter):
    path = ward.file("deny.bpf", DENY_LIST)
    call = {"arch": 0xc000003e, "nr": CALL_NUMBERS["ptrace"], "args": [0] * 6}
    assert under_filter(path, [call, {**call, "nr": 0}]) == ["refused", "passes"]
    path = ward.file("kill.bpf", bpf(ret(KILL)))
    assert under_filter(path, [call]) == ["killed"]


# Harmless: no such descriptor, no such flags.
REALLY = {
    "ioctl(-1, TIOCSTI, 0)": (16, [0xffffffff, 0x5412, 0], "EBADF"),
    "socket(AF_ALG, 15, 0)": (41, [38, 15, 0], "EINVAL"),
    "setns(-1, 0)": (308, [0xffffffff, 0], "EBADF"),
    "clone3(NULL, 1)": (435, [0, 1], "EINVAL"),
    "memfd_create(NULL, 1 << 20)": (319, [0, 1 << 20], "EINVAL"),
}


@pytest.mark.parametrize("name", REALLY)
def test_calls_that_pass_are_answered_by_the_kernel(ward, under_filter, name):
    number, args, expected = REALLY[name]
    call = {"arch": 0xc000003e, "nr": number, "args": args + [0] * (6 - len(args))}
    assert under_filter(ward.file("deny.bpf", DENY_LIST), [call], "really") == [expected]


@pytest.mark.parametrize("name", ["default", "build"])
def test_every_example_passes_the_filter_of_the_policy_in_the_kernel(ward, under_filter, name):
    path = ward.name("bpf")
    assert ward.call("compile", "-q", "-p", name, "--to", "bpf", "-o", path).code == 0
    prove(under_filter, path, judged(ward, name)[0], 3)


def test_a_running_process_is_judged_by_what_the_kernel_has_of_it(root):
    seconds = f"25.{os.getpid()}"
    with root.start("run", "--", "sleep", seconds) as box:
        found = []
        for _ in range(100):
            found = [p for p in os.listdir("/proc") if p.isdigit() and command_of(p) == ["sleep", seconds]]
            if found:
                break
            time.sleep(0.05)
        assert found, "the program did not start"
        outcome = lint(root, "--format", "json", f"pid:{found[0]}")
        box.terminate()
        box.wait()
    if outcome.code == 2:
        pytest.skip(f"filters cannot be read back: {outcome.errors.strip()}")
    subject = json.loads(outcome.out)["subjects"][0]
    assert subject["kind"] == "process" and not ids(subject, "high")
    # The same questions, the same answers: of the boundary less can be known from outside.
    assert set(ids(judged(root, "default")[0])) <= set(ids(subject))


# ---- profiles as they are installed, compiled by the library that container engines use ----

def capable(rule, held):
    return not set(rule.get("caps") or []) - held


def applies(entry, held):
    includes, excludes = entry.get("includes") or {}, entry.get("excludes") or {}
    if includes.get("caps") and not capable(includes, held):
        return False
    if includes.get("arches") and "amd64" not in includes["arches"]:
        return False
    if "amd64" in (excludes.get("arches") or []):
        return False
    return not set(excludes.get("caps") or []) & held


def compile_with_libseccomp(profile, target):
    """As runc does: what has the action of the default is left out, names nobody knows too."""
    seccomp = pytest.importorskip("seccomp", reason="python3-seccomp is missing")
    actions = {"SCMP_ACT_ALLOW": lambda _: seccomp.ALLOW, "SCMP_ACT_KILL": lambda _: seccomp.KILL,
               "SCMP_ACT_ERRNO": lambda e: seccomp.ERRNO(1 if e is None else e)}
    comparisons = {f"SCMP_CMP_{name}": getattr(seccomp, name)
                   for name in ("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ")}

    def action(entry, key, errno):
        return entry[key], entry.get(errno), actions[entry[key]](entry.get(errno))
    with open(profile, encoding="utf-8") as file:
        document = json.load(file)
    *default, act = action(document, "defaultAction", "defaultErrnoRet")
    made = seccomp.SyscallFilter(act)
    for arch in (seccomp.Arch.X86, seccomp.Arch.X32):
        made.add_arch(arch)
    for entry in document["syscalls"]:
        *own, act = action(entry, "action", "errnoRet")
        if own == default or not applies(entry, set()):
            continue
        args = [seccomp.Arg(a["index"], comparisons[a["op"]], a["value"], a.get("valueTwo", 0))
                for a in entry.get("args") or []]
        for name in entry.get("names") or [entry["name"]]:
            try:
                made.add_rule(act, name, *args)
            except (RuntimeError, OSError):
                pass    # unknown here, or said before
    with open(target, "wb") as file:
        made.export_bpf(file)


def profile_path(name):
    path = os.environ.get(f"WARD_{name}_PROFILE") or {"PODMAN": PODMAN, "DOCKER": DOCKER}[name]
    if not os.path.exists(path):
        package = {"PODMAN": "golang-github-containers-common", "DOCKER": "golang-github-docker-docker-dev"}[name]
        pytest.skip(f"{path} is missing (apt-get install {package})")
    return path


EXPECTED = {
    "DOCKER": {"io.uring", "net.alg", "net.vsock", "net.rare-families", "ioctl.broad", "net.packet"},
    "PODMAN": {"ns.clone-flags", "ns.unshare", "ns.clone3", "io.mount", "net.alg", "net.vsock", "ipc.keyring",
               "abi.width", "abi.i386-socketcall", "ioctl.broad"},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_default_profile_is_judged_as_its_engine_enforces_it(ward, under_filter, name):
    profile = profile_path(name)
    program = ward.name("bpf")
    compile_with_libseccomp(profile, program)
    subject = judged(ward, "--assume", "container", "--as", "bpf", program)[0]
    assert EXPECTED[name] <= set(ids(subject, "high"))
    prove(under_filter, program, subject, 40)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_default_profile_is_judged_by_its_file(ward, under_filter, name):
    profile = profile_path(name)
    subject = judged(ward, profile)[0]
    assert subject["kind"] == "oci" and subject["assumed"]
    assert EXPECTED[name] <= set(ids(subject, "high"))
    assert all(f["from"]["text"] for f in subject["findings"] if f["call"])
    program = ward.name("bpf")
    compile_with_libseccomp(profile, program)
    calls = [f["call"] for f in subject["findings"] if f["call"] and not f["call"]["refused"]]
    answers = under_filter(program, calls)
    wrong = {call["text"] for call, answer in zip(calls, answers) if answer != "passes"}
    assert not wrong, wrong


def expand(group, groups, seen):
    for name in groups[group]:
        if name.startswith("@"):
            expand(name, groups, seen)
        else:
            seen.add(name)
    return seen


@pytest.fixture(scope="module")
def systemd_groups():
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is missing (apt-get install systemd)")
    groups, now = {}, None
    out = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True).stdout
    for line in re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines():
        if line.startswith("@"):
            now = groups.setdefault(line.strip(), [])
        elif now is not None and line.startswith("    ") and not line.strip().startswith("#"):
            now.append(line.strip())
    return groups


def test_systemds_usual_list_is_judged_as_it_is_enforced(ward, under_filter, systemd_groups):
    seccomp = pytest.importorskip("seccomp", reason="python3-seccomp is missing")
    made = seccomp.SyscallFilter(seccomp.ERRNO(1))
    for name in sorted(expand("@system-service", systemd_groups, set()) | expand("@default", systemd_groups, set())):
        try:
            made.add_rule(seccomp.ALLOW, name)
        except (RuntimeError, OSError):
            pass
    program = ward.name("bpf")
    with open(program, "wb") as file:
        made.export_bpf(file)
    subject = judged(ward, "--as", "bpf", program)[0]
    assert {"ns.clone-flags", "ns.unshare", "io.uring", "net.alg", "tty.sti", "ipc.keyring"} <= set(ids(subject, "high"))
    prove(under_filter, program, subject, 40)


def units():
    if not os.path.isdir(UNITS):
        return []
    paths = [os.path.join(UNITS, name) for name in sorted(os.listdir(UNITS)) if name.endswith(".service")]
    return [p for p in paths if os.path.isfile(p) and "\nSystemCallFilter=" in open(p, encoding="utf-8").read()]


@pytest.mark.parametrize("path", units(), ids=os.path.basename)
def test_units_as_they_are_installed_are_judged_in_full(ward, path):
    subject = judged(ward, path)[0]
    assert subject["kind"] == "systemd" and subject["complete"], subject["gaps"]
    # io_uring is in systemd's @system-service.
    assert "io.uring" in ids(subject, "critical") and all(f["edits"] for f in subject["findings"])


# ---- how it is said ----

def test_exit_codes_say_what_happened(ward):
    lint(ward, "default", code=0)
    lint(ward, "--fail-on", "medium", "default", code=1)
    lint(ward, ward.file("deny.bpf", DENY_LIST), code=1)
    lint(ward, "/nonexistent/policy.yaml", code=2)
    lint(ward, "--fail-on", "worst", code=2)
    lint(ward, "--assume", "own-moon", code=2)
    lint(ward, "--format", "xml", code=2)
    lint(ward, "--explain", "tty.nothing", code=2)


def test_what_could_not_be_judged_is_never_clean(ward):
    profile = {"defaultAction": "SCMP_ACT_KILL", "architectures": ["SCMP_ARCH_X86_64"],
               "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}
    lint(ward, ward.file("small.json", json.dumps(profile)), code=0)
    profile["syscalls"][0]["action"] = "SCMP_ACT_FROBNICATE"
    outcome = lint(ward, ward.file("odd.json", json.dumps(profile)))
    assert outcome.code in (2, 3) and "no findings\n" not in outcome.text
    # The product of two arguments is in no diagram that fits.
    program = bpf((0x20, 0, 0, 16), (0x07, 0, 0, 0), (0x20, 0, 0, 24), (0x2c, 0, 0, 0),
                  (0x15, 0, 1, 0x12345677), ret(KILL), ret(ALLOW))
    outcome = lint(ward, "--as", "bpf", ward.file("large.bpf", program), code=3)
    assert "incomplete: " in outcome.text


def test_one_unreadable_file_does_not_hide_the_others(ward):
    outcome = lint(ward, "strict", "/nonexistent/policy.yaml", "default", code=2)
    assert "strict (built in): no findings" in outcome.text and "default (built in)" in outcome.text
    assert "/nonexistent/policy.yaml" in outcome.errors


def test_the_answer_is_the_same_every_time(ward):
    words = ("default", "build", ward.file("deny.bpf", DENY_LIST))
    for form in ("text", "json", "sarif"):
        assert lint(ward, "--format", form, *words).out == lint(ward, "--format", form, *words).out


def test_worst_comes_first_and_less_can_be_shown(ward):
    path = ward.file("deny.bpf", DENY_LIST)
    order = [SEVERITIES.index(f["severity"]) for f in judged(ward, path)[0]["findings"]]
    assert order == sorted(order, reverse=True)
    assert {f["severity"] for f in judged(ward, "--min", "high", path)[0]["findings"]} == {"high", "critical"}


def test_every_entry_can_be_listed_and_explained(ward):
    rows = [line for line in lint(ward, "--list", code=0).text.splitlines() if not line.startswith(" ")]
    assert len(rows) >= 91
    for row in rows:
        name = row.split()[1]
        text = lint(ward, "--explain", name, code=0).text
        assert text.startswith(name + "\n") and "tolerable" in text


def test_nothing_of_a_file_reaches_the_terminal_raw(ward):
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["\x1b[2Jread"], "action": "SCMP_ACT_KILL"}]}
    outcome = lint(ward, ward.file("esc\x1b[2J.json", json.dumps(profile)))
    assert b"\x1b" not in outcome.out + outcome.err


# ---- SARIF 2.1.0, section numbers of the standard ----

def text_of(thing):
    assert set(thing) <= {"text", "markdown"} and isinstance(thing["text"], str) and thing["text"]    # 3.11, 3.12
    return thing["text"]


def check_rule(rule):
    assert set(rule) <= {"id", "shortDescription", "help", "defaultConfiguration", "properties"}      # 3.49
    assert re.fullmatch(r"[a-z]+\.[a-z0-9_-]+", rule["id"])
    text_of(rule["shortDescription"])
    text_of(rule["help"])
    assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")               # 3.50.3
    assert 0 <= float(rule["properties"]["security-severity"]) <= 10


def check_location(location):
    assert set(location) <= {"physicalLocation", "logicalLocations"}                                   # 3.28
    for logical in location["logicalLocations"]:
        assert set(logical) == {"fullyQualifiedName"} and isinstance(logical["fullyQualifiedName"], str)
    physical = location.get("physicalLocation")
    if physical:
        assert set(physical) == {"artifactLocation", "region"}                                         # 3.29
        assert re.fullmatch(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", physical["artifactLocation"]["uri"])
        assert all(isinstance(n, int) and n >= 1 for n in physical["region"].values())                 # 3.30
        assert set(physical["region"]) <= {"startLine", "startColumn"} and "startLine" in physical["region"]


def check_result(result, rules):
    allowed = {"ruleId", "ruleIndex", "level", "message", "locations", "suppressions", "properties"}   # 3.27
    assert set(result) <= allowed
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["level"] in ("none", "note", "warning", "error")
    text_of(result["message"])
    assert len(result["locations"]) == 1
    check_location(result["locations"][0])
    for suppression in result.get("suppressions", []):
        assert suppression["kind"] == "inSource" and suppression["justification"]                      # 3.35


def check_sarif(document):
    assert set(document) == {"$schema", "version", "runs"} and document["version"] == "2.1.0"          # 3.13
    assert len(document["runs"]) == 1
    run = document["runs"][0]
    assert set(run) == {"tool", "invocations", "results"}                                              # 3.14
    assert set(run["tool"]) == {"driver"}
    driver = run["tool"]["driver"]
    assert set(driver) == {"name", "semanticVersion", "rules"}                                         # 3.19
    assert re.fullmatch(r"\d+\.\d+\.\d+", driver["semanticVersion"])
    for rule in driver["rules"]:
        check_rule(rule)
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    for invocation in run["invocations"]:
        assert isinstance(invocation["executionSuccessful"], bool)                                     # 3.20.14
        for note in invocation["toolExecutionNotifications"]:
            text_of(note["message"])
    for result in run["results"]:
        check_result(result, driver["rules"])
    return run


def test_sarif_is_sarif(ward):
    documented = ward.file("sub dir/a%b.yaml", POLICY.replace("- mincore", "- mincore   # why: it measures"))
    deny = ward.file("deny.bpf", DENY_LIST)
    run = check_sarif(json.loads(lint(ward, "--format", "sarif", "default", documented, deny).out))
    assert run["invocations"][0]["executionSuccessful"] is True
    places = {r["locations"][0].get("physicalLocation", {}).get("artifactLocation", {}).get("uri")
              for r in run["results"]}
    assert None in places and any(p and p.endswith("sub%20dir/a%25b.yaml") for p in places)
    assert any("suppressions" in r for r in run["results"])
    lines = {r["locations"][0]["physicalLocation"]["region"]["startLine"] for r in run["results"]
             if "suppressions" in r}
    assert lines == {9}


def test_sarif_says_when_it_is_incomplete(ward):
    program = bpf((0x20, 0, 0, 16), (0x07, 0, 0, 0), (0x20, 0, 0, 24), (0x2c, 0, 0, 0),
                  (0x15, 0, 1, 0x12345677), ret(KILL), ret(ALLOW))
    outcome = lint(ward, "--as", "bpf", "--format", "sarif", ward.file("large.bpf", program), code=3)
    invocation = check_sarif(json.loads(outcome.out))["invocations"][0]
    assert invocation["executionSuccessful"] is False and invocation["toolExecutionNotifications"]


def test_the_structure_test_can_fail():
    with pytest.raises((AssertionError, KeyError)):
        check_sarif({"$schema": "x", "version": "2.1.0", "runs": [{"tool": {}, "results": []}]})
