"""What the processes that hold a service's boxes have of the service: looked at from outside, in boxes that wait."""
import re

import pytest
from harness import descendants
from service import Service, bash, eventually, nothing_left, served  # noqa: F401

PAGE = 4096


@pytest.fixture(scope="module")
def service(home, ward_path):
    with open(ward_path, "rb") as file:
        is_dynamic = b"/ld-linux" in file.read(PAGE)
    if is_dynamic:
        pytest.skip("this build needs a loader, and so leaves its heap as it is")
    with served(home, ward_path, start=Service) as made:
        made.job(bash("true"))
        yield made


def heap_of(pid):
    """Bytes; None when it is gone or may not be looked into."""
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
            lines = [line for line in file if line.rstrip().endswith("[heap]")]
    except OSError:
        return None
    return sum(int(high, 16) - int(low, 16) for low, high in (re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line).groups() for line in lines))


def heaps(service, name):
    found = [heap_of(pid) for pid, known in descendants(service.process.pid).items() if known == name]
    return [size for size in found if size is not None]


def test_neither_a_keeper_nor_what_is_in_a_box_begins_with_the_launchers_heap(service):
    """Policies and filters of every class are in it; only a runner needs those of one."""
    if heap_of(service.process.pid) is None or not eventually(lambda: heaps(service, "ward-runner")):
        pytest.skip("memory of other processes cannot be looked at here")
    assert heap_of(service.process.pid) > 64 * PAGE
    for name in "ward-keeper", "ward-box":
        sizes = eventually(lambda name=name: heaps(service, name))
        assert max(sizes) <= 4 * PAGE, (name, sizes)


def test_boxes_without_it_run_and_end_like_any(service):
    for script, what, value in ("exit 3", "exit_code", 3), ("kill -9 $$", "signal", 9), ("seq 20000 | tail -n 1", "exit_code", 0):
        details = service.job(bash(script))["result"]["details"]
        assert details.get(what) == value, details
