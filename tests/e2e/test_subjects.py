"""What the analysis commands judge is what the kernel has: files are compared with the filters that runc,
bubblewrap and ward really installed, read back from the running process."""
import glob
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import time

import pytest

PODMAN = "/usr/share/containers/seccomp.json"
BUSYBOX = "/bin/busybox"
UNITS = "/lib/systemd/system"
SAME = "no difference"
KILL_PTRACE = [(0x20, 0, 0, 4), (0x15, 1, 0, 0xc000003e), (0x06, 0, 0, 0), (0x20, 0, 0, 0), (0x15, 0, 1, 101),
               (0x06, 0, 0, 0), (0x06, 0, 0, 0x7fff0000)]


@pytest.fixture
def reads(root):
    """root, where filters can be read back."""
    if "Seccomp:\t0" not in open("/proc/self/status", encoding="ascii").read():
        pytest.skip("these tests run under a filter themselves, and the kernel then shows none")
    return root


def waits_for(look, seconds=10):
    """What look() returns as soon as it is something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"nothing after {seconds} s")


def comm_below(pid, name):
    """The descendant of a process that is called so, once it runs."""
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                words = file.read().rsplit(") ", 1)
        except OSError:
            continue
        number, comm = words[0].split(" (", 1)
        if comm == name and is_below(int(words[1].split()[1]), pid):
            return int(number)
    return None


def is_below(pid, above):
    while pid > 1 and pid != above:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            pid = int(file.read().rsplit(") ", 1)[1].split()[1])
    return pid == above


def same(ward, first, second):
    done = ward.call("diff", first, second)
    assert done.code == 0 and SAME in done.text, done


@pytest.mark.parametrize("policy, boundary", [("default", "container"), ("default", "process"), ("build", "container")])
def test_a_box_has_the_filters_that_are_judged(reads, fits, policy, boundary):
    fits(policy)
    with reads.start("run", "-b", boundary, "-p", policy, "--", "sleep", "20") as box:
        try:
            pid = waits_for(lambda: comm_below(box.pid, "sleep"))
            done = reads.call("diff", "--json", "-b", boundary, policy, f"pid:{pid}")
        finally:
            box.send_signal(signal.SIGTERM)
            box.wait(10)
    said = json.loads(done.text)
    # Of a process nobody knows what ward answers when it is asked; else the two are the same.
    assert [one for one in said["calls"] if one["kind"] != "changed" or one["b"]["action"] != "notify"] == [], said
    assert said["b"] == f"process {pid}", said


def test_bubblewrap_installs_the_bytes_that_are_judged(reads):
    if not shutil.which("bwrap"):
        pytest.skip("bwrap is missing (apt-get install bubblewrap)")
    path = reads.file("x.bpf", "")
    with open(path, "wb") as file:
        file.write(b"".join(struct.pack("<HBBI", *one) for one in KILL_PTRACE))
    with open(path, "rb") as file, subprocess.Popen(
            ["bwrap", "--ro-bind", "/", "/", "--unshare-pid", "--die-with-parent", "--seccomp", str(file.fileno()),
             "sleep", "20"], pass_fds=[file.fileno()]) as outer:
        try:
            pid = waits_for(lambda: comm_below(outer.pid, "sleep"))
            same(reads, path, f"pid:{pid}")
        finally:
            outer.kill()


def make_bundle(folder, profile):
    """A container that sleeps under a profile; None where it cannot be made."""
    os.makedirs(f"{folder}/rootfs/bin")
    shutil.copy(BUSYBOX, f"{folder}/rootfs/bin/sleep")
    subprocess.run(["runc", "spec"], cwd=folder, check=True)
    with open(f"{folder}/config.json", encoding="utf-8") as file:
        config = json.load(file)
    config["process"].update(terminal=False, args=["/bin/sleep", "20"])
    config["linux"].pop("resources", None)
    config["linux"]["seccomp"] = profile
    with open(f"{folder}/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)


def resolved(path):
    """A profile of Podman's as its engine hands it to runc, for a container without capabilities."""
    with open(path, encoding="utf-8") as file:
        profile = json.load(file)
    calls = []
    for entry in profile["syscalls"]:
        includes, excludes = entry.get("includes") or {}, entry.get("excludes") or {}
        if includes.get("caps") or (includes.get("arches") and "amd64" not in includes["arches"]) or \
           "amd64" in excludes.get("arches", []):
            continue
        calls.append({key: entry[key] for key in ("names", "action", "args", "errnoRet") if entry.get(key)})
    arches = [[row["architecture"], *row["subArchitectures"]] for row in profile["archMap"]
              if row["architecture"] == "SCMP_ARCH_X86_64"]
    return {"defaultAction": profile["defaultAction"], "defaultErrnoRet": profile.get("defaultErrnoRet", 1),
            "architectures": arches[0], "syscalls": calls}


def test_runc_loads_the_program_that_is_judged(reads):
    if not shutil.which("runc") or not os.path.exists(PODMAN):
        pytest.skip("runc or a profile is missing (apt-get install runc golang-github-containers-common)")
    if not os.path.exists(BUSYBOX):
        pytest.skip("busybox is missing (apt-get install busybox-static)")
    folder = reads.folder("bundle")
    make_bundle(folder, resolved(PODMAN))
    name = f"ward-{os.getpid()}"
    runc = ["runc", "--root", f"{folder}/state"]
    with subprocess.Popen([*runc, "run", name], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as outer:
        try:
            try:
                pid = waits_for(lambda: comm_below(outer.pid, "sleep"))
            except AssertionError:
                outer.kill()
                pytest.skip(f"runc cannot run here: {outer.stdout.read()[-300:]}")
            same(reads, f"{folder}/config.json", f"pid:{pid}")
            # The profile itself, as Podman's engine and runc would resolve it together.
            same(reads, PODMAN, f"{folder}/config.json")
        finally:
            subprocess.run([*runc, "delete", "--force", name], capture_output=True)
            outer.kill()


def test_every_installed_unit_is_read(ward):
    units = sorted(glob.glob(f"{UNITS}/*.service"))
    if not units:
        pytest.skip("no units are installed (apt-get install systemd)")
    for unit in units:
        if os.path.getsize(unit):       # a masked one is /dev/null
            done = ward.call("why", "-p", unit, "read(0, 0, 0)")
            assert done.code in (0, 1, 3), (unit, done)


BAD = [
    ("deep.json", '{"defaultAction": ' + "[" * 10000 + "]" * 10000 + "}", "nested deeper than 16"),
    ("deep2.json", "[" * 10000, "deeper"),
    ("many.json", '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [' + '{"names": ["read"]},' * 600000 + "{}]}",
     "without 'action'|more than 65536 values"),
    ("cut.json", '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"na', "ends too early"),
    ("jump.txt", "21 200 200 0\n6 0 0 0\n", "instruction 0 is not valid"),
    ("endless.txt", "5 0 0 4294967295\n6 0 0 0\n", "instruction 0 is not valid"),
    ("long.txt", "6 0 0 0\n" * 4097, "4096"),
    ("short.bpf", "\x06\x00\x00\x00\x00\x00\x00", "no whole number"),
    ("x.service", "[Service\n", "a section without"),
    ("big.service", "[Service]\n" + "A=1\n" * 300000, "longer than 1 MiB"),
]


@pytest.mark.parametrize("name, text, error", BAD, ids=[name for name, _, _ in BAD])
def test_bad_input_is_refused_in_one_line(ward, name, text, error):
    done = ward.call("lint", ward.file(name, text))
    assert done.code == 2 and re.search(error, done.errors) and done.errors.count("\n") == 1, done


def test_ten_megabytes_beside_a_profile_are_passed_over(ward):
    path = ward.file("config.json", '{"ociVersion": "1", "annotations": [' + ",".join(["[]"] * 3400000) + '], "linux": '
                     '{"seccomp": {"defaultAction": "SCMP_ACT_ERRNO"}}}')
    done = ward.call("why", "-p", path, "read(0, 0, 0)")
    assert done.code == 1 and "refused" in done.text, done


def test_what_cannot_be_judged_is_never_clean(ward):
    profile = '{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["frobnicate"], "action": "SCMP_ACT_ALLOW"}]}'
    done = ward.call("lint", ward.file("p.json", profile))
    assert done.code == 3 and "frobnicate" in done.text + done.errors, done
    done = ward.call("lint", ward.file("x.service", "[Service]\nSystemCallFilter=frobnicate\n"))
    assert done.code in (1, 3) and "frobnicate" in done.text + done.errors, done


def test_a_process_that_is_not_there_is_named(ward):
    done = ward.call("lint", "--pid", "4194304")
    assert done.code == 2 and "there is no process 4194304" in done.errors, done


def test_filters_are_roots_to_read(reads, user):
    """Without a filter there is nothing to read; with one it takes root."""
    with reads.start("run", "-p", "default", "--", "sleep", "20") as box:
        try:
            pid = waits_for(lambda: comm_below(box.pid, "sleep"))
            done = user.call("lint", "--pid", str(pid))
        finally:
            box.send_signal(signal.SIGTERM)
            box.wait(10)
    assert done.code == 2 and "may not be traced" in done.errors and "root" in done.errors, done
