"""The programs that commands live in, as one command line."""
import os
import re
import shutil
import subprocess

import pytest


def commands(ward):
    text = ward.call("--help").out.decode()
    return re.findall(r"^  ([a-z]+) ", text[text.index("Commands:"):text.index("Other:")], re.M)


def test_every_command_answers_wherever_it_lives(ward):
    names = commands(ward)
    assert names[0] == "run" and "lint" in names and names[-1] == "help"
    for name in names:
        asked = ward.call(name, "--help")
        assert asked.code == 0, (name, asked)
        assert asked.out.startswith(f"usage: ward {name} ".encode())
        if name != "help":
            assert ward.call("help", name).out == asked.out


def test_an_error_comes_once_and_with_the_commands_own_code(ward):
    asked = ward.call("lint", "--no-such-option")
    assert asked.code == 2
    assert re.fullmatch(rb"ward: lint: [^\n]*--no-such-option[^\n]*\n", asked.err)


@pytest.fixture
def alone(ward):
    """A copy of ward without the programs beside it."""
    place = os.path.join(ward.place, "alone")
    os.mkdir(place)
    return shutil.copy(ward.program, place)


def test_without_its_sibling_ward_says_what_is_missing(alone):
    asked = subprocess.run([alone, "lint", "default"], capture_output=True)
    assert asked.returncode == 125 and asked.stdout == b""
    assert asked.stderr.startswith(b"ward: lint: ward-analyst is neither next to ward nor in ")
    assert asked.stderr.endswith(b"; install it\n")
    assert subprocess.run([alone, "version"], capture_output=True).returncode == 0


def test_a_sibling_hands_nothing_back(ward):
    path = os.path.join(os.path.dirname(ward.program), "ward-analyst")
    asked = subprocess.run([path, "run", "true"], capture_output=True)
    assert asked.returncode == 125
    assert asked.stderr == b"ward: ward-analyst has no command 'run'; write `ward run`\n"
