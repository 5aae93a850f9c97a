"""Figures of a running service: the overview, what is scraped, samples of boxes, and the log."""
import json
import os

import harness
import pytest

from service import Service, bash, eventually


@pytest.fixture(autouse=True)
def nothing_left():
    """A service runs between these tests and makes boxes of its own accord: one look at the end instead."""


@pytest.fixture(scope="module")
def service(home, ward_path):
    if not os.access(os.path.join(harness.BUILD, "ward-serve"), os.X_OK):
        pytest.skip("ward-serve is not built (libmicrohttpd-dev, libwslay-dev, libsqlite3-dev)")
    traces = harness.Traces(home)
    made = Service(ward_path)
    yield made
    made.leave()
    left = traces.compare(10)
    traces.clean(left)
    assert not left, f"left behind: {left}"


@pytest.fixture(scope="module")
def other(service):
    assert service.call("POST", "/v1/tenants", {"name": "other"}, key=service.operator).status == 201
    return service.call("POST", "/v1/keys?tenant=other", {}, key=service.operator).json["key"]


def overview(service, key=True, query=""):
    reply = service.call("GET", "/v1/overview" + query, key=key)
    assert reply.status == 200, reply
    return reply.json


def points(service, path="/v1/overview/events?points=2", key=True):
    """The events of a stream that ends by itself."""
    body = service.call("GET", path, key=key).body.decode()
    events = [dict(line.split(": ", 1) for line in event.split("\n")) for event in body.strip().split("\n\n")]
    assert all(event["event"] == "point" for event in events)
    return [json.loads(event["data"]) for event in events]


# -- the overview --------------------------------------------------------------------------------------------------


def test_the_overview_counts_what_happened_and_for_whom(service, other):
    before, all_before = overview(service), overview(service, service.operator)
    assert before["scope"] == "tenant" and "boxes" not in before["now"]
    assert all_before["scope"] == "all" and all_before["now"]["boxes"]["live"] >= 0
    service.job(bash("true"))
    service.job(bash("exit 3"))
    service.job(bash("unshare -U true; mount -t tmpfs none /tmp; true"))
    after, all_after = overview(service), overview(service, service.operator)
    for was, now in ((before, after), (all_before, all_after)):
        assert now["totals"]["accepted"] - was["totals"]["accepted"] == 3
        assert now["totals"]["failed"] - was["totals"]["failed"] == 1
        assert now["now"]["starts_warm"] + now["now"]["starts_cold"] >= was["now"]["starts_warm"] + was["now"]["starts_cold"] + 3
        assert now["now"]["denials"] > was["now"]["denials"]
        assert 0 < now["now"]["start_p50_us"] <= now["now"]["start_p99_us"]
    foreign = overview(service, other)
    assert foreign["totals"]["accepted"] == 0 and foreign["now"]["starts_warm"] + foreign["now"]["starts_cold"] == 0
    assert foreign["now"]["denials"] == 0
    named = overview(service, service.operator, "?tenant=default")
    assert named["scope"] == "tenant" and named["totals"] == overview(service)["totals"]
    assert service.call("GET", "/v1/overview?tenant=default", key=other).status == 404
    assert service.call("GET", "/v1/overview/events?tenant=default", key=other).status == 404


def test_what_waits_and_runs_is_there_while_it_does(service):
    job = service.call("POST", "/v1/jobs", bash("sleep 60")).json
    eventually(lambda: overview(service)["now"]["running"] == 1)
    eventually(lambda: overview(service, service.operator)["now"]["boxes"]["running"] == 1)
    eventually(lambda: overview(service)["history"]["running"][-1:] == [1])
    service.call("POST", f"/v1/jobs/{job['id']}/cancel", b"")
    eventually(lambda: overview(service)["now"]["running"] == 0)
    eventually(lambda: overview(service)["history"]["running"][-1:] == [0])


def test_columns_of_the_history_are_equally_long_and_bounded(service):
    eventually(lambda: len(overview(service)["history"]["t_ms"]) > 1)
    history = overview(service)["history"]
    lengths = {len(column) for name, column in history.items() if name != "step_s"}
    assert len(lengths) == 1 and 1 < lengths.pop() <= 300
    assert history["t_ms"] == sorted(history["t_ms"])


def test_points_come_by_themselves_and_agree_with_the_overview(service):
    first, second = points(service)
    assert first["point"]["t_ms"] < second["point"]["t_ms"]
    assert second["point"]["t_ms"] in overview(service)["history"]["t_ms"]
    assert "boxes" in points(service, "/v1/overview/events?points=1", service.operator)[0]["now"]


def test_totals_outlive_the_front(service, ward_path):
    service = Service(ward_path)
    try:
        service.job(bash("true"))
        service.stop()
        service.start()
        assert overview(service)["totals"]["accepted"] == overview(service)["totals"]["succeeded"] == 1
        assert overview(service)["now"]["starts_warm"] + overview(service)["now"]["starts_cold"] == 0
    finally:
        service.leave()
