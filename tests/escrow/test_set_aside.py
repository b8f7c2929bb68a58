"""Rights whose operation a person sets aside: a store gave or ended what central never hears of."""

from dataclasses import replace
from typing import NoReturn

import pytest

from central_server.services.rights import SharedStock
from sync.domain.ids import OpId
from sync.domain.stock_operations import (
    GenerationClosed,
    RightsGranted,
    SkuUnits,
    StockOperation,
)
from sync.edge.escrow import DAEMON
from sync.edge.evidence import Witness
from sync.edge.ports import LeaseToken
from sync.protocol.lines import OperationRecord, chain, encode_line
from tests.escrow.test_own_orders import skip_all
from tests.escrow.test_replaced import agree, lease_of, online, pass_time
from tests.escrow.test_shares import promisable
from tests.support.central_world import ON_HAND, SKUS, World
from tests.support.store_side import POLICY, StoreSide

NEWER = 99
"""The version of a line that no central of today can read."""


def say(store: StoreSide, operation: StockOperation, *, version: int = 1) -> None:
    """Journal what the keeper would, perhaps as a newer version of the program writes it."""
    journal = store.store.journal
    record = OperationRecord(DAEMON, DAEMON, store.boot, 0, 0, operation)
    line = encode_line(record).replace(b'"v":1', b'"v":%d' % version, 1)
    with journal.writing():
        journal.rights.replay(operation, write(store, line, record))


def write(store: StoreSide, line: bytes, record: OperationRecord | None = None) -> int:
    """Journal a line, inside `writing()`; return its place."""
    journal = store.store.journal
    head = journal.head()
    place = (journal.identity.replica_id, journal.lives.present.epoch, head.seq + 1)
    journal.insert(Witness(*place, line, chain(head.hash, line), ()), record)
    return head.seq + 1


def take_back(world: World, store: StoreSide) -> None:
    """Let central's lease run out while the store is cut off: a generation ends."""
    store.cut()
    pass_time(world, POLICY.reclaim_after_ms, store)
    store.round()
    store.faulty.restore()


def take_back_unheard(world: World, store: StoreSide) -> None:
    """Let central's lease run out while nobody looks, and the next one's begin as it is heard."""
    pass_time(world, POLICY.reclaim_after_ms, store)
    store.store.shares.keep_token(LeaseToken(0, store.boot, store.clock.monotonic_ms()))


def hold(store: StoreSide, *broken: str) -> None:
    """Do a round in which central's program falls over some of what is said of rights."""

    def falls(*_: object) -> NoReturn:
        raise RuntimeError("a fault of this version")

    with pytest.MonkeyPatch.context() as patch:
        for method in broken:
            patch.setattr(SharedStock, method, falls)
        assert store.round().ok
    assert store.store.journal.holds_rights()


def set_sharing(world: World, *, is_on: bool) -> None:
    """Let all locations share by escrow, or none."""
    with world.database.read() as view:
        places = view.locations.all()
    policy = replace(POLICY, enabled=is_on)
    world.parts.intake.locations([replace(one, escrow=policy) for one in places])


def test_grants_that_are_set_aside_are_given_anew(world: World, store: StoreSide):
    """The store took them for given, and central has none: they count as given back at once."""
    take_back(world, store)
    hold(store, "_grant")
    assert online(world) == 0
    skip_all(world)
    agree(world, store)
    assert (online(world), store.share().floor) == (8, 2)


def test_grants_that_could_not_be_read_are_given_anew_as_well(world: World, store: StoreSide):
    """Whatever a newer version said of rights: what it gave away is not lost to both sides."""
    take_back(world, store)
    ours = store.store.journal.rights.generation()
    say(store, RightsGranted(ours, tuple(SkuUnits(sku, 8) for sku in SKUS)), version=NEWER)
    hold(store)
    skip_all(world)
    agree(world, store)
    assert (online(world), store.share().floor) == (8, 2)


def test_what_could_not_be_read_is_not_met_again_by_what_waited(world: World, store: StoreSide):
    """The end before it counts only later: the generation that began meanwhile is beyond both."""
    take_back_unheard(world, store)
    say(store, GenerationClosed(1))
    say(store, RightsGranted(2, tuple(SkuUnits(sku, 8) for sku in SKUS)), version=NEWER)
    hold(store, "_open_generation")
    found, _ = world.parts.central.quarantine.page("S001", None, 10)
    for one in reversed(found):
        place = OpId(str(one["replica_id"]), int(str(one["epoch"])), int(str(one["seq"])))
        if one["kind"]:
            world.parts.central.quarantine.retry(place, by="Ann")
        else:
            world.parts.central.quarantine.skip(place, by="Ann", reason="of a later version")
    agree(world, store)
    assert (online(world), store.share().floor) == (8, 2)


@pytest.mark.parametrize("version", [1, NEWER])
def test_the_end_of_rights_counts_also_when_it_is_set_aside(
    world: World, store: StoreSide, version: int
):
    """Its units are sold: no lease goes on with rights that the store has taken back."""
    take_back_unheard(world, store)
    say(store, GenerationClosed(1), version=version)
    for sku in SKUS:
        store.sell(ON_HAND, sku)
    hold(store, "_open_generation")
    skip_all(world)
    assert lease_of(world).generation >= 2
    store.settle()
    assert lease_of(world).is_alive(world.clock.now_ms())
    assert promisable(world) == 0
    agree(world, store)


def test_rights_that_ended_since_are_set_aside_and_nothing_else(world: World, store: StoreSide):
    """The grant is of a generation that is over: those of today go on."""
    say(store, RightsGranted(1, (SkuUnits("SKU-1", 8),)))
    hold(store, "_grant")
    set_sharing(world, is_on=False)
    store.settle()
    set_sharing(world, is_on=True)
    store.settle()
    before = lease_of(world).generation
    assert before > 1
    skip_all(world)
    assert lease_of(world).generation == before
    agree(world, store)


def test_a_request_that_is_set_aside_is_asked_again(world: World, store: StoreSide):
    """Asking rights back changes nothing at the store before it is granted: they go on."""
    store.sell(2)
    hold(store, "_give_back")
    assert store.store.operations(limit=1)[0].kind == "rights_recalled"
    before = lease_of(world).generation
    skip_all(world)
    agree(world, store)
    assert lease_of(world).generation == before
    assert store.share().floor >= 2


def test_grants_of_a_machine_that_was_shut_out_are_set_aside_without_effect(
    world: World, store: StoreSide
):
    """Its successor's rights are not its own to begin anew, whatever nobody could read."""
    say(store, RightsGranted(1, (SkuUnits("SKU-1", 8),)), version=NEWER)
    hold(store)
    store.cut()
    world.parts.devices.revoke(store.store.replica_id)
    store.faulty.restore()
    store.enrol_anew()
    store.settle()
    before = lease_of(world).generation
    skip_all(world)
    assert lease_of(world).generation == before
    agree(world, store)


@pytest.mark.parametrize("is_readable", [True, False])
def test_a_store_that_stopped_sharing_meanwhile_begins_anew_when_it_shares_again(
    world: World, store: StoreSide, is_readable: bool
):
    """Setting its grants aside opens no lease; they are of no generation that is to come."""
    take_back(world, store)
    if is_readable:
        hold(store, "_grant")
    else:
        grant = RightsGranted(2, tuple(SkuUnits(sku, 8) for sku in SKUS))
        say(store, grant, version=NEWER)
        hold(store)
    set_sharing(world, is_on=False)
    store.settle()
    skip_all(world)
    with world.database.read() as view:
        assert view.leases.get("S001") is None
    set_sharing(world, is_on=True)
    agree(world, store)
    assert (online(world), store.share().floor) == (8, 2)


@pytest.mark.parametrize(
    ("line", "may_be"),
    [
        (b'{"v":99,"op":{"kind":"rights_granted"}}', True),
        (b'{"v":99,"op":{"kind":"rights_lent_to_a_neighbor"}}', True),
        (b'{"v":99,"op":{"kind":["floor_sold"]}}', True),
        (b"\xff no text", True),
        (b'{"v":99,"op":{"kind":"floor_sold"}}', False),
        (b'{"v":99,"op":{"kind":"drawer_opened"}}', False),
    ],
)
def test_what_cannot_be_read_is_taken_for_rights_unless_it_says_otherwise(
    world: World, store: StoreSide, line: bytes, may_be: bool
):
    """Only a kind that is known to be about something else leaves them alone."""
    with store.store.journal.writing():
        write(store, line)
    store.round()
    before = lease_of(world).generation
    skip_all(world)
    assert (lease_of(world).generation > before) is may_be
    agree(world, store)
    assert (online(world), store.share().floor) == (8, 2)
