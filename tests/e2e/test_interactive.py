"""Jobs that are talked to: terminals, their size, signals and end, over a WebSocket and without one."""
import fcntl
import json
import os
import pty
import select
import socket
import struct
import subprocess
import termios

import harness
import pytest
import service as services
from service import eventually, nothing_left, served  # noqa: F401
from sockets import begin_socket, send_frame, take_frame


@pytest.fixture(scope="module")
def service(home, ward_path):
    with served(home, ward_path, "--warm", "1") as made:
        yield made


def begin(service, *argv, boundary="container", **more):
    """A job of these words that waits for input, when it runs."""
    document = {"runtime": "exec", "boundary": boundary, "steps": [{"argv": list(argv), "stdin": {"live": True}}],
                "limits": {"wall_ms": 120000}, **more}
    made = service.call("POST", "/v1/jobs", document)
    if made.status == 422 and made.json["code"] == "boundary_unavailable":
        pytest.skip(f"boundary {boundary}: {made.json['detail']}")
    assert made.status == 201, made
    job = made.json["id"]
    eventually(lambda: service.call("GET", f"/v1/jobs/{job}").json["state"] != "leased")
    return job


def type_in(service, job, data, end=False):
    reply = service.call("POST", f"/v1/jobs/{job}/stdin" + ("?eof=true" if end else ""), data)
    assert reply.status == 200 and reply.json["taken"] == len(data), reply


def shown(service, job):
    return service.call("GET", f"/v1/jobs/{job}/stdout").body.replace(b"\r", b"")


def ended(service, job):
    return service.call("GET", f"/v1/jobs/{job}?wait=60s").json


@pytest.mark.parametrize("boundary", ["container", "gvisor"])
def test_a_terminal_has_a_size_that_changes(service, boundary):
    job = begin(service, "sh", "-c", "tty; stty size; read x; stty size; echo $TERM", boundary=boundary, tty={"rows": 33, "cols": 99})
    eventually(lambda: b"33 99\n" in shown(service, job))
    assert shown(service, job).startswith(b"/dev/pts/0\n")
    assert service.call("POST", f"/v1/jobs/{job}/resize", {"rows": 11, "cols": 22}).status == 200
    type_in(service, job, b"on\r")
    done = ended(service, job)
    assert done["state"] == "succeeded" and b"on\n11 22\nxterm\n" in shown(service, job), done


def test_control_c_reaches_what_is_in_front(service):
    job = begin(service, "bash", "--norc", "-i", tty={})
    # Said by who is in front already: between the words of a list a shell has nobody there for a moment.
    type_in(service, job, b"sh -c \"echo be''gun; exec sleep 1000\"\r")
    eventually(lambda: b"begun" in shown(service, job))
    type_in(service, job, b"\x03")
    type_in(service, job, b"echo $? af''ter\r")
    eventually(lambda: b"130 after\n" in shown(service, job))
    type_in(service, job, b"", end=True)        # the shell reads an end of file
    assert ended(service, job)["state"] == "succeeded"


def test_the_end_of_input_ends_who_reads_half_a_line(service):
    job = begin(service, "cat", tty={})
    type_in(service, job, b"half a line", end=True)
    done = ended(service, job)
    assert done["state"] == "succeeded" and shown(service, job) == b"half a line" * 2, str(done["result"]["details"])


def test_what_nobody_reads_does_not_hold_the_end_up(service):
    """More than a terminal takes, for a program that reads nothing and leaves."""
    job = begin(service, "sh", "-c", "stty raw -echo; echo up; sleep 1; exit 7", tty={})
    eventually(lambda: b"up" in shown(service, job))
    service.call("POST", f"/v1/jobs/{job}/stdin", b"x" * 60000)
    assert ended(service, job)["result"]["exit_code"] == 7


def test_nothing_of_a_terminal_outlives_its_job_or_leaves_its_box(service):
    """A background process that holds the terminal dies with the step; TIOCSTI (0x5412) stays refused; no terminal of the host."""
    script = ("import fcntl, os, sys, subprocess\n"
              "subprocess.Popen(['sleep', '1000'])\n"
              "try: fcntl.ioctl(0, 0x5412, b'x')\n"
              "except OSError as e: print('refused', e.errno)\n"
              "print(sorted(os.listdir('/dev/pts')), os.ttyname(0), os.getsid(0) == os.getpid())\n")
    job = begin(service, "python3", "-c", script, tty={})
    done = ended(service, job)
    assert done["state"] == "succeeded" and b"refused 25\n['0', 'ptmx'] /dev/pts/0 True\n" in shown(service, job), shown(service, job)
    assert done["result"]["details"]["refused_calls"] == 1


def test_without_one_there_is_none(service):
    job = begin(service, "sh", "-c", "tty; ls /dev/pts /dev/ptmx; cat")
    reply = service.call("POST", f"/v1/jobs/{job}/resize", {"rows": 1, "cols": 1})
    assert (reply.status, reply.json["code"]) == (409, "job_not_interactive")
    type_in(service, job, b"", end=True)
    ended(service, job)
    assert shown(service, job) == b"not a tty\n"


@pytest.mark.parametrize("body, field", [
    ({"rows": 0, "cols": 1}, "/rows"), ({"rows": 1}, ""), ({"rows": 1, "cols": 1001}, "/cols"), ({"rows": 1, "cols": 1, "x": 1}, "/x"),
    ({"rows": "24", "cols": 80}, "/rows"), ([], ""),
])
def test_a_size_is_two_numbers(service, body, field):
    job = begin(service, "cat", tty={})
    reply = service.call("POST", f"/v1/jobs/{job}/resize", body)
    assert reply.status in (400, 422) and reply.json["field"] == field, reply
    service.call("POST", f"/v1/jobs/{job}/cancel")


def test_a_socket_is_a_terminal(service):
    job = begin(service, "bash", "--norc", "-i", tty={"rows": 10, "cols": 20})
    with socket.create_connection(("127.0.0.1", service.port), timeout=services.PATIENCE_S) as connection:
        assert b" 101 " in begin_socket(service, connection, job)
        file, seen, orders = connection.makefile("rb"), b"", []
        send_frame(connection, 1, b'{"type":"resize","rows":44,"cols":55}')
        send_frame(connection, 2, b"stty size; echo st''ill\r")
        send_frame(connection, 1, b'{"type":"resize","rows":0,"cols":55}')
        send_frame(connection, 1, b'{"type":"resize","rows":5}')
        while b"still" not in seen:
            opcode, data = take_frame(file)
            seen += data[1:] if opcode == 2 else b""
            orders += [json.loads(data)] if opcode == 1 else []
        assert b"44 55" in seen
        send_frame(connection, 1, b'{"type":"eof"}')
        while not orders or orders[-1]["type"] != "end":
            opcode, data = take_frame(file)
            orders += [json.loads(data)] if opcode == 1 else []
        assert [order["type"] for order in orders].count("error") == 2 and orders[-1]["state"] == "succeeded", orders


def take_all(connection):
    """What a job wrote, up to the text frame of its end."""
    file, seen, orders = connection.makefile("rb"), b"", []
    while not orders or orders[-1]["type"] != "end":
        opcode, data = take_frame(file)
        seen += data[1:] if opcode == 2 else b""
        orders += [json.loads(data)] if opcode == 1 else []
    return seen, [order["type"] for order in orders]


def test_a_socket_gives_all_of_what_there_is(service):
    """More than one turn sends, of a job that is over: nothing but the client's reading moves it."""
    job = begin(service, "sh", "-c", "head -c 1000000 /dev/zero; read x")
    type_in(service, job, b"\n", end=True)
    assert ended(service, job)["state"] == "succeeded"
    with socket.create_connection(("127.0.0.1", service.port), timeout=services.PATIENCE_S) as connection:
        assert b" 101 " in begin_socket(service, connection, job)
        seen, orders = take_all(connection)
    assert (len(seen), orders[-1]) == (1000000, "end")


def test_a_socket_takes_all_for_one_who_reads_slowly(service):
    """Far more than the service keeps for a job, sent before it is read and before anything of it is taken back."""
    job = begin(service, "sh", "-c", "sleep 1; head -c 100000; sleep 1; cat")
    text = os.urandom(1000000)
    with socket.create_connection(("127.0.0.1", service.port), timeout=services.PATIENCE_S) as connection:
        assert b" 101 " in begin_socket(service, connection, job)
        for at in range(0, len(text), 40000):
            send_frame(connection, 2, text[at:at + 40000])
        send_frame(connection, 1, b'{"type":"eof"}')
        seen, orders = take_all(connection)
    assert seen == text and "error" not in orders, (len(seen), orders)


# -- ward submit ---------------------------------------------------------------------------------------------------


def revoke(service, made):
    assert service.call("DELETE", f"/v1/keys/{made['public']}").status == 200


def suspend(service, made):
    assert service.call("PATCH", "/v1/tenants/default", {"suspended": True}, key=service.operator).status == 200


@pytest.mark.parametrize("end", [revoke, suspend])
def test_what_a_key_opened_ends_with_it(service, end):
    """A WebSocket that types into a job, and a stream of its events: neither outlives the right to open it."""
    made = service.call("POST", "/v1/keys", {}).json
    job = begin(service, "cat")
    stream = service.connect()
    stream.request("GET", f"/v1/jobs/{job}/events", headers={"Authorization": f"Bearer {made['key']}"})
    events = stream.getresponse()
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        assert b" 101 " in begin_socket(service, connection, job, key=made["key"])
        with connection.makefile("rb") as file:
            send_frame(connection, 2, b"before\n")
            eventually(lambda: shown(service, job) == b"before\n")
            try:
                end(service, made)
                frames = [take_frame(file)]
                while frames[-1][0] != 8:
                    frames.append(take_frame(file))
                events.read()       # to its end, which comes by itself
            finally:
                service.call("PATCH", "/v1/tenants/default", {"suspended": False}, key=service.operator)
    stream.close()
    assert any(b'"unauthenticated"' in data for opcode, data in frames if opcode == 1), frames
    type_in(service, job, b"", end=True)
    assert ended(service, job)["state"] == "succeeded" and shown(service, job) == b"before\n"


@pytest.fixture
def submit(service, ward_path, tmp_path):
    """The start of `ward submit`, and its environment."""
    harness.need("ward-client")
    env = {**os.environ, "WARD_URL": f"http://127.0.0.1:{service.port}", "WARD_KEY": service.tenant, "HOME": str(tmp_path)}
    return [ward_path, "submit", "-b", "container", "--command"], env


def test_submit_pipes_both_ways(submit):
    words, env = submit
    text = os.urandom(1000000)
    run = subprocess.run([*words, "-qi", "--", "sh", "-c", "cat; echo error >&2; exit 9"], input=text, capture_output=True, env=env,
                         timeout=services.PATIENCE_S, check=False)
    assert (run.returncode, run.stderr) == (9, b"error\n"), run.stderr
    assert run.stdout == text


def test_submit_gives_a_terminal(submit):
    """In a terminal of ours: raw while the job runs, its size inside, ^C for the program inside, and restored at the end."""
    words, env = submit
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 21, 43, 0, 0))
    before = termios.tcgetattr(slave)
    run = subprocess.Popen([*words, "-it", "--", "bash", "--norc", "-i"], stdin=slave, stdout=slave, stderr=slave, env=env,
                           start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    seen = b""

    def until(text):
        nonlocal seen
        while text not in seen:
            ready, _, _ = select.select([master], [], [], services.PATIENCE_S)
            assert ready, seen
            seen += os.read(master, 65536)
        seen = seen.split(text, 1)[1]

    os.write(master, b"stty size\r")
    until(b"21 43")
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 5, 6, 0, 0))
    os.write(master, b"until [ \"$(stty size)\" = '5 6' ]; do sleep 0.1; done; sh -c \"echo siz''ed; exec sleep 1000\"\r")
    until(b"sized")
    os.write(master, b"\x03")
    os.write(master, b"echo co''de $?; exit 3\r")
    until(b"code 130")
    assert run.wait(services.PATIENCE_S) == 3
    assert termios.tcgetattr(slave) == before
    os.close(slave)
    os.close(master)


def test_submit_says_when_it_is_not_both(submit, tmp_path):
    words, env = submit
    (tmp_path / "in").write_text("x")
    run = subprocess.run([*words, "-i", "--stdin", str(tmp_path / "in"), "--", "cat"], capture_output=True, text=True, env=env, timeout=60,
                         check=False)
    assert run.returncode == 125 and "--interactive" in run.stderr and run.stderr.count("\n") == 1, run
