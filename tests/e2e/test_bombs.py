"""Hostile modules, each beside a neighbour that must not notice: a guest of its own that ticks all the while."""
import os
import shutil
import subprocess
import threading

import pytest

import bombs
import harness
import modules
from modules import DROP, call, const


def ticker():
    """Writes 0, 1, 2, ... in four bytes each, a hundredth of a second apart, for ever."""
    word = lambda n: n.to_bytes(4, "little")  # noqa: E731
    subscription = bytes(8) + word(0) + bytes(4) + word(1) + bytes(4) + (10_000_000).to_bytes(8, "little") + bytes(16)
    data = word(16) + word(4) + bytes(8) + word(0) + bytes(12) + subscription
    body = (const(1) + const(0) + const(1) + const(8) + call(0) + DROP +                                 # fd_write
            const(16) + const(16) + b"\x28\2\0" + const(1) + b"\x6a\x36\2\0" +                               # counter + 1
            const(32) + const(128) + const(1) + const(192) + call(1) + DROP)                             # poll_oneoff
    return modules.module(bombs.forever(body), [bombs.WRITE, bombs.POLL], data=data)


class Neighbour:
    """Its ticks as they arrive."""

    def __init__(self, process):
        self.process, self.bytes = process, b""
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while piece := os.read(self.process.stdout.fileno(), 65536):
            self.bytes += piece

    def ticks(self):
        return len(self.bytes) // 4

    def check(self, since):
        """It goes on, and of all its ticks none is missing."""
        assert self.process.poll() is None, self.process.stderr.read()
        harness.wait_until(lambda: self.ticks() > since, "a tick of the neighbour", 30)
        whole = self.ticks()
        seen = [int.from_bytes(self.bytes[i * 4:i * 4 + 4], "little") for i in range(whole)]
        assert seen == list(range(whole))


@pytest.fixture(scope="module")
def neighbour(ward_path):
    done = subprocess.run([ward_path, "check", "-b", "wasm"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(done.stdout.strip() or done.stderr.strip())
    place = harness.make_place(os.geteuid())
    ward = harness.Runner(ward_path, os.geteuid(), place)
    module = ward.file("ticker.wasm", ticker())
    with ward.start("run", "-q", "-b", "wasm", "--wall", "1h", "--set", "limits.output=1G", "--widen", module) as process:
        found = Neighbour(process)
        harness.wait_until(lambda: found.ticks() > 0 or process.poll() is not None, "the neighbour to tick", 30)
        yield found
        process.terminate()
        process.wait(20)
    found.thread.join(20)
    shutil.rmtree(place, ignore_errors=True)


def run(ward, path, *options, timeout=120):
    return ward.run(path, options=["-b", "wasm", "--mem", "512M", "--cpu", "20s", "--wall", "60s", "--widen", *options],
                    timeout=timeout)


@pytest.mark.parametrize("bomb", [pytest.param(bomb, id=bomb.name) for bomb in bombs.BOMBS])
def test_a_bomb_ends_as_it_should_and_nobody_notices(neighbour, ward, bomb):
    before = neighbour.ticks()
    done = run(ward, ward.file("bomb.wasm", bomb.bytes()), *bomb.options)
    assert done.code == bomb.code and bomb.message in done.errors, done
    if bomb.verdict:
        assert done.result["verdict"] == bomb.verdict, done
    elif bomb.code == 126:
        assert done.errors.count("\n") == 1 and not done.out, done
    neighbour.check(before)


def test_a_memory_is_filled_until_the_kernel_says_no(neighbour, root):
    fill = const(0) + const(1) + const(4090 * 65536) + b"\xfc\x0b\x00"     # memory.fill
    before = neighbour.ticks()
    done = run(root, root.file("bomb.wasm", modules.module(fill, pages=4090)), "--mem", "256M")
    assert done.code == 137 and done.result["verdict"] == "limit.memory", done
    neighbour.check(before)


def test_a_file_that_is_too_large_is_not_read(neighbour, ward):
    path = ward.file("large.wasm", modules.MAGIC)
    os.truncate(path, (256 << 20) + 1)
    before = neighbour.ticks()
    done = run(ward, path)
    assert done.code == 126 and "larger than 256 MiB" in done.errors, done
    neighbour.check(before)


def test_a_hundred_megabytes_of_nothing(neighbour, ward):
    path = ward.file("holes.wasm", modules.MAGIC)
    os.truncate(path, 100 << 20)
    before = neighbour.ticks()
    done = run(ward, path)
    assert done.code == 126, done
    neighbour.check(before)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_a_device_is_no_module(ward, neighbour, path):
    done = run(ward, path)
    assert done.code == 125 and "name the WebAssembly module itself" in done.errors, done
    assert neighbour.process.poll() is None
