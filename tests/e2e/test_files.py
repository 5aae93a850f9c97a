"""Grants: what is granted works, what is not granted does not exist, and nothing is granted by trick."""
import os
import socket
import threading
import time

import pytest

import harness

BOUNDARIES = ["container", "process"]


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_read_grant_reads_and_does_not_write(anyone, boundary):
    place = anyone.folder("data")
    anyone.file("data/file", "contents")
    run = anyone.sh(f"cat {place}/file; echo x > {place}/file || echo no; echo x > {place}/new || echo no; "
                    f"rm {place}/file || echo no; mv {place}/file {place}/b || echo no; true >> {place}/file || echo no",
                    "-b", boundary, "--ro", place)
    assert run.text == "contents" + "no\n" * 5
    assert os.listdir(place) == ["file"] and open(f"{place}/file").read() == "contents"


def test_a_grant_appears_elsewhere(anyone):
    place = anyone.folder("data")
    anyone.file("data/file", "contents")
    run = anyone.sh(f"cat /in/side/file; ls {place}", "--ro", f"{place}:/in/side")
    assert run.text == "contents" and run.code != 0


def test_a_relative_grant_starts_where_ward_was_called(anyone):
    anyone.folder("data")
    anyone.file("data/file", "contents")
    assert anyone.sh("cat /d/file", "--ro", "data:/d").text == "contents"
    assert anyone.sh("cat /d/file", "--ro", "./data:/d").text == "contents"


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_write_grant_makes_files_of_the_owner(anyone, boundary):
    place = anyone.folder("data")
    if boundary == "process" and anyone.is_root:
        pytest.skip("the process boundary has no idmapped mounts: root's box has an identity of its own")
    run = anyone.sh(f"umask 022; mkdir {place}/d && echo made > {place}/d/f && cat {place}/d/f && "
                    f"echo more >> {place}/d/f && mv {place}/d/f {place}/g && rmdir {place}/d",
                    "-b", boundary, "--rw", place)
    assert run.code == 0 and run.text == "made\n"
    there = os.stat(f"{place}/g")
    assert (there.st_uid, there.st_gid) == (anyone.uid, anyone.uid)
    assert open(f"{place}/g").read() == "made\nmore\n"


def test_root_writes_as_the_owner_of_the_directory(root):
    place = root.folder("data", 0o700)
    os.chown(place, 4321, 1234)
    old = root.file("data/old", "old", 0o600)
    os.chown(old, 4321, 1234)
    run = root.sh(f"id -u; cat {place}/old; stat -c %u {place}; echo new > {place}/new", "--rw", place)
    assert run.code == 0 and run.text == "1000\nold1000\n"
    there = os.stat(f"{place}/new")
    assert (there.st_uid, there.st_gid) == (4321, 1234)


def test_a_write_grant_makes_no_setuid_programs_of_root(root):
    """A file the box makes setuid belongs to the directory's owner: it must be no gift to others."""
    place = root.folder("data")
    run = root.sh(f"cp /usr/bin/id {place}/id && chmod 6755 {place}/id; ls -l {place}", "--rw", place)
    there = os.stat(f"{place}/id")
    assert not there.st_mode & 0o6000, run


def test_files_of_others_in_a_write_grant_stay_theirs(root):
    place = root.folder("data", 0o777)
    other = root.file("data/other", "theirs", 0o600)
    os.chown(other, 4321, 4321)
    run = root.sh(f"cat {place}/other || echo no; echo x > {place}/other || echo no; chmod 777 {place}/other || echo no",
                  "--rw", place)
    assert run.text == "no\nno\nno\n"
    assert oct(os.stat(other).st_mode & 0o777) == "0o600"


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_execution_needs_its_own_grant(anyone, boundary):
    place = anyone.folder("bin")
    program = anyone.file("bin/p", "#!/bin/sh\necho ran\n", 0o755)
    assert anyone.run(program, options=["-b", boundary, "--rx", place]).text == "ran\n"
    for flag in ("--ro", "--rw"):
        run = anyone.run(program, options=["-b", boundary, flag, place])
        assert run.code == 126 and run.out == b"", flag


def test_a_read_grant_cannot_be_executed_by_the_loader(anyone):
    place = anyone.folder("bin")
    anyone.file("bin/true", open("/usr/bin/true", "rb").read(), 0o755)
    run = anyone.run("/lib64/ld-linux-x86-64.so.2", f"{place}/true", options=["--ro", place])
    assert run.code != 0 and b"failed to map" in run.err
    assert anyone.run("/lib64/ld-linux-x86-64.so.2", f"{place}/true", options=["--rx", place]).code == 0


def test_scratch_is_empty_writable_and_gone(anyone):
    run = anyone.sh("ls -A /s; echo x > /s/x; ls /s; df -k /s | tail -1 | awk '{print $2}'", "--tmp", "/s:3M")
    assert run.text == "x\n3072\n"
    assert anyone.sh("ls -A /s", "--tmp", "/s:3M").text == ""
    assert not os.path.exists("/s")


def test_one_file_is_granted_and_its_neighbours_are_not(anyone):
    anyone.folder("data")
    one = anyone.file("data/one", "one")
    anyone.file("data/two", "two")
    run = anyone.sh(f"cat {one}; ls {os.path.dirname(one)}; cat {os.path.dirname(one)}/two", "--ro", one)
    assert run.text == "oneone\n" and run.code != 0


def test_one_file_is_granted_for_writing(anyone):
    one = anyone.file("one", "one")
    run = anyone.sh(f"echo two > {one}; cat {one}", "--rw", one)
    assert run.text == "two\n" and open(one).read() == "two\n"
    assert os.stat(one).st_uid == anyone.uid


@pytest.mark.parametrize("order", [0, 1])
def test_a_grant_inside_a_grant(anyone, order):
    outer = anyone.folder("outer")
    inner = anyone.folder("outer/inner")
    anyone.file("outer/inner/f", "f")
    options = [["--ro", outer], ["--rw", inner]]
    if order:
        options.reverse()
    run = anyone.sh(f"cat {inner}/f; echo x > {inner}/new && echo wrote; echo x > {outer}/new || echo no",
                    *options[0], *options[1])
    assert run.code == 0, run
    assert run.text == "fwrote\nno\n"
    assert os.listdir(outer) == ["inner"]


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_narrower_grant_inside_a_wider_one_narrows(user, boundary):
    """Or is refused, where it cannot be had."""
    outer, inner = user.folder("outer"), user.folder("outer/inner")
    run = user.sh(f"echo x > {inner}/new && echo wrote", "-b", boundary, "--rw", outer, "--ro", inner)
    assert os.listdir(inner) == [] and b"wrote" not in run.out, run


def test_a_scratch_inside_a_grant_hides_what_is_there(anyone):
    outer = anyone.folder("outer")
    anyone.folder("outer/private")
    anyone.file("outer/private/key", "SECRET")
    for options in (["--ro", outer, "--tmp", f"{outer}/private"], ["--tmp", f"{outer}/private", "--ro", outer]):
        assert b"SECRET" not in anyone.sh(f"cat {outer}/private/key", *options).out, options


def refused(run, *says):
    assert run.code == 125 and run.out == b"", run
    assert run.errors.startswith("ward: ") and run.errors.count("\n") == 1, run
    assert run.result["stage"] == "setup" and run.result["verdict"] == "setup"
    for word in says:
        assert word in run.errors


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("flag", ["--ro", "--rw", "--rx"])
def test_a_missing_path_is_refused(anyone, flag, boundary):
    refused(anyone.sh("echo ran", "-b", boundary, flag, f"{anyone.place}/nothing"), "does not exist")


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("flag", ["--ro", "--rw", "--rx"])
def test_a_symbolic_link_is_refused(anyone, flag, boundary):
    anyone.folder("real")
    os.symlink("real", f"{anyone.place}/link")
    refused(anyone.sh("echo ran", "-b", boundary, flag, f"{anyone.place}/link"), "symbolic link")


def test_a_link_on_the_way_leads_nowhere_as_an_ordinary_user(user):
    """Where ward runs as root the way is checked again as the box; see the race below."""
    user.folder("real")
    user.folder("real/data")
    os.symlink("real", f"{user.place}/link")
    run = user.sh("echo ran", "--ro", f"{user.place}/link/data")
    assert run.code == 125 and run.errors.count("\n") == 1


@pytest.mark.parametrize("flag", ["--ro", "--rw", "--rx"])
@pytest.mark.parametrize("path", ["/usr/../etc", "/usr/..", "../x/../../etc", "a/../b"])
def test_dots_are_refused(anyone, flag, path):
    refused(anyone.sh("echo ran", flag, path))


@pytest.mark.parametrize("path", ["/", "/proc", "/proc/self", "/proc/1/root", "/sys", "/dev", "/dev/mem",
                                  "/dev/pts", "/proc/self/root/etc"])
def test_the_kernels_trees_are_refused(anyone, path):
    refused(anyone.sh("echo ran", "--ro", path))
    refused(anyone.sh("echo ran", "--ro", f"/usr:{path}"))


def test_sockets_pipes_and_devices_are_refused(anyone):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(f"{anyone.place}/socket")
        os.mkfifo(f"{anyone.place}/pipe")
        for name in ("socket", "pipe"):
            os.chown(f"{anyone.place}/{name}", anyone.uid, anyone.uid)
            refused(anyone.sh("echo ran", "--ro", f"{anyone.place}/{name}"))


def test_what_the_user_may_not_reach_is_refused(user, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").write_text("secret")
    if os.geteuid() != 0:
        pytest.skip("needs root")
    refused(user.sh("echo ran", "--ro", str(closed / "file")))
    run = user.sh(f"cat {closed}/file || echo no", "--ro", str(closed))
    assert b"secret" not in run.out


def test_proc_under_another_name_is_refused(root):
    place = root.folder("proc")
    assert harness.libc.mount(b"proc", place.encode(), b"proc", 0, None) == 0
    try:
        refused(root.sh("echo ran", "--ro", place), "/proc")
    finally:
        harness.libc.umount2(place.encode(), 2)


def test_two_thousand_grants_work(anyone):
    place = anyone.folder("many")
    options = []
    for n in range(2000):
        anyone.file(f"many/{n}", f"{n}\n")
        options += ["--ro", f"{place}/{n}"]
    begun = time.monotonic()
    run = anyone.sh(f"ls {place} | wc -l; cat {place}/0 {place}/1999", *options)
    assert run.code == 0 and run.text == "2000\n0\n1999\n"
    assert time.monotonic() - begun < 20


class Swapper(threading.Thread):
    """Makes `way` a directory and a link to `link`'s target in turn, as fast as it can."""

    def __init__(self, place):
        super().__init__()
        self.place, self.over = place, threading.Event()
        self.way = f"{place}/way"
        os.symlink("secret", f"{place}/link")
        os.rename(f"{place}/bait", self.way)

    def run(self):
        bait, link = f"{self.place}/bait", f"{self.place}/link"
        while not self.over.is_set():
            os.rename(self.way, bait)
            os.rename(link, self.way)
            os.rename(self.way, link)
            os.rename(bait, self.way)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("tail", ["", "/data"])
def test_a_directory_swapped_for_a_link_never_escapes(anyone, boundary, tail):
    anyone.folder("bait")
    anyone.folder("bait/data")
    anyone.file("bait/data/file", "bait")
    anyone.folder("secret")
    anyone.folder("secret/data")
    anyone.file("secret/data/file", "SECRET")
    told = 0
    with Swapper(anyone.place) as swapper:
        for n in range(200):
            run = anyone.call("run", "-b", boundary, "--ro", swapper.way + tail, "/bin/cat",
                              swapper.way + "/data/file")
            assert b"SECRET" not in run.out, n
            assert run.code in (0, 1, 125), run
            if run.code == 125:
                assert run.errors.count("\n") == 1, run
            told += run.out == b"bait"
    assert told > 0


def test_a_write_grant_swapped_for_a_link_never_escapes(anyone):
    anyone.folder("bait")
    secret = anyone.folder("secret")
    with Swapper(anyone.place) as swapper:
        for _ in range(100):
            anyone.call("run", "-q", "--rw", f"{swapper.way}:/granted", "/bin/sh", "-c", "echo x > /granted/x")
            assert os.listdir(secret) == []


def test_hard_names_survive(anyone):
    name = "a b\t'\"\\$(x)\n*"
    place = anyone.folder("data")
    anyone.file(f"data/{name}", "hard")
    assert anyone.sh("cat /d/*", "--ro", f"{place}:/d").text == "hard"
    run = anyone.sh("cat /f", "--ro", f"{place}/{name}:/f")
    assert run.code == 125 or run.text == "hard"


def test_a_setuid_bit_in_a_grant_is_not_obeyed(root):
    place = root.folder("bin")
    program = root.file("bin/sh", open("/bin/dash", "rb").read())
    os.chmod(program, 0o4755)
    run = root.run(program, "-c", "id -u", options=["--rx", place])
    assert run.text == "1000\n"


def test_an_image_is_the_root(root):
    image = root.folder("image")
    for name in ("usr", "usr/bin", "lib64", "lib"):
        root.folder(f"image/{name}")
    root.file("image/usr/bin/true", open("/bin/busybox", "rb").read() if os.path.exists("/bin/busybox") else b"", 0o755)
    policy = "version: 1\nfiles: [{read: image}]\nimage: %s\nsyscalls: {allow: ['@default']}\n" % image
    run = root.run("/usr/bin/no-such", policy=policy)
    assert run.code == 127
