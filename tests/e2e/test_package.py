"""The Debian package's life, on a copy-on-write view of this machine's root that goes away with the test: installed, started
as its unit says (the socket handed over, the unit's capabilities), used, removed, purged."""
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile

import pytest

import harness

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Runs as root in the view. Prints one JSON object.
LIFE = r'''
import glob, http.client, json, os, re, shlex, signal, subprocess, sys, time

PORT = 18086
told = {}

def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=200)
    if done.returncode:
        print(json.dumps({"failed": words, "said": done.stdout + done.stderr}))
        sys.exit(0)
    return done.stdout

def unit(key):
    with open("/lib/systemd/system/ward.service") as file:
        return [line.split("=", 1)[1].strip() for line in file if line.startswith(key + "=")]

def ask(path, key=None, body=None):
    link = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
    link.request("POST" if body else "GET", path, body, {"Authorization": f"Bearer {key}"} if key else {})
    return json.loads(link.getresponse().read())

run("dpkg", "-i", sys.argv[1])
told["installed"] = run("dpkg-query", "-W", "-f", "${db:Status-Status}", "ward")
told["version"] = run("/usr/bin/ward", "--version").strip()
told["verified"] = subprocess.run(["dpkg", "-V", "ward"], capture_output=True, text=True).stdout

caps = ",+".join(word[4:].lower() for word in unit("CapabilityBoundingSet")[0].split())
words = [word for word in shlex.split(unit("ExecStart")[0]) if word != "$WARD_OPTIONS"]
service = subprocess.Popen(["setpriv", f"--bounding-set=-all,+{caps}", "--no-new-privs", "systemd-socket-activate",
                            "-l", f"127.0.0.1:{PORT}", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
try:
    for _ in range(600):
        try:
            if ask("/healthz")["status"] == "ok":
                break
        except OSError:
            time.sleep(0.1)
    with open("/var/lib/ward/first-keys") as file:
        told["keys_mode"] = oct(os.fstat(file.fileno()).st_mode & 0o777)
        keys = re.findall(r"wk_\S+", file.read())
    job = ask("/v1/jobs?wait=60s", keys[1], json.dumps({"runtime": "bash", "files": [{"path": "main.sh", "text": "echo packaged"}]}))
    told["job"] = job.get("state", job)
    run("/usr/bin/ward", "backup", "/root/ward-backup")
    told["backup"] = run("/usr/bin/ward", "backup", "--check", "/root/ward-backup").strip()
finally:
    service.send_signal(signal.SIGTERM)
    told["ended"] = service.wait(60)
    told["log"] = service.stderr.read()[-3000:]

run("dpkg", "-r", "ward")
told["left_by_remove"] = [path for path in ("/usr/bin/ward", "/usr/libexec/ward", "/var/lib/ward/store.db", "/etc/default/ward") if os.path.exists(path)]
run("dpkg", "-i", sys.argv[1])
told["again"] = run("dpkg-query", "-W", "-f", "${db:Status-Status}", "ward")
run("dpkg", "-P", "ward")
told["left_by_purge"] = [path for path in ("/usr/bin/ward", "/var/lib/ward", "/etc/default/ward", "/lib/systemd/system/ward.service") if os.path.exists(path)]
print(json.dumps(told))
'''

VIEW = """set -e
mount -t tmpfs -o size=1g none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" none "$1/root"
for place in proc dev sys; do mount --rbind /$place "$1/root/$place"; done
mkdir -p "$1/root$2"
mount --bind "$2" "$1/root$2"
cd "$1/root"
mkdir -p .before
pivot_root . .before    # no chroot: from one, nobody may make a user namespace
umount -l .before
exec /usr/bin/python3 "$2/life.py" "$3"
"""


@pytest.fixture(scope="module")
def packages():
    harness.need("ward-serve", "ward-archive")
    if missing := [tool for tool in ("dpkg-deb", "dpkg-shlibdeps") if not shutil.which(tool)]:
        pytest.skip(f"{missing[0]} is missing (apt-get install dpkg-dev)")
    place = tempfile.mkdtemp(prefix="ward-package-")
    done = subprocess.run([os.path.join(TOP, "packaging/build"), "--build", os.path.dirname(harness.BUILD), "--work",
                           os.path.join(place, "work"), place], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    yield place
    shutil.rmtree(place, ignore_errors=True)


def deb(packages, name):
    found = glob.glob(os.path.join(packages, f"{name}_*.deb"))
    assert len(found) == 1, found
    return found[0]


def test_it_holds_what_is_used_and_names_what_it_needs(packages):
    path = deb(packages, "ward")
    held = subprocess.run(["dpkg-deb", "-c", path], capture_output=True, text=True, check=True).stdout
    for name in ("/usr/bin/ward", "/usr/bin/ward-serve", "/usr/bin/ward-archive", "/usr/libexec/ward/ward-step", "/usr/libexec/ward/ward-herald", "/usr/sbin/ward-monitor",
                 "/lib/systemd/system/ward.socket", "/usr/share/man/man1/ward-run.1.gz", "/usr/share/bash-completion/completions/ward"):
        assert f".{name}\n" in held, name
    assert "usr/local" not in held and "ward-v8" not in held
    assert not re.search(r"^.{9}[sS]|^.{3}s|^.{6}s", held, re.M), "nothing is set-id"
    needs = subprocess.run(["dpkg-deb", "-f", path, "Depends"], capture_output=True, text=True, check=True).stdout
    for library in ("libc6", "libmicrohttpd12", "libsqlite3-0", "libwslay1", "libcurl4", "libnettle8"):
        assert library in needs, needs
    assert "libnode" not in needs


def test_the_units_are_sound_and_take_rights_away(packages):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is missing (apt-get install systemd)")
    tree = tempfile.mkdtemp(prefix="ward-units-")
    try:
        subprocess.run(["dpkg-deb", "-x", deb(packages, "ward"), tree], check=True)
        units = [os.path.join(tree, "lib/systemd/system", name) for name in ("ward.service", "ward.socket")]
        done = subprocess.run(["systemd-analyze", "--man=no", "--recursive-errors=no", "verify", *units], capture_output=True, text=True,
                              check=False)
        wrong = [line for line in done.stderr.splitlines() if "ward." in line and "is not executable" not in line]
        assert not wrong, wrong
        with open(os.path.join(TOP, "docs/operation.md"), encoding="utf-8") as file:
            told = re.search(r"`systemd-analyze security ward.service` says (\d)\.(\d)", file.read())
        done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=" + told[1] + told[2], units[0]],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-400:]
    finally:
        shutil.rmtree(tree, ignore_errors=True)


def test_it_is_installed_started_used_removed_and_purged(packages):
    if os.geteuid() != 0:
        pytest.skip("root is missing: packages are installed")
    if missing := [tool for tool in ("systemd-socket-activate", "setpriv") if not shutil.which(tool)]:
        pytest.skip(f"{missing[0]} is missing (apt-get install systemd util-linux)")
    view = tempfile.mkdtemp(prefix="ward-view-")
    with open(os.path.join(packages, "life.py"), "w", encoding="utf-8") as file:
        file.write(LIFE)
    try:
        done = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", VIEW, "sh", view, packages, deb(packages, "ward")],
                              capture_output=True, text=True, timeout=400, check=False)
    finally:
        os.rmdir(view)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert "failed" not in told, told
    assert told["installed"] == told["again"] == "installed" and told["verified"] == "", told
    assert told["version"].startswith("ward ")
    assert told["keys_mode"] == "0o600" and "wk_" not in told["log"], "the keys are in their file and not in the log"
    assert told["job"] == "succeeded", told
    assert "1 jobs" in told["backup"]
    assert told["left_by_remove"] == ["/var/lib/ward/store.db", "/etc/default/ward"]
    assert told["left_by_purge"] == []
