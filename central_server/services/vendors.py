"""Vendors and 3PLs that send for us: a center without a machine of ours, which tells us by API.

    work         what it has to send, the earliest first
    acknowledge  it takes the order on
    ship         a box left, with the carrier's number; said again, it counts once
    give up      of some lines, or of all: central sources them elsewhere, as after a store's no;
                 some units are given up once for each key, as two requests may mean it twice

A vendor's word is decided by the same operations and the same table as a store's: what it is to do
as a store's new command, a box that has left as a fact, whatever central decided meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from central_server.records import Location, OrderEvent
from central_server.services.errors import NotFound
from central_server.services.idempotency import Answered, RequestIdentity, answer_once
from central_server.services.judging import Judging
from central_server.services.order_views import Document, fulfillment_document
from central_server.services.promising import compact
from central_server.services.replication import Replication
from sync.domain import operations as op
from sync.domain import ship_operations as so
from sync.domain.flows import flow_named
from sync.domain.flows.ship import shipment_of
from sync.domain.fulfillment import FulfillmentOrder, ShortReason
from sync.domain.operations import LineQuantity
from sync.domain.transitions import Flow, FulfillmentOperation, Outcome, advance, decide

if TYPE_CHECKING:
    from central_server.storage.unit import Unit, View

VENDOR = "dc"
"""The kind of a location that may be a vendor's; one with a machine speaks through that."""


@dataclass(frozen=True, slots=True)
class SentBox:
    """What a vendor gave to a carrier."""

    tracking: str
    carrier: str
    service: str
    weight_grams: int
    lines: Mapping[int, int]
    """Units by line."""


Said = Callable[[FulfillmentOrder], Sequence[FulfillmentOperation]]
"""What a vendor's word means for an order as it is."""


@dataclass(frozen=True, slots=True)
class _Word:
    said: Said
    kind: str
    text: str
    """What the order's timeline says of it."""
    is_done: bool = False
    """Whether goods have left already: it counts, though the order has ended at central."""


class VendorDesk:
    """Shows vendors their work, and takes their word."""

    def __init__(self, judging: Judging) -> None:
        self._database = judging.database
        self._judging = judging

    def work(self, location_id: str) -> list[Document]:
        """Return what a vendor has to send, the earliest first. Raises `NotFound`."""
        with self._database.read() as view:
            _vendor(view, location_id)
            found = view.fulfillments.open_at(location_id)
        return [
            {**fulfillment_document(one.row.order), "order_number": one.row.order.order_number}
            for one in found
        ]

    def acknowledge(self, location_id: str, fulfillment_id: str) -> Document:
        """Take an order on; taken on already, it stays so. Raises `NotFound`."""

        def said(order: FulfillmentOrder) -> list[FulfillmentOperation]:
            taken = order.accepted_at_ms is not None
            return [] if taken else [op.FulfillmentAccepted(order.id)]

        word = _Word(said, "acknowledged", "took it on")
        return self._tell(location_id, fulfillment_id, word)

    def ship(self, location_id: str, fulfillment_id: str, box: SentBox) -> Document:
        """Note that a box left; one of this number that left already counts once.

        It counts also where the order was cancelled before the vendor said so: people are asked.
        Raises `NotFound`, and `OperationRefused` where this cannot be in it.
        """

        def said(order: FulfillmentOrder) -> list[FulfillmentOperation]:
            shipment = shipment_of(order)
            if any(one.tracking == box.tracking for one in shipment.boxes):
                return []
            return _sent(order, box, shipment.next_box)

        text = f"sent a box by {box.carrier}, number {box.tracking}"
        word = _Word(said, "vendor_shipped", text, is_done=True)
        return self._tell(location_id, fulfillment_id, word)

    def give_up(
        self, location_id: str, fulfillment_id: str, lines: Mapping[int, int],
        reason: ShortReason, identity: RequestIdentity | None = None,
    ) -> Answered:  # fmt: skip
        """Give up units by line, or all that is open if none are named; under one key once.

        Raises `NotFound`, `IdempotencyKeyReused`, and `OperationRefused` for units that it
        does not have to send.
        """

        def said(order: FulfillmentOrder) -> list[FulfillmentOperation]:
            if not order.total("open"):
                return []
            if not lines:
                return [op.FulfillmentRejected(order.id, reason)]
            return [op.LineShortPicked(order.id, line, units, reason)
                    for line, units in lines.items()]  # fmt: skip

        word = _Word(said, "given_up", "does not send it")
        now_ms = self._judging.clock.now_ms()

        def given_up(unit: "Unit") -> str:
            return compact(self._told(unit, location_id, fulfillment_id, word, now_ms))

        if identity is None:
            return Answered(self._database.write(given_up), is_replayed=False)
        return self._database.write(
            lambda unit: answer_once(unit, identity, now_ms, lambda: given_up(unit))
        )

    def _tell(self, location_id: str, fulfillment_id: str, word: _Word) -> Document:
        now_ms = self._judging.clock.now_ms()
        return self._database.write(
            lambda unit: self._told(unit, location_id, fulfillment_id, word, now_ms)
        )

    def _told(
        self, unit: "Unit", location_id: str, fulfillment_id: str, word: _Word, now_ms: int
    ) -> Document:
        place = _vendor(unit, location_id)
        applier = Replication(unit, self._judging, place, now_ms)
        before = applier.order_here(fulfillment_id)
        if before is None:
            raise NotFound("work of this vendor", fulfillment_id)
        operations = word.said(before)
        _check(before, operations, now_ms, advance if word.is_done else decide)
        apply = applier.take if word.is_done else applier.decide
        apply(operations, "vendor")
        after = applier.order_here(fulfillment_id)
        assert after is not None
        applier.flush()
        if operations:
            data = {"fulfillment_id": fulfillment_id, "location_id": location_id}
            text = f"{place.name} {word.text}."
            event = OrderEvent(before.order_id, now_ms, word.kind, text, place.id, data)
            unit.orders.append_events([event])
        unit.after_commit(lambda: self._judging.pokes.publish(applier.heads))
        return fulfillment_document(after)


def _check(
    before: FulfillmentOrder,
    operations: Sequence[FulfillmentOperation],
    now_ms: int,
    judge: Callable[[Flow, FulfillmentOrder, FulfillmentOperation, int], Outcome],
) -> None:
    """Raise `OperationRefused` where a store would be refused it, before anything changes."""
    order = before
    for one in operations:
        order = judge(flow_named(before.flow), order, one, now_ms).after


def _sent(order: FulfillmentOrder, box: SentBox, number: int) -> list[FulfillmentOperation]:
    shipment = shipment_of(order)
    picks = []
    for line, units in box.lines.items():
        known = order.line(line)
        loose = 0 if known is None else known.held - shipment.packed(line)
        if units > loose:
            picks.append(op.LinePicked(order.id, line, units - loose))
    packed = tuple(LineQuantity(line, units) for line, units in box.lines.items())
    return [
        *picks,
        so.BoxPacked(order.id, number, box.weight_grams, packed),
        so.LabelPrinted(order.id, number, box.carrier, box.service, box.tracking),
        so.Manifested(order.id, number, f"vendor-{box.tracking}"),
        so.HandedToCarrier(order.id, number),
    ]


def _vendor(view: "View", location_id: str) -> Location:
    place = view.locations.get(location_id)
    machines = view.replicas.at_location(location_id)
    if place is None or place.kind != VENDOR or any(one.enabled for one in machines):
        raise NotFound("vendor", location_id)
    return place
