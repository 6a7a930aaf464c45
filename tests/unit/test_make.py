"""`make` builds on the Pythons that the course was tried on, or says which."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKE = shutil.which("make")

pytestmark = pytest.mark.skipif(MAKE is None, reason="There is no make.")

# Says its version, and makes an environment that says how it came about.
FAKE = """#!/bin/sh
case "$1" in
  -c) echo {version};;
  -m) mkdir -p "$3/bin" && echo {version} > "$3/bin/python";;
esac
"""


@pytest.fixture
def make(tmp_path):
    """Return a function that makes the environment where PATH has fake Pythons only."""
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "mkdir"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    shutil.copyfile(ROOT / "Makefile", tmp_path / "Makefile")

    def make(*arguments, **versions):
        for name, version in versions.items():
            python = tmp_path / "bin" / name
            python.write_text(FAKE.format(version=version))
            python.chmod(0o755)
        done = subprocess.run(
            [MAKE, ".venv/bin/python", *arguments],
            cwd=tmp_path,
            env={"PATH": str(tmp_path / "bin")},
            capture_output=True,
            text=True,
        )
        environment = tmp_path / ".venv" / "bin" / "python"
        made = environment.read_text().strip() if environment.exists() else None
        return made, done.returncode, done.stderr

    return make


@pytest.mark.parametrize("version", ["3.10", "3.14"])
def test_another_python_is_refused_before_an_environment_is_made(make, version):
    made, status, said = make(python3=version)
    assert made is None and status != 0
    assert f"python3 is {version}" in said
    assert "make PYTHON=/path/to/python3.12" in said


def test_no_python_at_all_is_said(make):
    made, status, said = make()
    assert made is None and status != 0
    assert "no python at all" in said and "make PYTHON=" in said


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_pythons_that_were_tried_are_taken(make, version):
    assert make(python3=version) == (version, 0, "")


def test_package_and_make_name_the_same():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]
    of_python = "Programming Language :: Python :: "
    named = [
        line.removeprefix(of_python)
        for line in project["classifiers"]
        if line.startswith(of_python + "3.")
    ]
    assert project["requires-python"] == f">={named[0]},<3.{int(named[-1][2:]) + 1}"
    assert f"{'|'.join(named)})" in (ROOT / "Makefile").read_text("utf8")


def test_the_first_that_fits_is_taken(make):
    made, *_ = make(**{"python3": "3.14", "python3.13": "3.13"})
    assert made == "3.13"


def test_the_one_that_is_named_is_taken_or_refused(make):
    named = make("PYTHON=python9", python9="3.14", python3="3.11")
    assert named[0] is None and "python9 is 3.14" in named[2]
    assert make("PYTHON=python9", python9="3.12")[0] == "3.12"
