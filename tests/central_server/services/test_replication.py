"""What a store's operations mean at central, late ones and impossible ones included."""

import pytest

from sync.domain import operations as op
from sync.domain.fulfillment import PickupProof, ProofKind, ShortReason
from sync.domain.ids import OpId
from sync.domain.stock_operations import FloorSold, SkuUnits
from sync.domain.transitions import ConsequenceKind
from sync.protocol import errors
from sync.protocol.adapters import adapter
from sync.protocol.rows import ROWS, Entity, FulfillmentRow
from sync.protocol.verdicts import VerdictStatus
from tests.support.central_world import whole_pickup

PROOF = PickupProof(ProofKind.PICKUP_CODE, "Jo")


def only(world, placed):
    (work,) = world.fulfillments(placed.order_id)
    return work


def cancel(world, placed):
    world.parts.central.cancelling.cancel(placed.order_id, reason="", actor="web")


def kinds(verdict):
    return [one.kind for one in verdict.consequences]


def exceptions(world):
    with world.database.read() as view:
        return [(one.kind, one.owner) for one in view.exceptions.list_open()]


def test_whole_pickup_arrives_once(world):
    """Everything a store did in one push: accepted, stock gone, order fulfilled, one mail less."""
    placed = world.place(("SKU-1", 2), ("SKU-2", 1))
    store = world.device("S001")
    store.do(*whole_pickup(only(world, placed)))
    answer = store.push()
    assert (answer.acked_seq, answer.verdicts) == (len(store.lines), ())
    assert world.stock("S001") == (8, 0)
    order = world.order(placed.order_id)
    assert order["status"] == "fulfilled"
    assert [one["kind"] for one in order["timeline"]][:2] == ["placed", "fulfillment_accepted"]
    # The goods were gone before central heard that they were ready: no mail says "come".
    assert [mail.subject.rpartition(" ")[2] for mail in world.mails()] == ["it"]
    world.check_books()


def test_lost_answer_is_harmless(world):
    """The same push again changes nothing and is answered the same."""
    placed = world.place()
    store = world.device("S001")
    store.do(*whole_pickup(only(world, placed)))
    first = store.push()
    assert store.push() == first.model_copy(update={"answered_at_ms": first.answered_at_ms})
    assert world.stock("S001") == (8, 0)
    world.check_books()


def test_row_carries_the_watermark(world):
    """The feed row says up to which operation it includes, so a store folds only later ones."""
    placed = world.place()
    store = world.device("S001")
    key = only(world, placed).id
    store.do(op.FulfillmentAccepted(key), op.LinePicked(key, 1, 1))
    store.push()
    with world.database.read() as view:
        body = next(
            row.body for row in view.feed.rows_after("store:S001", 0, 100) if row.key == key
        )
    row = adapter(ROWS[Entity.FULFILLMENT]).validate_json(body)
    assert isinstance(row, FulfillmentRow)
    assert (row.watermark.replica_id, row.watermark.epoch, row.watermark.seq) == (
        store.replica_id, 1, 2,
    )  # fmt: skip
    assert row.order.lines[0].picked == 1


def test_ready_tells_the_customer(world):
    """A ready order is a message with the store's name."""
    placed = world.place()
    key = only(world, placed).id
    store = world.device("S001")
    store.do(
        op.FulfillmentAccepted(key), op.LinePicked(key, 1, 2), op.Staged(key, "A1"),
        op.MarkedReady(key, world.clock.now_ms(), world.clock.now_ms() + 86_400_000),
    )  # fmt: skip
    store.push()
    assert world.mails()[-1].subject.endswith("is ready")
    assert world.order(placed.order_id)["status"] == "ready"


def test_ready_after_one_line_ended_is_told_once(world):
    """A line that ended holds up neither Ready nor its message; sent again, no other follows."""
    placed = world.place(("SKU-1", 2), ("SKU-2", 1))
    work = only(world, placed)
    store = world.device("S001")
    ready = op.MarkedReady(work.id, world.clock.now_ms(), world.clock.now_ms() + 86_400_000)
    store.do(
        op.LinePicked(work.id, 1, 2), op.LineShortPicked(work.id, 2, 1, ShortReason.NOT_FOUND),
        op.Staged(work.id, "A1"), ready,
    )  # fmt: skip
    for _ in range(3):
        store.push()
    assert [mail.subject.endswith("is ready") for mail in world.mails()].count(True) == 1
    world.check_books()


def test_short_pick_is_sourced_elsewhere(world):
    """What a shelf did not have comes from the nearest other store, under a new code."""
    placed = world.place(("SKU-1", 3))
    work = only(world, placed)
    store = world.device("S001")
    store.do(op.LineShortPicked(work.id, 1, 2, ShortReason.NOT_FOUND))
    (verdict,) = store.push().verdicts
    assert (verdict.status, kinds(verdict)) == (VerdictStatus.AMENDED, [ConsequenceKind.RE_SOURCED])
    assert "Store S002" in verdict.consequences[0].text
    first, second = world.fulfillments(placed.order_id)
    assert (first.total("open"), second.location_id, second.total("open")) == (1, "S002", 2)
    assert first.pickup_code_hash != second.pickup_code_hash
    # Two units were not on the shelf: they leave the book stock; one is still promised.
    assert world.stock("S001") == (8, 1)
    assert world.stock("S002") == (10, 2)
    assert "Store S002" in world.mails()[-1].text
    with world.database.read() as view:
        assert second.id in {row.key for row in view.feed.rows_after("store:S002", 0, 100)}
    world.check_books()


def test_store_that_gave_up_is_not_asked_again(world):
    """A second reject goes to the third store, a third one to people."""
    placed = world.place(("SKU-1", 2))
    for name in ("S001", "S002", "S003"):
        work = next(one for one in world.fulfillments(placed.order_id) if one.location_id == name)
        store = world.device(name)
        store.do(op.FulfillmentRejected(work.id, ShortReason.STORE_BUSY))
        store.push()
    assert len(world.fulfillments(placed.order_id)) == 3
    order = world.order(placed.order_id)
    assert (order["status"], order["lines"][0]["unsourced"]) == ("unfillable", 2)
    assert exceptions(world) == [("unsourced", "central")]
    assert "missing" in world.mails()[-1].subject
    world.check_books()


def test_fact_wins_over_a_cancellation(world):
    """Cancelled centrally, handed over offline: it counts, and people settle the money."""
    placed = world.place()
    store = world.device("S001")
    store.do(*whole_pickup(only(world, placed)))
    cancel(world, placed)
    answer = store.push()
    late = answer.verdicts[-1]
    assert (late.status, kinds(late)) == (
        VerdictStatus.AMENDED, [ConsequenceKind.CANCELLATION_UNDONE],
    )  # fmt: skip
    order = world.order(placed.order_id)
    assert (order["status"], order["lines"][0]["cancelled"]) == ("fulfilled", 0)
    assert exceptions(world) == [("refund_to_void", "central")]
    assert world.stock("S001") == (8, 0)
    assert not [mail for mail in world.mails() if mail.subject.endswith("is ready")]
    world.check_books()


def test_picked_after_a_cancellation_is_put_back(world):
    """Cancelled centrally, picked offline: the cancellation stands and the goods go back."""
    placed = world.place()
    key = only(world, placed).id
    store = world.device("S001")
    store.do(op.LinePicked(key, 1, 2))
    cancel(world, placed)
    (verdict,) = store.push().verdicts
    assert kinds(verdict) == [ConsequenceKind.PUT_BACK_DUE]
    assert world.stock("S001") == (10, 2)
    store.do(op.PutBack(key, 1, 2))
    store.push()
    assert world.stock("S001") == (10, 0)
    assert world.order(placed.order_id)["status"] == "cancelled"
    world.check_books()


def test_late_reject_changes_nothing(world):
    """Rejected after the cancellation: nothing is sourced anew."""
    placed = world.place()
    store = world.device("S001")
    store.do(op.FulfillmentRejected(only(world, placed).id, ShortReason.STORE_BUSY))
    cancel(world, placed)
    (verdict,) = store.push().verdicts
    assert kinds(verdict) == [ConsequenceKind.NO_EFFECT]
    assert len(world.fulfillments(placed.order_id)) == 1


def test_hold_expired_tells_the_customer(world):
    """Nobody came: event, mail, and goods to put back."""
    placed = world.place()
    key = only(world, placed).id
    store = world.device("S001")
    store.do(
        op.LinePicked(key, 1, 2), op.Staged(key, "A1"), op.MarkedReady(key, 0, 1),
        op.HoldExpired(key),
    )  # fmt: skip
    assert store.push().verdicts == ()
    assert "no longer held" in world.mails()[-1].subject
    assert world.stock("S001") == (10, 2)


def test_poison_does_not_stop_the_queue(world):
    """An unreadable line and an impossible one are kept aside; other orders go on."""
    first, second = world.place(), world.place()
    store = world.device("S001")
    store.journal(b'{"op":{"kind":"never_heard_of"}}')
    store.do(op.LinePicked(only(world, first).id, 1, 99))
    store.do(op.LinePicked(only(world, first).id, 1, 1))
    store.do(*whole_pickup(only(world, second)))
    answer = store.push()
    assert answer.acked_seq == len(store.lines)
    assert [(one.seq, one.code) for one in answer.verdicts] == [
        (1, "unreadable"), (2, "quantity_refused"), (3, "waits_behind"),
    ]  # fmt: skip
    assert world.order(second.order_id)["status"] == "fulfilled"
    assert world.stock("S001") == (8, 2)
    world.check_books()


def test_other_stores_order_is_not_touched(world):
    """A store cannot change what another one has."""
    placed = world.place(at="S002")
    store = world.device("S001")
    store.do(*whole_pickup(only(world, placed)))
    verdicts = store.push().verdicts
    assert {one.status for one in verdicts} == {VerdictStatus.QUARANTINED}
    assert verdicts[0].code == "not_this_stores"
    assert world.stock("S002") == (10, 2)


def test_refused_request_is_settled(world):
    """An extension beyond the limit is refused, and the row's watermark includes it."""
    placed = world.place()
    key = only(world, placed).id
    store = world.device("S001")
    store.do(
        op.LinePicked(key, 1, 2), op.Staged(key, "A1"), op.MarkedReady(key, 0, 1),
        op.ExtensionRequested(key, 400 * 86_400_000),
    )  # fmt: skip
    (verdict,) = store.push().verdicts
    assert (verdict.seq, verdict.status) == (4, VerdictStatus.REFUSED)
    with world.database.read() as view:
        assert view.fulfillments.get(key).row.watermark.seq == 4


def test_failing_handler_gives_back_what_it_reserved(world, monkeypatch):
    """An operation that raises has changed nothing, reservations elsewhere included."""
    from central_server.services.follow_ups import PushFollowUps

    placed = world.place(("SKU-1", 3))
    store = world.device("S001")
    store.do(op.FulfillmentRejected(only(world, placed).id, ShortReason.STORE_BUSY))

    def broken(*_, **__):
        raise RuntimeError("no")

    monkeypatch.setattr(PushFollowUps, "mail", broken)
    (verdict,) = store.push().verdicts
    assert (verdict.status, verdict.code) == (VerdictStatus.QUARANTINED, "fault")
    assert world.stock("S001") == (10, 3)
    assert world.stock("S002") == (10, 0)
    assert len(world.fulfillments(placed.order_id)) == 1
    world.check_books()


def test_a_sale_that_is_held_for_a_fault_counts_once_it_is_approved(world, monkeypatch):
    """What breaks while its broken promise moves takes the sale's units back, and no others."""
    from central_server.services.fetching_handler import FetchingHandler

    first, second = world.place(("SKU-1", 5)), world.place(("SKU-2", 2))
    store = world.device("S001")
    known = FetchingHandler.follow

    def broken(handler, step, ups):
        if step.operation.kind == "line_short_picked":
            raise RuntimeError("a bug")
        return known(handler, step, ups)

    with monkeypatch.context() as fault:
        fault.setattr(FetchingHandler, "follow", broken)
        store.do(FloorSold("T-0", (SkuUnits("SKU-1", 1),)))
        store.do(FloorSold("T-1", (SkuUnits("SKU-1", 7),)))
        store.do(*whole_pickup(only(world, second)))
        (verdict,) = store.push_all()
    assert (verdict.seq, verdict.code, verdict.text) == (2, "fault", "RuntimeError: a bug")
    assert world.stock("S001") == (9, 5)
    assert world.order(second.order_id)["status"] == "fulfilled"
    done = world.parts.central.quarantine.retry(OpId("R-S001", 1, 2), by="Ann")
    assert done["operation"]["status"] == "amended"
    assert world.stock("S001") == (2, 2)
    assert [one.location_id for one in world.fulfillments(first.order_id)][-1] != "S001"
    world.check_books()


def test_what_fails_between_units_and_their_order_leaves_none_reserved(world, monkeypatch):
    """The next store has kept them, and no order is made of it: that is taken back, too."""
    from central_server.services import follow_ups

    placed = world.place(("SKU-1", 3))
    store = world.device("S001")
    store.do(op.FulfillmentRejected(only(world, placed).id, ShortReason.STORE_BUSY))

    def broken(*_, **__):
        raise RuntimeError("no")

    with monkeypatch.context() as fault:
        fault.setattr(follow_ups, "assign", broken)
        (verdict,) = store.push_all()
    assert (verdict.status, verdict.code) == (VerdictStatus.QUARANTINED, "fault")
    assert (world.stock("S001"), world.stock("S002")) == ((10, 3), (10, 0))
    world.parts.central.quarantine.retry(OpId("R-S001", 1, 1), by="Ann")
    assert (world.stock("S001"), world.stock("S002")) == ((10, 0), (10, 3))
    world.check_books()


def test_gap_fork_and_foreign_session_are_refused(world):
    """What cannot be followed is refused whole, with what to do about it."""
    placed = world.place()
    store = world.device("S001")
    store.do(*whole_pickup(only(world, placed)))
    header, lines = store.frame(3)
    push = world.parts.central.sync.push
    with pytest.raises(errors.Gap) as gap:
        push(store.replica_id, header, lines)
    assert gap.value.data == {"expected_seq": 1}
    with pytest.raises(errors.NotAuthentic):
        push("R-S002", header, lines)
    store.push()
    forked = header.model_copy(update={"prev_hash": "00" * 32})
    with pytest.raises(errors.Fork):
        push(store.replica_id, forked, lines)
    assert world.stock("S001") == (8, 0)


def test_handed_over_after_re_sourcing_warns_of_a_double(world):
    """Rejected, sourced elsewhere, then handed over here after all: people are told."""
    placed = world.place()
    key = only(world, placed).id
    store = world.device("S001")
    store.do(
        op.LinePicked(key, 1, 2), op.FulfillmentRejected(key, ShortReason.STORE_BUSY),
        op.HandedOver(key, (op.LineQuantity(1, 2),), PROOF),
    )  # fmt: skip
    answer = store.push()
    assert answer.verdicts[-1].status is VerdictStatus.AMENDED
    assert exceptions(world) == [("double_fulfillment", "central")]
    world.check_books()
