"""Turns measurements into tables and holds them against the targets. Measures nothing."""

# what | tool, phase, key | divided by: tool, phase, key | bound | unit. "<" at most, ">" at least
C, P = "ward container", "ward process"
TARGETS = (
    ("container, cold launch p50", (C, "cold", "p50"), None, "<", 2.5, "ms"),
    ("container / bwrap, p50", (C, "cold", "p50"), ("bwrap", "cold", "p50"), "<", 0.65, "x"),
    ("container / nsjail, p50", (C, "cold", "p50"), ("nsjail", "cold", "p50"), "<", 0.35, "x"),
    ("container / runc, p50", (C, "cold", "p50"), ("runc", "cold", "p50"), "<", 0.12, "x"),
    ("container, two launchers", (C, "pairs", "rate"), None, ">", 500, "/s"),
    ("container, launcher memory", (C, "idle", "hwm_kb"), None, "<", 2048, "KB"),
    ("container, PSS an idle box", (C, "idle", "pss_kb"), None, "<", 200, "KB"),
    ("container, sparse launch p50", (C, "sparse", "p50"), None, "<", 3.5, "ms"),
    ("process, cold launch p50", (P, "cold", "p50"), None, "<", 1.3, "ms"),
    ("container, filter a call (worst)", (C, "calls", "worst_ns"), None, "<", 40, "ns"),
    ("process, filter a call (worst)", (P, "calls", "worst_ns"), None, "<", 40, "ns"),
    ("container, 2000 read grants p50", (C, "grants", "p50"), None, "<", 100, "ms"),
    ("container, big caller / small", (C, "caller", "big"), (C, "caller", "small"), "<", 1.15, "x"),
    ("process, big caller / small", (P, "caller", "big"), (P, "caller", "small"), "<", 1.15, "x"),
)


def dig(results, path):
    value = results.get(path[0], {})
    for key in path[1:]:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def targets(results):
    """[{what, measured, bound, unit, state}]; state is met, missed or "not measured"."""
    rows = []
    for what, path, by, direction, bound, unit in TARGETS:
        value, divisor = dig(results, path), dig(results, by) if by else 1
        if value is None or not divisor:
            value, state = None, "not measured"
        else:
            value = round(value / divisor, 3)
            met = value <= bound if direction == "<" else value >= bound
            state = "met" if met else "missed"
        rows.append({"what": what, "measured": value, "direction": direction, "bound": bound,
                     "unit": unit, "state": state})
    return rows


def number(value, form="%.2f"):
    return "-" if value is None else form % value


def table(head, rows, out):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        cells = [str(c).rjust(w) for c, w in zip(row, widths)]
        print("  ".join([str(row[0]).ljust(widths[0]), *cells[1:]]).rstrip(), file=out)
    print(file=out)


def times(results, phase, heading, out, extra=()):
    """min/p50/p99 of one phase and how each tool compares with ward's two."""
    rows = []
    ward = [dig(results, (name, phase, "p50")) for name in (C, P)]
    for name, r in results.items():
        t = r.get(phase)
        if not t or "p50" not in t:
            continue
        ratios = [number(w / t["p50"] if w else None) for w in ward]
        rows.append([name, *(number(t[k], "%.3f") for k in ("min", "p50", "p99")), *ratios,
                     *(number(t.get(key), form) for key, _, form in extra), t["n"]])
    if rows:
        print(heading, file=out)
        head = ["", "min ms", "p50 ms", "p99 ms", "container/it", "process/it"]
        table([*head, *(title for _, title, _ in extra), "n"], rows, out)


def calls(results, out):
    names = sorted({n for r in results.values() for n in r.get("calls", {}).get("ns", {})})
    rows = [[name, *(number(r["calls"]["ns"].get(n), "%.0f") for n in names),
             number(r["calls"].get("worst_ns"), "%.0f")]
            for name, r in results.items() if "calls" in r]
    if rows:
        print("System calls inside, ns each (- = refused); worst: the largest difference to spawn\n"
              "among the single calls that no other layer touches", file=out)
        table(["", *names, "worst"], rows, out)


def idle(results, out):
    rows = [[name, number(r["idle"]["pss_kb"], "%.0f"), number(r["idle"]["hwm_kb"], "%.0f"),
             number(r["idle"]["helpers"], "%.1f"), ", ".join(r["idle"]["lacks"]) or "nothing seen"]
            for name, r in results.items() if "idle" in r]
    if not rows:
        return
    print("Idle boxes: PSS and number of helper processes a box, highest RSS of a helper;\n"
          "what the program in the box lacks, read from outside", file=out)
    table(["", "PSS KB", "RSS KB", "helpers"], [row[:4] for row in rows], out)
    for row in rows:
        print(f"{row[0]} lacks: {row[4]}", file=out)
    print(file=out)


def caller(results, out):
    rows = [[name, *(number(v, "%.3f") for v in r["caller"]["p50"].values())]
            for name, r in results.items() if "caller" in r]
    if rows:
        head = next(r["caller"]["p50"] for r in results.values() if "caller" in r)
        print("Launch p50 in ms, by the caller's resident memory", file=out)
        table(["", *head], rows, out)


def everything(data, out):
    results = data["tools"]
    times(results, "cold", "Cold launches of a dynamic /bin/true", out, extra=(
        ("cpu_ms", "cpu ms", "%.2f"), ("maxrss_kb", "maxrss KB", "%.0f")))
    times(results, "sparse", "Sparse launches, 120 ms of quiet before each", out)
    times(results, "pairs", "Two launchers at once", out, extra=(("rate", "runs/s", "%.0f"),))
    times(results, "grants", "A policy with many single-file read grants", out)
    calls(results, out)
    idle(results, out)
    caller(results, out)
    words = {"<": "at most", ">": "at least"}
    table(["target", "measured", "bound", "", ""],
          [[t["what"], number(t["measured"]), f"{words[t['direction']]} {t['bound']}", t["unit"],
            t["state"]] for t in data["targets"]], out)
    for line in data["failures"]:
        print("FAILED", line, file=out)
    for line in data["new_since"]:
        print("new since the start, may be someone else's:", line, file=out)
    for line in data["left_behind"]:
        print("left behind:", line, file=out)
    if not data["left_behind"]:
        print("left behind: nothing", file=out)
