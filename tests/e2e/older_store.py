"""Makes a store what an earlier ward would have left: the tables of an older schema, with the rows that are there.

    older_store.py STATE SCRIPT...      the scripts of the older schema, schema_1.sql first; its version is their number
"""
import os
import sqlite3
import sys


def columns(db, table):
    return [row[1] for row in db.execute(f"PRAGMA {table[0]}.table_xinfo('{table[1]}')") if not row[6]]


def make(state, scripts):
    path = os.path.join(state, "store.db")
    other = path + ".older"
    db = sqlite3.connect(other, isolation_level=None)
    for script in scripts:
        with open(script, encoding="utf-8") as file:
            db.executescript(file.read())
    db.execute("ATTACH ? AS newer", (path,))
    db.execute("BEGIN")
    for table, in db.execute("SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall():
        names = ", ".join(columns(db, ("main", table)))
        db.execute(f"DELETE FROM main.{table}")     # what the scripts put in
        db.execute(f"INSERT INTO main.{table}({names}) SELECT {names} FROM newer.{table}")
    db.execute("COMMIT")
    db.execute(f"PRAGMA main.user_version={len(scripts)}")
    db.execute("PRAGMA main.application_id=" + str(db.execute("PRAGMA newer.application_id").fetchone()[0]))
    db.close()
    keep = os.stat(path)
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        if os.path.exists(os.path.join(state, name)):
            os.unlink(os.path.join(state, name))
    os.rename(other, path)
    os.chown(path, keep.st_uid, keep.st_gid)
    os.chmod(path, keep.st_mode & 0o777)


if __name__ == "__main__":
    make(sys.argv[1], sys.argv[2:])
