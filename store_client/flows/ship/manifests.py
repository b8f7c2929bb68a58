"""Manifests: which boxes a carrier gets, listed and then handed over, one operation a box.

A list that was begun before a power cut goes on where it stopped: what is on it
is said by the boxes themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from store_client.flows.ship.paying import let_go
from store_client.paper import ManifestRow, ManifestSheet, PaperProblem
from store_client.services.calendar import local
from store_client.services.desk import Desk, Refusal
from store_client.services.open_orders import begun_orders
from store_client.services.words import refusal, units
from sync.domain.errors import OperationRefused
from sync.domain.flows.ship import NAME, shipment_of
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.ship_operations import Manifested
from sync.domain.shipping import Box


@dataclass(frozen=True, slots=True)
class Listed:
    """A box with the order that it belongs to."""

    order: FulfillmentOrder
    box: Box

    @property
    def key(self) -> str:
        """What tells it from the others."""
        return f"{self.order.id}/{self.box.number}"


@dataclass(frozen=True, slots=True)
class Done:
    """What was done with a carrier's boxes."""

    count: int
    says: str


def boxes_for(orders: Iterable[FulfillmentOrder], carrier: str) -> list[Listed]:
    """Return the labeled boxes of a carrier that are here, unlisted ones first."""
    found = [
        Listed(order, box)
        for order in orders
        for box in shipment_of(order).boxes
        if box.is_here and box.tracking and box.carrier == carrier
    ]
    return sorted(found, key=lambda one: (bool(one.box.manifest), one.order.order_number, one.key))


def list_box(desk: Desk, order: FulfillmentOrder) -> FulfillmentOrder:
    """Put all labeled boxes of one order on their carrier's manifest."""
    waiting = [box for box in shipment_of(order).boxes if box.is_here and not box.manifest]
    ready = [box for box in waiting if box.tracking]
    if not ready:
        raise Refusal("No labeled box waits for a manifest.", "Label it first.")
    orders = begun_orders(desk, NAME)
    for box in ready:
        name = _name(desk, orders, box.carrier)
        order = desk.perform(Manifested(order.id, box.number, name))
    return order


def close(desk: Desk, carrier: str) -> Done:
    """Put every labeled box of a carrier on its manifest, and the manifest on paper.

    Where all are on it already it is made once more: a box may have been taken off it.
    """
    desk.require_worker()
    orders = begun_orders(desk, NAME)
    known = boxes_for(orders, carrier)
    ready = [one for one in known if not one.box.manifest]
    if known and not ready:
        return Done(0, f"Nothing new to list: made again. {print_manifest(desk, carrier)}")
    if not ready:
        raise Refusal("No labeled box waits for a manifest.", "Pack and label first.")
    name, left = _name(desk, orders, carrier), list[str]()
    for one in ready:
        try:
            desk.perform(Manifested(one.order.id, one.box.number, name))
        except OperationRefused as refused:
            left.append(_of_order(one.order, refused))
    if len(left) == len(ready):
        raise Refusal(left[0], "Look at the boxes again.")
    paper = print_manifest(desk, carrier)
    listed = units(len(ready) - len(left), "box")
    missing = f" {len(left)} not listed. {left[0]}" if left else ""
    return Done(len(ready) - len(left), f"{listed} listed.{missing} {paper}")


def hand_over(desk: Desk, carrier: str) -> Done:
    """Note that the carrier took every box on its manifest; of what is paid here, the paid ones."""
    desk.require_worker()
    listed = [one for one in boxes_for(begun_orders(desk, NAME), carrier) if one.box.manifest]
    if not listed:
        raise Refusal("Nothing is on this carrier's manifest.", "Put the boxes on it first.")
    left = [one for one in listed if one.order.total("to_put_back")]
    gone = [one for one in listed if not one.order.total("to_put_back")]
    if not gone:
        number = left[0].order.order_number
        raise Refusal(f"Order {number} is not all expected any more.", "Put it back first.")
    taken, refused = 0, list[tuple[FulfillmentOrder, OperationRefused]]()
    for boxes in _by_order(gone):
        try:
            let_go(desk, boxes[0].order, [one.box for one in boxes])
        except OperationRefused as refusal:
            refused.append((boxes[0].order, refusal))
        taken += _left_now(desk, boxes)
    if not taken:
        raise refused[0][1]
    kept = f" {len(left)} stay here: something has to be put back." if left else ""
    waits = f" {len(gone) - taken} stay here. {_of_order(*refused[0])}" if refused else ""
    return Done(taken, f"The carrier has {taken}.{kept}{waits}")


def _left_now(desk: Desk, boxes: Iterable[Listed]) -> int:
    """Return how many of the boxes of one order the carrier has: of several some may be refused."""
    listed = list(boxes)
    order = desk.store.fulfillment(listed[0].order.id)
    now = [] if order is None else [shipment_of(order).box(one.box.number) for one in listed]
    return sum(box is not None and not box.is_here for box in now)


def _of_order(order: FulfillmentOrder, refused: OperationRefused) -> str:
    """Return why something of an order was refused, so that everybody knows of which."""
    why, _ = refusal(refused)
    return why if order.order_number in why else f"Order {order.order_number}: {why}"


def _by_order(listed: Iterable[Listed]) -> list[list[Listed]]:
    found: dict[str, list[Listed]] = {}
    for one in listed:
        found.setdefault(one.order.id, []).append(one)
    return list(found.values())


def hand_over_order(desk: Desk, order: FulfillmentOrder) -> FulfillmentOrder:
    """Note that the carrier took the listed boxes of one order."""
    listed = [box for box in shipment_of(order).boxes if box.is_here and box.manifest]
    return let_go(desk, order, listed)


def print_manifest(desk: Desk, carrier: str) -> str:
    """Make the manifest of what waits for a carrier; say where it is, or why it is not."""
    listed = [one for one in boxes_for(begun_orders(desk, NAME), carrier) if one.box.manifest]
    store = desk.store.store_row()
    names = {one.carrier: one.name for one in store.carriers} if store else {}
    made = f"{local(store, desk.clock.now_ms()):%Y-%m-%d %H:%M}" if store else ""
    sheet = ManifestSheet(
        listed[-1].box.manifest if listed else carrier, names.get(carrier, carrier),
        store.name if store else "", made, tuple(_row(one) for one in listed),
    )  # fmt: skip
    try:
        files = desk.paper.manifest(sheet)
    except PaperProblem as problem:
        return f"Not on paper: {problem}"
    return ", ".join(path.name for path in files)


def _row(one: Listed) -> ManifestRow:
    address = shipment_of(one.order).address
    return ManifestRow(
        one.box.tracking, one.order.order_number, one.box.number, one.box.weight_grams,
        address.postal_code,
    )  # fmt: skip


def _name(desk: Desk, orders: Iterable[FulfillmentOrder], carrier: str) -> str:
    """Return the manifest that is open for a carrier: the one that its boxes wait on, or a new one.

    The terminal's name is in it, so two terminals never mean different lists by one name.
    """
    waiting = [one.box.manifest for one in boxes_for(orders, carrier) if one.box.manifest]
    if waiting:
        return waiting[-1]
    store, now_ms = desk.store.store_row(), desk.clock.now_ms()
    moment = f"{local(store, now_ms):%m%d-%H%M}" if store else str(now_ms)
    return f"{carrier}-{desk.device}-{moment}"
