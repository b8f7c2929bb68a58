"""What waits for a person: opened with its cause, shown to its store, worked off by people."""

from collections.abc import Collection, Iterable
from random import Random
from typing import TYPE_CHECKING

from central_server.records import ExceptionRecord, Replica
from central_server.services.times import rfc3339, rfc3339_or_none
from sync.domain.exceptions import (
    CLOCK_OFFSET_MS_MAX,
    POLICIES,
    ExceptionKind,
    known_policy,
    shown_to_store,
)
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.ids import OpId, new_id
from sync.domain.money import amount_words
from sync.domain.paying import owed_back
from sync.hub.feed import FeedWriter
from sync.protocol.rows import Entity, ExceptionRow, store_scope

if TYPE_CHECKING:
    from central_server.storage.unit import Unit

Document = dict[str, object]
TAKEN_OVER_BY = "taken_over_by"
"""In an exception's detail: the fulfillment order that it names to people."""
ITSELF = "central"
"""Who closed what ended by itself."""


def quarantine_cause(op_id: OpId) -> str:
    """Return the cause that an operation in quarantine is."""
    return f"{ExceptionKind.QUARANTINED}:{op_id}"


def put_back_cause(fulfillment_id: str) -> str:
    """Return the cause that goods in hand after a cancellation are."""
    return f"{ExceptionKind.PUT_BACK_DUE}:{fulfillment_id}"


def clock_cause(replica_id: str) -> str:
    """Return the cause that a device's wrong clock is."""
    return f"{ExceptionKind.CLOCK_WRONG}:{replica_id}"


def exception_record(
    kind: ExceptionKind, text: str, *, cause: str, now_ms: int, random: Random,
    order: FulfillmentOrder | None = None, location_id: str = "", source: str = "",
) -> ExceptionRecord:  # fmt: skip
    """Return an exception as its kind's policy wants it; `cause` is open at most once."""
    policy = POLICIES[kind]
    detail = {"text": text, "source": source}
    if order is not None:
        detail["order_number"] = order.order_number
    return ExceptionRecord(
        id=new_id(now_ms, random),
        kind=kind.value,
        owner=policy.owner.value,
        due_ms=policy.due_ms(now_ms),
        opened_ms=now_ms,
        order_id=order.order_id if order is not None else "",
        fulfillment_id=order.id if order is not None else "",
        location_id=location_id or (order.location_id if order is not None else ""),
        detail=detail,
        cause=cause,
    )


def put_back_record(
    order: FulfillmentOrder, now_ms: int, random: Random, source: str
) -> ExceptionRecord:
    """Return the exception of an order that ended, all or a part, with goods in a store's hands."""
    units = order.total("to_put_back")
    pieces = f": {units} to put back" if units else ""
    text = f"Order {order.order_number} ended while its goods were in hand{pieces}."
    if order.total("open"):
        text = f"Some goods of order {order.order_number} are not wanted any more{pieces}."
    return exception_record(
        ExceptionKind.PUT_BACK_DUE, text, cause=put_back_cause(order.id), now_ms=now_ms,
        random=random, order=order, source=source,
    )  # fmt: skip


def owed_cause(fulfillment_id: str) -> str:
    """Return the cause of what is to be given back of a fulfillment order's payments."""
    return f"{ExceptionKind.MONEY_OWED}:{fulfillment_id}"


def owed_record(
    order: FulfillmentOrder, now_ms: int, random: Random, source: str
) -> ExceptionRecord:
    """Return the exception of an order that was paid here, and of which less leaves."""
    text = (
        f"Order {order.order_number}: {amount_words(owed_back(order), order.currency)} of what was"
        " paid is to be given back."
    )
    return exception_record(
        ExceptionKind.MONEY_OWED, text, cause=owed_cause(order.id), now_ms=now_ms,
        random=random, order=order, source=source,
    )  # fmt: skip


def open_exceptions(unit: "Unit", feed: FeedWriter, records: list[ExceptionRecord]) -> None:
    """Open what is not open yet, and let the stores that it concerns know."""
    for record in unit.exceptions.open(records):
        announce(feed, record)


def open_as_it_stands(unit: "Unit", feed: FeedWriter, records: list[ExceptionRecord]) -> None:
    """Open what is not open yet; what is open says from now on how it stands."""
    new = {one.id for one in unit.exceptions.open(records)}
    for record in records:
        if record.id in new:
            announce(feed, record)
        else:
            say_anew(unit, feed, record)


def say_anew(unit: "Unit", feed: FeedWriter, record: ExceptionRecord) -> None:
    """Let what is open for the cause of `record` say what that says, if anything is."""
    told = unit.exceptions.describe(record.cause, str(record.detail["text"]))
    if told is not None:
        announce(feed, told)


def close_of_order(
    unit: "Unit", feed: FeedWriter, order_id: str, kinds: Collection[ExceptionKind], now_ms: int,
    *, by: str = ITSELF, note: str, naming: Collection[str] = (),
) -> None:  # fmt: skip
    """Close what is open of these kinds for an order; its stores forget it.

    Only what names one of the fulfillment orders `naming`, if any are given.
    """
    ended = [
        one.id
        for one in unit.exceptions.of_order(order_id)
        if one.kind in kinds and one.closed_ms is None
        and (not naming or one.detail.get(TAKEN_OVER_BY) in naming)
    ]  # fmt: skip
    if ended:
        withdraw(feed, unit.exceptions.close(ended, now_ms, by=by, note=note))


def close_causes(
    unit: "Unit", feed: FeedWriter, causes: Iterable[str], now_ms: int,
    *, by: str = ITSELF, note: str,
) -> None:  # fmt: skip
    """Close what is open for `causes`; the stores that saw it forget it."""
    withdraw(feed, unit.exceptions.close_causes(list(causes), now_ms, by=by, note=note))


def announce(feed: FeedWriter, record: ExceptionRecord) -> None:
    """Send an open exception to its store, or take it away from there."""
    if not record.location_id:
        return
    scope = store_scope(record.location_id)
    if shown_to_store(record.kind, record.owner):
        feed.put(scope, Entity.EXCEPTION, record.id, exception_row(record))
    else:
        feed.remove(scope, Entity.EXCEPTION, record.id)


def withdraw(feed: FeedWriter, closed: Iterable[ExceptionRecord]) -> None:
    """Leave tombstones of what was closed, at the stores that saw it."""
    for record in closed:
        if record.location_id and shown_to_store(record.kind, record.owner):
            feed.remove(store_scope(record.location_id), Entity.EXCEPTION, record.id)


def exception_row(record: ExceptionRecord) -> ExceptionRow:
    """Return an exception as its store sees it."""
    return ExceptionRow(
        id=record.id,
        kind=record.kind,
        owner=record.owner,
        text=str(record.detail.get("text", "")),
        opened_ms=record.opened_ms,
        due_ms=record.due_ms,
        order_number=str(record.detail.get("order_number", "")),
        fulfillment_id=record.fulfillment_id,
        assignee=record.assignee,
    )


def mind_clock(
    unit: "Unit", feed: FeedWriter, replica: Replica, offset_ms: int, now_ms: int, random: Random
) -> None:
    """Open an exception while a device's clock is wrong, one for as long as it lasts.

    `replica` is the device as it was heard of before this hello.
    """
    cause = clock_cause(replica.id)
    if abs(offset_ms) > CLOCK_OFFSET_MS_MAX:
        minutes, way = abs(offset_ms) // 60_000, "fast" if offset_ms > 0 else "slow"
        text = f"The clock of this store's machine is {minutes} minutes {way}."
        record = exception_record(
            ExceptionKind.CLOCK_WRONG, text, cause=cause, now_ms=now_ms, random=random,
            location_id=replica.location_id, source=replica.id,
        )  # fmt: skip
        open_exceptions(unit, feed, [record])
    elif abs(replica.clock_offset_ms) > CLOCK_OFFSET_MS_MAX:
        close_causes(unit, feed, [cause], now_ms, note="The clock is right again.")


def let_clocks_go(unit: "Unit", replicas: Iterable[Replica], now_ms: int, note: str) -> None:
    """Close what is open about the clocks of devices that are heard no more."""
    feed = FeedWriter(unit.feed)
    close_causes(unit, feed, [clock_cause(one.id) for one in replicas], now_ms, note=note)
    feed.flush()


def exception_document(record: ExceptionRecord) -> Document:
    """Return an exception as the API answers it."""
    policy = known_policy(record.kind)
    return {
        "id": record.id,
        "kind": record.kind,
        "state": "open" if record.closed_ms is None else "closed",
        "owner": record.owner,
        "assignee": record.assignee,
        "title": policy.title if policy else record.kind.replace("_", " ").capitalize(),
        "text": str(record.detail.get("text", "")),
        "to_do": policy.to_do if policy else "",
        "ends_by_itself": bool(policy and policy.ends),
        "order_id": record.order_id,
        "order_number": str(record.detail.get("order_number", "")),
        "fulfillment_id": record.fulfillment_id,
        "location_id": record.location_id,
        "source": str(record.detail.get("source", "")),
        "opened_at": rfc3339(record.opened_ms),
        "due_at": rfc3339(record.due_ms),
        "closed_at": rfc3339_or_none(record.closed_ms),
        "closed_by": record.closed_by,
        "note": record.note,
    }
