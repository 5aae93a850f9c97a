"""Fixtures: ward as root and as an ordinary user, and after every test a look at what it left."""
import os
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402

ORDINARY = 61234    # owns nothing on the machine, so that its processes are ours


def pytest_make_parametrize_id(val):
    """A test's name is in its environment and in every report: it has the beginning of its input, which may be 10 MB."""
    return f"{val[:60]!a}, {len(val)} in all" if isinstance(val, (str, bytes)) and len(val) > 200 else None


@pytest.fixture(scope="session", autouse=True)
def home():
    harness.become_reaper()
    harness.leave_mounts()
    home = harness.Home()
    yield home
    harness.descendants()
    home.leave()


def program(name):
    path = os.path.join(harness.BUILD, name)
    if not os.access(path, os.X_OK):
        pytest.exit(f"{path} is missing: build ward, or set WARD_BUILD to the directory it is in", 2)
    return path


@pytest.fixture(scope="session")
def ward_path():
    return program("ward")


@pytest.fixture(scope="session")
def monitor_path():
    return program("ward-monitor")


def runner(path, uid):
    if uid != os.geteuid() and os.geteuid() != 0:
        pytest.skip("needs root")
    return harness.Runner(path, uid, harness.make_place(uid))


@pytest.fixture
def ward(ward_path):
    """ward as whoever runs the tests: root in CI."""
    made = runner(ward_path, os.geteuid())
    yield made
    shutil.rmtree(made.place, ignore_errors=True)


@pytest.fixture
def root(ward):
    if not ward.is_root:
        pytest.skip("needs root")
    return ward


@pytest.fixture
def user(ward_path):
    """ward as an ordinary user."""
    made = runner(ward_path, ORDINARY if os.geteuid() == 0 else os.geteuid())
    yield made
    shutil.rmtree(made.place, ignore_errors=True)


@pytest.fixture(params=["root", "user"])
def anyone(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def fits(ward_path):
    """Can this host run a policy as it is? Some layers depend on the processor."""
    def check(policy):
        done = subprocess.run([ward_path, "check", "-p", policy], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"policy {policy}: {done.stdout.strip()}")
    return check


@pytest.fixture(scope="session")
def programs():
    """Compiles a C file of programs/ and gives its path."""
    if not shutil.which("gcc"):
        pytest.skip("needs gcc")
    place = harness.make_place(os.geteuid())
    yield lambda name, *flags: harness.compile_c(
        os.path.join(harness.HERE, "programs", name), place, *flags)
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(autouse=True)
def nothing_left(home):
    traces = harness.Traces(home)
    yield
    left = traces.compare()
    traces.clean(left)
    if left:
        pytest.fail(f"left behind: {left}")
