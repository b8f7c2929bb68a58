"""Buys the labels that stores asked for, and tells carriers of used and void numbers.

The carrier is asked outside of any transaction, under a key, so a crash between
asking and writing buys one label and not two. A label that nobody waits for any
more when it arrives is void at once.
"""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any, cast

from central_server.flows.ship.handler import LABEL_ANNOUNCE, LABEL_BUY, LABEL_VOID
from central_server.jobs.outbox import retry_ms
from central_server.ports import CarrierAway, CarrierRefused, Carriers, Parcel, Pokes
from central_server.records import OrderEvent, OutboxItem
from central_server.services.exceptions import exception_record, open_exceptions
from central_server.services.piecework import Piece, Piecework
from sync.clock import Clock
from sync.domain.exceptions import ExceptionKind
from sync.domain.flows.ship import label_arrived, label_failed, shipment_of
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.ids import new_id
from sync.hub.feed import FeedWriter
from sync.protocol.rows import Entity, FulfillmentRow, store_scope

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit

KINDS = (LABEL_ANNOUNCE, LABEL_BUY, LABEL_VOID)
LEASE_MS = 60_000
BATCH = 50


class LabelDesk:
    """Central's counter for labels."""

    def __init__(
        self,
        database: "Database",
        carriers: Carriers,
        *,
        clock: Clock,
        random: Random,
        pokes: Pokes,
    ) -> None:
        self._database = database
        self._carriers = carriers
        self._clock = clock
        self._random = random
        self._pokes = pokes
        self._pieces = Piecework(
            database, clock, random, job="labels", words="has a label that was not seen to"
        )

    def run(self) -> int:
        """Do what is due and return how much was done. What fails is tried again later."""
        now = self._clock.now_ms()
        items = self._database.write(
            lambda unit: unit.outbox.claim(now, lease_ms=LEASE_MS, limit=BATCH, kinds=KINDS)
        )
        named = {item.id: item for item in items}
        pieces = (Piece(item.id, str(item.payload.get("order_id", ""))) for item in named.values())
        return self._pieces.some(pieces, lambda piece: self._work(named[piece.key]))

    def _work(self, item: OutboxItem) -> int:
        parcel = parcel_of(item.key, item.payload)
        try:
            if item.kind == LABEL_BUY:
                number = self._carriers.buy(parcel)
                self._write(item, number, "")
            elif item.kind == LABEL_ANNOUNCE:
                self._carriers.announce(parcel)
                self._done(item)
            else:
                self._carriers.void(parcel)
                self._done(item)
        except CarrierAway as problem:
            self._later(item, str(problem))
            return 0
        except CarrierRefused as problem:
            self._write(item, "", str(problem))
        return 1

    def _done(self, item: OutboxItem) -> None:
        now = self._clock.now_ms()
        self._database.write(lambda unit: unit.outbox.done(item.id, now))

    def _later(self, item: OutboxItem, problem: str) -> None:
        at_ms = self._clock.now_ms() + retry_ms(item.attempts, self._random)
        self._database.write(lambda unit: unit.outbox.failed(item.id, problem, at_ms))

    def _write(self, item: OutboxItem, number: str, problem: str) -> None:
        self._database.write(lambda unit: self._answer(unit, item, number, problem))

    def _answer(self, unit: "Unit", item: OutboxItem, number: str, problem: str) -> None:
        """Give the store its label, or what the carrier said; both in one transaction."""
        now = self._clock.now_ms()
        key, box = str(item.payload["fulfillment_id"]), cast("int", item.payload["box"])
        unit.orders.heads([str(item.payload["order_id"])])
        stored = unit.fulfillments.get(key, lock=True)
        # Where the carrier took longer than the claim, somebody else may have answered already.
        is_first = unit.outbox.done(item.id, now)
        if stored is None:
            return
        before = stored.row.order
        after = None
        if is_first and _is_meant(before, item.payload):
            arrived = label_arrived(before, box, number) if number else None
            after = label_failed(before, box, problem) if problem else arrived
        feed = FeedWriter(unit.feed)
        if after is not None:
            row = FulfillmentRow(after, stored.row.watermark)
            body = unit.fulfillments.upsert_many([row])[key]
            feed.put_body(store_scope(after.location_id), Entity.FULFILLMENT, key, body)
            self._tell(unit, feed, after, box, number, problem, now)
        elif problem and is_first and _stands_on(before, item):
            self._tell(unit, feed, before, box, "", problem, now)
        elif number and number not in {one.tracking for one in shipment_of(before).boxes}:
            payload = {**item.payload, "number": number}
            unit.outbox.add(
                [OutboxItem(new_id(now, self._random), LABEL_VOID, f"{LABEL_VOID}:{number}",
                            payload, now)]
            )  # fmt: skip
        heads = feed.flush()
        unit.after_commit(lambda: self._pokes.publish(heads))

    def _tell(
        self, unit: "Unit", feed: FeedWriter, order: FulfillmentOrder, box: int,
        number: str, problem: str, now_ms: int,
    ) -> None:  # fmt: skip
        if problem:
            text = f"Order {order.order_number}, box {box}: {problem}."
            record = exception_record(
                ExceptionKind.LABEL_REFUSED, text,
                cause=f"{ExceptionKind.LABEL_REFUSED}:{order.id}/{box}", now_ms=now_ms,
                random=self._random, order=order, source="carrier",
            )  # fmt: skip
            open_exceptions(unit, feed, [record])
        words = f"No label for box {box}: {problem}" if problem else f"Box {box} got {number}."
        data = {"fulfillment_id": order.id, "location_id": order.location_id}
        kind = "label_refused" if problem else "label_bought"
        unit.orders.append_events(
            [OrderEvent(order.order_id, now_ms, kind, words, "central", data)]
        )


def _is_meant(order: FulfillmentOrder, payload: Mapping[str, object]) -> bool:
    """Return whether a box is still what was asked for: it may have been packed anew."""
    box = shipment_of(order).box(cast("int", payload["box"]))
    return box is not None and all(
        payload.get(name, now) == now
        for name, now in (
            ("asked_ms", box.requested_at_ms), ("weight_grams", box.weight_grams),
            ("carrier", box.carrier), ("service", box.service),
        )
    )  # fmt: skip


def _stands_on(order: FulfillmentOrder, item: OutboxItem) -> bool:
    """Return whether what a carrier refused is on a box: a number that was announced."""
    box = shipment_of(order).box(cast("int", item.payload["box"]))
    number = item.payload["number"]
    return item.kind == LABEL_ANNOUNCE and box is not None and box.tracking == number


def parcel_of(key: str, payload: Mapping[str, object]) -> Parcel:
    """Return what a carrier is told, from an entry of the outbox."""
    fields: dict[str, Any] = {
        name: payload[name]
        for name in ("carrier", "service", "weight_grams", "country", "postal_code", "number")
    }
    lines = cast("list[str]", payload["to"])
    return replace(Parcel(key, "", "", 0, (), "", ""), to=tuple(lines), **fields)
