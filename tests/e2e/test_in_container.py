"""Inside somebody else's container: no user namespaces, no clone3, few capabilities. `process` works there."""
import shutil
import subprocess

import pytest

CAPABILITIES = "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod"


@pytest.fixture(params=["filter", "filter and few capabilities"])
def contained(request, anyone, programs):
    """Runs ward with options and a program as it would be in a default container."""
    prefix = [programs("outer_filter.c")]
    if "capabilities" in request.param:
        if not anyone.is_root:
            pytest.skip("an ordinary user has no capabilities to begin with")
        if not shutil.which("setpriv"):
            pytest.skip("setpriv is missing (apt-get install util-linux)")
        bounding = ",".join(f"+{name}" for name in CAPABILITIES.split(","))
        prefix = ["setpriv", f"--bounding-set=-all,{bounding}", *prefix]

    def run(*words):
        who = {} if anyone.is_root else {"user": anyone.uid, "group": anyone.uid, "extra_groups": []}
        return subprocess.run([*prefix, anyone.program, "run", *words], capture_output=True, text=True, timeout=20,
                              cwd="/", **who)
    return run


def test_process_works_and_nobody_is_root(contained):
    run = contained("-b", "process", "--", "/bin/sh", "-c", "id -u; cat /etc/shadow; ls /root")
    assert run.returncode != 0 and int(run.stdout) != 0, run
    assert run.stderr.count("Permission denied") == 2


def test_container_is_refused_with_cause_and_fix(contained):
    run = contained("-b", "container", "--", "/bin/true")
    assert run.returncode == 125 and run.stdout == "" and run.stderr.count("\n") == 1
    assert "seccomp" in run.stderr or "ordinary user" in run.stderr


def test_a_named_fallback_is_taken_and_said(contained):
    run = contained("--best-effort", "--", "/bin/echo", "ran")
    assert run.returncode == 0 and run.stdout == "ran\n" and "boundary process" in run.stderr
