"""What compilers made, kept by `ward serve`: the same source of the same tenant is compiled once, and whatever is told in its
favour by a compile step is told to that tenant alone."""
import concurrent.futures
import glob
import os

import pytest
from service import eventually, nothing_left, served  # noqa: F401
from test_serve_js import details, output

HELLO = '#include <stdio.h>\n#include "say.h"\nint main(int n, char **words) { printf("%s %s\\n", SAY, n > 1 ? words[1] : "-"); }\n'


@pytest.fixture(scope="module")
def service(home, ward_path):
    with served(home, ward_path) as made:
        rows = {one["name"]: one for one in made.call("GET", "/v1/runtimes").json["runtimes"]}
        if not rows["c"]["available"]:
            pytest.skip(f"no compiler: {rows['c']['boundaries'][0]['why']}")
        yield made


@pytest.fixture(scope="module")
def other(service):
    assert service.call("POST", "/v1/tenants", {"name": "other", "threat": "known"}, key=service.operator).status == 201
    return service.call("POST", "/v1/keys?tenant=other", {"scopes": ["jobs:write", "jobs:read"]}, key=service.operator).json["key"]


def c(mark, *more_files, source=HELLO, **more):
    files = [{"path": "main.c", "text": source}, {"path": "say.h", "text": f'#define SAY "{mark}"\n'}, *more_files]
    return {"runtime": "c", "files": files, **more}


def compiled(service, document, key=True):
    """How it was compiled, and what it printed."""
    job = service.job(document, key=key, wait="60s")
    assert job["state"] == "succeeded", (job, output(service, job, "stderr", key=key))
    return details(job)["compile"], output(service, job, key=key), [step["id"] for step in details(job)["steps"]]


def test_the_second_time_only_the_program_runs(service):
    assert compiled(service, c("twice", args=["a"])) == ("fresh", "twice a\n", ["build", "run"])
    # Other arguments and input are another run of the same program.
    assert compiled(service, c("twice", args=["b"], stdin={"text": "x"})) == ("cached", "twice b\n", ["run"])
    assert "compile" not in details(service.job({"runtime": "bash", "files": [{"path": "a.sh", "text": ":"}]}))


def test_whatever_decides_what_is_made_makes_another(service):
    assert compiled(service, c("decides"))[0] == "fresh"
    assert compiled(service, c("decides other"))[0] == "fresh"                              # a header
    assert compiled(service, c("decides", {"path": "more.h", "text": ""}))[0] == "fresh"    # a file it might have read
    assert compiled(service, c("decides", env={"CPATH": "/tmp"}))[0] == "fresh"             # what the compiler reads
    blob = service.call("POST", "/v1/blobs", HELLO.encode(), headers={"Content-Type": "application/octet-stream"}).json["blob"]
    same = {"runtime": "c", "files": [{"path": "main.c", "blob": blob}, {"path": "say.h", "text": '#define SAY "decides"\n'}]}
    assert compiled(service, same)[0] == "cached"                                           # the same bytes, from elsewhere
    for boundary in ("gvisor",):
        rows = {row["boundary"]: row for one in service.call("GET", "/v1/runtimes").json["runtimes"] if one["name"] == "c"
                for row in one["boundaries"]}
        if rows[boundary]["available"]:
            assert compiled(service, c("decides", boundary=boundary))[0] == "fresh"


def test_another_tenants_same_source_is_compiled_anew(service, other):
    assert compiled(service, c("whose"))[0] == "fresh"
    assert compiled(service, c("whose"), key=other) == ("fresh", "whose -\n", ["build", "run"])
    assert compiled(service, c("whose"), key=other)[0] == "cached"


def test_what_a_program_does_to_its_file_is_not_kept(service):
    """The product is taken before the program runs."""
    source = '#include <stdio.h>\nint main(void) { puts("mine"); rename("a.out", "b"); FILE *f = fopen("a.out", "w"); fputs("#!", f); }\n'
    assert compiled(service, c("renames", source=source))[:2] == ("fresh", "mine\n")
    assert compiled(service, c("renames", source=source))[:2] == ("cached", "mine\n")


def test_a_compile_step_that_does_something_else_is_not_believed(service):
    """A file whose name is an option of the compiler, one in the product's place, a product that is a link, and one that
    is too large: each is made anew each time."""
    option = {"path": "-DSAY=1", "text": ""}
    assert [compiled(service, c("option", option))[0] for _ in range(2)] == ["fresh", "fresh"]
    under = {"path": "a.out.d/x", "text": ""}
    assert [compiled(service, c("beside", under))[0] for _ in range(2)] == ["fresh", "cached"]
    large = "#include <stdio.h>\nchar large[6 << 20] = { 1 };\nint main(void) { puts(\"large\"); return large[0] - 1; }\n"
    assert [compiled(service, c("large", source=large))[0] for _ in range(2)] == ["fresh", "fresh"]
    broken = c("broken", source="int main(void) { return\n")
    for _ in range(2):
        job = service.job(broken, wait="60s")
        assert (job["state"], details(job)["reason"], details(job)["compile"]) == ("failed", "compile", "fresh"), job


def test_concurrent_compiles_keep_one(service):
    before = set(kept(service))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for made in pool.map(lambda _: compiled(service, c("at once")), range(4)):
            assert made[1] == "at once -\n"
    assert compiled(service, c("at once"))[0] == "cached"
    eventually(lambda: len(set(kept(service)) - before) == 1)


def kept(service):
    return glob.glob(os.path.join(service.state, "cache", "*", "*"))


def test_a_product_that_changed_on_the_disk_is_made_anew(service):
    before = set(kept(service))
    assert compiled(service, c("changed"))[0] == "fresh"
    path = eventually(lambda: set(kept(service)) - before).pop()
    with open(path, "r+b") as file:
        file.seek(100)
        file.write(b"another")
    assert compiled(service, c("changed"))[:2] == ("fresh", "changed -\n")
    assert not os.path.exists(path)
    assert compiled(service, c("changed"))[:2] == ("cached", "changed -\n")


def test_a_full_cache_lets_the_oldest_of_the_same_tenant_go(home, ward_path, tmp_path):
    config = tmp_path / "serve.yml"
    config.write_text("version: 1\ncache: {each: 40K, most: 64K}\n")
    with served(home, ward_path, f"--config={config}", alone=False) as small:
        for mark in ("one", "two", "three"):
            assert compiled(small, c(mark))[0] == "fresh"
        assert compiled(small, c("three"))[0] == "cached"
        assert compiled(small, c("one"))[0] == "fresh"
        assert sum(os.path.getsize(path) for path in kept(small)) <= 40 << 10


def test_no_cache_keeps_nothing(home, ward_path, tmp_path):
    config = tmp_path / "serve.yml"
    config.write_text("version: 1\ncache: {most: 0}\n")
    with served(home, ward_path, f"--config={config}", alone=False) as none:
        assert [compiled(none, c("none"))[0] for _ in range(2)] == ["fresh", "fresh"]
        assert not kept(none)
