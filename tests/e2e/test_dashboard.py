"""The dashboard in a real browser: what people do with it, and what hostile names, outputs and denials do to it."""
import json
import os
import time

import pytest
from service import Service, bash, eventually, nothing_left, served  # noqa: F401

selenium = pytest.importorskip("selenium", reason="python3-selenium is missing")
from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service as Driver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
SHOTS = os.environ.get("WARD_SCREENSHOTS")      # a directory that gets a picture of each page
PATIENCE_S = 120
EVIL = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'


def start(ward_path):
    made = Service(ward_path)
    if made.call("GET", "/", key=None).status != 200:
        made.leave()
        pytest.skip("ward-serve was built without its dashboard (tools/webmodules BUILD, which needs npm)")
    return made


@pytest.fixture(scope="module")
def service(home, ward_path):
    for path in (CHROMIUM, DRIVER):
        if not os.path.exists(path):
            pytest.skip(f"{path} is missing (apt-get install chromium chromium-driver)")
    with served(home, ward_path, start=start) as made:
        yield made


class Page:
    """A browser, and what a person sees and presses in it."""

    def __init__(self, service, width=1280, height=900, dark=False):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--hide-scrollbars",
                     f"--window-size={width},{height}", "--js-flags=--expose-gc"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Driver(DRIVER))
        self.driver.set_page_load_timeout(PATIENCE_S)
        self.driver.set_script_timeout(PATIENCE_S)
        self.service, self.base = service, f"http://127.0.0.1:{service.port}"
        self.dark(dark)
        self.driver.get(self.base + "/")

    def dark(self, on):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark" if on else "light"}]})

    def narrow(self, width):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": False})

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return eventually(lambda: self.all(selector), PATIENCE_S)[0]

    def text(self, selector="main"):
        return self.driver.execute_script("return document.querySelector(arguments[0])?.textContent ?? ''", selector)

    def waits_for(self, words, selector="main"):
        return eventually(lambda: words in self.text(selector), PATIENCE_S)

    def login(self, key):
        self.one("#key").send_keys(key, Keys.ENTER)
        self.one("#nav a")
        return self

    def go(self, path):
        self.driver.get(f"{self.base}/#/{path}")
        self.one("main h1")
        return self

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def problems(self):
        """What the browser complained about: a policy that was broken, a script that failed."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE" and "favicon" not in entry["message"]]

    def shot(self, name):
        if SHOTS:
            self.driver.save_screenshot(os.path.join(SHOTS, name + ".png"))


@pytest.fixture(scope="module")
def browser(service):
    page = Page(service)
    page.login(service.tenant)
    yield page
    page.driver.quit()


def test_a_key_opens_it_and_a_wrong_one_does_not(service):
    page = Page(service)
    try:
        page.one("#key").send_keys("wk_aaaaaaaa_" + "b" * 43, Keys.ENTER)
        page.waits_for("no valid key", "#told")
        page.one("#key").clear()
        page.login(service.tenant)
        page.one("main h1")
        assert page.js("return document.cookie") == "", "no script sees the cookie"
        assert service.tenant not in json.dumps(page.js("return {...localStorage, ...sessionStorage}")), "the key is not kept"
        page.driver.refresh()
        page.one("#nav a")
        [button for button in page.all("#who button") if button.text == "Log out"][0].click()
        page.one("#key")
        page.driver.refresh()
        page.one("#key")
    finally:
        page.driver.quit()


def test_a_revoked_key_ends_the_page(service):
    made = service.call("POST", "/v1/keys", {"name": "gone", "scopes": ["jobs:read"]}).json
    page = Page(service)
    try:
        page.login(made["key"])
        assert service.call("DELETE", f"/v1/keys/{made['public']}").status == 200
        page.one("#key")
        page.waits_for("session has ended", "#told")
    finally:
        page.driver.quit()


def play(page, code, runtime="python"):
    page.go("playground")
    eventually(lambda: page.all("select[name=runtime] option"), PATIENCE_S)
    if not page.all(f"select[name=runtime] option[value={runtime}]"):
        pytest.skip(f"runtime {runtime} is not available here")
    page.js("""const [name, code] = arguments, runtime = document.querySelector("select[name=runtime]"), box = document.querySelector("textarea[name=code]");
               runtime.value = name; runtime.dispatchEvent(new Event("change", { bubbles: true })); box.value = code;
               box.dispatchEvent(new Event("input", { bubbles: true }));""", runtime, code)


def test_code_runs_in_the_playground_and_its_denial_appears(browser):
    play(browser, "import ctypes, time\nprint('first', flush=True)\nl = ctypes.CDLL(None, use_errno=True)\n"
                  "print('mount', l.mount(b'x', b'/mnt', b'tmpfs', 0, None), flush=True)\ntime.sleep(1)\nprint('last')\n")
    browser.one("button.main").click()
    browser.waits_for("first", ".output")
    browser.waits_for("last", ".output")
    browser.waits_for("mount", ".calls")
    assert "mount -1" in browser.text(".output")
    assert "succeeded" in browser.text("main")
    browser.shot("playground-light")
    browser.all("main a[href^='#/jobs/']")[0].click()
    browser.waits_for("Layers that held it")
    browser.waits_for("seccomp", ".chips")
    assert "µs" in browser.text(".phase-list") or "ms" in browser.text(".phase-list")
    browser.waits_for("mount -1", ".output")
    browser.shot("job-light")
    assert not browser.problems()


def points(page):
    """Of each line that is drawn: how many points it has."""
    return page.js("return [...document.querySelectorAll('.sparks polyline.over')].map((line) => line.getAttribute('points').split(' ').length)")


def test_what_a_job_uses_is_drawn_while_it_runs_and_afterwards(service, browser):
    job = service.job({"runtime": "python", "files": [{"path": "main.py", "text": "import sys\nheld = [bytearray(1 << 24) for line in sys.stdin]\n"}],
                       "steps": [{"argv": ["python3", "main.py"], "stdin": {"live": True}}], "limits": {"wall_ms": 600000}}, wait="0")["id"]
    if "cgroup-memory" not in service.job(bash("true"))["result"]["details"]["layers"]:
        pytest.skip("boxes have no cgroup here: nothing counts what they use while they run")
    browser.go(f"jobs/{job}")
    eventually(lambda: min(points(browser), default=0) >= 2, PATIENCE_S)
    assert service.call("POST", f"/v1/jobs/{job}/stdin", b"x\n" * 4).status == 200
    live = sum(points(browser))
    eventually(lambda: sum(points(browser)) > live, PATIENCE_S)
    assert service.call("POST", f"/v1/jobs/{job}/stdin?eof=true", b"").status == 200
    browser.waits_for("succeeded")
    browser.waits_for("Memory, at most")
    kept = len(service.call("GET", f"/v1/jobs/{job}").json["result"]["details"]["usage_series"])
    browser.go("jobs").go(f"jobs/{job}")
    eventually(lambda: points(browser) == [kept - 1, kept], PATIENCE_S)
    browser.shot("job-usage-light")
    assert not browser.problems()


def test_an_alert_appears_while_somebody_looks_and_is_acknowledged(service, browser):
    browser.go("security").waits_for("Kinds of evidence")
    job = service.job({"runtime": "python", "files": [{"path": "main.py", "text":
        "import ctypes, os\nl = ctypes.CDLL(None)\nl.ptrace(16, os.getppid(), 0, 0)\nl.mount(b'x', b'/mnt', b'tmpfs', 0, None)\n"}]})
    browser.one(f"a[href='#/jobs/{job['id']}']")
    browser.waits_for("tripwire.ptrace")
    browser.shot("security-light")

    def alert():
        return [one for one in service.call("GET", "/v1/alerts").json["alerts"] if one["job"] == job["id"]][0]
    assert alert()["state"] == "open"
    button = f"button[aria-label='Acknowledge alert {alert()['id']}']"
    browser.one(button).click()
    eventually(lambda: not browser.all(button), PATIENCE_S)
    assert alert()["state"] == "acknowledged"
    browser.go(f"jobs/{job['id']}").waits_for("Looks like a break-out")
    assert not browser.problems()


def test_boundaries_are_compared_side_by_side(service, browser):
    there = [b["name"] for b in service.call("GET", "/v1/boundaries").json["boundaries"] if b["available"]]
    if len(there) < 2:
        pytest.skip(f"one boundary alone is available here: {there}")
    play(browser, "print('side by side')\n")
    for box in browser.all(".choices input:enabled"):
        if not box.is_selected():
            box.click()
    wanted = len(browser.all(".choices input:checked"))
    browser.one("button.main").click()
    eventually(lambda: sum("succeeded" in (node.text or "") for node in browser.all("main section.panel")) == wanted, PATIENCE_S)
    assert sum("side by side" in node.text for node in browser.all(".output")) == wanted
    browser.shot("compare-light")


def test_markup_and_escape_codes_do_nothing(service, browser):
    """Every text a tenant may choose, with markup, escape codes and marks that turn the direction of text in it."""
    nasty = EVIL + "\x1b[31m\x1b]0;title\x07\x9b2J\u202egnp.exe"
    script = "printf '%s' \"$1\"; printf '%s' \"$1\" >&2; mkdir -p out; : >'out/<b>bold<b>'; exit 3"
    job = service.job({"runtime": "exec", "name": "nasty", "labels": {"l": EVIL[:120], "turned": "a\u202ecb"}, "steps": [{"argv": ["bash", "-c", script, "x", nasty]}],
                       "outputs": [{"path": "out/*"}]})
    assert job["state"] == "failed", job
    browser.go("jobs").waits_for("nasty")
    browser.waits_for("<img src=x")
    browser.go(f"jobs/{job['id']}").waits_for("onerror", ".output")
    browser.waits_for("<b>bold<b>")
    time.sleep(1)
    text = browser.text()
    assert "^[[31m" in text and "‹RLO›" in text and "‹9b›" in text
    for mark in ("\x1b", "\x9b", "\x07", "\u202e"):
        assert mark not in text
    assert browser.js("return window.pwned") is None
    assert not browser.all("main img, main script, main iframe, main b:not(.phase-list b)")
    play(browser, f"print({nasty!r})")
    browser.one("button.main").click()
    browser.waits_for("onerror", ".output")
    assert browser.js("return window.pwned") is None and not browser.all("main img, main script")
    # Even code of ours that made a mistake could not: the policy has no text become markup.
    assert browser.js("try { document.createElement('div').innerHTML = '<img>'; return 'made' } catch (e) { return e.name }") == "TypeError"
    browser.problems()      # the line before is one


def test_an_address_from_outside_does_nothing(service, browser):
    for path in ("jobs/<img src=x onerror=window.pwned=1>", "jobs/../../etc/passwd", "jobs?state=<script>&label=<b>=<b>&runtime=%22%3E", "nowhere", "jobs/" + "f" * 32):
        browser.go(path)
        time.sleep(0.3)
        assert browser.js("return window.pwned") is None and not browser.all("main img, main script")
    browser.waits_for("there is no such job")
    browser.problems()


def test_a_large_output_leaves_the_page_small(service, browser):
    job = service.job(bash("for i in $(seq 60000); do echo \"line $i of very many lines\"; done", limits={"stdout_bytes": 4 << 20}))
    browser.go(f"jobs/{job['id']}").waits_for("line 60000 ", ".output")
    assert len(browser.text(".output")) < 300000
    assert "are not shown here" in browser.text("main")
    assert browser.js("return document.getElementsByTagName('*').length") < 1500


def test_a_key_is_made_shown_once_and_revoked(service, browser):
    browser.go("tenants")
    browser.one("input[name=name]").send_keys("from-page", Keys.ENTER)
    key = browser.one(".made code").text
    assert service.call("GET", "/v1/jobs", key=key).status == 200
    browser.shot("keys-light")
    browser.one(f"button[aria-label='Revoke key {key[3:11]}']").click()
    browser.driver.switch_to.alert.accept()
    eventually(lambda: service.call("GET", "/v1/jobs", key=key).status in (401, 429))
    browser.go("jobs").go("tenants")
    assert key not in browser.js("return document.documentElement.textContent")


def test_the_operator_makes_a_tenant_and_suspends_it(service):
    page = Page(service)
    try:
        page.login(service.operator).go("tenants")
        page.one("input[name=tenant]").send_keys("made-here", Keys.ENTER)
        page.one("button[aria-label='Suspend made-here']").click()
        page.one("button[aria-label='Resume made-here']")
        assert service.call("GET", "/v1/tenants/made-here", key=service.operator).json["suspended"] is True
        page.shot("tenants-light")
        page.go("").waits_for("all tenants")
        service.job(bash("true", name="somebodys"))
        page.go("jobs").waits_for("somebodys")
        assert [row.text for row in page.all("tbody tr td:nth-child(2)")][0] == "default" and not page.all("tbody a")
        page.shot("jobs-of-all-light")
        assert not [link for link in page.all("#nav a") if link.text == "Playground"], "what the key may not do is not offered"
    finally:
        page.driver.quit()


def test_all_of_it_works_by_keyboard(service):
    """From the login to a job's page without a mouse; what has the focus shows it."""
    page = Page(service)
    try:
        page.one("#key")
        keys = page.driver.switch_to.active_element
        assert keys.get_attribute("id") == "key", "the first thing to do has the focus"
        keys.send_keys(service.tenant, Keys.ENTER)
        page.one("#nav a")

        def press(*what):
            webdriver.ActionChains(page.driver).send_keys(*what).perform()

        def tab_to(found, most=60):
            for _ in range(most):
                press(Keys.TAB)
                if page.js(f"return Boolean(document.activeElement?.matches({json.dumps(found)}))"):
                    ring = page.js("const s = getComputedStyle(document.activeElement); return [s.outlineStyle, parseFloat(s.outlineWidth)]")
                    assert ring[0] != "none" and ring[1] >= 1, f"{found} has the focus and does not show it"
                    return
            raise AssertionError(f"{found} is not reached by tab")

        tab_to("a.skip")
        tab_to("#nav a[href='#/playground']")
        press(Keys.ENTER)
        eventually(lambda: page.all("select[name=runtime] option"), PATIENCE_S)
        tab_to("textarea[name=code]")
        webdriver.ActionChains(page.driver).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).send_keys("print('by keyboard')").perform()
        webdriver.ActionChains(page.driver).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
        page.waits_for("by keyboard", ".output")
        page.waits_for("succeeded")
        tab_to("a[href^='#/jobs/']")
        press(Keys.ENTER)
        page.waits_for("Layers that held it")
        # Everything that can be pressed has a name for who does not see it.
        for path in ("", "jobs", "playground", "security", "tenants", "host"):
            page.go(path)
            unnamed = page.js("""return [...document.querySelectorAll("button, a, input:not([type=text][hidden]), select, textarea")].filter((e) =>
                !(e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.length)).map((e) => e.outerHTML.slice(0, 80))""")
            assert not unnamed, unnamed
            assert page.js("return document.querySelectorAll('h1').length") == 1
    finally:
        page.driver.quit()


def test_nothing_jumps_while_a_page_fills(service, browser):
    """The browser's own measure of what moves while data comes: 0.1 is called good."""
    job = service.job(bash("echo hi"))["id"]
    added = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": """
        window.moved = 0; window.movers = [];
        const named = (n) => n ? `${n.nodeName}#${n.id ?? ""}.${n.className ?? ""}` : "gone", at = (r) => [r.x, r.y, r.width, r.height].join(" ");
        new PerformanceObserver((list) => list.getEntries().forEach((e) => {
            window.moved += e.value;
            window.movers.push(`${e.value.toFixed(3)} at ${Math.round(e.startTime)} ms: ` + e.sources.map((s) => `${named(s.node)} ${at(s.previousRect)} -> ${at(s.currentRect)}`).join("; "));
        })).observe({ type: "layout-shift", buffered: true })"""})
    try:
        for path in ("", "jobs", f"jobs/{job}", "playground", "security", "tenants", "host"):
            browser.driver.get("about:blank")
            browser.go(path)
            time.sleep(3)
            assert browser.js("return window.moved") < 0.1, f"{path or 'overview'}: {browser.js('return window.movers')}"
    finally:
        browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_light_dark_and_narrow(service, browser):
    browser.go("")
    colour = "return getComputedStyle(document.body).backgroundColor"
    browser.dark(False)
    light = browser.js(colour)
    browser.dark(True)
    assert browser.js(colour) != light
    theme = [button for button in browser.all("#who button") if button.text.startswith("Theme")][0]
    theme.click()       # auto, light, dark
    assert browser.js(colour) == light
    theme.click()
    assert browser.js(colour) != light
    theme.click()
    try:
        for path, name in (("", "overview"), ("jobs", "jobs"), ("playground", "playground"), ("security", "security"), ("tenants", "keys"), ("host", "boundaries")):
            browser.go(path)
            time.sleep(1)
            browser.dark(True)
            browser.shot(f"{name}-dark")
            browser.dark(False)
            browser.shot(f"{name}-light")
            for width in (360, 390, 768):
                browser.narrow(width)
                time.sleep(0.3)
                assert browser.js("return document.documentElement.scrollWidth <= innerWidth"), f"{name} at {width}: the page scrolls sideways"
                browser.shot(f"{name}-{width}")
            browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert not browser.problems()


def test_a_page_that_stays_open_stays_small(service):
    """A day of 1,000 jobs a minute, compressed: the answers of the service are the browser's own, as fast as it takes them.
    What the page holds afterwards is what it held after the first of them."""
    page = Page(service)
    try:
        page.login(service.tenant)
        page.js("""
            const real = window.fetch;
            let n = 0;
            window.turns = 0;
            const job = (k) => ({ id: k.toString(16).padStart(32, "0"), name: "job-" + k, state: k % 3 ? "succeeded" : "failed", version: 4, runtime: "python", boundary: "container", priority: 5,
                attempt: 1, max_attempts: 3, cancel_requested: false, created_at: new Date().toISOString(), started_at: new Date().toISOString(), ended_at: new Date().toISOString(), labels: { a: "b" } });
            window.fetch = (path, options) => {
                if (!String(path).startsWith("/v1/jobs?")) return real(path, options);
                n += 33;
                window.turns++;
                return Promise.resolve(new Response(JSON.stringify({ jobs: Array.from({ length: 50 }, (_, i) => job(n + 50 - i)), next: "x" })));
            };
            const slow = window.setInterval;
            window.setInterval = (task, ms, ...rest) => slow(task, ms === 2000 ? 1 : ms, ...rest);""")
        page.js("location.hash = '#/jobs'")

        def weigh(turns):
            before = page.js("return window.turns")
            eventually(lambda: page.js("return window.turns") - before >= turns, 5 * PATIENCE_S)
            page.js("gc(); gc()")
            return page.js("return [document.getElementsByTagName('*').length, performance.memory.usedJSHeapSize]")

        weigh(50)
        nodes, heap = weigh(50)
        later_nodes, later_heap = weigh(500)        # 16,500 jobs
        assert later_nodes == nodes
        assert later_heap < heap + (2 << 20), f"{heap} grew to {later_heap}"
        page.js("location.hash = '#/'")
        page.waits_for("Overview")
    finally:
        page.driver.quit()
