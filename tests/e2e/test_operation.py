"""`ward serve` as who runs it meets it: addresses, certificates, restarts, a full disk, a locked database, and its own rights."""
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile

import harness
import pytest
import service as services
from service import Service, bash, eventually, nothing_left  # noqa: F401


@pytest.fixture
def make(home, ward_path):
    """Services that end with the test."""
    harness.need("ward-serve")
    made = []

    def begin(*options, **more):
        made.append(Service(ward_path, "--warm", "1", *options, **more))
        return made[-1]

    yield begin
    for one in made:
        one.leave()


# -- addresses -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate():
    """As authorities' clients leave them: the key is its owner's alone, who is not the front."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is missing")
    place = pathlib.Path(tempfile.mkdtemp(prefix="ward-tls-"))
    cert, key = str(place / "cert.pem"), str(place / "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", cert],
                   check=True, capture_output=True, timeout=60)
    os.chmod(key, 0o600)
    yield cert, key
    shutil.rmtree(place)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tls_is_spoken_and_nothing_else(make, certificate):
    cert, key = certificate
    one = make("--tls-cert", cert, "--tls-key", key)
    assert f"listening on https://127.0.0.1:{one.port}" in one.said.decode()
    trust = ssl.create_default_context(cafile=cert)
    one.connect = lambda: http.client.HTTPSConnection("127.0.0.1", one.port, timeout=services.PATIENCE_S, context=trust)
    job = one.job(bash("echo over TLS"))
    assert job["state"] == "succeeded" and one.call("GET", f"/v1/jobs/{job['id']}/stdout").body == b"over TLS\n"
    assert b"200" not in one.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")[:20], "it speaks in the clear"
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)), socket.create_connection(("127.0.0.1", one.port), timeout=30) as plain:
        old.wrap_socket(plain)
    with pytest.raises(ssl.SSLCertVerificationError), socket.create_connection(("127.0.0.1", one.port), timeout=30) as plain:
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")


def test_a_front_that_dies_has_its_certificate_again_and_the_newest(make, certificate, tmp_path):
    """Each front gets what lies there when it is started; nobody but root can read the key."""
    cert, key = (shutil.copy(path, tmp_path) for path in certificate)
    one = make("--tls-cert", cert, "--tls-key", key, listen="unix:ward.sock")    # another front has another port of its own
    if not os.geteuid():
        assert harness.status_of(one.front)["Uid"].split()[0] != "0"

    def shown():
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        with socket.socket(socket.AF_UNIX) as plain:
            plain.settimeout(5)
            try:
                plain.connect(os.path.join(one.state, "ward.sock"))
                with trust.wrap_socket(plain) as link:
                    return ssl.DER_cert_to_PEM_cert(link.getpeercert(binary_form=True))
            except OSError:
                return None

    before = shown()
    assert before == pathlib.Path(cert).read_text(encoding="ascii")
    subprocess.run(["openssl", "req", "-x509", "-key", key, "-days", "3", "-subj", "/CN=localhost", "-out", cert], check=True,
                   capture_output=True, timeout=60)
    os.kill(one.front, signal.SIGKILL)
    eventually(lambda: shown() == pathlib.Path(cert).read_text(encoding="ascii"))


def test_a_certificate_that_is_none_is_refused_in_a_sentence(ward_path, certificate, tmp_path):
    cert, key = certificate
    (tmp_path / "no.pem").write_text("none")
    shutil.copy(key, tmp_path / "open.pem")
    os.chmod(tmp_path / "open.pem", 0o604)
    os.mkfifo(tmp_path / "pipe")
    for options, said in ((["--tls-cert", cert], "go together"), (["--tls-key", key], "go together"),
                          (["--tls-cert", str(tmp_path / "no.pem"), "--tls-key", key], "belong together"),
                          (["--tls-cert", str(tmp_path / "absent"), "--tls-key", key], "absent: No such file"),
                          (["--tls-cert", cert, "--tls-key", str(tmp_path)], "that is no file"),
                          (["--tls-cert", str(tmp_path / "pipe"), "--tls-key", key], "that is no file"),
                          (["--tls-cert", cert, "--tls-key", str(tmp_path / "open.pem")], "chmod o=")):
        run = subprocess.run([ward_path, "serve", "--listen", "127.0.0.1:0", "--state", str(tmp_path / "state"), *options],
                             capture_output=True, text=True, timeout=services.PATIENCE_S, check=False)
        assert run.returncode != 0 and "listening" not in run.stdout and said in run.stdout + run.stderr, run


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_a_public_address_needs_tls_or_a_proxy(ward_path, tmp_path, address):
    run = subprocess.run([ward_path, "serve", "--listen", address, "--state", str(tmp_path / "state")], capture_output=True, text=True,
                         timeout=services.PATIENCE_S, check=False)
    assert run.returncode != 0 and "--behind-proxy" in run.stdout + run.stderr and "listening" not in run.stdout, run


def test_behind_a_proxy_it_listens_on_every_address(make):
    one = make("--behind-proxy", listen="0.0.0.0:0")
    assert one.call("GET", "/healthz", key=None).status == 200


def test_a_socket_file_is_an_address(make, ward_path):
    one = make(listen="unix:ward.sock")
    path = os.path.join(one.state, "ward.sock")

    class Connection(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(services.PATIENCE_S)
            self.sock.connect(path)

    one.connect = lambda: Connection("localhost")
    job = one.job(bash("echo by a file"))
    assert one.call("GET", f"/v1/jobs/{job['id']}/stdout").body == b"by a file\n"
    if os.access(os.path.join(harness.BUILD, "ward-client"), os.X_OK):
        run = subprocess.run([ward_path, "submit", "-qi", "-r", "exec", "--command", "--", "cat"], input=b"both ways", capture_output=True,
                             env={**os.environ, "WARD_URL": f"unix:{path}", "WARD_KEY": one.tenant}, timeout=services.PATIENCE_S, check=False)
        assert (run.returncode, run.stdout) == (0, b"both ways"), run


def test_host_may_have_a_further_name_and_no_other(make):
    one = make("--host", "jobs.example", "--host", "other.example", "--connections", "100", "--connections-each", "50")
    for name, status in (("jobs.example", 200), ("other.example", 200), ("evil.example", 421)):
        assert one.call("GET", "/healthz", key=None, headers={"Host": name}).status == status, name


# -- restarts ------------------------------------------------------------------------------------------------------


def test_cursors_and_streams_go_on_behind_a_restart(make):
    one = make()
    jobs = [one.job(bash(f"echo {i}; echo more"))["id"] for i in range(5)]
    page = one.call("GET", "/v1/jobs?limit=2").json
    events = one.call("GET", f"/v1/jobs/{jobs[0]}/events").body.decode()
    ids = re.findall(r"^id: (\S+)$", events, re.M)
    one.stop()
    one.start()
    rest = one.call("GET", f"/v1/jobs?limit=3&cursor={page['next']}").json
    assert [job["id"] for job in page["jobs"] + rest["jobs"]] == jobs[::-1]
    for i, seen in enumerate(ids):
        again = one.call("GET", f"/v1/jobs/{jobs[0]}/events", headers={"Last-Event-ID": seen}).body.decode()
        assert re.findall(r"^id: (\S+)$", again, re.M) == ids[i + 1:] or "event: end" in again


def test_who_is_killed_lets_the_next_one_in(make):
    one = make()
    job = one.job(bash("echo kept"))
    one.process.kill()
    one.process.wait(services.PATIENCE_S)
    one.process.stdout.close()
    one.log.close()
    one.start()     # at once: the front of the one before may still hold the directory
    assert one.call("GET", f"/v1/jobs/{job['id']}/stdout").body == b"kept\n"


# -- what fails ----------------------------------------------------------------------------------------------------


def test_a_program_that_writes_without_end_costs_no_memory(make):
    one = make()
    front = one.front

    def resident():
        with open(f"/proc/{front}/smaps_rollup", encoding="utf-8") as file:
            return int(re.search(r"Pss_Anon:\s+(\d+)", file.read())[1])

    one.job(bash("head -c 20000000 /dev/zero"))
    before = resident()
    job = one.job(bash("exec cat /dev/zero", limits={"wall_ms": 4000, "stdout_bytes": 1 << 20}))
    assert job["state"] == "timed_out" and job["result"]["details"]["stdout"]["kept"] == 1 << 20, job
    counted = one.job(bash("head -c 1000000000 /dev/zero", limits={"wall_ms": 120000, "stdout_bytes": 1 << 20}), wait="60s")
    assert counted["result"]["stdout_bytes"] == 1000000000, counted
    assert resident() - before < 4096, "KiB more"
    assert os.path.getsize(os.path.join(one.state, "log", job["id"][30:], job["id"] + ".out")) == 1 << 20


def test_a_database_that_another_holds_is_waited_for_or_said(make):
    one = make()
    kept = one.job(bash("echo before"))["id"]
    other = sqlite3.connect(os.path.join(one.state, "store.db"), isolation_level=None, timeout=30)
    other.execute("BEGIN IMMEDIATE")
    reply = one.call("POST", "/v1/jobs", bash("echo locked out"), headers={"Idempotency-Key": "held"})
    assert reply.status == 503 and int(reply.headers["Retry-After"]) >= 1 and reply.json["retryable"], reply
    assert one.call("GET", f"/v1/jobs/{kept}").json["state"] == "succeeded", "what is read does not wait"
    other.execute("ROLLBACK")
    other.close()
    reply = one.call("POST", "/v1/jobs?wait=30s", bash("echo then"), headers={"Idempotency-Key": "again"})
    assert reply.status == 201 and reply.json["state"] == "succeeded", reply


def test_a_full_disk_refuses_and_forgets_nothing(home, ward_path, tmp_path):
    if os.geteuid():
        pytest.skip("needs root, for a small file system")
    small = str(tmp_path / "small")
    os.mkdir(small)

    class Small(Service):
        def start(self):
            self.ward, self.real = "unshare", ward_path
            super().start()

    words = ["-m", "--propagation", "private", "sh", "-c",
             f'mount -t tmpfs -o size=24m,mode=755 ward-test {small} && exec "$@"', "sh", ward_path]
    popen = subprocess.Popen

    def begin(argv, **more):
        return popen([argv[0], *words, *argv[1:]] if argv[0] == "unshare" else argv, **more)

    subprocess.Popen = begin
    try:
        one = Small(ward_path, "--warm", "1", state=small)
    finally:
        subprocess.Popen = popen
    try:
        inside = f"/proc/{one.process.pid}/root{small}"
        kept = one.job(bash("echo before"))["id"]
        with open(os.path.join(inside, "ballast"), "wb", buffering=0) as file:
            try:
                while file.write(bytes(65536)):
                    pass
            except OSError:
                pass
        told, refused = [], []
        for _ in range(400):    # some are taken: the log of the store was laid out before
            reply = one.call("POST", "/v1/jobs", bash("x" * 60000))
            if reply.status == 201:
                told.append(reply.json["id"])
            else:
                refused.append(reply)
            if len(refused) == 3:
                break
        assert refused and all(reply.status == 503 and reply.headers["Retry-After"] for reply in refused), refused
        assert one.call("GET", f"/v1/jobs/{kept}/stdout").body == b"before\n"
        ready = one.call("GET", "/readyz", key=None)
        assert (ready.status, ready.json) == (503, {"status": "unavailable", "missing": "disk"}) and ready.headers["Retry-After"]
        assert one.call("GET", "/healthz", key=None).status == 200
        os.unlink(os.path.join(inside, "ballast"))
        eventually(lambda: one.call("POST", "/v1/jobs", bash("true")).status == 201)
        for job in told:
            eventually(lambda job=job: one.call("GET", f"/v1/jobs/{job}").json["state"] in ("failed", "infra_failed", "succeeded"))
        assert one.job(bash("echo after"))["state"] == "succeeded"
    finally:
        one.stop()
        shutil.rmtree(one.place, ignore_errors=True)


def test_a_runner_that_is_stopped_past_its_time_does_not_hold_its_job(make):
    one = make()
    job = one.call("POST", "/v1/jobs", bash("sleep 1000", limits={"wall_ms": 2000})).json["id"]
    eventually(lambda: one.call("GET", f"/v1/jobs/{job}").json["state"] == "running")
    for pid, name in harness.descendants(one.process.pid).items():
        if name == "ward-runner":
            os.kill(pid, signal.SIGSTOP)
    done = eventually(lambda: (seen := one.call("GET", f"/v1/jobs/{job}").json)["state"] == "timed_out" and seen)
    assert done["result"]["details"]["reason"] == "wall" and done["attempt"] == 1, done


# -- its own rights ------------------------------------------------------------------------------------------------


def test_the_launcher_of_root_keeps_what_starting_boxes_takes(make):
    if os.geteuid():
        pytest.skip("needs root")
    one = make()
    status = harness.status_of(one.process.pid)
    kept = sum(1 << bit for bit in (0, 1, 2, 3, 5, 6, 7, 8, 19, 21, 23))
    assert int(status["CapEff"], 16) & ~kept == 0 and int(status["CapBnd"], 16) & ~kept == 0, status
    assert int(harness.status_of(one.front)["CapBnd"], 16) & ~kept == 0
    assert one.job(bash("true"))["state"] == "succeeded"


def test_what_an_interpreter_used_while_it_waited_is_nobodys(make):
    one = make()
    eventually(lambda: one.call("GET", "/readyz", key=None).status == 200)
    done = one.job({"runtime": "python", "files": [{"path": "main.py", "text": "import resource as r; u = r.getrusage(0); "
                                                    "print(round((u.ru_utime + u.ru_stime) * 1e6))"}]})
    step, = done["result"]["details"]["steps"]
    whole = int(one.call("GET", f"/v1/jobs/{done['id']}/stdout").body)
    if done["result"]["details"]["start_path"] == "warm" and step["cpu_user_us"] + step["cpu_sys_us"] >= whole:
        pytest.fail(f"{step} of {whole}, with the interpreter's start")
