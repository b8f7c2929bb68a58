"""The benchmark of promises is itself held to the rules: rights, ledgers, no peeking, no luck."""

import json
import os
import subprocess
import sys
from itertools import product
from math import isnan, sqrt
from random import Random

import pytest

from sync.domain.escrow import Share
from tests.benchmarks.promise.cells import Cells
from tests.benchmarks.promise.figures import Row, lead, matched, row
from tests.benchmarks.promise.outages import LENGTHS_S, schedule
from tests.benchmarks.promise.play import Count, Play
from tests.benchmarks.promise.policies import DEFAULT, POLICIES, Kind, Policy, ratio
from tests.benchmarks.promise.rights import Escrow, granted
from tests.benchmarks.promise.trace import DAY_S, Ask, Shape, Trace, levels
from tests.replay.data import ROOT, VARIABLE, data_folder

needs_data = pytest.mark.skipif(data_folder() is None, reason=f"{VARIABLE} names no real data")
SMALL = Shape(stores=3, skus=5, weeks=3, warm_up_weeks=1)


def _trace(seed: int = 1, shape: Shape = SMALL) -> Trace:
    random = Random(seed)
    asks = []
    for _ in range(shape.cells * shape.days):
        at_s, sku = random.randrange(shape.days * DAY_S), random.randrange(shape.skus)
        store = random.randrange(shape.stores)
        second = (store + 1) % shape.stores if random.random() < 0.4 else -1
        asks.append(Ask(at_s, sku, store, second))
    ordered = tuple(sorted(asks))
    return Trace(shape, ordered, levels(ordered, shape))


@pytest.mark.parametrize("policy", POLICIES, ids=[policy.name for policy in POLICIES])
@pytest.mark.parametrize("length", ["10 min", "8 h", "72 h"])
def test_rights_stand_on_units_at_every_step_and_ledgers_add_up(policy, length):
    """F + O + R = B + over, no promise beyond a right, every unit and promise accounted for."""
    trace = _trace()
    play = Play(trace, schedule(SMALL, LENGTHS_S[length], 1), policy, is_checked=True)
    count = play.run()
    assert play.problems() == []
    assert count.sold > 0
    assert count.floor_sold + count.floor_empty + count.floor_refused == count.floor_asked
    assert count.sold + count.broken + count.refused == count.asked
    assert policy.is_strict or count.floor_refused == 0


def test_a_check_notices_rights_without_units():
    """A right too many is found: the check of every step is not empty."""
    cells = Cells([3])
    cells.online[0] = 2
    assert "F + O + R = 5" in (cells.broken_rule(0) or "")
    cells.floor[0] = -1
    assert "negative" in (cells.broken_rule(0) or "")


def test_the_same_seed_gives_the_same_figures():
    """Nothing is drawn while a trace is played."""
    outages = schedule(SMALL, LENGTHS_S["1 h"], 7)
    assert outages == schedule(SMALL, LENGTHS_S["1 h"], 7)
    assert Play(_trace(), outages, DEFAULT).run() == Play(_trace(), outages, DEFAULT).run()


def test_what_is_yet_to_come_changes_nothing_before_it():
    """No peeking: a different third week leaves the second week's decisions as they were."""
    outages = schedule(SMALL, LENGTHS_S["8 h"], 3)
    whole, cut_s = _trace(), 14 * DAY_S
    known = tuple(ask for ask in whole.asks if ask.at_s < cut_s)
    future = tuple(ask._replace(sku=0) for ask in whole.asks if ask.at_s >= cut_s)
    seen = []
    for asks in (whole.asks, known + future):
        play = Play(Trace(SMALL, asks, whole.level), outages, DEFAULT)
        play._schedule()
        for ask in asks:
            if ask.at_s >= cut_s:
                break
            play._until(ask.at_s)
            play._floor_sale(ask) if ask.second < 0 else play._order(ask)
        seen.append((list(play.cells.online), list(play.cells.promised), play.count))
    assert seen[0] == seen[1]


def test_central_stops_promising_when_the_lease_ends():
    """A store that is away shows nothing after L; what was promised meanwhile is moved."""
    trace = _trace()
    day = schedule(SMALL, LENGTHS_S["72 h"], 1)
    store = next(number for number, one in enumerate(day) if one.starts)
    start = day[store].starts[0]
    cells = Cells([9] * SMALL.cells)
    escrow = Escrow(SMALL, Policy("share", Kind.SHARE, 20, 7200), cells, day, None)
    cell = trace.cell(store, 0)
    assert escrow.available(cell, start) == 7
    assert escrow.available(cell, start + 7000) == 7
    assert escrow.available(cell, start + 7200) == 0
    escrow.sell(cell, start + 10_000)
    assert cells.online[cell] == 0
    assert cells.floor[cell] == 8


def test_grants_are_those_of_the_product():
    """The benchmark's shortcut gives what the store's own division of stock gives."""
    for free, online, target in product(range(-2, 8), range(8), range(6)):
        share = Share("", free, 0, online, target)
        assert granted(free, online, target) == share.surplus - share.shortage


def test_a_unit_that_sells_elsewhere_costs_little_to_keep():
    """The fewer customers are lost for good, the nearer to 1 the critical ratio."""
    assert ratio(10, 0.1) > ratio(10, 0.5) > ratio(10, 1.0) == pytest.approx(10 / 11)
    assert ratio(10, 0.0) < 1


def _row(*seeds: tuple[int, int]) -> Row:
    """Return the measures of a policy that sold and broke so much under each seed."""
    return row([Count(sold=sold, broken=broken, shown=sold, samples=1) for sold, broken in seeds])


def test_a_curve_is_compared_where_it_breaks_as_many_promises():
    """Between points it is straight, beyond the last that one stands, before the first nothing."""
    table = {"few": _row((100, 10)), "many": _row((200, 20)), "other": _row((120, 15))}
    points = ("many", "few")
    assert (matched(table, 15.0, points) or {})["sold"] == pytest.approx(150)
    assert (matched(table, 30.0, points) or {})["sold"] == pytest.approx(200)
    assert matched(table, 9.0, points) is None
    assert (lead(table, "other", points) or {})["sold"].mean == pytest.approx(0.25)


def test_the_spread_of_a_lead_is_its_standard_error_over_the_seeds():
    """Where only sales differ that is the textbook's; none where one seed alone decides."""
    table = {"ours": _row((100, 5), (110, 5), (120, 5)), "other": _row(*[(100, 5)] * 3)}
    found = lead(table, "other", ("ours",))
    assert found is not None
    assert found["sold"].spread == pytest.approx(0.10 / sqrt(3))
    table["other"] = _row((100, 1), (100, 5), (100, 9))
    found = lead(table, "other", ("ours",))
    assert found is not None
    assert isnan(found["sold"].spread)


@needs_data
@pytest.mark.slow
@pytest.mark.process
def test_the_quick_benchmark_on_real_demand_breaks_no_rule(tmp_path):
    """Real sales and orders, every policy: ledgers add up, escrow breaks fewer promises."""
    done = _run(tmp_path, "--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))["figures"]
    for table in figures.values():
        assert table[DEFAULT.name]["broken"]["mean"] < table["safety stock 0"]["broken"]["mean"]
    assert (tmp_path / "p.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.process
@pytest.mark.slow
def test_without_the_real_data_the_benchmark_says_so_and_succeeds(tmp_path):
    """A clone that has no data folder beside it is no failure."""
    done = _run(tmp_path, "--quick", env={**os.environ, VARIABLE: str(tmp_path)})
    assert done.returncode == 0
    assert VARIABLE in done.stdout


def _run(folder, *arguments, env=None):
    return subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.promise", *arguments,
         "--json", folder / "p.json", "--plot", folder / "p.svg"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
