"""How a store shares its stock is data, with a date from which it holds."""

from dataclasses import replace

import pytest

from central_server.records import EVERYWHERE, EscrowRule
from central_server.services.errors import UnknownLocation
from sync.domain.escrow import EscrowPolicy
from tests.support.central_world import World
from tests.support.store_side import POLICY, StoreSide

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


def test_what_holds_is_shown_with_what_will(world: World, store: StoreSide):
    """An operator sees the policy, the lease and every rule to come."""
    world.parts.central.escrow.add(rule(world, STRICT, days=1))
    shown = world.parts.central.escrow.show("S001")
    assert shown["policy"]["strict"] is False  # type: ignore[index]
    assert [one["policy"]["strict"] for one in shown["rules"]] == [True]  # type: ignore[attr-defined]
    assert shown["lease_until"] is not None
    assert store.share().online == 8
