"""Which launchers are compared, with which command lines, and the scratch files those need.

Knows nothing of time. Refuses to guess: a launcher that is not found is left out and said to be.
"""
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
MIB = 1 << 20

# What a careful user of the peers refuses; calls.c has the same list for those that take a program.
DENIED = """ptrace mount umount2 pivot_root swapon swapoff reboot init_module finit_module
    delete_module kexec_load bpf perf_event_open userfaultfd keyctl add_key request_key
    open_by_handle_at setns unshare process_vm_readv process_vm_writev io_uring_setup acct quotactl
    settimeofday""".split()


@dataclass(frozen=True)
class Command:
    """One row of COMMANDS. Words of `line`, split at spaces (~ is a space inside a word):

    {exe} the program found   {root} {empty} {deny} {state} {bundle} {policy} {bin} scratch paths
    {kafel} the denied calls as nsjail names them
    {cmd} {grants} {see} {cgroup} stand alone and become any number of words
    A first word "FD<FILE" opens FILE as FD (one digit, because sh reads it too).
    @ID@ and @SLOT@ are the runner's.
    """
    name: str
    line: str
    need: str = ""        # the program looked for; "" = always there
    grant: str = ""       # how one read grant is written, {f} outside, {i} inside; "" = in a file
    see: str = ""         # makes the folder with `calls` visible; "" = the root has it
    inside: str = "/bench"    # where that folder then is; "" = where it is outside
    note: str = ""


COMMANDS = (
    Command("spawn", "{cmd}", inside="", note="no sandbox: what starting the payload costs anyway"),
    Command("ward container", need="ward", see="--widen --rx {bin}:/bench",
            line="{exe} run -b container -p {policy} {see} -- {cmd}"),
    Command("ward process", need="ward", see="--widen --rx {bin}", inside="",
            note="no namespaces by design: capabilities, seccomp, Landlock, limits",
            line="{exe} run --widen -b process -p {policy} {see} -- {cmd}"),
    Command("bwrap", need="bwrap", grant="--ro-bind {f} {i}",
            note="has no cgroup limits, no rlimits, no Landlock",
            line="""9<{deny} {exe} --unshare-all --unshare-user --uid 65534 --gid 65534
                --new-session --die-with-parent --hostname box --clearenv
                --setenv PATH /usr/bin:/bin --ro-bind {root} / --ro-bind /usr /usr --proc /proc
                --dev /dev --tmpfs /tmp {grants} --cap-drop ALL --seccomp 9 -- {cmd}"""),
    Command("nsjail", need="nsjail", grant="-R {f}:{i}", note="has no Landlock",
            line="""{exe} -Mo -Q --chroot {root} -R /usr -T /tmp -R /dev/null -R /dev/zero
                -R /dev/urandom {grants} -E PATH=/usr/bin:/bin --iface_no_lo --enable_clone_newtime
                --user 65534:100000:1 --group 65534:100000:1 --hostname box {cgroup}
                --seccomp_string POLICY~a{{ERRNO(1){{{kafel}}}}}~USE~a~DEFAULT~ALLOW -- {cmd}"""),
    Command("minijail0", need="minijail0", grant="-b {f},{i}",
            note="has no user namespace here (its -U did not work), no cgroup limits, no rlimits",
            line="""{exe} -T static -u 65534 -g 65534 -c 0 --ambient -p -I -v -l -N -e --uts=box -n
                --seccomp-bpf-binary={deny} -P {empty} -b {root},/ -b /usr,/usr
                -k tmpfs,/tmp,tmpfs {grants} -k proc,/proc,proc,0xe -d -- {cmd}"""),
    Command("runc", need="runc",
            note="has no Landlock; left out of grants: it passes mounts in one 64 KB message",
            line="{exe} --root {state} run -b {bundle} @ID@"),
)

# Every layer the container boundary has, and 2,000 grants below it.
POLICY = """\
version: 1
name: bench-grants
boundary: container
threat: own
limits: {cpu: 10s, wall: 60s, memory: 256M, pids: 64}
network: none
files:
  - read: host
%s
syscalls:
  default: errno
  allow: ["@startup", "@memory", "@file-read", "@threads", "@time"]
"""


def find(name, ward):
    """The path of a program, or None: $WARD_PEERS/NAME/NAME, $WARD_PEERS/DIR/NAME, then PATH."""
    if name == "ward":
        return ward if os.access(ward, os.X_OK) else None
    peers = os.environ.get("WARD_PEERS", "/tmp/peers")
    folders = sorted(os.listdir(peers)) if os.path.isdir(peers) else []
    for path in [f"{peers}/{name}", *(f"{peers}/{folder}/{name}" for folder in folders)]:
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return shutil.which(name)


def cgroup_mounts():
    """{"memory": path, ...} for version 1 controllers; version 2 has the key ""."""
    mounts = {}
    with open("/proc/self/mountinfo") as f:
        for line in f:
            left, right = line.split(" - ", 1)
            kind, _, options = right.split()[:3]
            where = left.split()[4]
            if kind == "cgroup2":
                mounts.setdefault("", where)
            elif kind == "cgroup":
                for option in options.split(","):
                    mounts.setdefault(option, where)
    return mounts


class Scratch:
    """The files every run needs; close() removes them and the cgroups of our own name."""

    def __init__(self, where, grants):
        self.dir = tempfile.mkdtemp(prefix="wardbench-", dir=where)
        os.chmod(self.dir, 0o755)
        self.name = f"wardbench-{os.getpid()}"
        self.root, self.bin = self.dir + "/root", self.dir + "/root/bench"
        self.mounts = cgroup_mounts()
        self.grants = [f"{self.dir}/grants/f{i:04}" for i in range(grants)]
        self._root()
        self._build()
        self._grants()
        self.cgroup_words = self._cgroup()

    def _root(self):
        for d in ("usr", "proc", "dev", "tmp", "etc", "bench"):
            os.makedirs(f"{self.root}/{d}")
        for d in ("empty", "bundles", "state", "grants"):
            os.mkdir(f"{self.dir}/{d}")
        for link in ("bin", "lib", "lib64"):
            os.symlink("usr/" + link, f"{self.root}/{link}")
        for node in ("null", "zero", "urandom"):
            open(f"{self.root}/dev/{node}", "w").close()

    def _build(self):
        cc = [os.environ.get("CC", "cc"), "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-static", "-o"]
        for program in ("runner", "calls"):
            subprocess.run([*cc, f"{self.bin}/{program}", f"{HERE}/{program}.c"], check=True,
                           timeout=60)
        subprocess.run([f"{self.bin}/calls", "deny", f"{self.dir}/deny"], check=True, timeout=10)

    def _grants(self):
        for path in self.grants:
            open(path, "w").close()
        with open(f"{self.dir}/grants.yaml", "w") as f:
            f.write(POLICY % "\n".join(f"  - read: {path}" for path in self.grants))

    def _cgroup(self):
        """nsjail wants parents that exist. On version 2 only what is already delegated is used."""
        memory, pids, unified = (self.mounts.get(k) for k in ("memory", "pids", ""))
        limits = ["--cgroup_mem_max", str(256 * MIB), "--cgroup_pids_max", "64"]
        if memory and pids:
            os.mkdir(f"{memory}/{self.name}")
            os.mkdir(f"{pids}/{self.name}")
            return limits + ["--cgroup_mem_mount", memory, "--cgroup_mem_parent", self.name,
                             "--cgroup_pids_mount", pids, "--cgroup_pids_parent", self.name]
        if unified:
            with open(f"{unified}/cgroup.subtree_control") as f:
                delegated = {"memory", "pids"} <= set(f.read().split())
            if delegated:
                os.mkdir(f"{unified}/{self.name}")
                with open(f"{unified}/{self.name}/cgroup.subtree_control", "w") as f:
                    f.write("+memory +pids")
                return limits + ["--use_cgroupv2", "--cgroupv2_mount", f"{unified}/{self.name}"]
        return []

    def bundles(self, payload, slots):
        """A directory of OCI bundles, one for each slot, because a bundle names its cgroup."""
        key = f"{self.dir}/bundles/{abs(hash(tuple(payload))):x}"
        for slot in range(slots):
            os.makedirs(f"{key}/{slot}", exist_ok=True)
            with open(f"{key}/{slot}/config.json", "w") as f:
                json.dump(self._oci(payload, slot), f)
        return key + "/@SLOT@"

    def _oci(self, payload, slot):
        def mount(where, kind, source, *options):
            return {"destination": where, "type": kind, "source": source, "options": list(options)}

        ids = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        sets = ("bounding", "effective", "inheritable", "permitted", "ambient")
        spaces = ("user", "pid", "mount", "network", "ipc", "uts", "cgroup")
        process = {
            "terminal": False, "user": {"uid": 65534, "gid": 65534}, "args": payload, "cwd": "/",
            "env": ["PATH=/usr/bin:/bin"], "noNewPrivileges": True,
            "capabilities": {name: [] for name in sets},
        }
        seccomp = {
            "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [{"names": DENIED, "action": "SCMP_ACT_ERRNO", "errnoRet": 1}],
        }
        return {
            "ociVersion": "1.0.2", "hostname": "box", "process": process,
            "root": {"path": self.root, "readonly": True},
            "mounts": [mount("/usr", "bind", "/usr", "bind", "ro"), mount("/proc", "proc", "proc"),
                       mount("/dev", "tmpfs", "tmpfs", "nosuid", "mode=755", "size=64k"),
                       mount("/tmp", "tmpfs", "tmpfs", "nosuid", "nodev")],
            "linux": {"namespaces": [{"type": name} for name in spaces], "uidMappings": ids,
                      "gidMappings": ids, "cgroupsPath": f"/{self.name}/slot-{slot}",
                      "resources": {"memory": {"limit": 256 * MIB}, "pids": {"limit": 64}},
                      "seccomp": seccomp},
        }

    def close(self):
        """Returns the names of cgroups that were still below ours: what a launcher left behind."""
        left = []
        for mount in sorted(set(self.mounts.values())):
            own = f"{mount}/{self.name}"
            for path, _, _ in os.walk(own, topdown=False) if os.path.isdir(own) else ():
                if path != own:
                    left.append(path)
                try:
                    os.rmdir(path)
                except OSError as e:
                    left.append(f"{path}: {e.strerror}")
        shutil.rmtree(self.dir, ignore_errors=True)
        return left


def inside(path):
    """Where a grant appears in a peer's box: below its /tmp, where it can make the place."""
    return "/tmp/" + os.path.basename(path)


class Tool:
    """A command that was found, ready to be filled with a payload."""

    def __init__(self, command, exe, scratch):
        self.command, self.exe, self.scratch = command, exe, scratch
        self.name = command.name
        self.inside = command.inside or scratch.bin

    def argv(self, payload, grants=False, see=False, slots=2):
        """Words for the runner; may begin with "FD<FILE"."""
        s, c = self.scratch, self.command
        many = {
            "{cmd}": list(payload),
            "{see}": c.see.format(bin=s.bin).split() if see else [],
            "{cgroup}": s.cgroup_words,
            "{grants}": [word.format(f=f, i=inside(f)) for f in s.grants if grants
                         for word in c.grant.split()],
        }
        kafel = ",".join("umount" if name == "umount2" else name for name in DENIED)
        one = {name: f"{s.dir}/{name}" for name in ("root", "deny", "empty", "state")}
        one |= {"exe": self.exe, "bin": s.bin, "kafel": kafel,
                "policy": s.dir + "/grants.yaml" if grants else "default"}
        if "{bundle}" in c.line:
            one["bundle"] = s.bundles(payload, slots)
        words = []
        for word in c.line.split():
            words += many[word] if word in many else [word.format(**one).replace("~", " ")]
        return words

    def takes_grants(self):
        return bool(self.command.grant) or "{policy}" in self.command.line

    def argv_here(self, payload, slot=0, ident="0", **how):
        """The same, to be started without the runner: its words replaced, FD opened by sh."""
        words = [w.replace("@ID@", f"{self.scratch.name}-{ident}").replace("@SLOT@", str(slot))
                 for w in self.argv(payload, **how)]
        if "<" not in words[0]:
            return words
        fd, file = words[0].split("<", 1)
        return ["/bin/sh", "-c", f'exec "$@" {int(fd)}<"$0"', file, *words[1:]]

    def version(self):
        """The first line a --version prints, None when it has no such option."""
        try:
            r = subprocess.run([self.exe, "--version"], capture_output=True, text=True, timeout=5,
                               stdin=subprocess.DEVNULL)
        except (OSError, TypeError, subprocess.TimeoutExpired):
            return None
        return r.stdout.split("\n")[0] if r.returncode == 0 and r.stdout else None


def custom(spec):
    """--tool NAME=LINE: a row of the caller's own; its first word is the program."""
    name, _, line = spec.partition("=")
    if "{cmd}" not in line.split():
        raise SystemExit(f"launch: --tool {spec!r}: wants NAME=LINE with the word {{cmd}} in it")
    words = line.split()
    return Command(name, " ".join(["{exe}", *words[1:]]), need=words[0], inside="")
