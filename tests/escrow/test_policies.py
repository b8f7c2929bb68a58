"""How a store shares its stock is data, with a date from which it holds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from central_server.importing.checker import CheckedRow
from central_server.importing.records import LocationRecord
from central_server.importing.sinks import Policy as ImportPolicy
from central_server.importing.sinks import taker_of
from central_server.records import EVERYWHERE, EscrowRule
from central_server.services.errors import NotAStore, UnknownLocation
from sync.domain.escrow import EscrowPolicy
from sync.domain.inventory import available_to_promise
from tests.support.central_world import World
from tests.support.store_side import POLICY, StoreSide, in_step

DAY_MS = 86_400_000
STRICT = replace(POLICY, strict=True)


def rule(world: World, policy: EscrowPolicy, *, at: str = "S001", days: int = 0) -> EscrowRule:
    return EscrowRule(at, world.clock.now_ms() + days * DAY_MS, policy)


def test_a_rule_reaches_the_store_when_its_time_has_come(world: World, store: StoreSide):
    """A rule for tomorrow changes nothing today."""
    world.parts.central.escrow.add(rule(world, STRICT, days=1))
    store.settle()
    assert not store.store.shares.policy().strict
    world.clock.advance(DAY_MS)
    assert world.parts.central.escrow.apply() == 1
    store.settle()
    assert store.store.shares.policy().strict
    assert world.parts.central.escrow.apply() == 0


def test_a_store_s_own_rule_stands_above_the_general_one(world: World):
    """Wherever nothing is said of a store, what is said of all holds."""
    world.parts.central.escrow.add(rule(world, STRICT, at=EVERYWHERE))
    world.parts.central.escrow.add(rule(world, POLICY, at="S002"))
    with world.database.read() as view:
        strict = {one.id: one.escrow.strict for one in view.locations.all()}
    assert strict == {"S001": True, "S002": False, "S003": True}


def test_no_rule_for_a_place_that_does_not_exist(world: World):
    """A typo is an error, not a policy that nobody follows."""
    with pytest.raises(UnknownLocation):
        world.parts.central.escrow.add(rule(world, STRICT, at="S999"))


def test_a_store_that_no_longer_shares_has_a_fixed_floor_again(world: World, store: StoreSide):
    """Switched off, central promises from its own record less the floor, and says so."""
    world.parts.central.escrow.add(rule(world, EscrowPolicy()))
    store.settle()
    store.settle()
    shown = world.parts.central.escrow.show("S001")
    assert (shown["generation"], shown["may_promise"]) == (0, True)
    before = store.store.journal.head().seq
    store.sell(3)
    store.settle()
    assert store.store.journal.head().seq == before + 1
    assert store.differences() == []


def revoke(world: World, store: StoreSide) -> None:
    world.parts.devices.revoke(store.store.replica_id)


def switch_off(world: World, store: StoreSide) -> None:
    del store
    world.parts.central.escrow.add(rule(world, EscrowPolicy()))


def offered(world: World) -> int:
    """Return how much of SKU-1 central would promise at S001."""
    with world.database.read() as view:
        (position,) = view.stock.positions(["SKU-1"], world.clock.now_ms(), ["S001"])
    return available_to_promise(position).quantity


@pytest.mark.parametrize(
    "steps", [(revoke, switch_off), (switch_off, revoke)], ids=["revoked first", "off first"]
)
def test_a_store_without_a_machine_that_no_longer_shares_has_a_fixed_floor(
    world: World, store: StoreSide, steps: tuple[Callable[[World, StoreSide], None], ...]
):
    """No machine will ever say that it has heard of it: its books and its floor say what is left.

    Two of ten are kept, as at a store that never shared.
    """
    for step in steps:
        step(world, store)
    world.parts.central.escrow.apply()
    assert offered(world) == 8
    (work,) = world.fulfillments(world.place(("SKU-1", 1)).order_id)
    assert work.location_id == "S001"


def told_warehouse(world: World) -> None:
    """Take a file of locations in which S001 is a warehouse."""
    said = {"location_id": "S001", "name": "S001", "kind": "dc", "latitude": 39.9,
            "longitude": -83.0, "timezone": "America/New_York"}  # fmt: skip
    row = CheckedRow(1, LocationRecord.model_validate(said))
    taker = taker_of("locations", world.parts.intake, ImportPolicy(20, 0, 7, POLICY))
    world.database.write(lambda unit: taker(unit, [row], "places.csv"))


def test_a_warehouse_is_not_let_share(world: World):
    """It would have no effect: said at once, and nothing is kept. That it does not is no news."""
    told_warehouse(world)
    with pytest.raises(NotAStore, match="S001 is a dc: stores alone share"):
        world.parts.central.escrow.add(rule(world, POLICY))
    world.parts.central.escrow.add(rule(world, EscrowPolicy()))
    shown = world.parts.central.escrow.show("S001")
    assert [one["policy"]["enabled"] for one in shown["rules"]] == [False]  # type: ignore[attr-defined]


def test_a_store_that_becomes_a_warehouse_shares_no_more_by_a_rule_of_its_own(
    world: World, store: StoreSide
):
    """What was said of it as a store counts again when it is one: until then its books count."""
    world.parts.central.escrow.add(rule(world, POLICY))
    revoke(world, store)
    told_warehouse(world)
    for _ in range(2):
        world.parts.central.escrow.apply()
        world.clock.advance(DAY_MS)
    shown = world.parts.central.escrow.show("S001")
    assert (shown["policy"]["enabled"], shown["may_promise"]) == (False, True)  # type: ignore[index]
    assert [one["state"] for one in shown["rules"]] == ["overruled"]  # type: ignore[attr-defined]
    assert offered(world) == 8


def test_a_warehouse_that_was_let_share_is_brought_back(world: World):
    """By a rule of its own it shared again within a minute, and nothing was promised of it."""
    with world.database.read() as view:
        place = view.locations.get("S001")
    assert place is not None
    world.parts.central.escrow.add(rule(world, POLICY))
    world.parts.intake.locations([replace(place, kind="dc", escrow=POLICY)])
    assert world.parts.central.escrow.apply() == 1
    assert offered(world) == 8


def test_a_machine_that_is_only_silent_is_waited_for(world: World, store: StoreSide):
    """It has rights until it hears that nothing is shared any more, and sells by them."""
    store.cut()
    switch_off(world, store)
    world.clock.advance(DAY_MS)
    world.parts.central.escrow.apply()
    assert offered(world) == 0
    store.clock.advance(DAY_MS)
    store.settle()
    store.settle()
    assert offered(world) == 8


def test_a_new_machine_begins_behind_what_was_granted_before_sharing_ended(
    world: World, store: StoreSide, tmp_path: Path
):
    """Sharing again after a time without a machine, nobody spends a right of the former one."""
    store.sell(1)
    revoke(world, store)
    switch_off(world, store)
    world.place(("SKU-1", 3))
    world.parts.central.escrow.add(rule(world, POLICY, days=0))
    with in_step(world, tmp_path / "other") as other:
        assert world.parts.central.escrow.show("S001")["generation"] == 2
        share = other.share()
        assert (share.floor, share.online, share.allocated) == (2, 5, 3)
        assert other.differences() == []


def test_what_holds_is_shown_with_what_will(world: World, store: StoreSide):
    """An operator sees the policy, the lease and every rule to come."""
    world.parts.central.escrow.add(rule(world, STRICT, days=1))
    shown = world.parts.central.escrow.show("S001")
    assert shown["policy"]["strict"] is False  # type: ignore[index]
    assert [one["policy"]["strict"] for one in shown["rules"]] == [True]  # type: ignore[attr-defined]
    assert shown["lease_until"] is not None
    assert store.share().online == 8
