"""Network namespaces that `ward serve` lends to its boxes: one in which nobody could ever have a socket is another job's afterwards,
as it was made; any other is nobody's."""
import os
import signal

import harness
import pytest
from service import Service, eventually, nothing_left, parent, served  # noqa: F401
from test_serve_js import output, start

SOME = 14           # jobs: more than there are boxes parked and namespaces made at once

# Which one it is (a number may be another's later, with the time it was made it is not), and all that is counted and kept in it.
LOOK = """
import os
one = os.stat("/proc/self/ns/net")
kept = {}
for name in ("dev", "if_inet6", "netstat", "snmp", "snmp6", "unix", "tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet", "igmp"):
    try:
        with open("/proc/self/net/" + name) as file:
            kept[name] = file.read()
    except FileNotFoundError:
        pass
print(one.st_ino, one.st_ctime_ns, repr(kept), sep="|", flush=True)
"""


def python(text, **more):
    return {"runtime": "python", "files": [{"path": "main.py", "text": text}], **more}


def look(service, text=LOOK):
    """Which namespace a job had, and what there was in it."""
    job = service.job(python(text))
    assert job["state"] == "succeeded", (job, output(service, job, "stderr"))
    number, made, kept = output(service, job).strip().split("|", 2)
    assert "netns" in job["result"]["details"]["layers"]
    return (number, made), kept


def look_often(service, n=SOME):
    return [look(service) for _ in range(n)]


@pytest.fixture(scope="module")
def service(home, ward_path):
    if os.geteuid():
        pytest.skip("an ordinary user's boxes make their own: nobody but root may join one")
    with served(home, ward_path, "--warm", "1", start=lambda *words, **more: start(*words, runtime="python", **more)) as made:
        yield made


def test_what_nobody_had_a_socket_in_is_lent_again_and_is_as_it_was(service):
    seen = {}
    eventually(lambda: [seen.setdefault(which, []).append(kept) for which, kept in look_often(service)] and
               max(map(len, seen.values())) > 2)
    for kept in seen.values():
        assert len(set(kept)) == 1
    one = eval(kept[0])     # ours: repr() of a dict of strings
    assert one["dev"].splitlines()[-1].split(":")[0].strip() == "lo" and set(one["dev"].split("lo:")[1].split()) == {"0"}
    assert "00000000000000000000000000000001" in one.get("if_inet6", "00000000000000000000000000000001")
    assert len(one["unix"].splitlines()) == 1
    assert all(len(one[name].splitlines()) == 1 for name in ("tcp", "udp"))


@pytest.mark.parametrize("make", [
    "socket.socketpair()",
    "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
    # Sent to itself and closed: it lives on until the kernel looks for such circles.
    "a, b = socket.socketpair(); a.bind('\\0here'); socket.send_fds(a, [b'x'], [a.fileno(), b.fileno()])",
    "os.fork() or (socket.socketpair(), os._exit(0)); os.wait()",
])
def test_where_somebody_had_a_socket_nobody_comes_afterwards(service, make):
    which, _ = look(service, f"import os, socket\n{make}\n{LOOK}")
    assert which not in [seen for seen, _ in look_often(service)]


def test_a_socket_that_is_refused_spends_nothing(service):
    refused = """
import os, socket
for family in (socket.AF_INET, socket.AF_NETLINK, 40):
    try:
        socket.socket(family, socket.SOCK_DGRAM)
        os._exit(3)
    except OSError:
        pass
"""
    eventually(lambda: look(service, refused + LOOK)[0] in [seen for seen, _ in look_often(service)])


def test_what_a_killed_runner_held_is_nobodys(service):
    job = service.call("POST", "/v1/jobs", python(LOOK + "import time; time.sleep(60)", retry={"max_attempts": 1})).json
    said = eventually(lambda: output(service, job).strip())
    which = tuple(said.split("|", 2)[:2])
    for pid, name in harness.descendants(service.process.pid).items():
        if name == "ward-runner" and parent(pid) == service.process.pid:
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: service.call("GET", f"/v1/jobs/{job['id']}").json["state"] == "infra_failed")
    eventually(lambda: service.job(python("", retry={"max_attempts": 1}))["state"] == "succeeded")
    assert which not in [seen for seen, _ in look_often(service)]
