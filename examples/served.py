#!/usr/bin/env python3
"""Starts `ward serve`, has it run one job of each runtime that is there, and shows what came of it: served.py WARD

Nothing in the table is known beforehand: what a job printed is read from the service, and that it is right is
checked. The service ends and its state goes away with this program. Exit status 0 when each runtime that the service
calls available ran its job.
"""

import base64
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

C = '#include <stdio.h>\nint main(void)\n{\n\tputs("product 42");\n}\n'
# What a compiler would make of the same: a memory with the line in it, and a function _start that calls fd_write().
MODULE = base64.b64decode("AGFzbQEAAAABDAJgBH9/f38Bf2AAAAIjARZ3YXNpX3NuYXBzaG90X3ByZXZpZXcxCGZkX3dyaXRlAAADAgEBBQMBAAEHEw" \
                          "IGbWVtb3J5AgAGX3N0YXJ0AAEKDwENAEEBQQBBAUEIEAAaCwshAQBBAAsbEAAAAAsAAAAAAAAAAAAAAHByb2R1Y3QgNDIK")
# runtime: file, text; each prints the same line
JOBS = {
    "python": ("main.py", 'print("product", 6 * 7)\n'),
    "node": ("main.js", 'console.log("product", 6 * 7)\n'),
    "bash": ("main.sh", "echo product $((6 * 7))\n"),
    "c": ("main.c", C),
    "cpp": ("main.cc", '#include <iostream>\nint main()\n{\n\tstd::cout << "product " << 6 * 7 << "\\n";\n}\n'),
    "js": ("main.js", 'console.log("product", 6 * 7)\n'),
    "wasm": ("main.wasm", MODULE),
    "exec": None,
}
PATIENCE_S = 90


class Failed(Exception):
    pass


def start(ward, place):
    """(process, port, key of the tenant)"""
    log = open(place / "log", "wb")
    service = subprocess.Popen([ward, "serve", "--listen", "127.0.0.1:0", "--state", str(place / "state")], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=log)
    said = ""
    while not (port := re.search(r"listening on http://[\d.]+:(\d+)", said)):
        line = service.stdout.readline().decode()
        if not line:
            words = (place / "log").read_text(errors="replace").strip().splitlines()
            raise Failed(words[-1] if words else "ward serve ended")
        said += line
    return service, int(port[1]), re.findall(r"wk_\S+", said)[-1]


class Client:
    def __init__(self, port, key):
        self.port, self.key = port, key

    def ask(self, method, path, document=None):
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        head = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        wire.request(method, f"/v1{path}", json.dumps(document) if document else None, head)
        reply = wire.getresponse()
        body = reply.read()
        wire.close()
        if reply.status >= 400:
            raise Failed(f"{method} {path}: {reply.status} {body[:300]!r}")
        return body


def job_of(name):
    if not JOBS[name]:
        return {"runtime": name, "steps": [{"id": "run", "argv": ["printf", "product %s\n", "42"]}]}
    path, text = JOBS[name]
    content = {"text": text} if isinstance(text, str) else {"base64": base64.b64encode(text).decode()}
    return {"runtime": name, "files": [{"path": path, **content}]}


def run_one(client, name, boundary):
    """A row of the table, and whether it went well."""
    job = json.loads(client.ask("POST", "/jobs?wait=60s", job_of(name) | {"boundary": boundary}))
    told = client.ask("GET", f"/jobs/{job['id']}/stdout").decode(errors="replace")
    details = job.get("result", {}).get("details", {})
    row = (name, boundary, job["state"], told.strip() or "-", str(details.get("start_path", "-")),
           f"{details.get('run_us', 0) / 1000:.1f} ms", f"{len(details.get('layers', []))} layers")
    return row, job["state"] == "succeeded" and told == "product 42\n"


def show(client):
    good = True
    print(f"{'runtime':<9}{'boundary':<11}{'state':<11}{'printed':<13}{'start':<7}{'ran':>10}  held by")
    for runtime in json.loads(client.ask("GET", "/runtimes"))["runtimes"]:
        if runtime["name"] not in JOBS:
            continue
        for place in runtime["boundaries"]:
            if not place["available"]:
                print(f"{runtime['name']:<9}{place['boundary']:<11}not here: {place.get('why', 'no reason given')}")
                continue
            row, went_well = run_one(client, runtime["name"], place["boundary"])
            print("{:<9}{:<11}{:<11}{:<13}{:<7}{:>10}  {}".format(*row), flush=True)
            good &= went_well
    return good


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip().splitlines()[0])
    place = pathlib.Path(tempfile.mkdtemp(prefix="served-"))
    service = None
    try:
        service, port, key = start(os.path.abspath(sys.argv[1]), place)
        return 0 if show(Client(port, key)) else 1
    except Failed as e:
        print(f"served: {e}", file=sys.stderr)
        return 1
    finally:
        if service:
            service.send_signal(signal.SIGTERM)
            service.wait(PATIENCE_S)
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
