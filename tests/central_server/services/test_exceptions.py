"""What opens an exception, who hears of it, and what closes it."""

import pytest

from central_server.records import ExceptionFilter
from central_server.services.errors import AlreadyAssigned, AlreadyClosed, NotFound
from sync.domain import operations as op
from sync.domain.errors import OperationRefused
from sync.domain.exceptions import POLICIES, ExceptionKind, ExceptionResolved
from sync.domain.fulfillment import PickupProof, ProofKind, ShortReason
from sync.domain.transitions import ConsequenceKind
from sync.protocol.adapters import adapter
from sync.protocol.rows import ROWS, Entity
from sync.protocol.verdicts import VerdictStatus

MINUTE_MS = 60_000


@pytest.fixture
def desk(world):
    return world.parts.central.exceptions


def only(world, placed):
    (work,) = world.fulfillments(placed.order_id)
    return work


def cancel(world, placed):
    world.parts.central.cancelling.cancel(placed.order_id, reason="", actor="web")


def listed(world, *, is_open=True):
    with world.database.read() as view:
        found, _ = view.exceptions.page(ExceptionFilter(is_open=is_open), None, 100)
    return [(one.kind, one.owner) for one in found]


def at_store(world, location_id="S001"):
    """Return the exceptions that a store's feed carries now."""
    with world.database.read() as view:
        rows = view.feed.rows_after(f"store:{location_id}", 0, 1000)
    return [
        adapter(ROWS[Entity.EXCEPTION]).validate_json(row.body)
        for row in rows
        if row.entity == Entity.EXCEPTION and row.body is not None
    ]


def broken_promise(world):
    """Let a store give up goods of a customer who has no address; return its device."""
    placed = world.parts.central.orders.place(
        world.new_order(("SKU-1", 2), email=""), world_identity(world)
    )
    store = world.device("S001")
    store.do(op.FulfillmentRejected(only(world, placed).id, ShortReason.STORE_BUSY))
    store.push()
    return store


def world_identity(world):
    from central_server.services.idempotency import RequestIdentity

    world.keys += 1
    return RequestIdentity("test", f"own-{world.keys}", "body")


def test_every_kind_has_a_policy():
    """Owner, due time, title and what to do: for each kind, in one table."""
    assert set(POLICIES) == set(ExceptionKind)
    for policy in POLICIES.values():
        assert policy.due_in_ms > 0
        assert policy.title
        assert policy.to_do.endswith(".")


def test_cancelled_with_goods_in_hand_asks_the_store_to_put_them_back(world):
    """It is opened with the cancellation, travels to the store, and ends when they are back."""
    placed = world.place()
    key = only(world, placed).id
    store = world.device("S001")
    store.do(op.LinePicked(key, 1, 2))
    store.push()
    cancel(world, placed)
    cancel(world, placed)
    assert listed(world) == [("put_back_due", "store")]
    (row,) = at_store(world)
    assert (row.fulfillment_id, row.order_number) == (key, only(world, placed).order_number)
    store.do(op.PutBack(key, 1, 1))
    store.push()
    assert len(at_store(world)) == 1
    store.do(op.PutBack(key, 1, 1))
    store.push()
    assert (listed(world), at_store(world)) == ([], [])
    assert listed(world, is_open=False) == [("put_back_due", "store")]


def test_picked_after_the_cancellation_is_one_conflict_and_one_exception(world):
    """Several late steps on one order open one exception; put back at once, it is closed."""
    placed = world.place()
    key = only(world, placed).id
    store = world.device("S001")
    store.do(op.LinePicked(key, 1, 1), op.LinePicked(key, 1, 1), op.Staged(key, "A1"))
    cancel(world, placed)
    assert listed(world) == []
    store.push()
    assert listed(world) == [("put_back_due", "store")]
    store.do(op.PutBack(key, 1, 2))
    store.push()
    assert listed(world) == []


def test_handed_over_after_the_cancellation_leaves_nothing_to_put_back(world):
    """The fact wins: the task to put back ends by itself, the money is a person's."""
    placed = world.place()
    key = only(world, placed).id
    store = world.device("S001")
    store.do(op.LinePicked(key, 1, 2), op.Staged(key, "A1"), op.MarkedReady(key, 0, 1))
    store.push()
    store.do(op.HandedOver(key, (op.LineQuantity(1, 2),), PickupProof(ProofKind.PICKUP_CODE, "Jo")))
    cancel(world, placed)
    store.push()
    assert listed(world) == [("refund_to_void", "central")]
    assert listed(world, is_open=False) == [("put_back_due", "store")]
    assert at_store(world) == []


def test_broken_promise_that_no_message_can_tell_of_is_the_stores(world):
    """Goods go elsewhere and the customer has no address: somebody at the store tells them."""
    broken_promise(world)
    assert listed(world) == [("promise_broken", "store")]
    (row,) = at_store(world)
    assert "Store S002 takes over 2 pieces" in row.text
    assert row.due_ms == row.opened_ms + POLICIES[ExceptionKind.PROMISE_BROKEN].due_in_ms


def test_store_says_done(world, desk):
    """The fact closes it with who and what, once; its row leaves the store."""
    store = broken_promise(world)
    (row,) = at_store(world)
    store.do(ExceptionResolved(row.id, "Told them at the counter."))
    assert store.push(known=1).verdicts == ()
    assert (listed(world), at_store(world)) == ([], [])
    found = desk.one(row.id)
    assert (found["closed_by"], found["note"]) == ("S001/A1", "Told them at the counter.")
    store.do(ExceptionResolved(row.id, "Again."))
    verdict = store.push(known=2).verdicts[-1]
    assert verdict.status is VerdictStatus.AMENDED
    assert verdict.consequences[0].kind is ConsequenceKind.NO_EFFECT
    assert desk.one(row.id)["note"] == "Told them at the counter."


def test_store_cannot_call_done_what_ends_by_itself(world):
    """A fact is never refused, and a wrong clock is not right because somebody says so."""
    store = world.device("S001")
    world.parts.central.sessions.hello(
        store.hello_request(sent_at_ms=world.clock.now_ms() + 5 * MINUTE_MS)
    )
    (row,) = at_store(world)
    store.do(ExceptionResolved(row.id, "Looks fine."))
    (verdict,) = store.push().verdicts
    assert verdict.status is VerdictStatus.AMENDED
    assert listed(world) == [("clock_wrong", "store")]


def test_other_stores_exception_is_not_touched(world):
    """Saying done to what is not ours is held back, and is an exception of its own."""
    broken_promise(world)
    (row,) = at_store(world)
    other = world.device("S002")
    other.do(ExceptionResolved(row.id, "Done."), ExceptionResolved("unknown", "Done."))
    first, second = other.push().verdicts
    assert (first.status, second.status) == (VerdictStatus.QUARANTINED, VerdictStatus.AMENDED)
    assert sorted(listed(world)) == [("promise_broken", "store"), ("quarantined", "central")]


def test_wrong_clock_is_one_exception_while_it_lasts(world):
    """Opened at the first hello that is two minutes off, closed by the first that is not."""
    store = world.device("S001")
    hello = world.parts.central.sessions.hello
    for off_ms in (2 * MINUTE_MS, 3 * MINUTE_MS, -400 * 86_400_000, 5 * MINUTE_MS):
        hello(store.hello_request(sent_at_ms=world.clock.now_ms() + off_ms))
    assert listed(world) == [("clock_wrong", "store")]
    (row,) = at_store(world)
    assert row.text == "The clock of this store's machine is 3 minutes fast."
    heads = hello(store.hello_request()).heads
    assert (listed(world), at_store(world)) == ([], [])
    with world.database.read() as view:
        assert {head.scope: head.rev for head in heads}["store:S001"] == view.feed.scope(
            "store:S001"
        ).rev
    hello(store.hello_request(sent_at_ms=world.clock.now_ms() - 3 * MINUTE_MS))
    assert listed(world) == [("clock_wrong", "store")]


def test_clock_of_a_replaced_device_is_nobodys_worry(world):
    """Its exception ends with it."""
    store = world.device("S001")
    world.parts.central.sessions.hello(store.hello_request(sent_at_ms=0))
    world.parts.central.enrolment.create_code("S001", replace=True)
    assert (listed(world), at_store(world)) == ([], [])


def test_resolving_says_who_when_and_what(world, desk):
    """Once; the same words again change nothing, others learn who was quicker."""
    broken_promise(world)
    ((one,), _) = desk.page(ExceptionFilter(), None, 10)
    key = str(one["id"])
    world.clock.advance(MINUTE_MS)
    closed = desk.resolve(key, note="Called them.", by="Ann")
    assert (closed["state"], closed["closed_by"], closed["note"]) == (
        "closed", "Ann", "Called them.",
    )  # fmt: skip
    assert closed["closed_at"] > closed["opened_at"]
    assert desk.resolve(key, note="Called them.", by="Ann") == closed == desk.one(key)
    with pytest.raises(AlreadyClosed, match="Ann has closed it already: Called them"):
        desk.resolve(key, note="Wrote to them.", by="Ben")
    assert at_store(world) == []


@pytest.mark.parametrize("note", ["", "  ", "x" * 501])
def test_a_note_says_something(world, desk, note):
    """Nothing is closed without a word of what was done."""
    broken_promise(world)
    ((one,), _) = desk.page(ExceptionFilter(), None, 10)
    with pytest.raises(OperationRefused):
        desk.resolve(str(one["id"]), note=note, by="Ann")
    assert len(listed(world)) == 1


def test_nobody_closes_what_ends_by_itself(world, desk):
    """A put-back ends with the goods on the shelf."""
    placed = world.place()
    store = world.device("S001")
    store.do(op.LinePicked(only(world, placed).id, 1, 2))
    store.push()
    cancel(world, placed)
    ((one,), _) = desk.page(ExceptionFilter(), None, 10)
    assert one["ends_by_itself"]
    with pytest.raises(OperationRefused, match="put back in the order"):
        desk.resolve(str(one["id"]), note="Done.", by="Ann")


def test_assigned_to_central_it_leaves_the_store_and_comes_back(world, desk):
    """The store sees what it has to do, no more and no less."""
    broken_promise(world)
    ((one,), _) = desk.page(ExceptionFilter(owner="store"), None, 10)
    key = str(one["id"])
    assert desk.assign(key, owner="central", assignee="Ann")["assignee"] == "Ann"
    assert at_store(world) == []
    with pytest.raises(AlreadyAssigned, match="Ann looks after it"):
        desk.assign(key, owner=None, assignee="Ben")
    desk.assign(key, owner="store", assignee="", take_over=True)
    assert [row.id for row in at_store(world)] == [key]
    with pytest.raises(NotFound):
        desk.assign("nothing", owner="store", assignee=None)
