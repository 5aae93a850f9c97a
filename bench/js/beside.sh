#!/bin/sh
# Scripts in isolates of ward beside node, in one run: beside.sh BUILD [N]. Times in microseconds; a loaded machine shows
# in p90 and p99, the minimum is what the machine can do.
set -eu
build=${1:?usage: beside.sh BUILD [N]}
n=${2:-200}
isolates=$build/src/isolates

for mode in cold parked kill; do "$isolates" "$mode" "$n"; done
"$isolates" idle 500
python3 - "$n" "$isolates" <<'END'
import shutil, subprocess, sys, time

n, isolates = max(10, int(sys.argv[1]) // 10), sys.argv[2]
node = shutil.which("node")
if not node:
    sys.exit("node: not installed, nothing to compare with")
took = []
for _ in range(n):
    begun = time.monotonic()
    subprocess.run([node, "-e", "console.log(1 + 1)"], stdout=subprocess.DEVNULL, check=True)
    took.append((time.monotonic() - begun) * 1e6)
took.sort()
cold = subprocess.run([isolates, "cold", sys.argv[1]], capture_output=True, text=True, check=True).stdout.split()
ours = int(cold[cold.index("p50") + 1])
print(f"node, unconfined, to its end us: min {took[0]:.0f} p50 {took[n // 2]:.0f} of {n}")
print(f"ratio of p50, node to a confined isolate: {took[n // 2] / ours:.1f}")
END
