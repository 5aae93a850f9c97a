"""Guests of a zygote, ordered the way their owner orders them: src/isolate/control.h and channel.def in Python."""
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile

import harness

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "../../src/isolate/channel.def"), encoding="utf-8") as file:
    KINDS = re.findall(r"^GUEST\((\w+)", file.read(), re.M)
FRAME, REQUEST, ANSWER = struct.Struct("<II"), struct.Struct("<IiQQQQQ"), struct.Struct("<IiQiI")
FORK, KILL, ADOPT = 0, 1, 2
READY, REFUSED, ENDED, ADOPTED = 0, 1, 2, 3
CODES = {0: "ok", 1: "error", 2: "channel", 3: "memory", 4: "setup"}
SIGNALS = {signal.SIGPROF: "cpu", signal.SIGALRM: "wall", signal.SIGSYS: "syscall", signal.SIGKILL: "killed"}


def frame(kind, body=b""):
    return FRAME.pack(KINDS.index(kind), len(body)) + body


class Guest:
    """What it says, as it is read; `end` when the zygote has reaped it."""

    def __init__(self, zygote, number, channel):
        self.zygote, self.number, self.channel = zygote, number, channel
        self.raw, self.out, self.frames, self.end, self.is_over = b"", b"", [], None, False
        self.input = b""        # JSON, for who asks
        channel.settimeout(60)

    def send(self, *frames):
        try:
            self.channel.sendall(b"".join(frames))
        except (BrokenPipeError, ConnectionResetError):
            pass        # it has ended: how, the zygote says

    def script(self, text, name="/guest.js", is_module=False, input_=""):
        body = name.encode() + b"\0" + text.encode()
        self.input = input_.encode()
        self.send(frame("MODULE" if is_module else "SCRIPT", body), frame("RUN", struct.pack("<I", 0)))
        return self

    def module(self, bytes_=None, words=("module",), env=(), input_=b""):
        """A WebAssembly module; what it writes is in `streams`. bytes_ None: the zygote has it."""
        self.streams = [tempfile.TemporaryFile() for _ in range(3)]
        self.streams[0].write(input_)
        self.streams[0].seek(0)
        socket.send_fds(self.channel, [frame("STREAMS")], [file.fileno() for file in self.streams])
        self.send(*([] if bytes_ is None else [frame("WASM", bytes_)]), *(frame("ARG", word.encode()) for word in words),
                  *(frame("ENV", f"{name}\0{value}".encode()) for name, value in env), frame("RUN", struct.pack("<I", 0)))
        return self

    def exit(self):
        """Reads to its end: how it ended, the code it exited with, what it wrote to 1."""
        self.result()
        codes = [struct.unpack("<I", body)[0] for kind, body in self.frames if kind == "EXIT"]
        self.streams[1].seek(0)
        return self.end, codes[0] if codes else None, self.streams[1].read()

    def read(self):
        """One more piece; False at its end."""
        try:
            piece = self.channel.recv(65536)
        except ConnectionResetError:
            piece = b""
        self.raw += piece
        while len(self.raw) >= FRAME.size:
            kind, length = FRAME.unpack_from(self.raw)
            if len(self.raw) < FRAME.size + length:
                break
            body, self.raw = self.raw[FRAME.size:FRAME.size + length], self.raw[FRAME.size + length:]
            if KINDS[kind] == "STDOUT":
                self.out += body
            elif KINDS[kind] == "WANT_INPUT":
                self.send(frame("INPUT", self.input))
            else:
                self.frames.append((KINDS[kind], body))
        self.is_over = not piece
        return not self.is_over

    def result(self):
        """Reads to its end: how it ended, what it returned."""
        while not self.is_over and self.read():
            pass
        self.channel.close()
        self.zygote.wait(self)
        said = [body for kind, body in self.frames if kind == "RESULT"]
        return self.end, said[0].decode() if said else None

    def why(self):
        return b"".join(body for kind, body in self.frames if kind == "ERROR").decode(errors="replace")


class Zygote:
    """ward-v8 by hand: what it and its guests give up they give up themselves, and no box is around them."""

    def __init__(self, *options):
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(60)
        number = theirs.fileno()
        program = os.path.join(harness.BUILD, "ward-v8")
        self.process = subprocess.Popen([program, "zygote", f"--control={number}", *options], pass_fds=(number,),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        theirs.close()
        self.guests, self.count = {}, 0
        kind, _, _, _, self.left = self.answer()
        assert kind == READY

    def answer(self):
        packet = self.control.recv(256)
        assert packet, self.process.stderr.read()
        return ANSWER.unpack_from(packet)

    def fork(self, memory=64 << 20, cpu_us=1_000_000, wall_us=20_000_000):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.count += 1
        guest = self.guests[self.count] = Guest(self, self.count, ours)
        socket.send_fds(self.control, [REQUEST.pack(FORK, 0, self.count, memory, cpu_us, wall_us, 0)], [theirs.fileno()])
        theirs.close()
        return guest

    def run(self, text, **how):
        limits = {name: how.pop(name) for name in ("memory", "cpu_us", "wall_us") if name in how}
        return self.fork(**limits).script(text, **how).result()

    def kill(self, guest):
        self.control.send(REQUEST.pack(KILL, 0, guest.number, 0, 0, 0, 0))

    def adopt(self, of, channel, pid, cpu_us=1_000_000):
        """A fork that `of` has made, by the number it says."""
        self.count += 1
        fork = self.guests[self.count] = Guest(self, self.count, channel)
        fork.is_adopted = False
        self.control.send(REQUEST.pack(ADOPT, pid, self.count, 0, cpu_us, 0, of.number))
        while fork.end is None and not fork.is_adopted:
            self.hear()
        return fork

    def hear(self):
        kind, status, number, sys, self.left = self.answer()
        guest = self.guests[number]
        if kind == ADOPTED:
            guest.is_adopted = True
        elif kind == REFUSED:
            guest.end = f"refused {os.strerror(sys)}"
        elif os.WIFSIGNALED(status):
            guest.end = SIGNALS.get(os.WTERMSIG(status), f"signal {os.WTERMSIG(status)}")
        else:
            guest.end = CODES.get(os.WEXITSTATUS(status), f"exit {os.WEXITSTATUS(status)}")

    def wait(self, guest):
        while guest.end is None:
            self.hear()

    def close(self):
        for guest in self.guests.values():
            guest.channel.close()
        self.control.close()
        self.process.wait(30)
        return self.process.communicate()
