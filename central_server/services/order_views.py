"""Orders as documents: what the API answers, composed from records. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from central_server.records import Order, OrderEvent, OrderHold, StoredFulfillment, StoredOperation
from central_server.services.times import rfc3339, rfc3339_or_none
from sync.domain.delivery import DeliveryDays
from sync.domain.flows import status_of
from sync.domain.flows.curbside import arrival_of
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.orders import OrderProgress, OrderStatus, progress_of
from sync.domain.paying import due_of
from sync.protocol.lines import decode_line

Document = dict[str, object]


def progress(order: Order, fulfillments: Iterable[FulfillmentOrder]) -> OrderProgress:
    """Return how far an order is, from its lines and the fulfillment orders that carry them."""
    return progress_of(
        ordered=sum(line.quantity for line in order.lines),
        unsourced=sum(line.unsourced for line in order.lines),
        dropped=sum(line.dropped for line in order.lines),
        fulfillments=tuple(fulfillments),
    )


def delivery_document(days: DeliveryDays) -> Document:
    """Return the first and the last day on which something is delivered."""
    return {"earliest": days.earliest.isoformat(), "latest": days.latest.isoformat()}


Deliveries = Mapping[str, object]
"""When parts of an order are delivered, as their customer was told, by fulfillment order."""


def deliveries_of(events: Iterable[OrderEvent]) -> Deliveries:
    """Return what a timeline keeps of deliveries: what was said last of each part."""
    return {
        str(one.data["fulfillment_id"]): one.data["delivery"]
        for one in events
        if "delivery" in one.data
    }


def order_document(
    order: Order,
    fulfillments: Sequence[FulfillmentOrder],
    holds: Sequence[OrderHold] = (),
    deliveries: Deliveries = MappingProxyType({}),
    *,
    expected_ms: int | None = None,
) -> Document:
    """Return the whole order, without its timeline.

    Of one that waits for goods that are on their way, `expected_ms` is by when it is promised.
    """
    awaits = expected_ms is not None
    return {
        **summary_document(order, status_of_order(order, fulfillments, holds, awaits).value),
        "promised_by": rfc3339_or_none(_promised_by(holds, expected_ms)),
        "customer": {
            "name": order.customer_name,
            "email": order.customer_email,
            "phone": order.customer_phone,
        },
        "proxy_name": order.proxy_name,
        "lines": [_line(order, index, fulfillments) for index in range(len(order.lines))],
        "fulfillments": [
            {**fulfillment_document(one), "delivery": deliveries.get(one.id)}
            for one in fulfillments
        ],
        "holds": [hold_document(one) for one in holds],
        "need_by": order.need_by or None,
    }


def _promised_by(holds: Sequence[OrderHold], expected_ms: int | None) -> int | None:
    """Return by when an order is promised that waits for goods or for its release date."""
    told = [one.data["promised_by_ms"] for one in holds
            if one.closed_ms is None and "promised_by_ms" in one.data]  # fmt: skip
    found = [int(str(one)) for one in told] + [one for one in (expected_ms,) if one is not None]
    return max(found, default=None)


def status_of_order(
    order: Order,
    fulfillments: Sequence[FulfillmentOrder],
    holds: Sequence[OrderHold],
    awaits: bool,
) -> OrderStatus:
    """Return where an order stands; one that is held or awaits goods is open, not unfillable."""
    status = progress(order, fulfillments).status
    is_held = any(one.closed_ms is None for one in holds)
    if status is OrderStatus.UNFILLABLE:
        is_open = awaits or is_held or any(one.waits for one in fulfillments)
        return OrderStatus.OPEN if is_open else status
    return status


def hold_document(one: OrderHold) -> Document:
    """Return why an order waits, or waited."""
    return {
        "kind": one.kind,
        "text": one.text,
        "opened_at": rfc3339(one.opened_ms),
        "until": rfc3339_or_none(one.until_ms),
        "closed_at": rfc3339_or_none(one.closed_ms),
        "closed_by": one.closed_by,
        "note": one.note,
    }


def summary_document(order: Order, status: str) -> Document:
    """Return what a list shows of an order."""
    return {
        "id": order.id,
        "number": order.number,
        "status": status,
        "channel": order.channel,
        "external_ref": order.external_id,
        "location_id": order.pickup_location_id,
        "customer_name": order.customer_name,
        "placed_at": rfc3339(order.placed_at_ms),
        "total": {"amount_minor": order.total_minor, "currency": order.currency},
    }


def fulfillment_document(order: FulfillmentOrder) -> Document:
    """Return one fulfillment order, without what only the store needs."""
    return {
        "id": order.id,
        "location_id": order.location_id,
        "flow": order.flow,
        "status": status_of(order).value,
        "promised_by": rfc3339(order.promised_by_ms),
        "ready_at": rfc3339_or_none(order.ready_at_ms),
        "expires_at": rfc3339_or_none(order.expires_at_ms),
        "staging_spot": order.staging_spot,
        "arrival": _arrival(order),
        "lines": [
            {
                "line": line.line, "sku": line.sku, "allocated": line.allocated,
                "picked": line.picked, "short": line.short, "cancelled": line.cancelled,
                "refused": line.refused, "expired": line.expired, "fulfilled": line.fulfilled,
                "put_back": line.put_back,
            }
            for line in order.lines
        ],
        "shipment": _shipment(order),
        "payment": _payment(order),
    }  # fmt: skip


def _arrival(order: FulfillmentOrder) -> Document | None:
    """Return where the customer waits outside; None where nobody does."""
    found = arrival_of(order)
    if found is None:
        return None
    return {
        "parking": found.parking,
        "vehicle": found.vehicle,
        "since": rfc3339(found.since_ms),
    }


def _shipment(order: FulfillmentOrder) -> Document | None:
    """Return where parcels go and what lies in which box; None for what a customer fetches."""
    shipment = order.shipment
    if shipment is None:
        return None
    return {
        "method": shipment.method,
        "carrier": shipment.carrier,
        "service": shipment.service,
        "to": list(shipment.address.lines()),
        "boxes": [
            {
                "box": box.number, "weight_grams": box.weight_grams, "carrier": box.carrier,
                "service": box.service, "tracking": box.tracking, "manifest": box.manifest,
                "shipped_at": rfc3339_or_none(box.shipped_at_ms),
            }
            for box in shipment.boxes
        ],
    }  # fmt: skip


def _payment(order: FulfillmentOrder) -> Document | None:
    """Return how a reservation is paid; None for an order that is paid online."""
    held = order.reserve
    if held is None:
        return None
    return {
        "due_minor": max(0, due_of(order)),
        "paid_minor": held.paid_minor,
        "waits": held.waits,
        "tenders": [
            {
                "number": one.number, "means": one.means.value, "state": one.state.value,
                "amount_minor": one.amount_minor,
            }
            for one in held.tenders
        ],
    }  # fmt: skip


def _line(order: Order, index: int, fulfillments: Sequence[FulfillmentOrder]) -> Document:
    line = order.lines[index]
    parts = [part for one in fulfillments if (part := one.line(line.line)) is not None]
    given_up = sum(part.cancelled + part.refused + part.expired for part in parts)
    return {
        "line": line.line,
        "sku": line.sku,
        "name": line.name,
        "ordered": line.quantity,
        "fulfilled": sum(part.fulfilled for part in parts),
        "cancelled": given_up + line.dropped,
        "unsourced": line.unsourced,
        "unit_price": {"amount_minor": line.unit_price_minor, "currency": order.currency},
    }


def timeline(
    events: Sequence[OrderEvent],
    operations: Sequence[StoredOperation],
    fulfillments: Mapping[str, FulfillmentOrder],
) -> list[Document]:
    """Return what happened to an order, oldest first, as central came to know it.

    What a store did is not written down twice: these entries are its operations.
    """
    entries = [
        *(((event.at_ms, 0), _event_entry(event)) for event in events),
        *(
            ((one.received_ms, one.seq), _operation_entry(one, fulfillments.get(one.aggregate)))
            for one in operations
        ),
    ]
    entries.sort(key=lambda entry: entry[0])
    return [entry for _, entry in entries]


def _event_entry(event: OrderEvent) -> Document:
    return {
        "at": rfc3339(event.at_ms),
        "received_at": rfc3339(event.at_ms),
        "kind": event.kind,
        "source": "central",
        "by": event.actor,
        "fulfillment_id": str(event.data.get("fulfillment_id", "")),
        "verdict": "",
        "text": event.text,
    }


def _operation_entry(one: StoredOperation, order: FulfillmentOrder | None) -> Document:
    verdict = json.loads(one.verdict) if one.verdict else {}
    consequences = " ".join(item["text"] for item in verdict.get("consequences", ()))
    approved_by, approved_why = _approval(bytes(one.line))
    return {
        "at": rfc3339(one.at_ms),
        "received_at": rfc3339(one.received_ms),
        "kind": one.kind,
        "source": order.location_id if order else one.replica_id,
        "by": one.by_associate,
        "approved_by": approved_by,
        "approved_why": approved_why,
        "fulfillment_id": one.aggregate,
        "verdict": one.status,
        "text": " ".join(part for part in (verdict.get("text", ""), consequences) if part),
    }


def _approval(line: bytes) -> tuple[str, str]:
    """Return who approved an operation and why; empty where nobody had to."""
    if b'"ok_by"' not in line:
        return "", ""
    try:
        record = decode_line(line)
    except ValueError:
        return "", ""  # held back as unreadable: nothing in it is believed
    return record.ok_by, record.ok_why


def customer_hint(phone: str) -> str:
    """Return the end of a phone number: enough to recognize a person, too little to call one."""
    digits = "".join(character for character in phone if character.isdigit())
    return digits[-4:]


def orders_in(stored: Iterable[StoredFulfillment]) -> tuple[FulfillmentOrder, ...]:
    """Return the fulfillment orders themselves."""
    return tuple(one.row.order for one in stored)
