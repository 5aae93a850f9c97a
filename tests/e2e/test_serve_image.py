"""Jobs of `ward serve` whose programs come from an image: nothing of the host's, the digest in what is told, and no image
that has changed since it was built."""
import json
import os
import shutil

import pytest
from service import nothing_left, served  # noqa: F401
from test_image import call, store  # noqa: F401
from test_serve_js import details, output

LOOK = "busybox test -e /usr/bin/python3 && echo of the host; busybox ls /bin | busybox wc -l; busybox touch /bin/x || echo sealed"


def configured(tmp_path_factory, image):
    file = tmp_path_factory.mktemp("image") / "serve.yml"
    file.write_text(f"version: 1\nruntimes:\n  exec: {{image: {image}}}\n  bash: {{image: {image}}}\n")
    return f"--config={file}"


@pytest.fixture(scope="module")
def service(home, ward_path, store, tmp_path_factory):  # noqa: F811
    with served(home, ward_path, configured(tmp_path_factory, os.path.join(store, "tiny"))) as made:
        yield made


def boundaries(service, runtime):
    rows = {one["name"]: one for one in service.call("GET", "/v1/runtimes").json["runtimes"]}
    return {row["boundary"]: row for row in rows[runtime]["boundaries"]}


@pytest.mark.parametrize("boundary", ["container", "gvisor"])
def test_a_job_sees_its_image_and_the_result_says_which(service, store, boundary):  # noqa: F811
    with open(os.path.join(store, "tiny", "image.json"), encoding="utf-8") as note:
        digest = "sha256:" + json.load(note)["sha256"]
    row = boundaries(service, "exec")[boundary]
    if not row["available"]:
        pytest.skip(f"boundary {boundary} does not work here: {row['why']}")
    assert row["image"] == digest
    job = service.job({"runtime": "exec", "boundary": boundary, "steps": [{"argv": ["/bin/busybox", "sh", "-c", LOOK]}]}, wait="60s")
    assert job["state"] == "succeeded" and details(job)["image"] == digest, (job, output(service, job, "stderr"))
    said = output(service, job).splitlines()
    assert said[-1] == "sealed" and "of the host" not in said and int(said[0]) >= 1, said


def test_a_runtime_that_its_image_lacks_says_so_and_others_have_the_host(service):
    row = boundaries(service, "bash")["container"]
    assert not row["available"] and "of its image" in row["why"], row
    python = boundaries(service, "python")["container"]
    assert python["image"] == "host"


def test_an_image_that_was_changed_or_is_not_there_is_not_used(home, ward_path, store, tmp_path_factory):  # noqa: F811
    place = tmp_path_factory.mktemp("changed") / "tiny"
    shutil.copytree(os.path.join(store, "tiny"), place, symlinks=True)
    with open(place / "root" / "etc" / "added", "w", encoding="utf-8") as file:
        file.write("by hand\n")
    for image, why in ((place, "not what was built"), (place.parent / "other", "is not there")):
        with served(home, ward_path, "--warm=0", configured(tmp_path_factory, image), alone=False) as made:
            row = boundaries(made, "exec")["container"]
            assert not row["available"] and why in row["why"], row
            reply = made.call("POST", "/v1/jobs", {"runtime": "exec", "steps": [{"argv": ["/bin/busybox", "true"]}]})
            assert reply.json["code"] == "boundary_unavailable", reply
