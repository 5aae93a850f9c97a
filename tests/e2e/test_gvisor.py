"""The boundary gvisor: a program behaves as in a container, sees gVisor's kernel and no other, and what fails in
gVisor is not taken for the program's."""
import json
import os
import signal
import stat
import subprocess
import time

import pytest

import harness

B = ("-b", "gvisor")


@pytest.fixture(autouse=True)
def runsc(ward_path):
    done = subprocess.run([ward_path, "check", *B], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(done.stdout.strip() or done.stderr.strip())


@pytest.fixture
def each(anyone):
    """As root, and as a user where limits may fall back to rlimits."""
    if not anyone.is_root:
        done = subprocess.run([anyone.program, "check", *B, "--best-effort"], capture_output=True, text=True,
                              check=False, **anyone.identity())
        if done.returncode:
            pytest.skip(done.stdout.strip() or done.stderr.strip())
    return anyone


def options(ward, *more):
    return [*B, *([] if ward.is_root else ["--best-effort"]), *more]


def test_a_program_runs_and_its_output_comes_back(each):
    run = each.run("/usr/bin/python3", "-S", "-c", "import sys; print(1); sys.stderr.write('e')", options=options(each))
    assert (run.code, run.out) == (0, b"1\n"), run
    assert run.err.startswith(b"e") and run.result["boundary"] == "gvisor"


def test_the_kernel_is_gvisors_and_not_the_hosts(each):
    run = each.run("/bin/sh", "-c", "uname -r; cat /proc/version; dmesg | head -1", options=options(each))
    assert os.uname().release not in run.text and "4.4.0" in run.text, run


@pytest.mark.parametrize("code", [0, 1, 7, 125, 126, 127, 128, 255])
def test_the_exit_code_is_the_programs(ward, code):
    run = ward.run("/bin/sh", "-c", f"exit {code}", options=B)
    assert run.code == code and run.result["verdict"] == ("ok" if code == 0 else "nonzero"), run


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGRTMAX])
def test_a_signal_of_the_programs_own_is_told_apart_from_its_exit_code(ward, number):
    run = ward.python(f"import os; os.kill(os.getpid(), {int(number)})", *B)
    assert run.code == 128 + number, run
    assert run.result["verdict"] == ("signal" if number != signal.SIGRTMAX else "nonzero"), run


def test_what_is_not_there_is_127_and_what_cannot_run_126(ward):
    ward.folder("d")
    ward.file("d/data", "text", 0o644)
    ward.file("d/junk", b"\x01\x02", 0o755)
    grant = ["--rx", f"{ward.place}/d:/d"]
    for name, code in [("nosuch", 127), ("/d/nosuch", 127), ("/d", 126), ("/d/data", 126), ("/d/junk", 126)]:
        run = ward.run(name, options=[*B, *grant])
        assert run.code == code and run.out == b"", (name, run)


def test_links_of_the_programs_root_lead_nowhere_else(ward):
    """ward-runsc looks for the program before gVisor does, with eyes of its own."""
    place = ward.folder("d")
    os.symlink("/usr/bin/true", os.path.join(place, "abs"))
    os.symlink("../../../../../../usr/bin/true", os.path.join(place, "up"))
    os.symlink("/ward/runsc", os.path.join(place, "out"))
    grant = ["--rx", f"{place}:/d"]
    assert ward.run("/d/abs", options=[*B, *grant]).code == 0
    assert ward.run("/d/up", options=[*B, *grant]).code == 0
    assert ward.run("/d/out", options=[*B, *grant]).code == 127


def test_standard_input_goes_in_and_ends(each):
    run = each.run("/bin/cat", options=options(each), stdin=b"a" * 300000)
    assert run.code == 0 and run.out == b"a" * 300000


def test_environment_directory_and_arguments_arrive(ward):
    run = ward.run("/bin/sh", "-c", 'printf "%s|%s|%s|%s" "$A" "$PWD" "$1" "$2"', "sh", "two words", 'q"\\\n',
                   options=[*B, "-e", "A=b c", "--chdir", "/tmp"])
    assert run.out == b'b c|/tmp|two words|q"\\\n', run
    run = ward.run("/usr/bin/env", options=B)
    assert sorted(line.split("=")[0] for line in run.text.splitlines()) == ["HOME", "LANG", "PATH"], run


def test_what_json_cannot_say_is_refused(ward):
    run = ward.run("/bin/echo", b"\xff", options=B)
    assert run.code == 125 and "UTF-8" in run.errors


def test_grants_appear_with_their_rights(each):
    read, write = each.folder("r"), each.folder("w")
    each.file("r/in", "data\n")
    each.file("secret", "secret\n")
    grants = options(each, "--ro", f"{read}:/r", "--rw", f"{write}:/w")
    run = each.sh("cat /r/in && ! touch /r/x && ! sh /r/in && echo new > /w/out && ! cat /w/../secret "
                  f"&& ! cat {each.place}/secret && ! touch /x && ! touch /usr/x && ! touch /etc/x", *grants)
    assert run.code == 0, run
    made = os.path.join(write, "out")
    assert os.path.exists(made) and os.stat(made).st_uid == each.uid
    assert stat.S_IMODE(os.stat(made).st_mode) == 0o644


def test_a_program_that_is_granted_for_reading_only_does_not_run(ward):
    place = ward.folder("d")
    ward.file("d/true", open("/usr/bin/true", "rb").read(), 0o755)
    assert ward.run("/d/true", options=[*B, "--rx", f"{place}:/d"]).code == 0
    run = ward.sh("/d/true", *B, "--ro", f"{place}:/d")
    assert run.code == 126, run


def test_nothing_of_the_host_is_there(ward):
    run = ward.python("import os\nprint(os.listdir('/'), open('/proc/mounts').read(), os.listdir('/proc'))\n"
                      "for p in ('home', 'root', 'var', 'run', 'boot', 'ward', 'rootfs', 'srv'):\n"
                      " print(os.path.exists('/' + p))", *B)
    for name in ("ward-runsc", "runsc-sandbox", "config.json", "rootfs", "True"):
        assert name not in run.text, run
    assert run.text.count("False") == 8, run


def test_scratch_is_bounded_and_gone(ward):
    run = ward.sh("dd if=/dev/zero of=/tmp/x bs=1M count=64 2>/dev/null; wc -c < /tmp/x", *B, "--tmp", "/tmp:4M")
    assert run.text.strip().isdigit() and int(run.text) <= 4 << 20, run
    assert ward.sh("ls -A /tmp", *B).out == b""


def test_without_scratch_nothing_can_be_written(ward):
    policy = "version: 1\nname: bare\nboundary: gvisor\nfiles:\n  - read: host\nlimits: {memory: 256M, pids: 16}\n" \
             "syscalls: {allow: [\"@default\"]}\n"
    run = ward.run("/bin/sh", "-c", "for d in / /tmp /dev/shm /work /usr /dev; do touch $d/x 2>/dev/null && echo $d; done; true",
                   policy=policy)
    assert run.code == 0 and run.text.strip() in ("", "/dev"), run


def test_there_is_no_network(ward):
    policy = "version: 1\nname: sockets\nboundary: gvisor\nfiles:\n  - read: host\nlimits: {memory: 256M, pids: 16}\n" \
             "syscalls: {allow: [\"@default\", socket, connect, setsockopt]}\n"
    run = ward.run("/usr/bin/python3", "-S", "-c", "import socket\nfor a in ('127.0.0.1', '192.0.2.1', '169.254.169.254'):\n"
                   " s = socket.socket(); s.settimeout(2)\n try: s.connect((a, 80)); print('connected')\n"
                   " except OSError as e: print('refused')", policy=policy)
    assert run.text.split() == ["refused"] * 3, run


def test_host_network_is_refused(ward):
    run = ward.run("/bin/true", options=[*B, "--widen", "--net", "host"])
    assert run.code == 125 and "network: none" in run.errors, run


def test_the_program_is_not_root_and_has_no_rights(ward):
    run = ward.sh("id -u; grep Cap /proc/self/status", *B)
    lines = run.text.split("\n")
    assert lines[0] == "1000", run
    assert {line.split()[1] for line in lines[1:] if line.startswith("Cap")} == {"0000000000000000"}, run


@pytest.mark.parametrize("script, option, verdict", [
    ("while :; do :; done", ["--cpu", "2s"], "limit.cpu"),
    ("sleep 60", ["--wall", "2s"], "limit.wall"),
    ("python3 -S -c 'x = bytearray(1 << 30)'", ["--mem", "192M"], "limit.memory"),
    ("yes", ["--out-max", "100K"], "limit.output"),
])
def test_a_limit_ends_it_with_its_verdict(root, script, option, verdict):
    run = root.sh(script, *B, *option, timeout=90)
    assert run.result["verdict"] == verdict, run


def test_a_fork_bomb_ends_with_the_box(root):
    run = root.python("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", *B, "--pids", "16", "--wall", "20s",
                      timeout=90)
    assert run.result["verdict"] in ("limit.pids", "limit.wall"), run
    assert run.result["pids_peak"] <= 6 * 16 + 128 + 1 if "pids_peak" in run.result else True


def test_a_signal_to_ward_reaches_the_program(ward):
    with ward.start("run", *B, "--", "/bin/sh", "-c",
                    "trap 'echo term; exit 3' TERM; echo ready; while :; do sleep 0.05; done") as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (3, b"term\n")


def test_ward_killed_leaves_nothing(ward):
    with ward.start("run", *B, "--", "/bin/sh", "-c", "echo ready; sleep 300") as process:
        assert process.stdout.readline() == b"ready\n"
        process.kill()
        process.wait()
    harness.wait_until(lambda: not harness.descendants(), "everything of the box is gone", 20)


def test_gvisor_killed_is_wards_failure_and_not_the_programs(root):
    with root.start("run", *B, "--result", root.name("json"), "--", "/bin/sh", "-c", "echo ready; sleep 300") as process:
        assert process.stdout.readline() == b"ready\n"
        kernel = [pid for pid, name in harness.descendants().items() if name in ("exe", "runsc-sandbox")
                  and b"runsc-sandbox" in open(f"/proc/{pid}/cmdline", "rb").read()]
        assert kernel
        os.kill(kernel[0], signal.SIGKILL)
        _, err = process.communicate(timeout=30)
    result = harness.read_result(os.path.join(root.place, f"{root.count}.json"))
    assert process.returncode == 125 and result["verdict"] == "internal" and b"gVisor failed" in err


def test_gvisors_last_words_are_found_before_all_that_follows_them(user):
    """Without a group of the box's own the limit is the user's, and gVisor's kernel meets it in the middle of something."""
    options = [*B, "--best-effort"]
    if subprocess.run([user.program, "check", *options], capture_output=True, check=False, **user.identity()).returncode:
        pytest.skip("no gVisor for an ordinary user")
    crowd = "import os, time\ntry:\n  for _ in range(100):\n    if not os.fork(): time.sleep(20); os._exit(0)\nexcept OSError: pass"
    run = user.run("/usr/bin/python3", "-S", "-c", crowd, options=[*options, "--pids", "16"])
    if run.result["verdict"] == "limit.pids":
        pytest.skip("an ordinary user has groups here: their limit comes first")
    assert (run.code, run.result["verdict"]) == (125, "internal") and "gVisor's kernel failed" in run.errors, run


def test_a_terminal_is_given(ward):
    run = ward.run("/bin/sh", "-c", "test -t 0 && test -t 1 && echo tty", options=[*B, "--tty", "pty"])
    assert run.code == 0 and b"tty" in run.out, run


def test_a_dry_run_shows_the_bundle(ward):
    run = ward.call("run", "--dry-run", *B, "--", "/bin/true")
    assert run.code == 0 and "/ward/bundle/config.json" in run.text and "\\\"noNewPrivileges\\\":true" in run.text
    assert "nested-ns" not in run.text and "landlock-path" not in run.text


def test_the_surface_is_told_of_runsc_and_says_so(ward):
    run = ward.call("surface", *B)
    assert "holds for runsc's processes" in run.text and "boundary gvisor" in run.text, run


def test_what_it_lacks_is_named(ward):
    run = ward.run("/bin/true", options=[*B, "--require", "nested-ns"])
    assert run.code == 125 and "nested-ns" in run.errors
    run = ward.call("run", *B, "--", "/bin/true")
    run = ward.call("run", "-v", *B, "--", "/bin/true")
    assert "under its rules for files gVisor could not mount" in run.errors


def test_the_policys_list_of_calls_holds_inside(ward):
    run = ward.python("import os, socket\nfor f in (lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0),"
                      " lambda: os.mknod('/tmp/y', 0o20600, 1), lambda: os.chroot('/tmp')):\n"
                      " try: f(); print('allowed')\n except OSError as e: print(e.errno)", *B)
    assert run.code == 0 and run.text.split() == ["1"] * 3, run
    run = ward.python("import threading\nt = threading.Thread(target=print, args=('thread',))\nt.start(); t.join()", *B)
    assert run.out == b"thread\n", run


def test_a_call_that_kills_is_told_as_one(ward):
    policy = "version: 1\nname: kills\nboundary: gvisor\nfiles:\n  - read: host\nlimits: {memory: 256M, pids: 16}\n" \
             "syscalls: {default: kill, allow: [\"@default\"]}\n"
    run = ward.run("/usr/bin/python3", "-S", "-c", "import os; os.chroot('/')", policy=policy)
    assert run.code == 159 and run.result["verdict"] == "denied.syscall", run


def test_nothing_is_possible_that_reaches_the_host(ward):
    run = ward.call("selftest", *B, timeout=300)
    assert run.code == 0 and " 0 allowed," in run.text, run.text[-3000:]
    assert "by the boundary's own kernel" in run.text


def test_with_gvisor_gone_the_jail_around_it_holds(ward):
    """Native code where runsc is, with the calls and the /proc that runsc needs: nothing of the host's is reached."""
    some = ["secret-read", "secret-stat", "etc-shadow", "create-usr", "granted-write", "mount", "pivot-root", "setuid-root", "setns-host",
            "ptrace-parent", "host-signal", "host-named", "parent-mem", "proc-kcore", "dev-kvm", "socket-packet", "io-uring", "bpf-map",
            "memory", "daemon", "fd-left", "ptrace-child", "clone-user", "open-files", "can-getpid", "can-read", "can-write", "can-exec"]
    words = [word for name in some for word in ("--only", name)]
    run = ward.call("selftest", *B, "--matrix", "--json", *words, timeout=600)
    report = json.loads(run.text)
    column = report["matrix"][0]
    assert run.code == 0 and column["without"] == "gvisor" and column["error"] is None and not column["unanswered"], column
    assert {row["id"] for row in column["possible"]} == {"ptrace-child", "clone-user", "open-files"}
    # It shows something: the calls are the host's now, and layers count one by one.
    assert len(report["matrix"]) > 10 and not report["summary"]["undocumented"]


def test_runs_side_by_side_do_not_meet(ward):
    started = [ward.start("run", *B, "--", "/bin/sh", "-c", f"echo {i} > /tmp/n; sleep 0.5; cat /tmp/n") for i in range(3)]
    time.sleep(0)
    for i, process in enumerate(started):
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, f"{i}\n".encode()), err
