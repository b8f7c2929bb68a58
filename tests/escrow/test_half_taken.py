"""A push of which central lacks or holds back a part extends no lease. On both engines."""

from typing import Any

import pytest
from sqlalchemy import text

from central_server.services.replication import Replication
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.stock_operations import GenerationClosed
from sync.edge.escrow import DAEMON
from sync.edge.evidence import Witness
from sync.protocol import errors
from sync.protocol.lines import OperationRecord, chain, encode_line
from sync.protocol.session import PushAnswer, PushHeader
from tests.escrow.test_replaced import MINUTE_MS, agree, lease_of, pass_time
from tests.escrow.test_shares import promisable
from tests.support.central_world import ON_HAND, World, whole_pickup
from tests.support.store_side import POLICY, StoreSide

EARLIER_SALES = 9
"""Enough that the end of the generation is in the second half of the push."""


def damage(world: World, units: int) -> None:
    """Let SKU-2 at S001 tie nothing: handing it over is then what a constraint forbids."""
    world.database.write(
        lambda unit: unit.connection.execute(
            text(
                "UPDATE stock SET allocated = :units WHERE location_id = 'S001' AND sku = 'SKU-2'"
            ),
            {"units": units},
        )
    )


def one_push(store: StoreSide) -> PushHeader:
    """Do a round whose line breaks after its first push was answered."""
    store.faulty.restore()
    sent: list[PushHeader] = []
    real = store.faulty.push

    def push(header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        if sent:
            raise errors.Unreachable("cut")
        sent.append(header)
        return real(header, lines)

    store.faulty.push = push  # type: ignore[method-assign]
    store.round()
    store.faulty.push = real  # type: ignore[method-assign]
    return sent[0]


def test_no_lease_goes_on_with_the_half_of_a_push_that_could_be_written(
    world: World, store: StoreSide
):
    """The other half says that the generation is over: its units are sold, and never promised."""
    (work,) = world.fulfillments(world.place(("SKU-2", 2)).order_id)
    store.settle()
    store.cut()
    for _ in range(EARLIER_SALES):
        store.sell(1, "SKU-3")
        store.sell(-1, "SKU-3")
    pass_time(world, POLICY.reclaim_after_ms, store)
    store.round()
    store.sell(ON_HAND)
    for operation in whole_pickup(work):
        store.store.perform(operation, by="A1", dev="T1")  # type: ignore[arg-type]
    damage(world, 0)
    store.store.close()
    store.open()  # this process greets central, so it has a token for what it sends
    header = one_push(store)
    assert (header.backlog, header.lease_ms > 0) == (0, True)
    assert 0 < store.store.journal.backlog() < header.count
    assert not lease_of(world).is_alive(world.clock.now_ms())
    assert promisable(world) == 0
    damage(world, 2)
    agree(world, store)


def test_no_lease_goes_on_with_a_push_of_which_the_end_of_rights_is_held_back(
    world: World, store: StoreSide
):
    """Central's program cannot read it; the store hears so in the answer, and sends no more tokens.

    The token came along with the operation itself, when neither knew.
    """
    pass_time(world, MINUTE_MS, store)
    store.round()
    journal, before = store.store.journal, lease_of(world)
    record = OperationRecord(DAEMON, DAEMON, store.boot, 0, 0, GenerationClosed(1))
    line = encode_line(record).replace(b'"v":1', b'"v":99', 1)
    head = journal.head()
    place = (journal.identity.replica_id, 1, head.seq + 1)
    with journal.writing():
        journal.insert(Witness(*place, line, chain(head.hash, line), ()), record)
        journal.rights.open_generation(2)
    header = one_push(store)
    assert header.lease_ms > before.token_ms
    assert journal.holds_rights()
    assert lease_of(world) == before


def lapsed_offline(world: World, store: StoreSide) -> FulfillmentOrder:
    """Return a promise that the store, cut off, was too late to confirm; nobody moved it yet."""
    store.cut()
    (work,) = world.fulfillments(world.place(("SKU-2", 2)).order_id)
    store.sell(1, "SKU-3")
    world.clock.advance(3 * POLICY.lease_ms)
    store.faulty.restore()
    return work


def test_a_promise_that_cannot_be_moved_holds_back_nothing_else(world: World, store: StoreSide):
    """It has lapsed, and a constraint keeps it where it is: what was sent is not about it."""
    lapsed_offline(world, store)
    damage(world, 0)
    store.round()
    assert store.store.journal.outside_of_rows() == set()
    assert world.stock("S001", "SKU-3") == (9, 0)


def test_a_fault_in_moving_a_late_promise_stops_no_push(
    world: World, store: StoreSide, monkeypatch: pytest.MonkeyPatch
):
    """What the store did with it is judged as if it had been in time; the job tells people."""
    work = lapsed_offline(world, store)
    journal = store.store.journal
    decide = Replication._decide

    def fails(self: Replication, operation: Any, source: str) -> Any:
        if source.startswith("lapse:"):
            raise ValueError("poison")
        return decide(self, operation, source)

    monkeypatch.setattr(Replication, "_decide", fails)
    store.round()  # it hears of the order
    for step in whole_pickup(work):
        store.store.perform(step, by="A1", dev="T1")  # type: ignore[arg-type]
    store.round()
    assert journal.acked_seq() == journal.head().seq
    assert world.stock("S001", "SKU-2") == (8, 0)
