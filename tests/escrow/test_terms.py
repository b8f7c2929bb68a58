"""By which lease central goes and a store takes back, where one has not heard of a new policy."""

from dataclasses import replace

import pytest

from central_server.records import EscrowRule
from central_server.services.catalogue_intake import StockItem
from sync.domain.escrow import NO_TERMS, EscrowPolicy, LeaseTerms
from sync.domain.inventory import StockReason, available_to_promise
from sync.domain.operations import FulfillmentAccepted
from sync.protocol.lines import OperationRecord
from tests.support.central_world import World
from tests.support.store_side import POLICY, StoreSide

HOUR_MS = 3_600_000
DAY = replace(POLICY, lease_ms=24 * HOUR_MS)
OFF = EscrowPolicy()


def offered(world: World) -> int:
    with world.database.read() as view:
        (position,) = view.stock.positions(["SKU-1"], world.clock.now_ms(), ["S001"])
    return available_to_promise(position).quantity


def later(world: World, store: StoreSide, milliseconds: int) -> None:
    world.clock.advance(milliseconds)
    store.clock.advance(milliseconds)


def rounds(world: World, store: StoreSide, count: int = 1) -> None:
    """Let as many rounds pass as a store does by itself, half a minute each."""
    for _ in range(count):
        later(world, store, 30_000)
        store.round()


def rule(world: World, policy: EscrowPolicy) -> None:
    world.parts.central.escrow.add(EscrowRule("S001", world.clock.now_ms(), policy))


def said(store: StoreSide) -> LeaseTerms:
    return store.store.journal.rights.terms()


def all_taken_back(world: World, store: StoreSide, policy: EscrowPolicy) -> None:
    """Assert that a store that takes back by `policy`, unheard, has units that nobody promises."""
    store.cut()
    later(world, store, policy.reclaim_after_ms)
    store.round()
    assert store.share().online == 0
    assert store.share().floor == 10
    assert offered(world) == 0, "the store sells all of it by right"


@pytest.mark.parametrize("policy", [DAY, OFF])
def test_central_goes_by_what_the_store_has_heard(
    world: World, store: StoreSide, policy: EscrowPolicy
):
    """A push arrives, and the line is cut before the new policy does: a longer lease, or none."""
    rounds(world, store)
    rule(world, policy)
    later(world, store, 30_000)
    store.faulty.cut_before("pull")
    assert not store.round().ok
    assert store.store.shares.policy() == POLICY
    assert offered(world) == 8, "under a lease that the store knows"
    all_taken_back(world, store, POLICY)


def test_a_longer_lease_counts_once_the_store_has_said_it(world: World, store: StoreSide):
    """It is pulled in one round and said in the next: until then central goes by the old one."""
    rule(world, DAY)
    rounds(world, store)
    assert store.store.shares.policy() == DAY
    rounds(world, store)
    assert said(store) == DAY.terms
    later(world, store, 20 * HOUR_MS)
    assert offered(world) == 8
    all_taken_back(world, store, DAY)


def test_a_store_stands_by_a_longer_lease_until_central_goes_by_the_shorter(
    world: World, store: StoreSide
):
    """It held something of the push back, and never says that it goes by what came with that."""
    rule(world, DAY)
    rounds(world, store, 2)
    stranger = OperationRecord(
        "A1", "t", "b", 0, store.clock.now_ms(), FulfillmentAccepted("01NOSUCH")
    )
    with store.store.journal.writing():
        store.store.journal.append(stranger, ())
    rule(world, POLICY)
    later(world, store, 30_000)
    assert store.round().ok
    assert (store.store.shares.policy(), said(store)) == (POLICY, DAY.terms)
    store.cut()
    later(world, store, POLICY.reclaim_after_ms)
    store.round()
    assert (store.share().online, offered(world)) == (8, 0), "each by the more careful one"
    all_taken_back(world, store, DAY)


def test_a_shorter_lease_holds_once_both_go_by_it(world: World, store: StoreSide):
    """A round that says it and pulls all that was promised before: then the store counts by it."""
    rule(world, DAY)
    rounds(world, store, 2)
    rule(world, POLICY)
    rounds(world, store)
    later(world, store, 30_000)
    world.parts.intake.stock([StockItem("S001", "SKU-2", 11)], "news", StockReason.IMPORT)
    store.faulty.cut_before("pull")
    assert not store.round().ok
    assert said(store) == DAY.terms, "what central promised by the longer one is not here yet"
    store.faulty.restore()
    later(world, store, 30_000)
    assert store.round().ok
    assert said(store) == POLICY.terms
    all_taken_back(world, store, POLICY)


def test_a_promise_under_the_longer_lease_is_heard_before_the_shorter_one_counts(
    world: World, store: StoreSide
):
    """It was made while the store did not hear, and confirmed by nobody: it breaks nothing."""
    rule(world, DAY)
    rounds(world, store, 2)
    later(world, store, 30_000)
    world.place(("SKU-1", 3))
    rule(world, POLICY)
    store.faulty.cut_before("pull")
    store.round()
    store.cut()
    later(world, store, POLICY.reclaim_after_ms)
    store.round()
    assert store.share().online == 8, "it stands by a day"
    store.faulty.restore()
    store.settle()
    assert (store.share().allocated, store.share().online) == (3, 5)
    assert store.differences() == []


def test_sharing_that_is_over_gives_the_store_all_its_units(world: World, store: StoreSide):
    """Heard, said, and heard that central goes by it: nothing is kept for central any more."""
    rule(world, OFF)
    rounds(world, store, 3)
    assert (store.share().online, store.share().floor) == (0, 10)
    assert (said(store), offered(world)) == (NO_TERMS, 8), "by its book, less the fixed floor"
    before = store.store.journal.head().seq
    store.settle()
    assert store.store.journal.head().seq == before, "once"
    rule(world, POLICY)
    store.settle()
    assert (store.share().online, offered(world)) == (8, 8)
    all_taken_back(world, store, POLICY)


def test_what_was_promised_while_sharing_ended_is_confirmed(world: World, store: StoreSide):
    """Central promised it under the lease that the store had said: it stays where the goods are."""
    rule(world, OFF)
    rounds(world, store)
    (work,) = world.fulfillments(world.place(("SKU-1", 3)).order_id)
    rounds(world, store, 3)
    later(world, store, 2 * HOUR_MS)
    world.parts.promises.run()
    with world.database.read() as view:
        (here,) = view.fulfillments.get_many([work.id]).values()
    assert not here.row.order.is_unconfirmed
    assert (here.row.order.location_id, here.row.order.total("open")) == ("S001", 3)
    store.settle()
    assert store.differences() == []


def test_sharing_that_is_over_and_was_never_said_ends_with_the_lease(
    world: World, store: StoreSide
):
    """The store heard of the end and was cut off: it takes back when central's lease is over."""
    rule(world, OFF)
    rounds(world, store)
    assert not store.store.shares.policy().enabled
    assert (store.share().online, offered(world)) == (8, 8)
    all_taken_back(world, store, POLICY)
    before = store.store.journal.head().seq
    later(world, store, DAY.reclaim_after_ms)
    store.round()
    assert store.store.journal.head().seq == before, "there is nothing to take back again"


def test_what_a_store_stands_by_outlives_its_process_and_its_replica(
    world: World, store: StoreSide
):
    """The policy is a row of central's that may be lost; what was said is in the journal."""
    rounds(world, store)
    assert said(store) == POLICY.terms
    store.cut()
    store.lose_replica()
    store.round()
    assert not store.store.shares.policy().enabled
    later(world, store, POLICY.reclaim_after_ms - 1)
    store.round()
    assert store.store.journal.rights.generation() == 1
    later(world, store, 1)
    store.round()
    assert store.store.journal.rights.generation() == 2


def test_a_program_that_does_not_say_its_terms_is_believed_to_have_heard(
    world: World, store: StoreSide, monkeypatch: pytest.MonkeyPatch
):
    """As before there were terms: central goes by what holds now."""
    push = store.faulty.push

    def older(header, lines):
        return push(header.model_copy(update={"terms": None, "confirm_terms": False}), lines)

    monkeypatch.setattr(store.faulty, "push", older)
    rule(world, DAY)
    rounds(world, store, 2)
    later(world, store, 20 * HOUR_MS)
    assert offered(world) == 8
    rule(world, OFF)
    store.settle()
    assert world.parts.central.escrow.show("S001")["generation"] == 0
