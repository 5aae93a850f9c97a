"""ward surface: of policies, of boxes that run, of any process; and the drawing, measured."""
import json
import os
import signal
import subprocess
import time
import xml.etree.ElementTree as xml

import pytest

import harness

SVG = "{http://www.w3.org/2000/svg}"
OPEN = """version: 1
name: open
fallback: [rlimits]
files:
  - read: host
network: host
syscalls:
  default: errno
  allow: ["@default", "@net-client"]
"""


def surface(ward, *words, code=0, **how):
    outcome = ward.call("surface", "--json", *words, **how)
    assert outcome.code == code, outcome
    document = json.loads(outcome.out)
    assert document["schema"] == "ward.surface.1"
    return document


def item(document, name):
    found = [entry for entry in document["items"] if entry["name"] == name]
    assert len(found) == 1, (name, found)
    return found[0]


def state(document, name):
    return item(document, name)["state"]


def test_a_policys_surface_names_the_worst_item_first(anyone):
    document = surface(anyone)
    assert document["worst"] == document["items"][0]["name"] == "the host's kernel"
    assert document["complete"] and document["missing"] == []
    ranks = ["none", "info", "low", "medium", "high", "critical"]
    severities = [ranks.index(e["severity"]) for e in document["items"] if e["state"] in ("open", "unknown")]
    assert severities == sorted(severities, reverse=True)
    text = anyone.call("surface")
    assert text.code == 0 and text.text.splitlines()[1].startswith("worst: the host's kernel (high): ")


def test_every_open_item_says_which_way_why_and_how_to_close_it(ward):
    for entry in surface(ward)["items"]:
        assert entry["name"] and entry["kind"] and entry["severity"], entry
        if entry["kind"] != "call" and entry["state"] == "open":
            assert entry["reason"], entry
            assert entry["data_in"] or entry["data_out"] or entry["power"], entry
        if entry["severity"] in ("high", "critical"):
            assert entry["close"], entry
        for guard in entry["guards"]:
            assert guard["layer"], entry


def test_the_calls_are_those_that_pass_the_filter(ward):
    """Against the kernel: what the surface lists can be made, what it leaves out cannot."""
    calls = {entry["name"]: entry["detail"] for entry in surface(ward)["items"] if entry["kind"] == "call"}
    assert surface(ward)["calls"] == len(calls) > 150
    assert "read" in calls and "mount" not in calls and "ptrace" not in calls and "bpf" not in calls
    script = ("import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
              "for number in %s:\n    ctypes.set_errno(0)\n    libc.syscall(number, -1, -1, -1, -1, -1, -1)\n"
              "    print(number, ctypes.get_errno())")
    absent = {"mount": 165, "ptrace": 101, "bpf": 321, "add_key": 248, "io_uring_setup": 425, "unshare": 272}
    present = {"readv": 19, "fstat": 5, "lseek": 8, "epoll_ctl": 233}
    assert not absent.keys() & calls.keys() and present.keys() <= calls.keys()
    run = ward.python(script % sorted([*absent.values(), *present.values()]))
    errnos = dict(map(int, line.split()) for line in run.text.splitlines())
    assert all(errnos[number] == 38 for number in absent.values()), run     # ENOSYS: refused
    assert all(errnos[number] != 38 for number in present.values()), run    # EBADF: reached the kernel


def test_grants_flags_and_limits_change_the_surface(ward):
    place = ward.folder("granted")
    document = surface(ward, "--widen", "--rw", f"{place}:/out", "--set", "limits.cpus=1.5")
    entry = item(document, "/out")
    assert entry["severity"] == "high" and entry["detail"].startswith("writable, noexec")
    assert place in entry["detail"] and document["items"][1]["name"] == "/out"
    assert "limits.cpus" in item(document, "processor share")["close"]


def test_a_network_of_the_host_is_open_and_severe(ward):
    document = surface(ward, "-p", ward.file("open.yaml", OPEN))
    assert state(document, "interfaces of the host") == "open"
    assert state(document, "abstract sockets of the host") in ("open", "closed")  # Landlock's scopes close them
    assert item(document, "interfaces of the host")["severity"] == "high"
    closed = surface(ward)
    assert state(closed, "interfaces of the host") == "closed"
    assert "netns" in [guard["layer"] for guard in item(closed, "interfaces of the host")["guards"]]


def test_what_crosses_though_no_list_has_it_is_stated(ward):
    channels = [entry for entry in surface(ward)["items"] if entry["kind"] == "channel"]
    assert {"processor caches", "branch predictors", "threads of one core (SMT)", "bugs of the kernel"} <= {
        entry["name"] for entry in channels}
    assert all(entry["state"] == "always" and entry["detail"] for entry in channels)


def test_the_threshold_is_the_exit_code(ward):
    assert ward.call("surface", "--fail-on", "critical").code == 0
    found = ward.call("surface", "--fail-on", "high")
    assert found.code == 1 and found.out and not found.err
    bad = ward.call("surface", "--fail-on", "grave")
    assert bad.code == 2 and bad.errors.count("\n") == 1 and "grave" in bad.errors


@pytest.mark.parametrize("pid", ["0", "-1", "x", "99999999999999999999", "", "1x", "2147483647"])
def test_a_pid_that_is_none_is_one_line(ward, pid):
    outcome = ward.call("surface", f"--pid={pid}")
    assert outcome.code == 2 and outcome.out == b"" and outcome.errors.count("\n") == 1


def test_what_has_no_surface_is_one_line(ward):
    profile = ward.file("profile.json", '{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": []}')
    for words, says in ((("-p", profile), "ward lint"), (("--json", "--svg"), "only one"), (("-p", "no-such"), "no-such"),
                        (("-p", "default", "--pid", "1"), "twice"), (("--rw", "/no/such/thing:/x"), "/no/such/thing")):
        outcome = ward.call("surface", *words)
        assert outcome.code == 2 and outcome.out == b"" and outcome.errors.count("\n") == 1, (words, outcome)
        assert says in outcome.errors, outcome


# A running box and the plan it came from are read from different places and judged by the same rules.
SAME = ("user 0 of the host", "capabilities over the host", "memory of other processes", "gaining rights by exec",
        "signals to other processes", "interfaces of the host", "abstract sockets of the host", "uptime clocks",
        "a network beyond a loopback", "socket files of the host", "System V memory, semaphores, queues",
        "POSIX message queues", "host name",
        "names of other processes", "names of the host's files", "cgroup paths", "open files", "size of a file",
        "the terminal of whoever started it")


def pid_inside(ward, marker):
    """The program of a box, by a word of its command line."""
    for _ in range(100):
        for name in os.listdir("/proc"):
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except (OSError, ValueError):
                continue
            if words[:2] == [b"/bin/sleep", marker.encode()] and os.path.exists(f"/proc/{name}/ns"):
                return name
        time.sleep(0.05)
    raise AssertionError("no program")


def wait_for_sleep(child):
    """A shell has set things up and become sleep, or has ended."""
    for _ in range(100):
        with open(f"/proc/{child.pid}/comm", encoding="ascii") as file:
            if file.read() == "sleep\n" or child.poll() is not None:
                return
        time.sleep(0.05)


@pytest.fixture
def box(root):
    marker = "31.4159"
    with root.start("run", "--", "/bin/sleep", marker) as process:
        yield pid_inside(root, marker)
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def test_a_running_box_shows_what_its_plan_says(root, box):
    planned, seen = surface(root), json.loads(root.call("surface", "--json", "--pid", box).out)
    assert seen["subject"] == f"process {box} (sleep)"
    for name in SAME:
        assert state(planned, name) == state(seen, name), name
    mounts = [{entry["name"]: entry["detail"] for entry in document["items"] if entry["kind"] == "file"
               and entry["name"].startswith("/")} for document in (planned, seen)]
    assert mounts[0] == mounts[1]
    for name in ("memory", "processes"):
        assert item(planned, name)["detail"] == item(seen, name)["detail"]


def test_this_process_is_open_where_a_box_is_closed(ward):
    document = json.loads(ward.call("surface", "--json", "--pid", str(os.getpid())).out)
    assert state(document, "interfaces of the host") in ("open", "unknown")
    assert state(document, "names of the host's files") == "open"
    assert len([entry for entry in document["items"] if entry["kind"] == "file"]) > 1
    if os.geteuid() == 0:
        assert document["worst"] == "user 0 of the host"


def test_namespaces_around_the_hosts_tree_close_nothing(root):
    """unshare makes the namespaces and changes nothing in them: the files and /proc of the host are still there."""
    command = ["unshare", "-m", "-p", "--kill-child", "--propagation", "private", "/bin/sleep", "27.1828"]
    with harness.Process(command, stdin=subprocess.DEVNULL) as child:
        document = json.loads(root.call("surface", "--json", "--pid", pid_inside(root, "27.1828")).out)
        child.kill()
    assert state(document, "names of the host's files") == "open"
    assert state(document, "signals to other processes") != "closed"
    assert state(document, "names of other processes") == "open"


def test_a_network_namespace_with_an_interface_is_a_way_out(root):
    """A pair of interfaces inside one namespace of the test's own, as a bridge of a container engine has them."""
    if not os.path.exists("/usr/sbin/ip") and not os.path.exists("/sbin/ip"):
        pytest.skip("needs iproute2")
    script = "(ip link add name a0 type veth peer name b0 || ip tuntap add t0 mode tun) && exec sleep 27.1829"
    command = ["unshare", "-n", "sh", "-c", script]
    with harness.Process(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        wait_for_sleep(child)
        if child.poll() is not None:
            pytest.skip("this kernel makes no interface")
        document = json.loads(root.call("surface", "--json", "--pid", str(child.pid)).out)
        child.kill()
    assert state(document, "interfaces of the host") == "closed"
    assert state(document, "a network beyond a loopback") == "open"


def test_a_device_that_was_made_in_a_dev_of_its_own_is_found(root):
    script = ("mount -t tmpfs none /dev && mknod /dev/disk b 240 0 && mknod /dev/null c 1 3 && ln -s /root /dev/link "
              "&& exec sleep 27.1830")
    command = ["unshare", "-m", "--propagation", "private", "sh", "-c", script]
    with harness.Process(command, stdin=subprocess.DEVNULL) as child:
        wait_for_sleep(child)
        document = json.loads(root.call("surface", "--json", "--pid", str(child.pid)).out)
        child.kill()
    assert item(document, "/dev/disk")["severity"] == "high" and item(document, "/dev/disk")["kind"] == "device"
    assert "/dev/link" not in [entry["name"] for entry in document["items"]]


def test_a_process_of_somebody_else_is_unknown_and_not_closed(user):
    """An ordinary user may not look at root's process 1: what it cannot read is told, and the code is 3."""
    outcome = user.call("surface", "--json", "--pid", "1")
    document = json.loads(outcome.out)
    if user.is_root or document["complete"]:
        pytest.skip("everything of process 1 can be read here")
    assert outcome.code == 3
    assert any("/proc/1/ns" in sentence for sentence in document["missing"])
    assert state(document, "interfaces of the host") == "unknown"
    assert any("/proc/1/fd" in sentence for sentence in document["missing"])


def test_a_process_that_ends_is_never_half_told_as_whole(ward):
    for _ in range(20):
        with subprocess.Popen(["/bin/true"]) as child:
            outcome = ward.call("surface", "--json", "--pid", str(child.pid))
        assert outcome.code in (0, 2, 3), outcome
        if outcome.code == 2:
            assert outcome.out == b"" and outcome.errors.count("\n") == 1


def test_thousands_of_descriptors_are_bounded_and_told(root):
    script = ("import os, resource, sys, time\nresource.setrlimit(resource.RLIMIT_NOFILE, (6000, 6000))\n"
              "[os.dup(0) for _ in range(5000)]\nprint('ready', flush=True)\ntime.sleep(60)")
    with harness.Process(["/usr/bin/python3", "-c", script], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as child:
        assert child.stdout.readline() == b"ready\n"
        outcome = root.call("surface", "--json", "--pid", str(child.pid))
        drawing = root.call("surface", "--svg", "--pid", str(child.pid))
        child.kill()
    document = json.loads(outcome.out)
    assert outcome.code == 3 and any("descriptors" in sentence for sentence in document["missing"])
    assert len(document["items"]) < 6000 and len(drawing.out) < 1 << 20
    xml.fromstring(drawing.out)


def test_thousands_of_mounts_are_bounded_and_told(root):
    place = root.folder("mounts")
    script = ("import ctypes, os, sys, time\nlibc = ctypes.CDLL(None)\nfor i in range(4500):\n"
              "    path = os.path.join(sys.argv[1], str(i))\n    os.mkdir(path)\n"
              "    assert libc.mount(b'/usr/bin', path.encode(), None, 4096, None) == 0\n"
              "print('ready', flush=True)\ntime.sleep(60)")
    command = ["unshare", "-m", "--propagation", "private", "/usr/bin/python3", "-c", script, place]
    with harness.Process(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as child:
        assert child.stdout.readline() == b"ready\n"
        outcome = root.call("surface", "--json", "--pid", str(child.pid), timeout=20)
        child.kill()
    document = json.loads(outcome.out)
    assert outcome.code == 3 and any("mounts" in sentence for sentence in document["missing"])
    assert outcome.seconds < 10


def test_hostile_names_are_text_everywhere(root):
    """Mount points and process names with markup and control bytes."""
    place = root.folder("bad\x1b[31m<script>&\"'\n")
    script = ("import ctypes, os, sys, time\nlibc = ctypes.CDLL(None)\n"
              "assert libc.mount(b'none', os.fsencode(sys.argv[1]), b'tmpfs', 0, None) == 0\n"
              "libc.prctl(15, b'<x>\\x1b]0;', 0, 0, 0)\nprint('ready', flush=True)\ntime.sleep(60)")
    command = ["unshare", "-m", "--propagation", "private", "/usr/bin/python3", "-c", script, place]
    with harness.Process(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as child:
        assert child.stdout.readline() == b"ready\n"
        outcomes = {form: root.call("surface", *form, "--pid", str(child.pid)) for form in ((), ("--json",), ("--svg",))}
        child.kill()
    for form, outcome in outcomes.items():
        assert outcome.code in (0, 3), outcome
        assert all(byte >= 0x20 or byte == 0x0A for byte in outcome.out), form
    assert place in [entry["name"] for entry in json.loads(outcomes[("--json",)].out)["items"]]
    drawing = outcomes[("--svg",)].text
    assert "<script" not in drawing and "&#60;script&#62;" in drawing
    xml.fromstring(drawing)


# The drawing. Letters have one width, 0.61 of their size at most, so what overlaps is known without a font.
LETTER = 0.61


def boxes_of(drawing):
    """(words, left, top, right, bottom) of every text that is not turned."""
    for text in drawing.iter(f"{SVG}text"):
        if "transform" in text.attrib:
            continue
        x, y, size = (float(text.get(name)) for name in ("x", "y", "font-size"))
        words = text.text or ""
        yield words, x, y - size * 0.78, x + len(words) * size * LETTER, y + size * 0.22


def overlaps(boxes):
    return [(a[0], b[0]) for i, a in enumerate(boxes) for b in boxes[i + 1:]
            if a[1] < b[3] and b[1] < a[3] and a[2] < b[4] and b[2] < a[4]]


def drawings(ward):
    place = ward.folder("a-directory-with-a-name-that-is-much-longer-than-any-label-in-a-picture-can-be")
    yield ()
    yield ("-p", "strict")
    yield ("-b", "process")
    yield ("-p", ward.file("open.yaml", OPEN))
    yield ("--widen", "--rw", f"{place}:{place}")
    yield ("--pid", str(os.getpid()))


def test_the_drawing_is_well_formed_and_nothing_overlaps(ward):
    for words in drawings(ward):
        outcome = ward.call("surface", "--svg", *words)
        drawing = xml.fromstring(outcome.out)
        assert drawing.tag == f"{SVG}svg"
        assert not overlaps(list(boxes_of(drawing))), words
        width, height = float(drawing.get("width")), float(drawing.get("height"))
        assert all(0 <= left and right <= width and 0 <= top and bottom <= height
                   for _, left, top, right, bottom in boxes_of(drawing)), words
        kinds = {element.tag.removeprefix(SVG) for element in drawing.iter()}
        assert kinds <= {"svg", "title", "style", "g", "rect", "text", "path", "circle"}
        assert not any(name.startswith("on") or "href" in name for element in drawing.iter() for name in element.attrib)


def test_every_item_of_the_json_is_in_the_drawing(ward):
    for words in drawings(ward):
        document = json.loads(ward.call("surface", "--json", *words).out)
        drawing = xml.fromstring(ward.call("surface", "--svg", *words).out)
        titles = [group.find(f"{SVG}title").text for group in drawing.iter(f"{SVG}g")]
        for entry in document["items"]:
            begin = f"{entry['kind']} {entry['name']}, {entry['state']}, {entry['severity']}:"
            assert any(title.startswith(begin) for title in titles), (words, begin)


def test_the_same_surface_is_the_same_drawing(ward):
    assert ward.call("surface", "--svg").out == ward.call("surface", "--svg").out


def test_the_drawing_marks_the_worst_and_names_the_layers(ward):
    drawing = xml.fromstring(ward.call("surface", "--svg").out)
    marked = [rect for rect in drawing.iter(f"{SVG}rect") if rect.get("class") == "worst"]
    assert len(marked) == 1
    layers = {text.text.split(" +")[0] for text in drawing.iter(f"{SVG}text") if text.get("class") == "layer"}
    assert {"pidns", "netns", "mountns", "fds", "timens"} <= layers
    leaks = [rect for rect in drawing.iter(f"{SVG}rect") if rect.get("class") == "leak"]
    assert len(leaks) == len([e for e in surface(ward)["items"] if e["kind"] == "channel"])


def test_a_command_is_the_box_that_run_would_make(ward):
    document = surface(ward, "--", "python3", "-c", "print(1)")
    assert document["subject"].startswith("`python3` under policy default")
    assert document["worst"] == "the host's kernel"
