"""A benchmark fails for a broken promise and for a worse size; one that is only slow does not."""

import json
from pathlib import Path
from random import Random

import pytest

from central_server.api.order_bodies import OrderBody
from tests.benchmarks.figures import BARS, WINDOWS, Kind, failing, is_met, line, merge
from tests.benchmarks.measure import Figure
from tests.benchmarks.routed import Parcels


def of(kind: Kind) -> list[str]:
    return [name for name, bar in BARS.items() if bar.kind is kind]


def beyond(name: str, samples: int = WINDOWS) -> Figure:
    """Return a figure that misses its bar by a lot."""
    bar = BARS[name]
    value = 0.0 if bar.sign == ">=" else 2 * bar.value + 1
    return Figure(name, value, "", "nothing", 1.0, samples)


def test_promises_have_bars_of_nothing() -> None:
    """None may be lost, none refused, none oversold."""
    assert {(BARS[name].sign, BARS[name].value) for name in of(Kind.PROMISE)} == {("<=", 0)}


@pytest.mark.parametrize("name", [*of(Kind.PROMISE), *of(Kind.SIZE)])
def test_what_no_machine_excuses_fails(name: str) -> None:
    """One is enough, and it is said what is wrong; at its bar or better it breaks nothing."""
    missed = beyond(name)
    assert "MISS" in line(missed)
    (words,) = failing([missed])
    assert words.startswith(f"{name} is ")
    bar = BARS[name]
    good = 1e9 if bar.sign == ">=" else 0.0
    assert failing([Figure(name, good, "", "nothing", 1.0, WINDOWS)]) == []


@pytest.mark.parametrize("name", of(Kind.MACHINE))
def test_slow_is_told_and_fails_nothing(name: str) -> None:
    """A machine that was busy is no broken promise."""
    slow = beyond(name)
    assert not is_met(slow)
    assert "MISS" in line(slow)
    assert failing([slow]) == []


def test_what_is_a_size_is_no_speed() -> None:
    """Bytes, excess over an optimum and shares of a gap are the same on every machine."""
    assert set(of(Kind.SIZE)) >= {
        "bytes_per_op_up", "idle_cycle_bytes", "route_over_milp_percent",
        "gap_closed_realtime_percent", "gap_closed_batch_percent",
    }  # fmt: skip
    speeds = [name for name in of(Kind.SIZE) if name.endswith(("_s", "_ms", "_mb"))]
    assert speeds == []


def test_one_window_is_too_few_to_fail_for() -> None:
    """`make bench` plays one window of each kind, where `make bench-routing` plays three."""
    assert failing([beyond("gap_closed_batch_percent", 1)]) == []
    assert len(failing([beyond("gap_closed_batch_percent", WINDOWS)])) == 1


def test_a_figure_without_a_bar_meets_it() -> None:
    """It is shown, and judged by nobody."""
    other = Figure("of no bar", -1.0, "", "nothing", 1.0)
    assert is_met(other)
    assert failing([other]) == []


def test_a_quick_figure_replaces_none_that_is_better_founded(tmp_path: Path) -> None:
    """One window of a few minutes ago does not outweigh three of yesterday; the next three do."""
    file = tmp_path / "build" / "bench.json"

    def kept(value: float, samples: int) -> list[str]:
        gap = Figure("gap", value, "%", "nothing", 1.0, samples)
        return merge(file, [gap, Figure("speed", value, "s", "nothing", 1.0)])

    def there() -> dict[str, tuple[float, int]]:
        documents = json.loads(file.read_text(encoding="utf-8"))
        return {one["name"]: (one["value"], one["samples"]) for one in documents}

    assert kept(30.0, 3) == []
    assert kept(9.0, 1) == ["gap"]
    assert there() == {"gap": (30.0, 3), "speed": (9.0, 1)}
    assert kept(31.0, 3) == []
    assert there() == {"gap": (31.0, 3), "speed": (31.0, 1)}


def test_parcels_that_are_measured_are_routed() -> None:
    """Three lines, an address among the stores, and no store that was chosen."""
    parcels = Parcels(stores=50, skus=500)
    order = OrderBody.model_validate(parcels.order(Random(1))).value()
    assert (len(order.lines), order.location_id) == (3, "")
    assert order.ship_to is not None
    assert (order.ship_to.latitude or 0) > 0
