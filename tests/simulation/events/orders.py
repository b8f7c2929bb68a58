"""What shoppers and central's own people do."""

from random import Random

from central_server.jobs.housekeeping import forget_old_answers, forget_settled_verdicts
from central_server.jobs.outbox import send_due
from central_server.records import Price, Product
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import (
    AlreadyHandedOver,
    OrderChangeInvalid,
    ReservedInStore,
)
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import Customer, NewLine, NewOrder, Placed
from central_server.services.order_groups import OrderRequest
from central_server.storage.unit import View
from sync.domain.errors import InsufficientStock
from sync.domain.inventory import StockReason
from sync.domain.orders import Channel, PaymentPlace
from tests.simulation.central import Decision, position_of
from tests.simulation.faults import is_central_full
from tests.simulation.model import UnitsCancelled
from tests.simulation.registry import EventKind
from tests.simulation.template import SKUS
from tests.simulation.world import World

RESERVED = 0.35
"""So many of all orders are reservations that are paid in the store."""
TRIES = 3
"""A shopper whose answer was lost asks again under the same key."""


def place(world: World, index: int, dice: Random) -> str:
    """A shopper orders; an answer that is lost is asked for again."""
    key, new = _wanted(world, index, dice)
    said: list[str] = []
    for _ in range(TRIES):
        try:
            placed, problem = world.at_central(
                lambda central: central.orders.place(new, RequestIdentity("shop", key, "body"))
            )
        except InsufficientStock:
            return ", ".join([*said, "nobody has that"])
        if placed is not None:
            placing = world.note_placed(key, placed)
            again = " (it was there)" if placed.is_replayed else ""
            return ", ".join(
                [*said, f"placed {placing.fulfillment_id[-4:]} of {len(new.lines)}{again}"]
            )
        said.append(problem)
    return ", ".join([*said, "the shopper gives up"])


def _wanted(world: World, index: int, dice: Random) -> tuple[str, NewOrder]:
    """Return what a shopper wants, and the key of the request."""
    world.keys += 1
    skus = dice.sample(SKUS, dice.choice((1, 1, 2, 3)))
    lines = tuple(NewLine(sku, dice.choice((1, 1, 2, 3))) for sku in skus)
    email = "jo@example.com" if dice.random() < 0.5 else ""
    at = world.stores[index].location_id
    held = dice.random() < RESERVED
    new = NewOrder(
        at, Channel.WEB, "USD", Customer("Jo", email), lines,
        payment=PaymentPlace.IN_STORE if held else PaymentPlace.ONLINE,
        waiting_list=held and dice.random() < 0.5,
    )  # fmt: skip
    return f"order-{world.keys}", new


def place_many(world: World, index: int, dice: Random) -> str:
    """A channel sends orders of several shoppers at once; those in doubt are sent again."""
    stores = len(world.stores)
    wanted = [_wanted(world, (index + one) % stores, dice) for one in range(dice.randint(2, 4))]
    requests = [OrderRequest(new, RequestIdentity("shop", key, "body")) for key, new in wanted]
    said: list[str] = []
    for _ in range(TRIES):
        found, problem = world.at_central(lambda central: central.orders.place_many(requests))
        if found is not None and any(map(is_central_full, found)):
            problem = "central's disk is full"
        if problem or found is None:
            said.append(problem)
            continue
        placed = 0
        for (key, _new), outcome in zip(wanted, found, strict=True):
            if isinstance(outcome, Placed):
                world.note_placed(key, outcome)
                placed += 1
            elif not isinstance(outcome, InsufficientStock):
                raise outcome
        return ", ".join([*said, f"placed {placed} of {len(wanted)} at once"])
    return ", ".join([*said, "the channel gives up"])


def cancel(world: World, index: int, dice: Random) -> str:
    """A shopper cancels, perhaps a second time."""
    if not world.placed:
        return "no order to cancel"
    chosen = dice.choice(world.placed[-8:])
    said: list[str] = []
    for _ in range(TRIES):
        try:
            answer, problem = world.at_central(
                lambda central: central.cancelling.cancel(
                    chosen.order_id, reason="", actor="shopper"
                )
            )
        except AlreadyHandedOver:
            return ", ".join([*said, "too late: handed over"])
        note_cancelled(world, chosen.order_id)
        if answer is not None:
            return ", ".join([*said, f"cancelled {chosen.fulfillment_id[-4:]}"])
        said.append(problem)
    return ", ".join([*said, "the shopper gives up"])


def cancel_some(world: World, index: int, dice: Random) -> str:
    """A shopper does without some units of an order, and asks again where no answer came."""
    if not world.placed:
        return "no order to cancel from"
    chosen = dice.choice(world.placed[-8:])
    with world.central.database.read() as view:
        order = view.orders.get(chosen.order_id)
        before = _cancelled_of(view, chosen.order_id)
    assert order is not None
    line = dice.choice(order.lines)
    units = {line.line: dice.randint(1, line.quantity)}
    key = f"less-{world.tally.events['cancel_some']}"
    identity = RequestIdentity("shop", key, "body")
    said: list[str] = []
    for _ in range(TRIES):
        try:
            answer, problem = world.at_central(
                lambda central: central.cancelling_units.cancel(
                    chosen.order_id, units, identity, reason="", actor="shopper"
                )
            )
        except (AlreadyHandedOver, OrderChangeInvalid, ReservedInStore) as refusal:
            return ", ".join([*said, f"refused: {refusal}"])
        before = _note_units(world, chosen.order_id, before)
        if answer is not None:
            return ", ".join([*said, f"{units[line.line]} of {line.sku}"])
        said.append(problem)
    return ", ".join([*said, "the shopper gives up"])


def _cancelled_of(view: View, order_id: str) -> dict[tuple[str, int], int]:
    return {
        (stored.row.order.id, line.line): line.cancelled
        for stored in view.fulfillments.of_orders([order_id])[order_id]
        for line in stored.row.order.lines
    }


def _note_units(
    world: World, order_id: str, before: dict[tuple[str, int], int]
) -> dict[tuple[str, int], int]:
    """Remember which units of which parts were cancelled, also after a crash; return all."""
    with world.central.database.read() as view:
        after = _cancelled_of(view, order_id)
        for stored in view.fulfillments.of_orders([order_id])[order_id]:
            key = stored.row.order.id
            units = tuple(
                (line, more)
                for (part, line), count in after.items()
                if part == key and (more := count - before[part, line])
            )
            if units:
                position = position_of(view, stored.row.order.location_id)
                decision = Decision(position, UnitsCancelled(units, key), 0, order_id)
                world.central.decided.setdefault(key, []).append(decision)
    return after


def note_cancelled(world: World, order_id: str) -> None:
    """Remember between which operations of its store each part of the order was cancelled.

    Also after a crash: cancelling twice is the same as once, and where central
    did not act, nothing moves before the shopper asks again.
    """
    with world.central.database.read() as view:
        for stored in view.fulfillments.of_orders([order_id])[order_id]:
            order = stored.row.order
            has_left_the_list = (
                order.reserve is not None
                and bool(order.reserve.wanted)
                and not order.waits
                and not order.total("allocated")
            )
            is_cancelled = any(line.cancelled for line in order.lines) and not order.total("open")
            if not has_left_the_list and not is_cancelled:
                continue  # what some units were taken of goes on
            cancelled = Decision(position_of(view, order.location_id), None, 0, order_id)
            world.central.decided.setdefault(order.id, []).append(cancelled)


def stock_arrives(world: World, index: int, dice: Random) -> str:
    """A count or a delivery sets what a store has of a SKU; it never takes what is promised."""
    at, sku = world.stores[index].location_id, dice.choice(SKUS)
    with world.central.database.read() as view:
        (row,) = view.stock.rows(at, [sku])
    target = max(row.on_hand, row.allocated, 0) + dice.randint(1, 6)
    _, problem = world.at_central(
        lambda _: world.central.parts.intake.stock(
            [StockItem(at, sku, target)], "delivery", StockReason.IMPORT
        )
    )
    return problem or f"{at} has {target} of {sku}"


def catalogue_moves(world: World, index: int, dice: Random) -> str:
    """A product gets a new name, or a price moves."""
    sku, number = dice.choice(SKUS), dice.randint(1, 999)
    intake = world.central.parts.intake
    if dice.random() < 0.5:
        _, problem = world.at_central(lambda _: intake.products([Product(sku, f"Thing {number}")]))
        return problem or f"{sku} is now Thing {number}"
    _, problem = world.at_central(lambda _: intake.prices([Price("EAST", sku, number, "USD")]))
    return problem or f"{sku} costs {number}"


def housekeeping(world: World, index: int, dice: Random) -> str:
    """Central sends its mail and forgets old answers."""
    parts = world.central.parts

    def work(_: object) -> int:
        sent = send_due(parts.database, parts.notifier, parts.clock, parts.random)
        forget_old_answers(parts.database, parts.clock, parts.settings.idempotency_days)
        forget_settled_verdicts(parts.database, parts.clock, parts.random)
        return sent

    sent, problem = world.at_central(work)
    return problem or f"{sent} mails sent"


KINDS = (
    EventKind("place", place, 10),
    EventKind("place_many", place_many, 3),
    EventKind("cancel", cancel, 3),
    EventKind("cancel_some", cancel_some, 3),
    EventKind("stock_arrives", stock_arrives, 2),
    EventKind("catalogue_moves", catalogue_moves, 1, at_central=True),
    EventKind("housekeeping", housekeeping, 1, at_central=True),
)
