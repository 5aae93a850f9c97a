"""What a job uses while it runs: told as it happens, and kept with its result."""
import json

import pytest
from service import Service, bash, nothing_left, served  # noqa: F401

STEP = 24 << 20
# Takes so much more for each line it is told.
STEPS = f"""import sys
held = []
for line in sys.stdin:
    held.append(bytearray({STEP}))
    print(len(held), flush=True)
"""


def start(ward_path):
    made = Service(ward_path)
    if "cgroup-memory" not in made.job(bash("true"))["result"]["details"]["layers"]:
        made.leave()
        pytest.skip("boxes have no cgroup here: nothing counts what they use while they run")
    return made


@pytest.fixture(scope="module")
def service(home, ward_path):
    with served(home, ward_path, start=start) as made:
        yield made


def follow(service, job, after=""):
    """Events of a job, as they come."""
    link = service.connect()
    link.request("GET", f"/v1/jobs/{job}/events{after}", headers={"Authorization": f"Bearer {service.tenant}", "Accept": "application/x-ndjson"})
    answer = link.getresponse()
    assert answer.status == 200
    try:
        while line := answer.readline():
            yield json.loads(line)
    finally:
        link.close()


def boundaries(service):
    return [one["name"] for one in service.call("GET", "/v1/boundaries").json["boundaries"] if one["available"] and one["name"] in ("container", "gvisor")]


def test_a_job_that_takes_more_is_seen_to(service):
    for boundary in boundaries(service):
        job = service.job({"runtime": "exec", "boundary": boundary, "files": [{"path": "main.py", "text": STEPS}],
                           "steps": [{"argv": ["python3", "main.py"], "stdin": {"live": True}}], "limits": {"wall_ms": 600000, "mem_bytes": 1 << 29}}, wait="0")["id"]
        seen, levels, printed, since = [], [], 0, 0
        for event in follow(service, job):
            if event["event"] == "stdout":
                printed += event["data"]["data"].count("\n")
                since = 0
            elif event["event"] == "usage":
                seen.append(event["data"])
                since += 1
                assert event["id"].endswith(f".{event['data']['t_ms']}")
            # The second one after it had what it was told to take was sampled after that.
            if since == 2 and printed == len(levels) < 4:
                levels.append(seen[-1]["memory"])
                said = ("?eof=true", b"") if len(levels) == 4 else ("", b"more\n")
                assert service.call("POST", f"/v1/jobs/{job}/stdin{said[0]}", said[1]).status == 200, boundary
        ended = service.call("GET", f"/v1/jobs/{job}").json
        assert ended["state"] == "succeeded", ended
        for before, after in zip(levels, levels[1:]):
            assert after - before > STEP // 2, (boundary, levels)
        assert [one["t_ms"] for one in seen] == sorted({one["t_ms"] for one in seen})
        assert all(one["pids"] >= 1 and one["cpu_us"] >= 0 for one in seen)
        kept = ended["result"]["details"]["usage_series"]
        assert 4 <= len(kept) <= 120 and {one["t_ms"] for one in seen} >= {one["t_ms"] for one in kept}
        assert kept[-1]["cpu_us"] <= ended["result"]["details"]["usage"]["cpu_us"]


def test_who_comes_back_hears_what_came_meanwhile(service):
    job = service.job({"runtime": "exec", "steps": [{"argv": ["cat"], "stdin": {"live": True}}], "limits": {"wall_ms": 600000}}, wait="0")["id"]
    first = []
    for event in follow(service, job):
        if event["event"] == "usage":
            first.append(event)
        if len(first) == 2:
            break
    again = next(event for event in follow(service, job, f"?after={first[0]['id']}") if event["event"] == "usage")
    assert again == first[1]
    assert service.call("POST", f"/v1/jobs/{job}/cancel", b"").status == 200


def test_a_job_that_ends_before_the_first_sample_has_none(service):
    """How long it took is the machine's business; whether it was looked at follows from that."""
    for _ in range(5):
        details = service.job(bash("true"))["result"]["details"]
        if details["usage"]["wall_us"] < 250000:
            assert "usage_series" not in details
            return
    pytest.skip("this machine is busy: none of five jobs ended within 250 ms")
