"""How ward is built, and what its own processes may still do while a box runs."""
import os
import re
import shutil
import subprocess
import time

import pytest

import harness

PROGRAMS = ["ward", "ward-analyst", "ward-client", "ward-monitor", "ward-probe", "ward-step", "ward-v8"]
# Linked with libraries of the host, and why that is no way in.
DYNAMIC = {
    "ward-v8": "its engine is a library of the host's; it runs in boxes only",
    "ward-client": "libcurl is a library of the host's; it holds no right and starts nothing",
}


def readelf(path, *flags):
    if not shutil.which("readelf"):
        pytest.skip("needs readelf")
    return subprocess.run(["readelf", "-W", *flags, path], capture_output=True, text=True, check=True).stdout


@pytest.fixture(params=PROGRAMS)
def program(request):
    path = os.path.join(harness.BUILD, request.param)
    if not os.path.exists(path):
        pytest.skip(f"{path} is not built")
    return path


def test_programs_are_position_independent(program):
    assert re.search(r"Type:\s+DYN", readelf(program, "-h"))
    assert not re.search(r"\(TEXTREL\)", readelf(program, "-d"))


def test_relocations_are_read_only_and_bound_at_once(program):
    assert "GNU_RELRO" in readelf(program, "-l")
    dynamic = readelf(program, "-d")
    assert "BIND_NOW" in dynamic and re.search(r"FLAGS_1\).*NOW", dynamic)


def test_no_page_is_writable_and_executable(program):
    headers = readelf(program, "-l")
    stack = re.search(r"GNU_STACK.*", headers).group()
    assert " RW " in stack and "E" not in stack.split("0x")[-2]
    for line in headers.splitlines():
        if line.strip().startswith("LOAD"):
            assert "RWE" not in line


def test_what_a_box_runs_stands_together():
    """A fault in each piece of 64 KiB costs every process of a box 4 us: src/often.ld."""
    path = os.path.join(harness.BUILD, "ward")
    sections = {row[1]: (int(row[3], 16), int(row[5], 16)) for row in (line.replace("[ ", "[").split()
                for line in readelf(path, "-S").splitlines()) if len(row) > 8 and row[0][1:2].isdigit()}
    if ".text.often" not in sections:
        pytest.skip("linked by another linker than GNU ld, or dynamic")
    start, size = sections[".text.often"]
    symbols = {row[7]: int(row[1], 16) for row in map(str.split, readelf(path, "-s").splitlines()) if len(row) > 7 and row[0][0].isdigit()}
    for name in ("keeper_live", "walk_box", "cgroup_create", "mount_pivot", "runner_live", "run_box", "__vfprintf_internal", "malloc"):
        assert start <= symbols[name] < start + size, name
    assert size < 5 << 16
    start, size = sections[".rodata.often"]
    loads = [line.split() for line in readelf(path, "-l").splitlines() if line.strip().startswith("LOAD")]
    assert [load[6] for load in loads if int(load[2], 16) <= start < int(load[2], 16) + int(load[5], 16)] == ["R"]


def test_the_stack_is_protected(program):
    symbols = readelf(program, "-s")
    assert "__stack_chk_fail" in symbols


def test_what_was_relocated_is_read_only(tmp_path):
    """musl's start of a static program leaves that to nobody."""
    if os.geteuid() != 0:
        pytest.skip("chroot needs root")
    path = os.path.join(harness.BUILD, "ward-step")
    if harness.is_sanitized(path) or not os.path.exists(path) or "INTERP" in readelf(path, "-l"):
        pytest.skip("no static ward-step is built")
    shutil.copy(path, tmp_path / "ward-step")
    (tmp_path / "work").mkdir()
    start = int(re.search(r"GNU_RELRO +0x\S+ 0x(\S+)", readelf(path, "-l"))[1], 16)
    with subprocess.Popen(["/ward-step"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=lambda: os.chroot(tmp_path)) as process:
        assert process.stdout.read(1)       # it is parked
        with open(f"/proc/{process.pid}/maps", encoding="ascii") as file:
            maps = [line.split() for line in file]
        process.stdin.close()
    base = int(next(line[0] for line in maps if line[-1].endswith("/ward-step")).split("-")[0], 16)
    page = (base + start) & ~4095
    assert [line[1] for line in maps if int(line[0].split("-")[0], 16) <= page < int(line[0].split("-")[1], 16)] == ["r--p"]


def test_string_functions_are_checked(program):
    if harness.is_sanitized(program):
        pytest.skip("a sanitizer's build checks by itself")
    if os.path.basename(program) == "ward-step" and "__libc_setup_tls" not in readelf(program, "-s"):
        pytest.skip("musl has no checked functions; this one runs in boxes only")
    assert re.search(r"__\w+_chk\b", readelf(program, "-s").replace("__stack_chk", ""))


def test_compile_commands_ask_for_hardening():
    path = os.path.join(os.path.dirname(harness.BUILD), "compile_commands.json")
    if not os.path.exists(path):
        pytest.skip(f"{path} is not there")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    commands = re.findall(r'"command": "(.*?)",\n', text)
    ours = [command for command in commands if "src/" in command and "-fsanitize" not in command]
    assert ours or "-fsanitize" in text
    for command in ours:
        for flag in ("-fstack-protector-strong", "-fcf-protection=full", "-D_FORTIFY_SOURCE=3",
                     "-ftrivial-auto-var-init=zero", "-fPIE"):
            assert flag in command, (flag, command)


def test_indirect_branches_are_tracked(program):
    notes = readelf(program, "-n")
    if "IBT" in notes or "SHSTK" in notes:
        return
    if not re.search(r"\(NEEDED\)", readelf(program, "-d")) or os.path.basename(program) in DYNAMIC:
        # The linker drops the property when one object lacks it, and Debian's static libyaml, its glibc
        # and its start files have such; our own code has its landing pads all the same.
        code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", program], capture_output=True, text=True)
        assert code.stdout.count("endbr64") > 50
        pytest.skip("the IBT property is lost to an object of a library; endbr64 is there")
    pytest.fail("no IBT property")


def test_programs_need_nothing_of_the_host(program):
    """Static: they read no library of the host, and start faster."""
    if harness.is_sanitized(program):
        pytest.skip("a sanitizer's build is dynamic")
    if os.path.basename(program) in DYNAMIC:
        pytest.skip(DYNAMIC[os.path.basename(program)])
    assert not re.search(r"INTERP", readelf(program, "-l")) or os.environ.get("WARD_DYNAMIC")


def test_programs_are_not_setuid(program):
    assert not os.stat(program).st_mode & 0o6000


@pytest.fixture(params=["container", "process"])
def running(anyone, request):
    """A box in flight: {role: /proc/PID/status}."""
    with anyone.start("run", "-b", request.param, "/bin/sh", "-c", "echo up; exec sleep 60") as process:
        assert process.stdout.readline() == b"up\n"
        time.sleep(0.05)
        tree = harness.descendants(process.pid)
        pids = {"ward": process.pid}
        for pid in tree:
            parent = harness.stat_of(pid)[2]
            if parent == process.pid:
                pids["keeper"] = pid
        for pid in tree:
            if harness.stat_of(pid)[2] == pids["keeper"]:
                pids["first"] = pid
        for pid in tree:
            if harness.stat_of(pid)[2] == pids["first"]:
                pids["program"] = pid
        assert set(pids) == {"ward", "keeper", "first", "program"}, tree
        yield {role: dict(harness.status_of(pid), pid=pid) for role, pid in pids.items()}, anyone
        process.terminate()
        process.wait(10)


def rights(status):
    return {name: int(status[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")}


def test_every_process_of_wards_is_confined(running):
    """SECURITY.md: the front holds nothing, the keeper what it needs to end the box, the first process
    nothing."""
    statuses, anyone = running
    sanitized = harness.is_sanitized(os.path.join(harness.BUILD, "ward"))
    for role, status in statuses.items():
        assert status["NoNewPrivs"] == "1", role
        assert sanitized or status["Seccomp"] == "2", role
        allowed = 1 << 5 | 1 << 1 if role == "keeper" and anyone.is_root else 0   # KILL, DAC_OVERRIDE
        assert all(not value & ~allowed for value in rights(status).values()), (role, rights(status))


def test_the_front_and_the_box_are_not_root(running):
    statuses, _ = running
    for role in ("ward", "first", "program"):
        assert "0" not in statuses[role]["Uid"].split(), role
        assert "0" not in statuses[role]["Gid"].split(), role
        assert "0" not in statuses[role]["Groups"].split(), role


def test_the_first_process_holds_only_its_channel(running):
    statuses, _ = running
    held = os.listdir(f"/proc/{statuses['first']['pid']}/fd")
    assert len(held) <= 1, held


def test_the_keeper_holds_no_stream_of_the_caller(running):
    statuses, _ = running
    place = f"/proc/{statuses['keeper']['pid']}/fd"
    names = {fd: os.readlink(f"{place}/{fd}") for fd in os.listdir(place)}
    assert not [name for fd, name in names.items() if name.startswith("pipe:") and fd != "2"], names


def test_the_program_cannot_see_wards_memory(running):
    """No process of ward's is dumpable, so that none of the same user can look into it."""
    statuses, anyone = running
    for role in ("first",):
        owner = os.stat(f"/proc/{statuses[role]['pid']}/environ").st_uid
        assert owner in (0, 65534), role


def test_launcher_memory_is_small(running):
    statuses, _ = running
    for role in ("ward", "keeper", "first"):
        if role in statuses and "VmRSS" in statuses[role]:
            assert int(statuses[role]["VmRSS"].split()[0]) < 6 * 1024, (role, statuses[role]["VmRSS"])
