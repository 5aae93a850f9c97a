"""Adds to the guest what makes it a machine that systemd runs: systemd itself, dpkg with a list of what is installed, and
two packages of ward, the second newer by its version alone. Copied from this machine, as everything in the guest is."""
import os
import pathlib
import re
import shutil
import subprocess

import image

TOP = pathlib.Path(__file__).resolve().parents[2]
SYSTEMD = "/lib/systemd"
DAEMONS = "systemd systemd-journald systemd-cgroups-agent systemd-shutdown".split()
UNITS = """basic.target sysinit.target multi-user.target sockets.target timers.target paths.target slices.target
local-fs.target local-fs-pre.target swap.target network.target shutdown.target umount.target final.target
systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket -.slice system.slice""".split()
# ldconfig and start-stop-daemon are looked for by dpkg before it does anything.
TOOLS = "date systemctl journalctl dpkg dpkg-deb dpkg-query dpkg-split tar rm install ldconfig start-stop-daemon getent".split()

# The cases end, busybox's init becomes systemd (its `restart` action), and this runs what is left to show.
CASE = """[Unit]
Description=the cases of a machine that systemd runs
After=basic.target

[Service]
Type=exec
ExecStart=/usr/bin/dash /guest/machine
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1
Environment=PATH=/usr/bin:/usr/sbin HOME=/root LANG=C.UTF-8 SYSTEMD_COLORS=0 SYSTEMD_URLIFY=0
"""


def missing(build):
    """What this machine lacks, and how to get it; None: all is there."""
    for path, package in ((f"{SYSTEMD}/systemd", "systemd"), ("/usr/bin/dpkg-shlibdeps", "dpkg-dev")):
        if not os.path.exists(path):
            return f"{path} is missing; install with: apt-get install {package}"
    for name in ("ward-serve", "ward-client", "ward-archive"):
        if not (pathlib.Path(build) / name).exists():
            return f"{name} is not built: a library of it is missing (libmicrohttpd-dev, libwslay-dev, libsqlite3-dev, libcurl4-openssl-dev)"
    return None


def packages(build, work):
    """Two packages of one build. Not compressed: unpacking takes an emulated processor longer than reading."""
    out = pathlib.Path(work) / "packages"
    made = subprocess.run([TOP / "packaging/build", "--build", pathlib.Path(build).resolve().parent, "--work", out / "work", out],
                          text=True, capture_output=True, check=False, env={**os.environ, "DPKG_DEB_COMPRESSOR_TYPE": "none"})
    if made.returncode:
        raise SystemExit(f"not ok guest: packaging/build: {made.stdout}{made.stderr}")
    first = next(out.glob("ward_*.deb"))
    tree = out / "tree"
    subprocess.run(["dpkg-deb", "-R", first, tree], check=True)
    control = tree / "DEBIAN/control"
    found = []
    for n in ("1", "2"):
        text = re.sub(r"^(Version: [^~\n]*).*$", rf"\g<1>~{n}", control.read_text(encoding="utf-8"), flags=re.M)
        control.write_text(text, encoding="utf-8")
        found.append(out / f"ward-{n}.deb")
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, found[-1]], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    return found


def add_dpkg(archive, deb):
    """dpkg and what it is to believe: that the libraries which the package names are installed, in the versions that are."""
    needs = subprocess.run(["dpkg-deb", "-f", deb, "Depends"], text=True, capture_output=True, check=True).stdout
    names = re.findall(r"(?:^|, )([a-z0-9.+-]+)", needs)
    known = subprocess.run(["dpkg-query", "-W", "-f", "Package: ${Package}\nStatus: install ok installed\nVersion: ${Version}\n"
                            "Architecture: ${Architecture}\nMaintainer: x\nDescription: x\n\n", *names],
                           text=True, capture_output=True, check=True).stdout
    archive.text("/var/lib/dpkg/status", known)
    for name in names:
        archive.text(f"/var/lib/dpkg/info/{name}.list", "")
    for path in ("/var/lib/dpkg/updates", "/var/lib/dpkg/triggers", "/etc/dpkg/dpkg.cfg.d"):
        archive.folder(path)
    for name in ("cputable", "tupletable"):
        archive.copy(f"/usr/share/dpkg/{name}")


def blocks():
    """What docs/operation.md says to do on a machine."""
    return re.findall(r"^```systemd\n(.*?)^```$", (TOP / "docs/operation.md").read_text(encoding="utf-8"), re.M | re.S)


def add(archive, here, debs):
    for name in DAEMONS:
        image.add_program(archive, f"{SYSTEMD}/{name}")
    for name in TOOLS:
        image.add_program(archive, image.which(name), f"/usr/sbin/{name}" if name in ("ldconfig", "start-stop-daemon") else None)
    for name in UNITS:
        if os.path.exists(f"{SYSTEMD}/system/{name}"):
            archive.copy(f"{SYSTEMD}/system/{name}")
    for name in ("sysinit.target.wants/systemd-journald.service", "sockets.target.wants/systemd-journald.socket",
                 "sockets.target.wants/systemd-journald-dev-log.socket"):
        archive.link(f"{SYSTEMD}/system/{name}".replace("/lib/", "/usr/lib/", 1), f"../{os.path.basename(name)}")
    archive.text("/etc/systemd/system/guest.service", CASE)
    archive.link("/etc/systemd/system/default.target", "/usr/lib/systemd/system/multi-user.target")
    archive.link("/etc/systemd/system/multi-user.target.wants/guest.service", "../guest.service")
    archive.text("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    archive.text("/etc/fstab", "")
    add_dpkg(archive, debs[0])
    for n, deb in enumerate(debs, 1):
        archive.copy(deb, f"/guest/{n}/ward_{n}.deb", 0o644)
    archive.copy(f"{here}/machine", "/guest/machine", 0o755)
    for n, block in enumerate(blocks(), 1):
        archive.text(f"/guest/operation/{n}.sh", block)
    archive.copy(TOP / "tests/e2e/older_store.py", "/guest/older_store.py", 0o644)
    archive.copy(TOP / "src/store/schema_1.sql", "/guest/schema_1.sql", 0o644)
