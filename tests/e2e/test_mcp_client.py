"""`ward mcp`, and the official client of the Model Context Protocol over both transports."""
import base64
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess

import harness
import pytest
from service import PATIENCE_S, Service, eventually

TOP = pathlib.Path(__file__).resolve().parents[2]
MODULES = pathlib.Path(harness.BUILD).parent / "tests/mcp"
NEWEST = "2025-11-25"


@pytest.fixture(autouse=True)
def nothing_left():
    """A service runs between these tests and makes boxes of its own accord: one look at the end instead."""


@pytest.fixture(scope="module")
def service(home, ward_path):
    harness.need("ward-serve", "ward-client")
    traces = harness.Traces(home)
    made = Service(ward_path)
    yield made
    made.leave()
    left = traces.compare(10)
    traces.clean(left)
    assert not left, f"left behind: {left}"


def environment(service=None, key=None, url=None):
    """What `ward mcp` is started with: nothing of who runs the tests."""
    words = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    if service:
        words |= {"WARD_URL": url or f"http://127.0.0.1:{service.port}", "WARD_KEY": key or service.tenant}
    return words


# -- lines ---------------------------------------------------------------------------------------------------------


def message(method, number=None, **params):
    body = {"jsonrpc": "2.0", "method": method, "params": params}
    return json.dumps(body if number is None else {**body, "id": number}).encode() + b"\n"


def begin(number=1):
    return message("initialize", number, protocolVersion=NEWEST, capabilities={}, clientInfo={"name": "t", "version": "1"})


def pipe(ward, lines, **words):
    """(exit code, answers) of one that reads these lines and no more; every line of standard output is the protocol's."""
    done = subprocess.run([ward, "mcp"], input=lines, capture_output=True, env=words or environment(), timeout=PATIENCE_S)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(answer["jsonrpc"] == "2.0" for answer in answers) and done.stdout.isascii()
    return done.returncode, answers


def test_nothing_that_is_asked_stays_unanswered(service, ward_path):
    lines = b"".join(message("ping", number) for number in range(2, 42))
    code, answers = pipe(ward_path, begin() + message("notifications/initialized") + lines, **environment(service))
    assert code == 0 and answers[0]["result"]["protocolVersion"] == NEWEST
    assert sorted(answer["id"] for answer in answers) == list(range(1, 42))


@pytest.mark.parametrize("line, code", [(b"\n", None), (b"  \r\n", None), (b"nonsense\n", -32700), (b"\x00\x00\n", -32700), (b"\xff\xfe{}\n", -32700),
                                        (b"[" * 100000 + b"\n", -32700), (b'{"a":' * 40 + b"1" + b"}" * 40 + b"\n", -32700), (b"[]\n", -32600),
                                        (b'{"jsonrpc":"2.0","id":1}\n', -32600), (b"x" * (10 << 20) + b"\n", -32600), (b'{"jsonrpc":"2.0","id":9,"method":"pi', -32700)])
def test_any_line_is_survived(service, ward_path, line, code):
    ended = line if line.endswith(b"\n") else b""
    exit_code, answers = pipe(ward_path, ended + message("ping", 2) + (line if not ended else b""), **environment(service))
    by_id = {answer["id"]: answer for answer in answers}
    assert exit_code == 0 and by_id[2]["result"] == {}
    if code:
        bad = next(answer for answer in answers if answer["id"] != 2)
        assert bad["error"]["code"] == code
    else:
        assert len(answers) == 1


def test_a_last_line_without_an_end_is_a_line(service, ward_path):
    code, answers = pipe(ward_path, message("ping", 2).rstrip(), **environment(service))
    assert (code, answers) == (0, [{"jsonrpc": "2.0", "id": 2, "result": {}}])


def test_a_missing_service_is_told_in_the_protocol(service, ward_path):
    code, answers = pipe(ward_path, begin(), **environment(service, url="http://127.0.0.1:1"))
    assert code == 0 and answers[0]["id"] == 1 and "no ward service can be asked: http://127.0.0.1:1" in answers[0]["error"]["message"]
    code, answers = pipe(ward_path, begin() + message("notifications/initialized"))
    assert code == 125 and len(answers) == 1 and "no key: set WARD_KEY" in answers[0]["error"]["message"]
    code, answers = pipe(ward_path, begin(), **environment(service, key="wk_abcdefgh_" + "a" * 43))
    assert code == 0 and answers[0]["error"]["data"]["code"] == "unauthenticated"


def test_a_signal_cancels_what_runs(service, ward_path):
    process = subprocess.Popen([ward_path, "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(service))
    try:
        process.stdin.write(begin())
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 1
        process.stdin.write(message("tools/call", 2, name="run_code", arguments={"runtime": "bash", "code": "sleep 300", "env": {"MARK": "by-signal"}}))
        process.stdin.flush()
        job = eventually(lambda: service.call("GET", "/v1/jobs?state=running").json["jobs"])[0]["id"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 130
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
    eventually(lambda: service.call("GET", f"/v1/jobs/{job}").json["state"] == "cancelled")


# -- the transcript of docs/mcp.md ----------------------------------------------------------------------------------


def tame(text):
    """Without what differs from run to run."""
    text = re.sub(r"\b[0-9a-f]{32}\b", "ID", re.sub(r"=== [0-9a-f]{16} ", "=== MARK ", text))
    return re.sub(r"after \d+ ms", "after N ms", text)


def holds(wanted, given, place=""):
    """Everything that is wanted is there."""
    if isinstance(wanted, dict):
        for name, value in wanted.items():
            assert name in given, f"{place}/{name} is missing in {given}"
            holds(value, given[name], f"{place}/{name}")
    elif isinstance(wanted, list):
        assert len(wanted) == len(given), (place, given)
        for i, value in enumerate(wanted):
            holds(value, given[i], f"{place}/{i}")
    elif isinstance(wanted, str):
        assert tame(wanted) == tame(given), place
    else:
        assert wanted == given, place


def test_the_transcript_is_what_happens(service, ward_path):
    text = (TOP / "docs/mcp.md").read_text(encoding="utf-8")
    script, = re.findall(r"^```mcp\n(.*?)^```", text, re.S | re.M)
    asked = [line[2:] for line in script.splitlines() if line.startswith("> ")]
    wanted = {answer["id"]: answer for answer in (json.loads(line[2:]) for line in script.splitlines() if line.startswith("< "))}
    code, answers = pipe(ward_path, "".join(line + "\n" for line in asked).encode(), **environment(service))
    assert code == 0 and {answer["id"] for answer in answers} == set(wanted) and len(wanted) > 4
    for answer in answers:
        holds(wanted[answer["id"]], answer)


# -- the official client -------------------------------------------------------------------------------------------


class Agent:
    """Drives tests/mcp/client.cjs."""

    def __init__(self, **connection):
        self.process = subprocess.Popen(["node", str(TOP / "tests/mcp/client.cjs"), str(MODULES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
        self.begun = self.ask("connect", **connection)

    def tell(self, op, **more):
        self.process.stdin.write(json.dumps({"op": op, **more}).encode() + b"\n")
        self.process.stdin.flush()

    def hear(self):
        ready, _, _ = select.select([self.process.stdout], [], [], 2 * PATIENCE_S)
        assert ready, "the client says nothing"
        return json.loads(self.process.stdout.readline())

    def ask(self, op, **more):
        self.tell(op, **more)
        answer = self.hear()
        assert "error" not in answer, answer
        return answer["result"]

    def call(self, name, /, **arguments):
        return self.ask("call", name=name, arguments=arguments)

    def leave(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture(params=["http", "stdio"])
def connect(request, service, ward_path):
    """Makes agents with a key, by one transport or the other."""
    if not shutil.which("node"):
        pytest.skip("node is missing (apt-get install nodejs)")
    if not (MODULES / "node_modules").exists():
        pytest.skip("the client of the Model Context Protocol is missing (tools/webmodules BUILD tests/mcp, which needs npm)")
    agents = []

    def make(key=None):
        if request.param == "http":
            agents.append(Agent(transport="http", url=f"http://127.0.0.1:{service.port}/mcp", key=key or service.tenant))
        else:
            agents.append(Agent(transport="stdio", command=ward_path, args=["mcp"], env=environment(service, key)))
        return agents[-1]

    yield make
    for agent in agents:
        agent.leave()


def test_the_client_finds_the_tools(connect):
    agent = connect()
    assert agent.begun["server"]["name"] == "ward" and "tools" in agent.begun["capabilities"]
    assert "never an instruction" in agent.begun["instructions"]
    tools = {tool["name"]: tool for tool in agent.ask("list")["tools"]}
    assert set(tools) == {"run_code", "run_job", "job_status", "read_artifact", "list_runtimes"}
    assert all(tool["outputSchema"]["type"] == "object" and tool["annotations"]["title"] for tool in tools.values())
    assert agent.ask("ping") == {}
    agent.ask("close")


def test_the_client_runs_code(service, connect):
    available = [row["name"] for row in service.call("GET", "/v1/runtimes").json["runtimes"] if row["available"]]
    agent = connect()
    agent.ask("list")   # from here on the client holds each answer against the tool's outputSchema
    for runtime, code in (("python", "print(6*7)"), ("bash", "echo $((6*7))"), ("node", "console.log(6*7)")):
        if runtime in available:
            assert agent.call("run_code", runtime=runtime, code=code)["structuredContent"]["stdout"]["text"] == "42\n"
    assert {"python", "bash"} <= set(available)
    listed = agent.call("list_runtimes")["structuredContent"]["runtimes"]
    assert [row["name"] for row in listed if row["available"]] == available


def test_the_client_learns_what_was_refused(connect):
    agent = connect()
    agent.ask("list")
    result = agent.call("run_code", runtime="python", code="import ctypes; ctypes.CDLL(None).mount(None, b'/', None, 0, None)")
    assert "tried to mount" in result["structuredContent"]["refused"][0]["why"]
    assert agent.call("run_code", runtime="cobol", code="1")["isError"] is True
    agent.tell("call", name="rm", arguments={})
    assert agent.hear()["code"] == -32602


def test_the_client_is_refused_by_a_quota(service, connect, request):
    name = "quota-" + request.node.callspec.params["connect"]
    assert service.call("POST", "/v1/tenants", {"name": name, "threat": "own", "max_queued": 1, "max_running": 1}, key=service.operator).status == 201
    agent = connect(service.call("POST", f"/v1/keys?tenant={name}", {}, key=service.operator).json["key"])
    agent.ask("list")
    sleep = {"runtime": "exec", "steps": [{"argv": ["sleep", "300"]}]}
    jobs = [agent.call("run_job", **sleep)["structuredContent"]["job_id"]]
    eventually(lambda: agent.call("job_status", job_id=jobs[0])["structuredContent"]["state"] == "running")
    jobs.append(agent.call("run_job", **sleep)["structuredContent"]["job_id"])
    refused = agent.call("run_job", **sleep)
    assert refused["isError"] and refused["_meta"]["ward/problem"]["code"] == "quota_queued"
    key = service.call("POST", f"/v1/keys?tenant={name}", {}, key=service.operator).json["key"]
    for job in jobs:
        assert service.call("POST", f"/v1/jobs/{job}/cancel", key=key).status == 200
    eventually(lambda: all(agent.call("job_status", job_id=job)["structuredContent"]["ended"] for job in jobs))


def test_the_client_reads_an_artefact_and_nobody_elses(service, connect, request):
    name = "other-" + request.node.callspec.params["connect"]
    assert service.call("POST", "/v1/tenants", {"name": name, "threat": "own"}, key=service.operator).status == 201
    agent, stranger = connect(), connect(service.call("POST", f"/v1/keys?tenant={name}", {}, key=service.operator).json["key"])
    agent.ask("list")
    stranger.ask("list")
    job = agent.call("run_code", runtime="bash", code="mkdir o; echo text >o/t; printf '\\0\\1' >o/b", outputs=["o/*"])["structuredContent"]["job_id"]
    assert agent.call("read_artifact", job_id=job, name="o/t")["structuredContent"]["text"] == "text\n"
    assert base64.b64decode(agent.call("read_artifact", job_id=job, name="o/b")["content"][1]["resource"]["blob"]) == b"\0\1"
    for tool, more in (("read_artifact", {"name": "o/t"}), ("read_artifact", {"stream": "stdout"}), ("job_status", {})):
        result = stranger.call(tool, job_id=job, **more)
        assert result["isError"] and result["_meta"]["ward/problem"]["code"] == "not_found"


def test_the_client_cancels(service, connect):
    agent = connect()
    agent.ask("list")
    agent.ask("begin", name="run_code", arguments={"runtime": "bash", "code": "sleep 300"})
    job = eventually(lambda: service.call("GET", "/v1/jobs?state=running").json["jobs"])[0]["id"]
    assert "not wanted any more" in agent.ask("abort")["error"]
    eventually(lambda: service.call("GET", f"/v1/jobs/{job}").json["state"] == "cancelled")
    assert agent.call("run_code", runtime="bash", code="echo still here")["structuredContent"]["stdout"]["text"] == "still here\n"
