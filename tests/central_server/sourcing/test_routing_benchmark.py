"""The benchmark of routing: its figures have bars, and no benchmark erases another's."""

import json
from dataclasses import replace

import pytest

from tests.benchmarks.__main__ import run
from tests.benchmarks.catalog import BENCHMARKS
from tests.benchmarks.figures import line, merge
from tests.benchmarks.measure import Figure
from tests.benchmarks.routing.__main__ import main
from tests.benchmarks.routing.world import FAST
from tests.replay.data import VARIABLE, data_folder

GAP = "gap_closed_dc_fast_percent"


def test_figures_of_several_runs_are_kept_in_one_file(tmp_path):
    """A run replaces what it measured itself and leaves the rest."""
    path = tmp_path / "build" / "bench.json"
    merge(path, [Figure(GAP, 48.0, "%", "bar", 30.0), Figure("a", 1.0, "ms", "none", 0.0)])
    merge(path, [Figure("a", 2.0, "ms", "none", 0.0), Figure("b", 3.0, "ms", "none", 0.0)])
    kept = {one["name"]: one["value"] for one in json.loads(path.read_text("utf-8"))}
    assert kept == {GAP: 48.0, "a": 2.0, "b": 3.0}


def test_a_figure_says_whether_it_meets_its_bar():
    """`ok`, `MISS`, or nothing where there is no bar."""
    assert "ok" in line(Figure(GAP, 48.0, "%", "bar", 30.0))
    assert "MISS" in line(Figure(GAP, 28.0, "%", "bar", 30.0))
    assert not {"ok", "MISS"} & set(line(Figure("route_of_mine", 1.0, "ms", "x", 1.0)).split())


def test_all_benchmarks_together_measure_the_gaps(monkeypatch):
    """`make bench` yields what `make bench-routing` prints, of one window."""
    shares = [Figure(GAP, 48.0, "%", "bar", 30.0)]
    assert BENCHMARKS["routing_gaps"].__module__ == "tests.benchmarks.routing.gaps"
    monkeypatch.setitem(BENCHMARKS, "routing_gaps", lambda: iter(shares))
    assert run(["routing_gaps"]) == (shares, [])


@pytest.mark.slow
@pytest.mark.skipif(data_folder() is None, reason=f"{VARIABLE} names no real data")
def test_a_quick_run_prints_its_bars_and_writes_where_it_is_told(tmp_path, monkeypatch, capsys):
    """Small windows of real data: every accepted unit ships, and the table says what is met."""
    path = tmp_path / "bench.json"
    tiny = replace(FAST, goods=4, days=28, orders=200)
    monkeypatch.setattr("tests.benchmarks.routing.__main__.QUICK", (tiny,))
    assert main(["--quick", "--only", "centers", "--json", str(path)]) == 0
    (told,) = [row for row in capsys.readouterr().out.splitlines() if row.startswith(GAP)]
    assert {"ok", "MISS"} & set(told.split())
    written = {one["name"] for one in json.loads(path.read_text("utf-8"))}
    assert written == {GAP, "gap_closed_of_perfect_percent"}
