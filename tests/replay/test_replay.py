"""The quick replay as a test: real data, a real central, real stores, no difference."""

import json
import os
import subprocess
import sys

import pytest

from tests.replay.data import ROOT, VARIABLE, data_folder
from tests.replay.figures import Table, percentile

needs_data = pytest.mark.skipif(data_folder() is None, reason=f"{VARIABLE} names no real data")


@needs_data
@pytest.mark.slow
@pytest.mark.process
@pytest.mark.timeout(300)
def test_fifty_real_stores_work_off_real_orders_and_agree_with_central(tmp_path):
    """Every view, stock position, operation and order quantity is the same on both sides."""
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.replay", "--quick", "--work", tmp_path, "--json", figures],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(figures.read_text(encoding="utf-8"))
    values = {figure["name"]: figure["value"] for figure in document["figures"]}
    assert document["agree"]
    assert values["stores_reconciled"] == 50
    assert values["orders_placed"] >= 280
    assert values["handed_over_with_the_network_cut"] > 0
    assert values["snapshots_installed"] > 0


@pytest.mark.slow
@pytest.mark.process
def test_without_the_real_data_the_replay_says_so_and_succeeds(tmp_path):
    """A clone that has no data folder beside it is no failure."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.replay"],
        cwd=ROOT, env={**os.environ, VARIABLE: str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert VARIABLE in done.stdout


def test_a_percentile_is_a_value_that_occurred():
    """No interpolation: p99 is a latency that some request really had."""
    values = [float(number) for number in range(1, 101)]
    assert percentile(values, 0.5) == 51
    assert percentile(values, 0.99) == 99
    assert percentile([], 0.99) == 0


def test_figures_are_read_by_people_and_programs():
    """Each figure has a name, a value and a unit, in both forms."""
    table = Table()
    table.add("post_p99", 12.5, "ms")
    assert table.document() == [{"name": "post_p99", "value": 12.5, "unit": "ms"}]
    assert table.lines() == ["  post p99         12.50 ms"]
