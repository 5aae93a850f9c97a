#!/usr/bin/env python3
"""Runs the programs in untrusted/ under the policy `default` and shows what held them: contained.py WARD [OPTION...]

The options are for `ward run`, such as `-b process`.

Nothing in the table is known beforehand. What was tried, and what came of it, the programs say; which
layers stood, which calls the filter refused and how the run ended, ward's result says (--result); and
whether a file or a process is there at all is looked up on the host. Exit status 0 when nothing that was
tried was possible and nothing of a box is left.
"""

import errno
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import uuid

UNTRUSTED = pathlib.Path(__file__).resolve().parent / "untrusted"
INPUT = UNTRUSTED.parent.parent / "LICENSE"
BY_TEXT = {os.strerror(n): name for n, name in errno.errorcode.items()}
BY_TEXT |= {"Directory nonexistent": "ENOENT", "File size limit exceeded": "SIGXFSZ", "Cannot fork": "EAGAIN"}
COUNTERS = {"limit.memory": "oom_kills", "limit.pids": "pids_refused", "limit.output": "output_bytes",
            "limit.cpu": "cpu_us", "limit.wall": "wall_us"}


class Failed(Exception):
    pass


class Runner:
    def __init__(self, ward, options, scratch):
        self.ward, self.options, self.scratch = ward, options, pathlib.Path(scratch)
        self.token = f"CONTAINED={uuid.uuid4()}"
        self.runs = 0

    def run(self, *words, text=None):
        """One box: its result, its standard output, its standard error."""
        self.runs += 1
        path = self.scratch / f"result-{self.runs}.json"
        line = [self.ward, "run", "-q", "--result", str(path), "-e", self.token, *self.options, *words]
        with open(INPUT if text is None else os.devnull, "rb") as given:
            stdin = {"input": text} if text is not None else {"stdin": given}
            done = subprocess.run(line, capture_output=True, check=False, **stdin)
        if not path.exists() or not path.stat().st_size:
            raise Failed(done.stderr.decode(errors="replace").strip())
        result = json.loads(path.read_text(encoding="utf-8"))
        if result["verdict"] in ("setup", "internal"):
            raise Failed(result["error"]["text"])
        return result, done.stdout, done.stderr

    def left(self):
        """Processes of any of the boxes that are still there."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if self.token.encode() in (process / "environ").read_bytes():
                    found.append(process.name)
            except OSError:
                pass    # gone, or somebody else's
        return found


def installed(result, *layers):
    """Those of the layers that the result lists as installed."""
    return "+".join(layer for layer in layers if layer in result["layers"])


def held_by(result, call, path, error):
    """(layer, evidence) for a try that ended in this error; layer "" when there is no evidence."""
    for denial in result["denials"]:
        if denial["name"] == call and denial.get("errno") == error:
            times = f", {denial['count']} times" if denial["count"] > 1 else f": {denial['call']}"
            return "seccomp", f"recorded{times}"
    if error == "EAGAIN" and result.get("pids_refused"):
        return "cgroup-pids", f"pids_refused {result['pids_refused']}"
    if error == "EAGAIN":
        return installed(result, "rlimits"), f"peak {result.get('pids_peak', '?')} processes"
    if error == "ENOENT" and os.path.lexists(path):
        layers = ("pidns", "proc") if path.startswith("/proc/") else ("mountns", "rootfs")
        return installed(result, *layers), f"{path} is there outside, not inside"
    if error == "EROFS":
        return installed(result, "rootfs"), "read-only mount"
    if error == "ENOSPC":
        return installed(result, "rootfs"), "the scratch directory is full"
    if error == "SIGXFSZ":
        return installed(result, "rlimits"), "signal SIGXFSZ"
    if error == "ENOSYS":
        return installed(result, "seccomp"), "refused without a record"
    if error == "EACCES":
        return installed(result, "landlock", "identity"), "refused, and not by the filter"
    if error == "EPERM":
        return installed(result, "landlock"), "refused, and not by the filter"
    return "", ""


def judge_sight(result, outcome):
    """How many processes were seen, against how many there are."""
    seen, there = int(outcome.split()[1]), sum(p.name.isdigit() for p in pathlib.Path("/proc").iterdir())
    if seen >= min(there, 5):
        return "possible", "", ""
    return f"saw {seen}", installed(result, "pidns", "proc"), f"{there} on the host"


def judge(result, line):
    """A row of the table: (what, outcome, layer, evidence)."""
    what, call, path, outcome = (part.strip() for part in line.split(" | "))
    outcome = BY_TEXT.get(outcome, outcome)
    if outcome.startswith("saw "):
        return (what, *judge_sight(result, outcome))
    if outcome == "possible":
        return what, outcome, "", ""
    return (what, outcome, *held_by(result, call, path, outcome.split()[0]))


def attempts(runner, words, text=None):
    result, out, err = runner.run(*words, text=text)
    lines = out.decode(errors="replace").splitlines()
    work = [line[6:] for line in lines if line.startswith("work: ")]
    rows = [judge(result, line[7:]) for line in lines if line.startswith("tried: ")]
    if result["verdict"] not in ("ok", "limit.pids") or not work or not rows:
        raise Failed(f"verdict {result['verdict']}: {err.decode(errors='replace').strip()[-500:]}")
    return result, work, rows


def greed(runner, what, *flags):
    result, _, err = runner.run("--ro", f"{UNTRUSTED / 'greedy.py'}", *flags, "--", "python3", UNTRUSTED / "greedy.py", what)
    verdict, counter = result["verdict"], COUNTERS.get(result["verdict"], "")
    by_signal = {"SIGXCPU": installed(result, "rlimits")}.get(result.get("signal_name"), "ward")
    layer = {"limit.memory": installed(result, "cgroup-memory"), "limit.pids": installed(result, "cgroup-pids"),
             "limit.output": "ward", "limit.cpu": by_signal, "limit.wall": "ward"}.get(verdict, "")
    evidence = f"{counter} {result[counter]}" if counter in result else ""
    said = err.decode(errors="replace").strip().splitlines()
    if verdict == "nonzero" and result.get("pids_refused"):
        layer, evidence = "cgroup-pids", f"pids_refused {result['pids_refused']}"
    elif verdict == "nonzero":
        layer, evidence = installed(result, "rlimits"), said[-1]
    return (f"take all {what}", "possible" if verdict == "ok" else verdict, layer, evidence)


def compile_c(runner):
    """The compiler reads untrusted text too, so it has a box of its own; the program comes out as bytes."""
    source = (UNTRUSTED / "primes.c").read_bytes()
    place = "/tmp/primes"
    result, program, err = runner.run("--", "sh", "-c", f"cc -O2 -x c -o {place} - && cat {place}", text=source)
    if result["verdict"] != "ok":
        raise Failed(err.decode(errors="replace").strip())
    file = runner.scratch / "primes"
    file.write_bytes(program)
    file.chmod(0o755)
    return file, len(program)


def show(title, work, rows):
    print(f"\n{title}")
    for line in work:
        print(f"  did:   {line}")
    width = [max(len(row[i]) for row in rows) for i in range(3)]
    for what, outcome, layer, evidence in rows:
        print(f"  tried: {what:{width[0]}}  {outcome:{width[1]}}  {layer or '-':{width[2]}}  {evidence}".rstrip())


def choose_boundary(runner):
    """The policy's own boundary, or the weaker one, said aloud, where the host has nothing else."""
    try:
        return runner.run("--", "true")[0]
    except Failed as e:
        print(f"note: {e}")
    runner.options = [*runner.options, "--boundary", "process"]
    return runner.run("--", "true")[0]


def run_all(runner):
    first = choose_boundary(runner)
    print(f"policy {first['policy_source']}, boundary {first['boundary']}")
    print(f"layers read back: {' '.join(first['layers'])}")
    for note in first["notes"]:
        print(f"note: {note}")
    tables = []
    script = UNTRUSTED / "words.py"
    _, work, rows = attempts(runner, ["--ro", script, "--", "python3", script])
    tables.append(("a Python script (untrusted/words.py)", work, rows))
    if first["boundary"] == "container":
        program, size = compile_c(runner)
        _, work, rows = attempts(runner, ["--rx", f"{program}:/work/primes", "--", "/work/primes"], text=b"1000000\n")
        tables.append((f"a C program (untrusted/primes.c), compiled in a box to {size} bytes, run in another", work, rows))
    script = UNTRUSTED / "tidy.sh"
    _, work, rows = attempts(runner, ["--rx", script, "--", script])
    tables.append(("a shell script (untrusted/tidy.sh)", work, rows))
    rows = [greed(runner, "memory"), greed(runner, "output"), greed(runner, "processes"),
            greed(runner, "time", "--cpu", "1s")]
    tables.append(("greed (untrusted/greedy.py)", [], rows))
    for table in tables:
        show(*table)
    return [row for _, _, rows in tables for row in rows]


def main():
    with tempfile.TemporaryDirectory(prefix="contained-") as scratch:
        os.chmod(scratch, 0o755)
        runner = Runner(sys.argv[1], sys.argv[2:], scratch)
        try:
            rows = run_all(runner)
        except Failed as e:
            print(f"contained.py: {e}", file=sys.stderr)
            return 1
        left = runner.left()
    possible = [row[0] for row in rows if row[1] == "possible"]
    unexplained = [row[0] for row in rows if row[1] != "possible" and not row[2]]
    print(f"\n{len(rows)} tries in {runner.runs} boxes: {len(rows) - len(possible)} contained, "
          f"{len(possible)} possible{': ' + ', '.join(possible) if possible else ''}; "
          f"{len(left)} processes left behind")
    if unexplained:
        print(f"contained, but by what is not told: {', '.join(unexplained)}")
    return 1 if possible or left else 0


if __name__ == "__main__":
    sys.exit(main())
