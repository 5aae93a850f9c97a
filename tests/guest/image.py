"""Writes the guest's initramfs: a small Debian copied file by file from this machine.

Copies only what is named here and the libraries those files need. Owners and modes are written
into the archive, so no root is needed.
"""
import glob
import os
import re
import stat
import subprocess

# What the cases use as real, dynamically linked programs; the rest is busybox
TOOLS = """basename bash cat chmod chown cmp cp cut dash dd df diff dirname echo env false grep head
id kill ln ls mkdir mknod mount mv nproc ps readlink rm rmdir sed seq setpriv sleep sort stat tail
tee test timeout touch tr true tty umount uname unshare wc whoami yes""".split()

PYTHON_MODULES = """ctypes errno fcntl io json mmap os pty re resource select signal socket sqlite3
struct subprocess sys tempfile termios threading time""".split()

KERNEL_MODULES = ["kernel/fs/overlayfs/overlay.ko", "kernel/drivers/block/brd.ko",
                  "kernel/drivers/net/veth.ko"]

ETC = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n"
              "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n",
    "group": "root:x:0:\ntty:x:5:\nuser:x:1000:\nnogroup:x:65534:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "hosts": "127.0.0.1 localhost\n",
    "hostname": "guest\n",
    "subuid": "user:100000:65536\n",
    "subgid": "user:100000:65536\n",
    "inittab": "::once:/guest/main\n::restart:/lib/systemd/systemd\n",
}


class Archive:
    """A newc cpio archive (kernel: Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self, file):
        self.file = file
        self.seen = set()

    def _entry(self, name, mode, data=b"", uid=0, mtime=0, device=(0, 0)):
        if name in self.seen:
            return
        self.seen.add(name)
        raw = name.encode() + b"\0"
        fields = (len(self.seen), mode, uid, uid, 1, mtime, len(data), 0, 0, *device, len(raw), 0)
        self.file.write(b"070701" + b"".join(b"%08x" % n for n in fields) + raw)
        self.file.write(b"\0" * (-(110 + len(raw)) % 4) + data + b"\0" * (-len(data) % 4))

    def folder(self, path, mode=0o755, uid=0):
        path = path.strip("/")
        if os.path.dirname(path):
            self.folder(os.path.dirname(path))
        self._entry(path, stat.S_IFDIR | mode, uid=uid)

    def text(self, path, data, mode=0o644, uid=0, mtime=0):
        path = path.strip("/")
        if os.path.dirname(path):
            self.folder(os.path.dirname(path))
        raw = data.encode() if isinstance(data, str) else data
        self._entry(path, stat.S_IFREG | mode, raw, uid, mtime)

    def link(self, path, target):
        path = path.strip("/")
        if os.path.dirname(path):
            self.folder(os.path.dirname(path))
        self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, mode, major, minor):
        self._entry(path.strip("/"), stat.S_IFCHR | mode, device=(major, minor))

    def copy(self, source, path=None, mode=None):
        info = os.stat(source)
        with open(source, "rb") as file:
            bits = stat.S_IMODE(info.st_mode) if mode is None else mode
            self.text(path or merged(source), file.read(), bits, mtime=int(info.st_mtime))

    def close(self):
        self._entry("TRAILER!!!", 0)


def merged(path):
    """/lib/x -> /usr/lib/x: the guest has Debian's merged /usr."""
    return "/usr" + path if re.match(r"/(bin|sbin|lib|lib64)/", path) else path


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def libraries(program):
    found = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return re.findall(r"(?:=> |^\s+)(/\S+) \(0x", found, re.M)


def add_program(archive, source, path=None):
    archive.copy(source, path, 0o4755 if os.stat(source).st_mode & stat.S_ISUID else 0o755)
    for library in libraries(source):
        archive.copy(library, mode=0o755)


def which(name):
    for folder in ("/usr/bin", "/usr/sbin", "/bin", "/sbin"):
        if os.path.exists(f"{folder}/{name}"):
            return f"{folder}/{name}"
    return None


def find_programs(build):
    """ward and everything named ward-*, from a build folder or its src/."""
    found = {}
    for path in sorted(glob.glob(f"{build}/ward*") + glob.glob(f"{build}/src/ward*")):
        name = os.path.basename(path)
        program = os.path.isfile(path) and os.access(path, os.X_OK)
        if program and re.fullmatch(r"ward(-[a-z]+)?", name):
            found.setdefault(name, path)
    return list(found.values()) if "ward" in found else []


def add_python(archive):
    python = os.path.realpath("/usr/bin/python3")
    if not os.path.exists(python):
        return
    add_program(archive, python)
    archive.link("/usr/bin/python3", os.path.basename(python))
    code = f"import sys,{','.join(PYTHON_MODULES)}\n" \
           "for m in list(sys.modules.values()):\n" \
           "  for n in '__file__', '__cached__': print(getattr(m, n, None) or '')"
    listed = output_of(python, "-S", "-I", "-c", code)
    for path in sorted(set(listed.split())):
        if os.path.exists(path):
            add_program(archive, path) if path.endswith(".so") else archive.copy(path)


def add_base(archive):
    for name in ("bin", "sbin", "lib", "lib64"):
        archive.folder(f"/usr/{name}")
        archive.link(f"/{name}", f"usr/{name}")
    for path in "/proc /sys /dev /run /usr/local/bin /etc /mnt /opt /srv /var/lib /var/log".split():
        archive.folder(path)
    for path in ("/tmp", "/var/tmp"):
        archive.folder(path, 0o1777)
    archive.folder("/root", 0o700)
    archive.folder("/home/user", 0o700, uid=1000)
    archive.device("/dev/console", 0o600, 5, 1)
    for name, text in ETC.items():
        archive.text(f"/etc/{name}", text)
    for path in ("/etc/os-release", "/etc/ld.so.conf"):
        if os.path.exists(path):
            archive.copy(path)
    # Markers: a box that can read one of these has a hole
    archive.text("/etc/shadow", "root:*:marker-shadow:0:99999:7:::\n", 0o640)
    archive.text("/root/secret", "marker-root\n", 0o600)
    archive.text("/home/user/secret", "marker-home\n", 0o600, uid=1000)
    archive.text("/var/lib/secret", "marker-var\n")


def add_userland(archive):
    archive.copy("/bin/busybox", "/usr/bin/busybox", 0o755)
    for name in TOOLS:
        source = which(name)
        if source:
            add_program(archive, os.path.realpath(source), f"/usr/bin/{name}")
    for name in ("newuidmap", "newgidmap"):
        if which(name):
            add_program(archive, which(name), f"/usr/bin/{name}")
    archive.link("/usr/bin/sh", "dash")
    for name in output_of("/bin/busybox", "--list").split():
        archive.link(f"/guest/bin/{name}", "/usr/bin/busybox")  # for main: static, starts fast
    for name in ("init", "modprobe", "insmod", "reboot"):
        archive.link(f"/usr/sbin/{name}", "../bin/busybox")
    for name in "awk find hostname ip mkfifo nc setsid stty sysctl vi xxd".split():
        archive.link(f"/usr/bin/{name}", "busybox")
    add_python(archive)


def add_kernel_modules(archive, kernel):
    release = os.path.basename(kernel).removeprefix("vmlinuz-")
    folder = f"/lib/modules/{release}"
    if not os.path.exists(f"{folder}/modules.dep"):
        return
    kept = []
    for line in open(f"{folder}/modules.dep"):
        if line.split(":")[0] in KERNEL_MODULES:
            kept.append(line)
            for path in line.replace(":", " ").split():
                archive.copy(f"{folder}/{path}")
    archive.text(f"/usr/lib/modules/{release}/modules.dep", "".join(kept))
    for name in ("modules.alias", "modules.symbols"):
        alias = "alias fs-overlay overlay\n" if name == "modules.alias" else ""
        archive.text(f"/usr/lib/modules/{release}/{name}", alias)


def write(path, here, kernel, programs, cases, facts, add_more=None):
    with open(path, "wb") as file:
        archive = Archive(file)
        add_base(archive)
        add_userland(archive)
        add_kernel_modules(archive, kernel)
        for program in programs:
            add_program(archive, program, f"/usr/local/bin/{os.path.basename(program)}")
        archive.folder("/guest")
        archive.link("/init", "guest/init")
        for name in ("init", "main"):
            archive.copy(f"{here}/{name}", f"/guest/{name}", 0o755)
        archive.copy(f"{here}/lib.sh", "/guest/lib.sh", 0o644)
        for name in cases:
            archive.copy(f"{here}/cases/{name}", f"/guest/cases/{name}", 0o644)
        if facts:
            add_program(archive, facts, "/guest/facts")
            archive.copy(f"{here}/facts/facts.sh", "/guest/cases/facts.sh", 0o644)
        if add_more:
            add_more(archive)
        archive.close()
