"""The boundary js: what a script is given, what it is refused, and what a bad one does."""
import json
import subprocess
import time

import pytest


@pytest.fixture(autouse=True)
def engine(ward_path):
    done = subprocess.run([ward_path, "check", "-b", "js"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(done.stdout.strip() or done.stderr.strip())


def js(ward, source, *arguments, options=(), name=None, **how):
    path = ward.file(name or f"{ward.count}.js", source)
    return ward.run(path, *arguments, options=["-b", "js", *options], **how)


# ---- what it is given ----

def test_a_script_has_a_console_arguments_and_the_policys_environment(anyone):
    done = js(anyone, "console.log(ward.args, ward.env.A, 1.5, null); console.error('bad\\n')", "x", "y", options=["-e", "A=b"])
    assert (done.code, done.out, done.err) == (0, b'["x","y"] b 1.5 null\n', b"bad\n\n")


def test_json_goes_in_and_out(anyone):
    done = js(anyone, "ward.output({twice: ward.input.n * 2})", stdin=b'{"n": 21}')
    assert (done.code, done.out) == (0, b'{"twice":42}\n')
    done = js(anyone, "export default async (input) => [await input, ward.args]", "a", name="main.mjs", stdin=b"7")
    assert (done.code, done.out) == (0, b'[7,["a"]]\n')


def test_a_script_that_wants_no_input_waits_for_none(anyone):
    done = js(anyone, "ward.output(1)", stdin=subprocess.PIPE)  # never closed while it runs
    assert done.out == b"1\n"


def test_modules_come_from_what_is_granted(anyone):
    folder = anyone.folder("lib")
    anyone.file("lib/util.mjs", "import data from '../data.json'\nexport const f = x => x * data.k")
    anyone.file("data.json", '{"k": 3}')
    source = "import {f} from './lib/util.mjs'\nexport default f(5)"
    granted = js(anyone, source, options=["--ro", anyone.place], name="main.mjs")
    assert (granted.code, granted.out) == (0, b"15\n")
    refused = js(anyone, source, name="main.mjs")
    assert refused.code == 1 and b"cannot import './lib/util.mjs'" in refused.err and b"grant the directory" in refused.err
    half = js(anyone, source, options=["--ro", folder], name="main.mjs")
    assert half.code == 1 and b"cannot import" in half.err


def test_an_import_leads_nowhere_but_into_grants(anyone):
    folder = anyone.folder("in")
    for name in ("/etc/passwd", "../../../../../../../etc/passwd", "/ward/script", "/proc/self/maps"):
        anyone.file("in/main.mjs", f"import x from '{name}'\nconsole.log(x)")
        done = anyone.run(f"{folder}/main.mjs", options=["-b", "js", "--ro", folder])
        assert done.code == 1 and b"cannot import" in done.err and b"root" not in done.out


# ---- what is closed ----

CLOSED = "const r = []; for (const f of [() => typeof WebAssembly, () => typeof SharedArrayBuffer, () => typeof Atomics," \
         "() => eval('1'), () => new Function('return 1')(), () => typeof require, () => typeof process, () => typeof setTimeout])" \
         "{ try { r.push(f()) } catch (e) { r.push(e.name) } } ward.output(r)"


def test_what_the_policy_does_not_name_is_closed(anyone):
    done = js(anyone, CLOSED)
    assert json.loads(done.out) == ["undefined"] * 3 + ["EvalError"] * 2 + ["undefined"] * 3


def test_what_the_policy_grants_is_open(anyone):
    options = ["--widen", "--js-eval", "--js-wasm", "--js-shared-memory"]
    done = js(anyone, CLOSED, options=options)
    assert json.loads(done.out) == ["object", "function", "object", 1, 1] + ["undefined"] * 3
    refused = js(anyone, CLOSED, options=["--js-eval"])
    assert refused.code == 125 and b"js.eval" in refused.err and b"--widen" in refused.err


def test_webassembly_alone_brings_no_shared_memory(anyone):
    look = "ward.output(new WebAssembly.Memory({initial: 1, maximum: 1, shared: true}).buffer.constructor.name)"
    done = js(anyone, look, options=["--widen", "--js-wasm"])
    assert done.out == b'"ArrayBuffer"\n' or b"shared" in done.err, done
    done = js(anyone, look, options=["--widen", "--js-wasm", "--js-shared-memory"])
    assert done.out == b'"SharedArrayBuffer"\n', done


def test_without_machine_code_everything_else_stays(anyone):
    done = js(anyone, "let s = 0; for (let i = 0; i < 1e5; i++) s += i; ward.output(s)", options=["--js-jit=false"])
    assert (done.code, done.out, done.err) == (0, b"4999950000\n", b"")


def test_strict_runs_a_script_without_machine_code(root, fits):
    fits("strict")
    done = js(root, "ward.output(1)", options=["-p", "strict"])
    assert (done.code, done.out) == (0, b"1\n")


# ---- what a bad one does ----

def test_an_error_says_where_in_one_line(anyone):
    for source, where, text in (
            ("\n  null.x", b":2:8: ", b"TypeError: Cannot read properties of null"),
            ("let x = ;", b":1:9: ", b"SyntaxError: Unexpected token ';'"),
            ("throw new Error('a\\nb\\u001b[31m\\u009b')", b":1:1: ", b"Error: a?b?[31m?"),
            ("Promise.reject(new Error('nobody looked'))", b":1:16: ", b"Error: nobody looked")):
        done = js(anyone, source)
        assert done.code == 1 and done.result["verdict"] == "nonzero"
        assert where in done.err and text in done.err and done.err.count(b"\n") == 1


def test_what_never_comes_is_an_error_and_not_a_wait(anyone):
    done = js(anyone, "await new Promise(() => {})", name="main.mjs")
    assert done.code == 1 and b"no timers and no events" in done.err


def test_input_that_is_no_json_is_the_scripts_error(anyone):
    done = js(anyone, "ward.input", stdin=b"{")
    assert done.code == 1 and b"SyntaxError" in done.err


LOOPS = {
    "loop": "for (;;) {}",
    "promises": "(function f() { Promise.resolve().then(f) })()",
    "regex": "/(a+)+$/.exec('a'.repeat(40) + 'b')",
    "builtin": "Array(2 ** 32 - 2).indexOf(1)",
    "builtin on an object": "[].indexOf.call({length: 2 ** 53 - 1}, 1)",
    "finally": "for (;;) try { for (;;) {} } finally { continue }",
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_ends_at_the_limit_of_processor_time(anyone, name):
    done = js(anyone, LOOPS[name], options=["--cpu", "300ms", "--wall", "20s"])
    assert (done.code, done.result["verdict"]) == (124, "limit.cpu")


BOMBS = {
    "objects": "const a = []; for (;;) a.push({x: 1, y: [1, 2, 3]})",
    "buffers": "const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1))",
    "map": "const m = new Map(); for (let i = 0;; i++) m.set(i, i)",
    "json": "JSON.parse('[' + '0,'.repeat(20000000) + '0]')",
    "array": "new Array(2e8).fill(0)",
    "strings": "'a'.repeat(2 ** 27).split('')",
    "closures": "const a = []; for (;;) a.push(() => a)",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_at_the_limit_of_memory(anyone, name):
    done = js(anyone, BOMBS[name], options=["--mem", "96M", "--wall", "25s"])
    assert done.code != 0 and done.result["verdict"] == "limit.memory", done.err


def test_recursion_is_the_scripts_error(anyone):
    done = js(anyone, "(function f() { f() })()")
    assert done.code == 1 and b"Maximum call stack" in done.err


def test_what_is_no_script_is_refused(anyone):
    assert anyone.run(f"{anyone.place}/absent.js", options=["-b", "js"]).code == 127
    done = anyone.run(anyone.folder("folder"), options=["-b", "js"])
    assert done.code == 125 and b"name the script itself" in done.err
    done = js(anyone, b"\xff\xfe\x00" * 100)
    assert done.code == 1


def test_every_run_draws_other_numbers(anyone):
    seen = {js(anyone, "ward.output([Math.random(), Math.random()])").out for _ in range(3)}
    assert len(seen) == 3


# ---- requests ----

HANDLER = """
let n = 0
Array.prototype.left = 'by the top level'
export default (r) => {
    n++
    if (r.loop) for (;;) {}
    if (r.spoil) { Array.prototype.left = 'spoilt'; globalThis.seen = 1 }
    if (r.bomb) { const a = []; for (;;) a.push(new Array(1000).fill(1)) }
    if (r.throw) throw new TypeError('no')
    if (r.say) console.log('said')
    return {n, left: [].left, seen: typeof seen, r: r.a}
}
"""


def requests(ward, lines, options=(), source=HANDLER):
    path = ward.file(f"{ward.count}.mjs", source)
    done = ward.run(path, options=["-b", "js", "--requests", *options], stdin="".join(line + "\n" for line in lines).encode())
    return done, [json.loads(line) for line in done.out.splitlines()]


def test_each_request_begins_where_the_top_level_ended(anyone):
    done, answers = requests(anyone, ['{"a": 1}', '{"spoil": 1}', '{"a": 2, "say": 1}'])
    clean = {"n": 1, "left": "by the top level", "seen": "undefined"}
    assert done.code == 0 and done.err == b"said\n"
    assert answers == [{"result": {**clean, "r": 1}}, {"result": {"n": 1, "left": "spoilt", "seen": "number"}},
                       {"result": {**clean, "r": 2}}]


def test_a_request_that_comes_late_finds_the_same(anyone):
    path = anyone.file(f"{anyone.count}.mjs", HANDLER)
    # Each pause is longer than a server waits before it rests.
    feed = ["/bin/sh", "-c", "for a in 1 2; do sleep 0.4; echo \"{\\\"a\\\": $a}\"; done"]
    with subprocess.Popen(feed, stdout=subprocess.PIPE) as lines:
        done = anyone.run(path, options=["-b", "js", "--requests"], stdin=lines.stdout)
    clean = {"n": 1, "left": "by the top level", "seen": "undefined"}
    assert [json.loads(line) for line in done.out.splitlines()] == [{"result": {**clean, "r": 1}}, {"result": {**clean, "r": 2}}]


def test_a_bad_request_is_answered_and_the_next_one_unharmed(anyone):
    done, answers = requests(anyone, ['{"loop": 1}', '{"bomb": 1}', '{"throw": 1}', "{", "1", '{"a": 3}'],
                             ["--cpu", "2s", "--mem", "96M"])
    kinds = [answer.get("error", {}).get("kind") for answer in answers]
    assert done.code == 0 and kinds == ["limit.cpu", "limit.memory", "error", "error", None, None]
    assert "TypeError: no" in answers[2]["error"]["text"]
    assert answers[5]["result"]["r"] == 3


def test_a_request_that_waits_for_nothing_ends_at_the_limit_of_time(anyone):
    done, answers = requests(anyone, ['{"loop": 1}', "2"], ["--wall", "1s"])
    assert done.code == 0 and answers[0]["error"]["kind"] == "limit.wall" and "result" in answers[1]


def test_a_top_level_that_fails_answers_nothing(anyone):
    done, answers = requests(anyone, ["1"], source="throw new Error('early')")
    assert (done.code, answers) == (1, []) and b"early" in done.err
    done, answers = requests(anyone, ["1"], source="export const x = 1")
    assert (done.code, answers) == (1, []) and b"exports no function" in done.err
    done, answers = requests(anyone, ["1"], ["--cpu", "300ms"], source="for (;;) {}\nexport default 1")
    assert done.result["verdict"] == "limit.cpu"


def converse(ward, source, lines, pause=0.2, options=()):
    """One request after the other, each when the last is answered and forks had time to wait for it."""
    path = ward.file(f"{ward.count}.mjs", source)
    with ward.start("run", "-b", "js", "--requests", *options, path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        answers = []
        for line in lines:
            time.sleep(pause)
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
            answers.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        assert process.wait(30) == 0
    return answers


def test_a_fork_that_waited_has_nothing_of_another(anyone):
    lines = ['{"a": 1}', '{"spoil": 1}', '{"a": 2}', '{"throw": 1}', '{"a": 3}', '{"spoil": 1}', '{"a": 4}']
    answers = converse(anyone, HANDLER, lines)
    clean = {"n": 1, "left": "by the top level", "seen": "undefined"}
    assert [answers[i] for i in (0, 2, 4, 6)] == [{"result": {**clean, "r": n}} for n in (1, 2, 3, 4)]
    assert answers[1] == answers[5] == {"result": {"n": 1, "left": "spoilt", "seen": "number"}}
    assert "TypeError: no" in answers[3]["error"]["text"]


def test_a_fork_that_waited_has_all_of_its_limits(anyone):
    # Longer than its limits before the request comes; those of each begin with it.
    answers = converse(anyone, HANDLER, ['{"a": 1}', '{"loop": 1}', '{"bomb": 1}', '{"a": 2}'], 1.5,
                       ["--cpu", "1s", "--wall", "3s", "--mem", "96M"])
    assert [answer.get("error", {}).get("kind") for answer in answers] == [None, "limit.cpu", "limit.memory", None]
    answers = converse(anyone, "export default (r) => { const t = performance.now(); while (performance.now() - t < r.ms); return 1 }",
                       ['{"ms": 300}', '{"ms": 60000}', '{"ms": 300}'], 1.5, ["--wall", "1s"])
    assert [answer.get("error", {}).get("kind") for answer in answers] == [None, "limit.wall", None]


def test_forks_draw_numbers_of_their_own_though_the_top_level_drew_some(anyone):
    source = "const top = Math.random(); export default () => [top, Math.random(), Math.random()]"
    answers = [answer["result"] for answer in converse(anyone, source, ["0"] * 6) + requests(anyone, ["0"] * 6, source=source)[1]]
    drawn = [n for answer in answers for n in answer[1:]]
    assert len(set(drawn)) == len(drawn) == 24
    assert len({answer[0] for answer in answers}) == 2  # the top level ran once for each


def test_what_makes_a_fork_ready_is_not_seen_by_the_script(anyone):
    source = """
    let seen = 0
    const spy = (on, name) => Object.defineProperty(on, name, {configurable: true, get() { seen++ }, set() { seen++ }})
    for (const name of ['toJSON', 'a', 'b', 'c', 'd', 'f']) spy(Object.prototype, name)
    for (const name of ['parse', 'stringify']) JSON[name] = () => seen++
    String.prototype.toString = Number.prototype.valueOf = () => { seen++; return 1 }
    ward.output = () => seen++
    for (const name of ['0', '1', Symbol.iterator]) spy(Array.prototype, name)
    export default () => seen
    """
    assert converse(anyone, source, ["1", "2"]) == [{"result": 0}] * 2


def test_what_is_large_or_nothing_is_answered(anyone):
    source = "export default (r) => r === null ? undefined : typeof r === 'number' ? 'x'.repeat(r) : r.length"
    answers = converse(anyone, source, ["null", "3000000", json.dumps("y" * 3000000), "0"])
    assert answers[0] == {"result": None} and len(answers[1]["result"]) == 3000000
    assert answers[2:] == [{"result": 3000000}, {"result": ""}]


def test_only_scripts_answer_requests(anyone):
    done = anyone.call("run", "--requests", "--", "/bin/true")
    assert done.code == 125 and b"--boundary=js" in done.err
