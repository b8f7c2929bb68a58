"""Curbside: a pickup that is brought out to the customer's car.

... -> READY_FOR_PICKUP -> CUSTOMER_WAITING -> PICKED_UP

The rules are those of the hold shelf. What this flow adds is the customer's
arrival, told by central (the customer said so) or typed by an associate: where
the car stands, what it looks like, since when. A customer may arrive at any
moment; the status says so as soon as there is something to bring out.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, cast

from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus, evolve_order
from sync.domain.hold_shelf import CLOSED, READY, TO_PICK, rows
from sync.domain.hold_shelf import status_of as shelf_status_of
from sync.domain.picking import NOTHING_CHANGED, unchanged
from sync.domain.transitions import Effect, Flow, FulfillmentOperation, Transition, make_flow

NAME = "curbside"
PLACE_CHARACTERS_MAX = 20
VEHICLE_CHARACTERS_MAX = 40

S = FulfillmentStatus
_PARKING, _VEHICLE = "parking", "vehicle"
ARRIVED = "arrived_ms"
"""The note of an order whose customer waits outside: since when."""


@dataclass(frozen=True, slots=True)
class CustomerArrived:
    """The customer stands outside. Said again, the place is corrected; the time stays."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    parking: str
    """The name of the parking spot."""
    arrived_ms: int
    vehicle: str = ""
    """What the car looks like, where somebody said so."""
    kind: Literal["customer_arrived"] = "customer_arrived"


@dataclass(frozen=True, slots=True)
class CustomerLeft:
    """The customer does not stand outside any more, or never did; the goods are still here."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    kind: Literal["customer_left"] = "customer_left"


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a customer waits, and since when (ms)."""

    parking: str
    vehicle: str
    since_ms: int


def arrival_of(order: FulfillmentOrder) -> Arrival | None:
    """Return where the customer waits; None where nobody does."""
    since = order.note(ARRIVED)
    return Arrival(order.note(_PARKING), order.note(_VEHICLE), int(since)) if since else None


def status_of(order: FulfillmentOrder) -> FulfillmentStatus:
    """Return the hold shelf's status, and whether the customer waits for what is ready."""
    status = shelf_status_of(order)
    if status is S.READY_FOR_PICKUP and order.note(ARRIVED):
        return S.CUSTOMER_WAITING
    return status


def _arrive(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    done = cast("CustomerArrived", operation)
    since = order.note(ARRIVED) or str(done.arrived_ms)
    order = order.with_note(ARRIVED, since).with_note(_PARKING, done.parking)
    return order.with_note(_VEHICLE, done.vehicle or order.note(_VEHICLE))


def _leave(order: FulfillmentOrder, _: FulfillmentOperation, __: int) -> FulfillmentOrder:
    gone = {_PARKING, _VEHICLE, ARRIVED}
    return evolve_order(order, notes=tuple(note for note in order.notes if note[0] not in gone))


def _then_leaves(row: Transition) -> Transition:
    """Return the row of a hand-over: the customer drives away with it, also with a part."""

    def left_after(done: Effect) -> Effect:
        return lambda order, operation, at_ms: _leave(
            done(order, operation, at_ms), operation, at_ms
        )

    late = row.overtaken
    return replace(
        row,
        effect=left_after(row.effect),
        overtaken=None if late is None else replace(late, effect=left_after(late.effect)),
    )


_OPEN = TO_PICK | READY | {S.PICKED, S.STAGED, S.CUSTOMER_WAITING}
_ROWS = (
    *(_then_leaves(row) if row.kind == "handed_over" else row for row in rows(S.CUSTOMER_WAITING)),
    Transition("customer_arrived", _OPEN, _OPEN, _arrive),
    Transition("customer_arrived", CLOSED, CLOSED, unchanged, late=NOTHING_CHANGED),
    Transition("customer_left", _OPEN, _OPEN, _leave),
    Transition("customer_left", CLOSED, CLOSED, unchanged, late=NOTHING_CHANGED),
)

FLOW: Flow = make_flow(NAME, _ROWS, status_of, (CustomerArrived, CustomerLeft))
"""The curbside flow."""
