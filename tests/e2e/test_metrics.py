"""Figures of a running service: the overview, what is scraped, samples of boxes, and the log."""
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import urllib.parse

import harness
import pytest

from service import Service, bash, eventually, nothing_left, served  # noqa: F401


@pytest.fixture(scope="module")
def service(home, ward_path):
    with served(home, ward_path) as made:
        yield made


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


# -- what is scraped -----------------------------------------------------------------------------------------------

RULES = os.path.join(harness.ROOT, "packaging")


@pytest.fixture(scope="module")
def scraped(home, ward_path):
    """A service of its own, with metrics on a port that its first words name."""
    made = Service(ward_path, "--metrics=127.0.0.1:0")
    made.metrics = int(re.search(rb"metrics on http://127\.0\.0\.1:(\d+)/metrics", made.said)[1])
    yield made
    made.leave()


def get(port, path="/metrics", method="GET", body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, response.read().decode()


def samples(text):
    """{name{labels}: value}, every line of which must be well formed."""
    out, types = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in types, f"{name} is there twice"
            types[name] = kind
        elif not line.startswith("# HELP "):
            found = re.fullmatch(r'(\w+)(\{(?:\w+="(?:[^"\\\n]|\\.)*",?)+\})? (-?[0-9.]+)', line)
            assert found, line
            family = re.sub(r"_(bucket|sum|count)$", "", found[1])
            assert types.get(found[1]) or types.get(family) == "histogram", line
            assert found[1] + (found[2] or "") not in out, line
            out[found[1] + (found[2] or "")] = float(found[3])
    return out


def test_what_is_scraped_is_well_formed_and_true(scraped):
    before = samples(get(scraped.metrics)[1])
    assert before["ward_jobs_lost"] == 0 and before["ward_jobs_live"] == 0
    scraped.job(bash("exit 3"))
    scraped.call("GET", "/v1/jobs", key="wk_nonsense")
    eventually(lambda: samples(get(scraped.metrics)[1])["ward_box_destroy_seconds_count"] > 0)
    after = samples(get(scraped.metrics)[1])
    failed = 'ward_jobs_total{state="failed",reason="exit",runtime="bash",boundary="container"}'
    assert after[failed] == before.get(failed, 0) + 1
    assert after['ward_jobs_ended_total{state="failed"}'] == before['ward_jobs_ended_total{state="failed"}'] + 1
    assert after["ward_auth_failures_total"] == before["ward_auth_failures_total"] + 1
    starts = sum(after[f'ward_job_start_seconds_count{{path="{path}"}}'] for path in ("warm", "cold"))
    assert starts == after["ward_starts_warm_total"] + after["ward_starts_cold_total"] == after["ward_job_queue_seconds_count"] >= 1
    assert after["ward_db_commit_seconds_count"] > before["ward_db_commit_seconds_count"]
    assert any(name.startswith("ward_http_requests_total") and '/v1/jobs"' in name for name in after)
    buckets = [value for name, value in after.items() if name.startswith("ward_db_commit_seconds_bucket")]
    assert buckets == sorted(buckets) and buckets[-1] == after["ward_db_commit_seconds_count"]


def test_what_was_there_already_and_what_was_not_are_counted(scraped):
    def counted():
        return [samples(get(scraped.metrics)[1])[f"ward_{name}_total"] for name in
                ("pool_hits", "pool_misses", "compile_cache_hits", "compile_cache_misses")]

    hits, misses, kept, made = counted()
    scraped.job(bash("true"))
    assert sum(counted()[:2]) == hits + misses + 1 and counted()[2:] == [kept, made]
    scraped.job({**bash("true"), "limits": {"pids": 17}})       # a box for this job alone
    assert sum(counted()[:2]) == hits + misses + 1
    rows = {one["name"]: one for one in scraped.call("GET", "/v1/runtimes").json["runtimes"]}
    if not rows["c"]["available"]:
        pytest.skip(f"no compiler: {rows['c']['boundaries'][0]['why']}")
    program = {"runtime": "c", "files": [{"path": "main.c", "text": "int main(void) { return 0; }"}]}
    for i in range(3):
        assert scraped.job(program, wait="60s")["state"] == "succeeded"
        assert counted()[2:] == [kept + i, made + 1]


def test_no_tenant_is_named_and_no_key(scraped):
    text = get(scraped.metrics)[1]
    assert "default" not in text and "wk_" not in text


def test_the_listener_of_metrics_has_one_path_and_the_other_has_none(scraped):
    assert get(scraped.metrics, "/")[0] == get(scraped.metrics, "/v1/jobs")[0] == 404
    assert get(scraped.metrics, method="POST", body=b"x" * 100000)[0] == 405
    assert get(scraped.metrics, Host="evil.example")[0] == 421
    assert get(scraped.port)[0] == 401
    assert scraped.call("GET", "/metrics").status == 404


def test_metrics_are_not_for_the_network(ward_path, tmp_path):
    run = subprocess.run([ward_path, "serve", "--metrics=0.0.0.0:0", "--listen=127.0.0.1:0", f"--state={tmp_path}/state"],
                         capture_output=True, text=True, timeout=60)
    assert run.returncode != 0 and "--metrics" in run.stderr and "unix:PATH" in run.stderr, run


def tool(name):
    found = shutil.which(name)
    return found or pytest.skip(f"{name} is missing (package prometheus)")


def test_the_rules_are_rules_and_fire_when_they_must():
    promtool = tool("promtool")
    for words in (["check", "rules", "ward.rules.yml"], ["test", "rules", "ward.rules.test.yml"]):
        done = subprocess.run([promtool, *words], cwd=RULES, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr


def test_rules_ask_for_nothing_that_is_not_shown(scraped):
    shown = {re.match(r"\w+", name)[0] for name in samples(get(scraped.metrics)[1])}
    with open(os.path.join(RULES, "ward.rules.yml"), encoding="utf-8") as file:
        asked = set(re.findall(r"\bward_\w+", "".join(line for line in file if "expr:" in line)))
    assert asked and asked <= shown, asked - shown


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_real_prometheus_reads_it_and_answers(scraped, tmp_path):
    port = free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text(f"""global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{RULES}/ward.rules.yml]
scrape_configs: [{{job_name: ward, static_configs: [{{targets: ["127.0.0.1:{scraped.metrics}"]}}]}}]
""")
    scraped.job(bash("true"))
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen([tool("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={tmp_path}/data",
                                    f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"], stdout=log, stderr=log)

    def ask(query):
        try:
            status, body = get(port, "/api/v1/query?query=" + urllib.parse.quote(query))
        except OSError:
            assert process.poll() is None, (tmp_path / "log").read_text()
            return []
        return json.loads(body)["data"]["result"] if status == 200 else []

    try:
        accepted = eventually(lambda: ask("ward_jobs_accepted_total"), 120)
        assert float(accepted[0]["value"][1]) >= 1
        assert eventually(lambda: ask("ward_jobs_lost"))[0]["value"][1] == "0"
        assert eventually(lambda: ask('up{job="ward"}'))[0]["value"][1] == "1"
        assert eventually(lambda: ask("histogram_quantile(0.99, ward_db_commit_seconds_bucket)"))
        rules = json.loads(get(port, "/api/v1/rules")[1])["data"]["groups"][0]["rules"]
        assert len(rules) > 10 and all(rule["health"] in ("ok", "unknown") for rule in rules), rules
    finally:
        process.terminate()
        process.wait(60)
