"""An untrusted Python script that takes more than it was given: greedy.py memory|output|time|processes."""

import os
import sys
import time

print("work: began", file=sys.stderr, flush=True)
what = sys.argv[1]
if what == "memory":
    hoard = bytearray(2 << 30)
elif what == "output":
    while True:
        sys.stdout.write("all work and no play\n" * 1000)
elif what == "time":
    while True:
        pass
elif what == "processes":
    for _ in range(300):
        if os.fork() == 0:
            time.sleep(300)
print("work: took all of it", file=sys.stderr)
