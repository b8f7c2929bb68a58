"""Figures that tests tell stand at the end of the run, whichever process ran them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

TESTS = """
import pytest

def test_one(tell):
    tell("3 kills, 0 lost")

def test_two(tell):
    tell("told although it fails")
    assert not "so"

@pytest.mark.parametrize("part", [1, 2])
def test_sum(add_up, part):
    add_up("simulation", {"seeds": 10, "store-days": 100.5, "operations": 1000 * part,
                          "seconds": 4.0, "processor": 3.0, "longest": 4.0 * part})
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")], ids=["one process", "xdist"])
def test_figures_are_told_at_the_end(tmp_path: Path, workers: tuple[str, ...]) -> None:
    """Lines by test, failed ones too, then what is added up, with and without workers."""
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.told_figures", *workers]
    done = subprocess.run(
        [*command, "test_it.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    told = done.stdout.partition(" figures ")[2].splitlines()[1:4]
    summed = (
        "simulation, the fixed seeds: 20 seeds, 201 store-days, 3,000 operations in 8 s,"
        " added up over the parts (4 s with two workers), the longest 8 s; 6 s of a processor"
    )
    assert told == [
        "test_it.py::test_one: 3 kills, 0 lost",
        "test_it.py::test_two: told although it fails",
        summed,
    ], done.stdout + done.stderr
