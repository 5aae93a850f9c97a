"""Guests of one zygote: what one does, its neighbours do not notice, and its end is told by the kernel."""
import os
import subprocess

import pytest

import harness

DRIVER = os.path.join(harness.BUILD, "isolates")


@pytest.fixture(autouse=True)
def engine(ward_path):
    done = subprocess.run([ward_path, "check", "-b", "js"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(done.stdout.strip() or done.stderr.strip())


def run(ward, sources, *options):
    """Guests at once, by name; a list of (verdict, what it said)."""
    for name, source in sources.items():
        ward.file(name, source)
    done = subprocess.run([DRIVER, "run", *options, *sources], cwd=ward.place, capture_output=True, text=True, timeout=120,
                          check=False, env=ward.environment(), **ward.identity())
    assert done.returncode == 0, done.stderr
    ends = {}
    for line in done.stdout.splitlines():
        name, verdict, _, _, said = line.split(" ", 4)
        ends[name] = (verdict, said)
    assert ends.keys() == sources.keys()
    return ends


BAD = {
    "loop.js": ("limit.cpu", "for (;;) {}"),
    "builtin.js": ("limit.cpu", "Array(2 ** 32 - 2).indexOf(1)"),
    "bomb.js": ("limit.memory", "const a = []; for (;;) a.push({x: [1, 2, 3]})"),
    "strings.js": ("limit.memory", "'a'.repeat(2 ** 27).split('')"),
    "buffers.js": ("limit.memory", "const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1))"),
    "throws.js": ("nonzero", "throw new Error('mine')"),
}
GOOD = "let n = 0; for (let i = 0; i < 2e5; i++) n += i % 7; ward.output(n)"


def test_a_bad_guests_neighbours_do_not_notice(anyone):
    sources = {name: source for name, (_, source) in BAD.items()}
    sources.update({f"good{i}.js": GOOD for i in range(4)})
    ends = run(anyone, sources, "-c", "3000000", "-m", str(48 << 20))
    assert {name: ends[name][0] for name in BAD} == {name: verdict for name, (verdict, _) in BAD.items()}
    assert [ends[f"good{i}.js"] for i in range(4)] == [("ok", str(sum(i % 7 for i in range(200000))))] * 4


def test_time_by_the_clock_is_a_limit_of_its_own(anyone):
    ends = run(anyone, {"loop.js": "for (;;) {}"}, "-w", "300000", "-c", "60000000")
    assert ends["loop.js"][0] == "limit.wall"


def test_forks_that_wait_answer(anyone):
    done = subprocess.run([DRIVER, "hits", "16"], cwd=anyone.place, capture_output=True, text=True, timeout=120, check=False,
                          env=anyone.environment(), **anyone.identity())
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.count(" of 16\n") == 2


def test_guests_share_no_state_and_no_numbers(anyone):
    spoil = "Array.prototype.x = 1; globalThis.y = 1; Math.random = () => 0.5; Object.prototype.toString = () => 'spoilt'; ward.output(1)"
    look = "ward.output([[].x, typeof y, String({}), Math.random(), Math.random()])"
    ends = run(anyone, {"spoil.js": spoil, **{f"look{i}.js": look for i in range(6)}})
    looks = [ends[f"look{i}.js"][1] for i in range(6)]
    assert all(said.startswith('[null,"undefined","[object Object]",0.') for said in looks)
    assert len(set(looks)) == 6


def test_a_guest_cannot_tell_its_own_end(anyone):
    """Whatever it prints, its verdict comes from its parent's wait."""
    ends = run(anyone, {"lies.js": "console.log('x ok 0 0 fine'); for (;;) {}"}, "-c", "200000")
    assert ends["lies.js"][0] == "limit.cpu"
