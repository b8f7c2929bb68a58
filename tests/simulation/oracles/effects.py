"""O1 and O6: each operation has just its effect, and each conflict just one exception."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlalchemy import select

from central_server.storage.promise_tables import RECEIPTS
from central_server.storage.tables import REPLICA_EPOCHS
from sync.domain.exceptions import shown_to_store
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.inventory import StockEffect, StockReason
from sync.hub.acceptor import WAITS_BEHIND
from sync.protocol.lines import decode_line
from tests.simulation.memory import location_of, rank_of
from tests.simulation.model import (
    Books,
    Units,
    UnitsCancelled,
    add,
    counts,
    nonzero,
    op_id,
    read_books,
    retell_all,
    settled_later,
)
from tests.simulation.registry import Oracle, When

if TYPE_CHECKING:
    from tests.simulation.world import World

TAKEN = {"accepted", "amended"}
_PROMISED = StockReason.ALLOCATED
OTHERWISE = {"mail_failed", "put_back_due", "clock_wrong", "count_due", "label_refused",
             "money_owed", "receipt_late"}  # fmt: skip
"""Kinds that come and go with what lasts, or with chance (`oracles.waiting` has receipts)."""
LASTING = {"put_back_due", "clock_wrong"}
GIVING_UP = {"line_short_picked", "fulfillment_rejected"}


def orders_are_what_happened_to_them(world: "World") -> Iterator[str]:
    """O1: doing everything again, once and in order, leads to what central has."""
    books = read_books(world)
    for key, told in retell_all(world).items():
        yield from told.problems
        have = books.orders[key].row.order
        if told.order != have:
            yield f"{key}: what happened leads to {told.order}, central has {have}"


def stock_moved_once_per_operation(world: "World") -> Iterator[str]:
    """O1: the ledger has the effects of each operation and cancellation, and no others."""
    books = read_books(world)
    expected: dict[str, Units] = defaultdict(dict)
    for told in retell_all(world).values():
        for step in told.steps:
            moved = [one for one in step.outcome.effects if one.reason is not _PROMISED]
            add(expected[step.source], told.order.location_id, moved)
        for place, units in told.cancelled.items():
            before = expected[told.order.order_id].get(place, (0, 0))
            expected[told.order.order_id][place] = (before[0] + units[0], before[1] + units[1])
    for one in books.operations:
        if one.kind == "floor_sold" and one.status in TAKEN and counts(one):
            location_id = location_of(one.replica_id)
            sold = [StockEffect(line.sku, -line.units, 0, StockReason.FLOOR_SOLD)
                    for line in decode_line(one.line).op.lines]  # fmt: skip
            add(expected[op_id(one)], location_id, sold)
    found: dict[str, Units] = defaultdict(dict)
    for location, sku, on_hand, allocated, reason, source in books.ledger:
        if reason not in {"allocated", "opening", "import"}:
            before = found[source].get((location, sku), (0, 0))
            found[source][location, sku] = (before[0] + on_hand, before[1] + allocated)
    for source in expected.keys() | found.keys():
        want, have = nonzero(expected.get(source, {})), nonzero(found.get(source, {}))
        if want != have:
            yield f"{source}: stock should have moved by {want}, it moved by {have}"


def each_conflict_has_one_exception(world: "World") -> Iterator[str]:
    """O6: an exception for each thing that a person must settle: one, and no others."""
    books = read_books(world)
    due = _due(world, books)
    found = Counter((one.kind, str(one.detail.get("source", ""))) for one in books.exceptions)
    for key in found.keys() | due.keys():
        fewest, most = due.get(key, (0, 0))
        if not fewest <= found[key] <= most and key[0] not in OTHERWISE:
            yield f"{key}: {fewest} to {most} exceptions are due, there are {found[key]}"


def _due(world: "World", books: Books) -> dict[tuple[str, str], tuple[int, int]]:
    """Return how many exceptions are due at least and at most, by kind and source."""
    due: dict[tuple[str, str], tuple[int, int]] = {}
    given_up = Counter[str]()
    divisible: set[str] = set()
    """Sources after which a part may have found a place, and a part none."""
    for told in retell_all(world).values():
        for source, kind, before, outcome in told.steps:
            after = outcome.after
            if kind in GIVING_UP and _fell(after, before, "short"):
                given_up[source] += 1
                if told.order.shipment is not None:
                    divisible.add(source)
            if kind in {"handed_over", "handed_to_carrier"} and outcome.consequences:
                undone = _fell(before, after, "cancelled") or _fell(before, after, "expired")
                is_had = bool(_fell(before, after, "short"))
                due["refund_to_void", source] = (int(bool(undone)), int(bool(undone) or is_had))
                due["double_fulfillment", source] = (0, int(is_had))
            if kind == "reservation_converted":
                due["double_fulfillment", source] = (0, int(bool(_fell(before, after, "short"))))
    moved = {source for *_, reason, source in books.ledger if reason == "allocated"}
    for decided in world.central.decided.values():  # those that waited behind another had none
        due.update({("quarantined", source): (0, 1) for source in settled_later(decided)})
    due.update({("quarantined", source): (1, 1) for source in _held(books)})
    due.update(_about_money(books))
    # Released when nobody had it any more (`oracles.waiting` asks who was told).
    due["unsourced", ""] = (0, len(world.placed))
    due.update(
        {
            ("follow_up", op_id(one)): (1, 1)
            for one in books.operations
            if one.kind == "follow_up_opened" and one.status in TAKEN and counts(one)
        }
    )
    due.update(_about_holes(world, books))
    due.update(_about_receipts(world))
    for source, count in given_up.items():
        due["promise_broken", source] = (0, count if source in moved else 0)
        fewest = int(source not in moved)
        # Of several orders that one sale broke, some may have found another place.
        most = fewest if count == 1 and source not in divisible else count
        due["unsourced", source] = (fewest, most)
    return due


def _about_money(books: Books) -> dict[tuple[str, str], tuple[int, int]]:
    """Return the exceptions that drawers, cards and stored value lead to."""
    due: dict[tuple[str, str], tuple[int, int]] = {}
    for one in books.operations:
        if one.status not in TAKEN or one.kind not in _OF_MONEY or not counts(one):
            continue
        operation = decode_line(one.line).op
        if one.kind == "drawer_counted":
            differs = operation.counted_minor != operation.expected_minor
            due["drawer_difference", op_id(one)] = (int(differs),) * 2
        elif one.kind == "card_settled":
            due["card_not_settled", op_id(one)] = (int(operation.declined),) * 2
        else:
            due["value_overdrawn", op_id(one)] = (0, 1)
    return due


def _about_receipts(world: "World") -> dict[tuple[str, str], tuple[int, int]]:
    """Return an exception for each receipt of which fewer or more came than were sent."""
    with world.central.database.read() as view:
        rows = view.connection.execute(
            select(RECEIPTS.c.id, RECEIPTS.c.units, RECEIPTS.c.received).where(
                RECEIPTS.c.received.is_not(None)
            )
        ).all()
    return {
        ("receipt_discrepancy", name): (int(received != units),) * 2
        for name, units, received in rows
    }


def _about_holes(world: "World", books: Books) -> dict[tuple[str, str], tuple[int, int]]:
    """Return an exception for each epoch before which a store's work is in no copy any more."""
    due: dict[tuple[str, str], tuple[int, int]] = {}
    ends = {(one.replica_id, one.epoch): one.seq for one in books.operations}
    with world.central.database.read() as view:
        rows = view.connection.execute(select(REPLICA_EPOCHS).order_by(REPLICA_EPOCHS.c.epoch))
        known: dict[str, int] = {}
        for name, epoch, base, _ in rows:
            before = known.get(name)
            known[name] = ends.get((name, epoch), base)
            found = view.replicas.get(name)
            if before is None or found is None or base <= before:
                continue
            is_sure = found.enabled and (before > 0 or rank_of(name) == 1)
            due["work_lost", f"{name}/{epoch}"] = (int(is_sure), 1)
    return due


_OF_MONEY = {"drawer_counted", "card_settled", "tender_taken"}


def _held(books: Books) -> set[str]:
    """Return the operations in quarantine that wait behind no other."""
    heads: set[str] = set()
    revoked: set[tuple[str, str]] = set()
    for one in books.operations:
        code = json.loads(one.verdict or "{}").get("code", "")
        if one.status != "quarantined" or code == WAITS_BEHIND:
            continue
        place = (one.replica_id, one.aggregate)
        if code != "device_revoked" or not one.aggregate or place not in revoked:
            heads.add(op_id(one))
        revoked.add(place)
    return heads


def what_ends_by_itself_is_open_while_it_lasts(world: "World") -> Iterator[str]:
    """O6: goods to put back after a cancellation and wrong clocks: one open, and none too long."""
    books = read_books(world)
    opened = Counter(
        (one.kind, one.fulfillment_id or one.location_id)
        for one in books.exceptions
        if one.closed_ms is None and one.kind in LASTING
    )
    orders = {key: stored.row.order for key, stored in books.orders.items()}
    possible = {("put_back_due", key) for key, one in orders.items() if one.total("to_put_back")}
    partly = {
        key
        for key, decided in world.central.decided.items()
        if any(isinstance(one.operation, UnitsCancelled) for one in decided)
    }
    """What a store gives up of such an order by itself it knows to put back."""
    due = {
        (kind, key)
        for kind, key in possible
        if orders[key].total("cancelled") and key not in partly
    }
    for place, count in opened.items():
        if count > 1 or (place[0] == "put_back_due" and place not in possible):
            yield f"{place}: {count} open"
    for key in due - opened.keys():
        yield f"{key}: nobody is asked"


def each_store_lists_what_it_has_to_do(world: "World") -> Iterator[str]:
    """O4: after quiet, a store's inbox is what central has open for it, and what is held back."""
    books = read_books(world)
    held = {
        decode_line(one.line).op.exception_id
        for one in books.operations
        if one.kind == "follow_up_opened" and one.status == "quarantined"
    }
    for store in world.stores:
        here = {one.id for one in store.store.exceptions()}
        there = {
            one.id
            for one in books.exceptions
            if one.closed_ms is None
            and one.location_id == store.location_id
            and shown_to_store(one.kind, one.owner)
        }
        if here - (held - there) != there:  # two names may have brought one, and one is held back
            yield f"{store.location_id}: lists {sorted(here)}, central has {sorted(there)}"


def _fell(more: FulfillmentOrder, less: FulfillmentOrder, counter: str) -> int:
    """Return how much a counter fell, over the lines in which it did."""
    pairs = zip(more.lines, less.lines, strict=True)
    return sum(max(0, getattr(a, counter) - getattr(b, counter)) for a, b in pairs)


ORACLES = (
    Oracle("O1 orders are what happened to them", When.QUIET, orders_are_what_happened_to_them),
    Oracle("O1 stock moved once per operation", When.QUIET, stock_moved_once_per_operation),
    Oracle("O6 one exception per conflict", When.QUIET, each_conflict_has_one_exception),
    Oracle("O6 open while it lasts", When.QUIET, what_ends_by_itself_is_open_while_it_lasts),
    Oracle("O4 inboxes are central's", When.QUIET, each_store_lists_what_it_has_to_do),
)
