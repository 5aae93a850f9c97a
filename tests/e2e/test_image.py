"""`ward image`: a root made of packages is what it says, runs under the boundaries with a root, and is never replaced by
another."""
import json
import os
import shutil
import stat
import subprocess

import pytest

import harness

POLICY = "version: 1\nname: image\nboundary: {boundary}\nimage: {image}\nfiles:\n  - read: image\n  - scratch: /tmp\n" \
         "limits: {{memory: 256M, pids: 16}}\nsyscalls: {{allow: [\"@default\"]}}\n"


def call(ward_path, *words, timeout=120):
    return subprocess.run([ward_path, "image", *words], capture_output=True, text=True, timeout=timeout, check=False)


@pytest.fixture(scope="module")
def store(ward_path):
    """A directory with one tiny image, `tiny`, made of the host's own mirror."""
    if os.geteuid() or not shutil.which("mmdebstrap"):
        pytest.skip("needs root and mmdebstrap (apt-get install mmdebstrap)")
    place = harness.make_place(0)
    done = call(ward_path, "build", "tiny", "--packages", "busybox-static", "--store", place)
    if done.returncode:
        shutil.rmtree(place)
        pytest.skip(f"the mirror of this host gives no packages: {done.stderr.strip()[:150]}")
    yield place
    shutil.rmtree(place)


def test_an_image_is_listed_and_as_it_was_built(ward_path, store):
    listed = call(ward_path, "list", "--store", store)
    assert listed.returncode == 0 and listed.stdout.split()[:2] == ["tiny", "dir"], listed
    checked = call(ward_path, "check", "tiny", "--store", store)
    assert (checked.returncode, checked.stdout) == (0, "tiny: as it was built\n"), checked
    with open(os.path.join(store, "tiny", "image.json"), encoding="utf-8") as file:
        note = json.load(file)
    assert note["schema"] == "ward.image.1" and note["packages"] == "busybox-static" and len(note["sha256"]) == 64


def test_nothing_in_it_gives_rights(store):
    for at, folders, files in os.walk(os.path.join(store, "tiny", "root")):
        for name in folders + files:
            mode = os.lstat(os.path.join(at, name)).st_mode
            assert stat.S_ISLNK(mode) or not mode & 0o6000, (at, name)
            assert stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode), (at, name)


@pytest.mark.parametrize("boundary", ["container", "gvisor"])
def test_it_is_the_programs_root(root, store, boundary):
    if root.call("check", "-b", boundary).code:
        pytest.skip(f"boundary {boundary} does not work here")
    policy = POLICY.format(boundary=boundary, image=os.path.join(store, "tiny"))
    run = root.run("/bin/busybox", "sh", "-c", "busybox test -e /usr/bin/python3 || busybox cat /tmp/x || echo own > /tmp/x;"
                   "busybox cat /tmp/x; busybox touch /bin/x || echo sealed", policy=policy)
    assert run.code == 0 and run.text == "own\nsealed\n", run
    assert "the host's programs" not in str(run.result["notes"])
    missing = root.run("/usr/bin/python3", policy=policy)
    assert missing.code == 127, missing


def test_a_name_is_looked_for_where_images_are(root, store):
    """Without a '/' it is no directory, whatever lies here."""
    root.folder("tiny")
    run = root.run("/bin/busybox", "true", policy=POLICY.format(boundary="container", image="tiny"), cwd=store)
    assert run.code == 125 and "no image 'tiny'" in run.errors and "ward image build tiny" in run.errors, run


def test_two_builds_are_the_same(ward_path, store):
    done = call(ward_path, "build", "again", "--packages", "busybox-static", "--store", store)
    assert done.returncode == 0, done
    digests = {line.split()[0]: line.split()[4] for line in call(ward_path, "list", "--store", store).stdout.splitlines()}
    assert digests["again"] == digests["tiny"], digests


def test_a_change_is_found(ward_path, store):
    shutil.copytree(os.path.join(store, "tiny"), os.path.join(store, "changed"), symlinks=True)
    with open(os.path.join(store, "changed", "root", "bin", "busybox"), "ab") as file:
        file.write(b"x")
    checked = call(ward_path, "check", "tiny", "changed", "--store", store)
    assert checked.returncode == 1 and "changed: CHANGED" in checked.stdout and "tiny: as it was built" in checked.stdout


@pytest.mark.parametrize("form, tool", [("squashfs", "mksquashfs"), ("erofs", "mkfs.erofs")])
def test_a_file_is_refused_with_the_fix_and_never_replaced(ward_path, root, store, form, tool):
    if not shutil.which(tool):
        pytest.skip(f"needs {tool}")
    done = call(ward_path, "build", form, "--packages", "busybox-static", "--format", form, "--store", store)
    assert done.returncode == 0, done
    assert os.listdir(os.path.join(store, form)) in ([f"root.{form}", "image.json"], ["image.json", f"root.{form}"])
    assert call(ward_path, "check", form, "--store", store).returncode == 0
    for image in (os.path.join(store, form), os.path.join(store, form, f"root.{form}")):
        run = root.run("/bin/busybox", "true", policy=POLICY.format(boundary="container", image=image))
        assert run.code == 125 and f"mount -t {form}" in run.errors and "--format dir" in run.errors, run


def test_what_fails_leaves_nothing(ward_path, store):
    before = sorted(os.listdir(store))
    done = call(ward_path, "build", "bad", "--packages", "no-such-package-at-all", "--store", store)
    assert done.returncode == 2 and "mmdebstrap failed" in done.stderr and done.stderr.count("\n") == 1, done
    assert sorted(os.listdir(store)) == before
    done = call(ward_path, "build", "tiny", "--packages", "busybox-static", "--store", store)
    assert done.returncode == 2 and "is there already" in done.stderr, done


@pytest.mark.parametrize("words, says", [
    ([], "build, list or check"), (["brew"], "build, list or check"), (["build"], "one name is wanted"),
    (["build", "a/b", "--packages", "dash"], "one name is wanted"), (["build", "x"], "--packages wants"),
    (["build", "x", "--packages", "dash;id"], "--packages wants"),
    (["build", "x", "--packages", "dash", "--format", "zip"], "--format is dir"),
    (["build", "x", "--packages", "dash", "--suite", "../x"], "--suite"), (["check"], "name what is to be checked"),
    (["check", "no-such-image"], "no image 'no-such-image'"), (["list", "x"], "takes no name"),
    (["build", "--pakages", "dash"], "packages"),
])
def test_wrong_words_are_one_line(ward, words, says):
    run = ward.call("image", *words)
    assert run.code == 2 and says in run.errors and run.errors.count("\n") == 1, run


def test_a_note_that_lies_is_refused(ward):
    place = ward.folder("x")
    os.mkdir(os.path.join(place, "root"))
    for text in ("{}", "[1", '{"schema":"ward.image.1"}', "\x1b[31m"):
        ward.file("x/image.json", text)
        run = ward.run("/bin/true", policy=POLICY.format(boundary="container", image=place))
        assert run.code == 125 and "image.json" in run.errors and "\x1b" not in run.errors, run


USER = 61234    # as conftest's ordinary user: nobody on this machine


def as_user(place, ward_path, *words, lent=None):
    """`ward image WORDS` as an ordinary user, in a mount namespace in which he has a name and, perhaps, ids that he is lent."""
    script = ["set -e"]
    for path, line in (("/etc/passwd", f"wardimage:x:{USER}:{USER}::{place}:/bin/sh"), ("/etc/group", f"wardimage:x:{USER}:"),
                       ("/etc/subuid", lent), ("/etc/subgid", lent)):
        copy = os.path.join(place, os.path.basename(path))
        with open(path, encoding="utf-8") as have, open(copy, "w", encoding="utf-8") as file:
            file.write("\n".join([*(one for one in have.read().split("\n") if one and not one.startswith("wardimage:")), *([line] if line else [])]) + "\n")
        script.append(f"mount --bind {copy} {path}")
    script.append(f'exec setpriv --reuid {USER} --regid {USER} --clear-groups env HOME={place} "$@"')
    return subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", "\n".join(script), "sh", ward_path, "image", *words],
                          capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def own(ward_path):
    if os.geteuid():
        pytest.skip("needs root, to become a user that has a name and ids")
    for path in ("/etc/subuid", "/etc/subgid", "/usr/bin/newuidmap"):
        if not os.path.exists(path):
            pytest.skip(f"{path} is missing (apt-get install uidmap)")
    place = harness.make_place(USER)
    yield place
    shutil.rmtree(place)


def test_an_ordinary_user_builds_the_same_bytes(ward_path, store, own):
    done = as_user(own, ward_path, "build", "mine", "--packages", "busybox-static", "--store", os.path.join(own, "images"),
                   lent="wardimage:1000000:65536")
    assert done.returncode == 0, done
    for at, folders, files in os.walk(os.path.join(own, "images")):
        assert {os.lstat(os.path.join(at, name)).st_uid for name in folders + files} <= {USER}
    roots = next(line.split()[4] for line in call(ward_path, "list", "--store", store).stdout.splitlines() if line.startswith("tiny "))
    assert call(ward_path, "list", "--store", os.path.join(own, "images")).stdout.split()[4] == roots


def test_who_is_lent_no_ids_is_told_what_to_do(ward_path, own):
    if not shutil.which("mmdebstrap"):
        pytest.skip("mmdebstrap is missing (apt-get install mmdebstrap)")
    wanted = ("build", "mine", "--packages", "busybox-static", "--store", os.path.join(own, "images"))
    for lent in (None, "wardimage:1000000:1000", "somebody:1000000:65536"):
        done = as_user(own, ward_path, *wanted, lent=lent)
        assert done.returncode != 0 and done.stderr.count("\n") == 1, done
        assert "/etc/subuid lends wardimage no 65536 ids" in done.stderr and "usermod --add-subuids" in done.stderr
    assert not os.path.exists(os.path.join(own, "images"))
