"""Open-loop load on a service: requests leave at moments that were fixed before, whatever became of those before them,
and every latency counts from that moment. So a service that stalls is charged for the whole queue that it made
(coordinated omission). Knows nothing of what is measured.
"""
import asyncio
import json
import os
import threading
import time


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Lost(Exception):
    """The connection broke: what became of the request is not known."""


class Pool:
    """Keep-alive connections to one address, at most `most` of them."""

    def __init__(self, host, port, key, most):
        self.host, self.port, self.key = host, port, key
        self.free, self.room = [], asyncio.Semaphore(most)

    def request(self, method, path, body=b"", idempotency_key=None):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}", f"Authorization: Bearer {self.key}",
                 "Accept: application/json", f"Content-Length: {len(body)}"]
        if body:
            lines.append("Content-Type: application/json")
        if idempotency_key:
            lines.append(f"Idempotency-Key: {idempotency_key}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    async def ask(self, method, path, body=b"", idempotency_key=None):
        """One request; Lost when no whole answer came."""
        async with self.room:
            for _ in range(2):      # a kept connection may have been closed meanwhile: before a byte of an answer
                kept = bool(self.free)
                try:
                    streams = self.free.pop() if kept else await asyncio.open_connection(self.host, self.port)
                    streams[1].write(self.request(method, path, body, idempotency_key))
                    answer = await read_answer(streams[0])
                except (OSError, asyncio.IncompleteReadError, ValueError) as e:
                    if kept and isinstance(e, asyncio.IncompleteReadError) and not e.partial and idempotency_key:
                        continue
                    raise Lost(str(e)) from e
                if answer.headers.get("connection", "").lower() == "close":
                    streams[1].close()
                else:
                    self.free.append(streams)
                return answer
            raise Lost("closed twice")

    def close(self):
        for _, writer in self.free:
            writer.close()
        self.free = []


async def read_answer(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    if "content-length" not in headers:
        raise ValueError("an answer without a length")
    return Answer(int(head[0].split()[1]), headers, await reader.readexactly(int(headers["content-length"])))


class Ledger:
    """Every accepted id with its key, in a file that is synced: what the service may never forget."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="ascii")
        self.ids, self.waiting, self.wake, self.over = {}, [], threading.Condition(), False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def add(self, id, key, body):
        known = self.ids.setdefault(id, (key, body))
        if known[0] != key:
            raise SystemExit(f"serve: job {id} answers to two keys, {known[0]} and {key}")
        with self.wake:
            self.waiting.append(f"{id} {key}\n")
            self.wake.notify()

    def run(self):
        while True:
            with self.wake:
                self.wake.wait_for(lambda: self.waiting or self.over)
                lines, self.waiting = self.waiting, []
                if not lines:
                    return
            self.file.write("".join(lines))
            self.file.flush()
            os.fsync(self.file.fileno())

    def close(self):
        with self.wake:
            self.over = True
            self.wake.notify()
        self.thread.join()
        self.file.close()


async def open_loop(rate, seconds, send):
    """Calls send(i, intended) for each arrival, evenly spaced; waits for all of them. Returns how late each left."""
    begun, late, tasks = time.monotonic() + 0.05, [], []
    for i in range(int(rate * seconds)):
        intended = begun + i / rate
        pause = intended - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        late.append(time.monotonic() - intended)
        tasks.append(asyncio.create_task(send(i, intended)))
    await asyncio.gather(*tasks)
    return late
