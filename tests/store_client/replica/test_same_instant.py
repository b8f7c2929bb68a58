"""Two terminals that decide upon the same look at the store: the second is told, not obeyed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from store_client.replica.store import Store
from store_client.services import shelf, waves
from store_client.services.desk import Actor, Desk, Refusal
from store_client.services.spots import spots_of
from sync.domain.flows.pickup import NAME
from sync.domain.people import Role
from sync.domain.pickups import PickupPolicy, SpotCapacity
from sync.protocol.rows import Entity, StoreRow
from tests.support.builders import an_order
from tests.sync.edge.worlds import SCOPE, World


class Overtaken:
    """A terminal's store in which somebody else acts between its look and its word."""

    def __init__(self, store: Store, meanwhile: Callable[[], Any]) -> None:
        self._store = store
        self._meanwhile: Callable[[], Any] | None = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def perform(self, operation: Any, **told: Any) -> Any:
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return self._store.perform(operation, **told)


def a_desk(store: Any, who: str) -> Desk:
    return Desk(store, store.clock, Actor(who, who, Role.ASSOCIATE), "till-1")


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[tuple[World, World]]:
    """Two terminals of one name on the same files, with a spot that holds one order."""
    first = World(tmp_path)
    row = StoreRow("S001", "Main Street", "America/New_York", "US", spots=("A1",))
    policy = PickupPolicy(capacities=(SpotCapacity("A1", 1),))
    first.central.put(SCOPE, Entity.STORE, "S001", replace(row, pickup=policy))
    for number in (1, 2, 3):
        first.central.place(an_order(number, 1))
    first.quiet()
    second = World(tmp_path, central=first.central)
    yield first, second
    for world in (first, second):
        world.store.close()


def test_an_order_is_in_one_wave_though_two_are_started_at_the_same_instant(terminals):
    """The second wave holds what the first left, under a name of its own, and says what it is."""
    one, other = terminals
    kim = a_desk(one.store, "A1")
    taken: list[waves.Wave] = []
    lee = a_desk(Overtaken(other.store, lambda: taken.append(waves.start(kim, NAME, size=2))), "A2")
    late = waves.start(lee, NAME)
    first = waves.find(kim, taken[0].key)
    assert late.name != first.name
    assert [tote.order.id for tote in first.totes] == ["F00001", "F00002"]
    assert [(tote.number, tote.order.id) for tote in late.totes] == [(1, "F00003")]
    assert (first.picker, late.picker) == ("A1", "A2")


def test_a_wave_of_which_everything_was_taken_at_the_same_instant_is_refused(terminals):
    """In the words that are used where nothing waits; nothing is recorded."""
    one, other = terminals
    kim = a_desk(one.store, "A1")
    lee = a_desk(Overtaken(other.store, lambda: waves.start(kim, NAME)), "A2")
    with pytest.raises(Refusal, match="No order waits to be picked"):
        waves.start(lee, NAME)
    assert {order.by for order in other.store.operations()} == {"A1"}


def test_the_last_place_of_a_spot_is_given_once(terminals):
    """Two bags for the one free place within the same instant: the second is refused."""
    one, other = terminals
    for world, key in ((one, "F00001"), (other, "F00002")):
        shelf.pick_by_hand(a_desk(world.store, "A1"), key, 1)
    kim = a_desk(one.store, "A1")
    lee = a_desk(Overtaken(other.store, lambda: shelf.stage(kim, "F00001", "A1")), "A2")
    with pytest.raises(Refusal, match="A1 is full: 1 of 1"):
        shelf.stage(lee, "F00002", "A1")
    assert [spot.orders for spot in spots_of(lee)] == [1]
