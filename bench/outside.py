"""What can be seen of a box from outside: its layers, its helpers' memory, what it left behind.

Reads /proc and the cgroup tree and changes nothing.
"""
import os

from tools import cgroup_mounts

NAMESPACES = ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup", "time")
OURS = ("wardbench", "ward", "NSJAIL")


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def processes():
    """{pid: parent}"""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents[int(name)] = int(status(name)["PPid"])
            except (OSError, KeyError):
                pass
    return parents


def descendants(root):
    parents, found = processes(), set()
    grew = True
    while grew:
        new = {p for p, parent in parents.items() if parent == root or parent in found} - found
        found |= new
        grew = bool(new)
    return found


def memory_kb(pid):
    """(PSS, highest RSS) in KB; zero for a process that is gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            pss = next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        return pss, int(status(pid).get("VmHWM", "0 kB").split()[0])
    except (OSError, StopIteration):
        return 0, 0


def cgroup_limit(pid, controller, v1_file, v2_file):
    """The limit on the cgroup of pid, None when it is unlimited or in the caller's own cgroup."""
    mounts = cgroup_mounts()

    def path(who):
        with open(f"/proc/{who}/cgroup") as f:
            rows = [line.rstrip("\n").split(":", 2) for line in f]
        named = [where for _, kinds, where in rows if controller in kinds.split(",")]
        if named and controller in mounts:
            return mounts[controller] + named[0], v1_file
        unified = [where for _, kinds, where in rows if kinds == ""]
        return (mounts[""] + unified[0], v2_file) if unified and "" in mounts else (None, None)
    where, file = path(pid)
    if not where or where == path("self")[0]:
        return None
    try:
        with open(f"{where}/{file}") as f:
            text = f.read().strip()
    except OSError:
        return None
    return None if text == "max" or int(text) > 1 << 60 else int(text)


def root_is_read_only(pid):
    with open(f"/proc/{pid}/mountinfo") as f:
        for line in f:
            words = line.split()
            if words[4] == "/":
                return "ro" in words[5].split(",")
    return False


def layers(pid):
    """{layer: held} for one process; only what the kernel shows from outside, so not Landlock."""
    st = status(pid)

    def differs(ns):
        return os.readlink(f"/proc/{pid}/ns/{ns}") != os.readlink(f"/proc/self/ns/{ns}")
    held = {ns + " ns": differs(ns) for ns in NAMESPACES}
    held["read-only root"] = root_is_read_only(pid)
    sets = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
    held["caps empty"] = all(int(st[name], 16) == 0 for name in sets)
    held["no_new_privs"] = st["NoNewPrivs"] == "1"
    held["seccomp"] = st["Seccomp"] == "2"
    held["not root outside"] = "0" not in st["Uid"].split()
    held["memory limit"] = bool(cgroup_limit(pid, "memory", "memory.limit_in_bytes", "memory.max"))
    held["pids limit"] = bool(cgroup_limit(pid, "pids", "pids.max", "pids.max"))
    return held


class Traces:
    """What exists before a run, so that what is there afterwards and was not can be named."""

    def __init__(self):
        self.before = self._now()

    @staticmethod
    def _now():
        cgroups = {path for mount in set(cgroup_mounts().values()) for path, _, _ in os.walk(mount)}
        with open("/proc/self/mountinfo") as f:
            mounts = {line.split()[4] for line in f}
        names = {f"{d}/{n}" for d in ("/tmp", "/run", "/dev/shm", "/var/run") if os.path.isdir(d)
                 for n in os.listdir(d)}
        return {"cgroup": cgroups, "mount": mounts, "file": names}

    def left(self):
        """Only names a launcher of this run may have made; others on this machine work too."""
        after = self._now()
        new = [(kind, name) for kind, names in after.items() for name in names - self.before[kind]]
        return sorted(f"{kind} {name}" for kind, name in new
                      if kind == "mount" or any(part.startswith(OURS) for part in name.split("/")))
