"""`ward backup` and `ward restore`: a copy of a service in use is whole, is refused when it is not, and becomes a service
that goes on where the copy was made."""
import hashlib
import os
import shutil
import subprocess
import tempfile
import threading

import pytest

import harness
import service
from service import nothing_left  # noqa: F401

DOCUMENT = {"runtime": "bash", "files": [{"path": "main.sh", "text": "seq 2000; echo kept >out.txt"}],
            "outputs": [{"path": "out.txt"}]}


@pytest.fixture
def ward(ward_path):
    return ward_path


@pytest.fixture(scope="module")
def served(home, ward_path):
    harness.need("ward-archive")
    with service.served(home, ward_path) as made:
        yield made


@pytest.fixture
def place():
    path = tempfile.mkdtemp(prefix="ward-backup-")
    yield path
    shutil.rmtree(path, ignore_errors=True)


def run(ward, *words):
    return subprocess.run([ward, *words], capture_output=True, text=True, timeout=120, check=False)


def made(ward, served, place, name="copy"):
    """Where a backup is, of a service that has run a job."""
    job = served.job(DOCUMENT)
    assert job["state"] == "succeeded", job
    out = os.path.join(place, name)
    done = run(ward, "backup", "--state", served.state, out)
    assert done.returncode == 0, done
    return job, out


def restored(ward, place, copy):
    """A service on what was restored, and what restore said."""
    os.mkdir(os.path.join(place, "new"))
    done = run(ward, "restore", "--state", os.path.join(place, "new", "state"), copy)
    assert done.returncode == 0, done
    return service.Service(ward, state=os.path.join(place, "new"))


def files_of(copy):
    with open(os.path.join(copy, "SHA256SUMS"), encoding="ascii") as file:
        return dict(reversed(line.split()) for line in file)


def test_a_restored_service_has_the_jobs_their_output_and_the_keys(ward, served, place):
    job, copy = made(ward, served, place)
    other = restored(ward, place, copy)
    try:
        other.tenant, other.operator = served.tenant, served.operator
        there = other.call("GET", f"/v1/jobs/{job['id']}").json
        assert there["state"] == "succeeded"
        assert other.call("GET", f"/v1/jobs/{job['id']}/stdout").body == b"".join(b"%d\n" % i for i in range(1, 2001))
        listed = other.call("GET", f"/v1/jobs/{job['id']}/artifacts").json
        assert "out.txt" in str(listed)
        assert other.job(DOCUMENT)["state"] == "succeeded", "and it goes on"
    finally:
        other.stop()


def test_its_list_is_what_sha256sum_checks(ward, served, place):
    _, copy = made(ward, served, place)
    for path, digest in files_of(copy).items():
        with open(os.path.join(copy, path), "rb") as file:
            assert hashlib.sha256(file.read()).hexdigest() == digest, path
    assert not os.path.exists(copy + ".partial")
    assert run(ward, "backup", "--check", copy).returncode == 0


def test_jobs_that_come_meanwhile_do_not_tear_it(ward, served, place):
    ended = threading.Event()

    def work():
        while not ended.is_set():
            served.job(DOCUMENT)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    try:
        for n in range(4):
            copy = os.path.join(place, f"copy{n}")
            assert run(ward, "backup", "--state", served.state, copy).returncode == 0
            assert run(ward, "backup", "--check", copy).returncode == 0
    finally:
        ended.set()
        for worker in workers:
            worker.join()
    other = restored(ward, place, copy)
    try:
        other.tenant = served.tenant
        page = other.call("GET", "/v1/jobs?limit=100").json
        for job in page["data" if "data" in page else "jobs"]:
            assert other.call("GET", f"/v1/jobs/{job['id']}").status == 200
    finally:
        other.stop()


@pytest.mark.parametrize("which", ["store.db", "log/", "blob/"])
def test_one_changed_byte_is_found_and_nothing_is_restored(ward, served, place, which):
    _, copy = made(ward, served, place)
    path = os.path.join(copy, next(path for path in files_of(copy) if path.startswith(which) and os.path.getsize(os.path.join(copy, path))))
    with open(path, "r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))
    for words in (("backup", "--check", copy), ("restore", "--state", os.path.join(place, "state"), copy)):
        done = run(ward, *words)
        assert done.returncode == 125 and "is not what SHA256SUMS says" in done.stderr, done
    assert sorted(os.listdir(place)) == ["copy"]


def test_a_state_is_never_overwritten(ward, served, place):
    _, copy = made(ward, served, place)
    before = sorted(os.listdir(served.state))
    done = run(ward, "restore", "--state", served.state, copy)
    assert done.returncode == 125 and "never overwritten" in done.stderr
    assert sorted(os.listdir(served.state)) == before
    done = run(ward, "backup", "--state", served.state, copy)
    assert done.returncode == 125 and "is there already" in done.stderr


@pytest.mark.parametrize("line", [
    "{d}  ../outside", "{d}  /etc/passwd", "{d}  log/00/../../store.db", "{d}  cursor.key", "{d} store.db", "{d}  store.db x",
    "x", "", "{d}  blob/00/" + "0" * 200, "{d}  log/ff/{i}.out", "{d}  log/00/{i}.sh"])
def test_a_list_that_names_anything_else_is_refused(ward, served, place, line):
    _, copy = made(ward, served, place)
    with open(os.path.join(copy, "SHA256SUMS"), "a", encoding="ascii") as file:
        file.write(line.format(d="0" * 64, i="0" * 32) + "\n")
    done = run(ward, "restore", "--state", os.path.join(place, "state"), copy)
    assert done.returncode == 125 and "SHA256SUMS:" in done.stderr and "no line of a backup" in done.stderr, done
    assert sorted(os.listdir(place)) == ["copy"]


def test_a_link_in_a_backup_is_not_followed(ward, served, place):
    _, copy = made(ward, served, place)
    path = next(path for path in files_of(copy) if path.endswith(".out"))
    os.rename(os.path.join(copy, path), os.path.join(place, "elsewhere"))
    os.symlink(os.path.join(place, "elsewhere"), os.path.join(copy, path))
    done = run(ward, "restore", "--state", os.path.join(place, "state"), copy)
    assert done.returncode == 125 and path in done.stderr, done


def test_a_blob_that_is_damaged_in_the_state_is_named(ward, served, place):
    _, copy = made(ward, served, place)
    own = os.path.join(place, "own")
    assert run(ward, "restore", "--state", own, copy).returncode == 0
    path = next(path for path in files_of(copy) if path.startswith("blob/"))
    with open(os.path.join(own, path), "ab") as file:
        file.write(b"more")
    done = run(ward, "backup", "--state", own, os.path.join(place, "second"))
    assert done.returncode == 1 and path in done.stderr and "1 files are damaged" in done.stdout, done


def test_what_is_no_state_and_no_backup(ward, served, place):
    done = run(ward, "backup", "--state", place, os.path.join(place, "copy"))
    assert done.returncode == 125 and "store.db" in done.stderr
    done = run(ward, "restore", "--state", os.path.join(place, "state"), place)
    assert done.returncode == 125 and "no backup of ward's" in done.stderr
    assert os.listdir(place) == []


def test_a_full_disk_leaves_nothing(ward, served, place):
    if os.geteuid() != 0:
        pytest.skip("root is missing: a file system of a bounded size is mounted")
    for n in range(3):
        served.job({"runtime": "bash", "files": [{"path": "main.sh", "text": "head -c 900000 /dev/urandom | base64 -w0"}]})
    small = os.path.join(place, "small")
    os.mkdir(small)
    script = f"mount -t tmpfs -o size=2m none {small} && {ward} backup --state {served.state} {small}/copy; echo $?; ls {small}"
    done = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", script], capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.stdout == "125\n", done
