"""T1: what comes of a story is the same whatever the stores' wall clocks say, a day off or two.

Each story is told twice. In one the clocks of stores are slow, in the other fast, by hours
that change every few events; central's books must be the same to the last entry.
"""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from tests.simulation import events, mutants, oracles
from tests.simulation.clocks import DAY_MS, HOUR_MS
from tests.simulation.events import reservations, times
from tests.simulation.model import read_books
from tests.simulation.plan import Plan, plan_of
from tests.simulation.registry import Event, EventKind, Oracle, When
from tests.simulation.rules import MUTANTS
from tests.simulation.run import Run
from tests.simulation.world import World

SEEDS = range(900, 912)
SKEWED = "clocks_are_wrong"
EVERY = 6
"""Events between two times that somebody sets the clocks."""
LEFT_OUT = {one.name for one in (*reservations.KINDS, *times.KINDS) if one.name != "time_passes"}
"""What a store begins has its time in its name, and people choose by name; clocks are set here."""
KINDS = tuple(one for one in events.ALL if one.name not in LEFT_OUT)


def skew(side: int) -> EventKind:
    """Return the event that puts all stores' clocks hours or a day to one side of central's."""

    def act(world: World, index: int, dice: Random) -> str:
        for store in world.machines():
            off = dice.randint(HOUR_MS, DAY_MS)
            store.clock.set_to(world.central.clock.now_ms() + side * off)
        return "set"

    return EventKind(SKEWED, act, 0)


def story(seed: int) -> Plan:
    """Return a plan in which the clocks are set again and again."""
    plan = plan_of(seed, KINDS)
    told: list[Event] = []
    for number, event in enumerate(plan.events):
        if number % EVERY == 0:
            told.append(Event(SKEWED, 0, event.dice, 1))
        told.append(event)
    return replace(plan, events=tuple(told))


def books_after(seed: int, side: int) -> tuple[Any, ...]:
    """Return central's ledger, orders and operations after quiet, without the times in them."""
    found: list[tuple[Any, ...]] = []

    def read(world: World) -> Iterator[str]:
        books = read_books(world)
        orders = {key: one.row.order for key, one in books.orders.items()}
        found[:] = [(
            sorted(books.ledger, key=str),
            {key: (one.location_id, one.flow, one.lines) for key, one in orders.items()},
            [(one.replica_id, one.epoch, one.seq, one.kind, one.status)
             for one in books.operations],
        )]  # fmt: skip
        yield from ()

    checks = (*oracles.ALL, Oracle("T1 books", When.QUIET, read))
    result = Run(story(seed), kinds=(*events.ALL, skew(side)), checks=checks).go()
    assert result.ok, (result.oracle, result.problems)
    return found[0]


def told(slow: tuple[Any, ...], fast: tuple[Any, ...]) -> list[Any]:
    """Return the first entries that differ, of the ledger or else of the rest."""
    pairs = [zip(one, two, strict=False) for one, two in zip(slow, fast, strict=True)]
    return [pair for some in pairs for pair in some if pair[0] != pair[1]][:3]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_stores_wall_clock_decides_nothing():
    """Slow or fast by up to a day, and set anew in between: the same goods went the same ways."""
    entries = 0
    for seed in SEEDS:
        slow, fast = books_after(seed, -1), books_after(seed, 1)
        assert slow == fast, f"seed {seed}: {told(slow, fast)}"
        entries += len(slow[0])
    assert entries > 300


@pytest.mark.slow
def test_a_rule_that_went_by_the_wall_clock_would_be_seen():
    """Where a store counts the time that it was alone by its wall clock, the books differ."""
    (mutant,) = (one for one in MUTANTS if one.name == "taking back goes by the wall clock")
    with mutants.planted(mutant):
        differs = False
        for seed in SEEDS:
            try:
                differs = books_after(seed, -1) != books_after(seed, 1)
            except AssertionError:  # an oracle sees it sooner
                differs = True
            if differs:
                break
    assert differs
