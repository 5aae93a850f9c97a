# Some of what scripts do: modules, a database, threads, a child, compression.
import hashlib
import json
import os
import sqlite3
import subprocess
import tempfile
import threading
import zlib

db = sqlite3.connect(os.path.join(tempfile.mkdtemp(), "x.db"))
db.execute("create table t(a)")
db.executemany("insert into t values(?)", [(i,) for i in range(100)])
db.commit()
threads = [threading.Thread(target=lambda: hashlib.sha256(b"x" * 100000).hexdigest()) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
lines = subprocess.run(["sort", "-r"], input="a\nb\n", text=True, capture_output=True, check=True).stdout
print(json.dumps([db.execute("select sum(a) from t").fetchone()[0], lines, len(zlib.compress(b"a" * 1000))]))
