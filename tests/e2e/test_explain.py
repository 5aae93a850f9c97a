"""`ward serve --explain`: the page is of this configuration on this host, well-formed, and quotes nothing as markup."""
import os
import re
import subprocess
import xml.etree.ElementTree as tree

import harness
import pytest

CHROMIUM = "/usr/bin/chromium"
RUNSC = ["/usr/bin/runsc", "/usr/local/bin/runsc"]
HTML = "{http://www.w3.org/1999/xhtml}"
WIDE = """version: 1
listen: "0.0.0.0:8443"
behind_proxy: true
metrics: {listen: "0.0.0.0:9090"}
webhook_hosts: ["<script>alert(1)</script>&.example"]
boxes: {hostile_container: true}
detect: {critical: log}
"""


@pytest.fixture(autouse=True)
def nothing_left():
    """Nothing is started."""


def explain(ward, *words):
    page = ward.name("html")
    outcome = ward.call("serve", *words, f"--explain={page}", timeout=120)
    assert outcome.code == 0, outcome
    with open(page, encoding="utf-8") as file:
        return file.read()


def as_text(ward, *words):
    page = ward.name("txt")
    outcome = ward.call("serve", *words, f"--explain={page}", timeout=120)
    assert outcome.code == 0, outcome
    with open(page, encoding="utf-8") as file:
        return file.read()


def words_of(page):
    return " ".join(" ".join(tree.fromstring(page).itertext()).split())


def test_the_page_is_well_formed_and_asks_for_nothing(anyone):
    page = explain(anyone)
    root = tree.fromstring(page)
    names = {element.tag.split("}")[-1] for element in root.iter()}
    assert "svg" in names and not names & {"script", "link", "img", "iframe", "object", "image", "use", "foreignObject"}
    for element in root.iter():
        assert not {name for name in element.attrib if name.startswith("on") or name.endswith(("href", "src"))}
    assert "url(" not in page and "@import" not in page
    ids = [element.get("id") for element in root.iter(HTML + "h2")]
    assert ids == ["wider", "drawing", "ways", "processes", "boxes", "tenants", "remains", "off", "settings"]


def test_standard_output_is_the_page_and_a_text_ends_in_txt(ward):
    outcome = ward.call("serve", "--explain", timeout=120)
    assert outcome.code == 0 and outcome.out.startswith(b"<!DOCTYPE html>")
    text = as_text(ward)
    assert "<" not in text.splitlines()[0] and "What remains when all of this works" in text
    assert all(len(line) <= 80 or " " not in line.strip() for line in text.splitlines())


def test_the_same_configuration_is_the_same_page(ward):
    assert explain(ward) == explain(ward)


def test_what_is_wider_stands_first(ward):
    plain = words_of(explain(ward))
    assert "may have a bare container or engine" not in plain and "NO, and it is let in" not in plain
    page = explain(ward, "--config", ward.file("wide.yml", WIDE))
    words = words_of(page)
    for said in ("may have a bare container or engine", "can be read from other machines, without a key: 0.0.0.0:9090",
                 "it listens beyond this machine: 0.0.0.0:8443", "is only noted: it goes on", "it has no TLS of its own",
                 "<script>alert(1)</script>&.example"):
        assert said in words and words.index(said) < words.index("What crosses between them")
    assert "<script" not in page


def test_flags_count_as_the_file_does(ward):
    assert "may have a bare container or engine" in words_of(explain(ward, "--hostile-container"))
    assert "webhooks may reach these hosts" in words_of(explain(ward, "--webhook-host=inside.example"))


def test_what_the_service_would_refuse_is_said(ward):
    assert "`ward serve` does not start like this" in words_of(explain(ward, "--listen=0.0.0.0:80"))


def test_layers_and_calls_are_those_of_the_plan(ward):
    """A layer named for a boundary is one that `ward run` of the same boundary has too, and one it lacks is not claimed."""
    text = as_text(ward)
    if "  bash, container\n    here: yes" not in text:
        pytest.skip("no container here: " + re.search(r"bash, container\n\s+here: (.*)", text)[1])
    section = text[text.index("\ncontainer\n\n"):]
    told = set(re.findall(r"^  ([\w-]+)\n    holds: ", section[:section.index("\nLayers that these boxes do not have")], re.M))
    assert told <= layers()
    outcome = ward.run("true", options=["--boundary=container"])
    installed = set(outcome.result["layers"])
    assert told and len(told & installed) >= len(installed) - 4     # a policy may ask for more hardening than another
    assert {"seccomp", "seccomp-floor", "caps", "no-new-privs", "mountns", "netns"} <= told
    assert re.search(r"\d+ layers; \d+ system calls reach the host's\s+kernel", section)


def layers():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/model/layer.def")
    with open(path, encoding="utf-8") as file:
        return set(re.findall(r'^LAYER\(\w+,\s*"([\w-]+)"', file.read(), re.M))


def test_a_host_without_gvisor_shows_it_missing(root):
    there = [path for path in RUNSC if os.path.exists(path)]
    hide = " && ".join(["true"] + [f"mount --bind /dev/null {path}" for path in there])
    page = root.name("html")
    done = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", f'{hide} && exec "$@"', "sh",
                           root.program, "serve", f"--explain={page}"], capture_output=True, timeout=120, check=False)
    if done.returncode and b"unshare" in done.stderr:
        pytest.skip("no mount namespace can be made: " + done.stderr.decode())
    assert done.returncode == 0, done.stderr
    with open(page, encoding="utf-8") as file:
        words = words_of(file.read())
    assert "gvisor: not here" in words
    assert re.search(r"off why, and what to do .*bash/gvisor.*install it", words)
    assert "hostile gvisor" not in words


def test_wrong_words_are_refused_and_nothing_is_written(ward):
    page = ward.name("html")
    assert ward.call("serve", "--boxes=0", f"--explain={page}").code == 2
    assert not os.path.exists(page)
    outcome = ward.call("serve", "--explain=/nowhere/at/all.html", timeout=120)
    assert outcome.code == 2 and b"/nowhere/at/all.html" in outcome.err
    link = ward.name("html")
    os.symlink("/tmp", link)
    assert ward.call("serve", f"--explain={link}", timeout=120).code == 2


def test_it_starts_nothing_and_needs_no_state(ward):
    state = ward.name("state")
    explain(ward, f"--state={state}")
    assert not os.path.exists(state)


@pytest.mark.parametrize("width", [1240, 400, 300])
def test_a_browser_lays_it_out_without_overflow(ward, width):
    """300: a folder of forty letters is then wider than the page, whatever the font."""
    if not os.access(CHROMIUM, os.X_OK):
        pytest.skip(f"{CHROMIUM} is missing (apt-get install chromium)")
    page = ward.name("html")
    with open(page, "w", encoding="utf-8") as file:
        file.write(explain(ward, "--config", ward.file("wide.yml", WIDE)))
    probe = page.replace(".html", "-probe.html")
    with open(probe, "w", encoding="utf-8") as file:
        file.write(f'<iframe id="f" src="{os.path.basename(page)}" style="width:{width}px;height:900px;border:0"></iframe>'
                   "<p id=o></p><script>onload=()=>{const r=f.contentDocument.documentElement;"
                   "o.textContent=`${r.scrollWidth} of ${r.clientWidth}`}</script>")
    home = ward.folder("chromium", 0o777)
    done = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
                           f"--user-data-dir={home}", "--virtual-time-budget=5000", "--dump-dom", f"file://{probe}"],
                          capture_output=True, timeout=120, check=False)
    found = re.search(rb"(\d+) of (\d+)", done.stdout)
    assert found, done.stdout[-500:] + done.stderr[-500:]
    assert int(found[1]) <= int(found[2])
