"""What a chosen store lacks and others send there: ordered, and counted on when it has come."""

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import ReceiptClosed, ShippingNotOffered
from central_server.services.order_capture import Customer, NewLine, NewOrder
from sync.domain.errors import InsufficientStock
from sync.domain.inventory import StockReason
from sync.domain.orders import Channel, PaymentPlace
from tests.simulation.clocks import DAY_MS
from tests.simulation.events import asking
from tests.simulation.registry import EventKind
from tests.simulation.template import SKUS
from tests.simulation.world import World

if TYPE_CHECKING:
    from central_server.web.deps import Central

MORE_THAN_A_STORE_HAS = (4, 8, 12)
LATE_SHARE = 0.3


def place_transfer(world: World, index: int, dice: Random) -> str:
    """A shopper wants more than the store may have, paid or to be paid there."""
    world.keys += 1
    key = f"transfer-{world.keys}"
    at = world.stores[index].location_id
    lines = (NewLine(dice.choice(SKUS), dice.choice(MORE_THAN_A_STORE_HAS)),)
    new = NewOrder(at, Channel.WEB, "USD", Customer("Jo"), lines, transfer=True)
    if dice.random() < 0.4:
        new = replace(new, payment=PaymentPlace.IN_STORE)
    placing, problem = asking.order(world, key, new, (InsufficientStock, ShippingNotOffered))
    return problem if placing is None else f"placed {placing.order_id[-4:]} at {at}"


def transfer_arrives(world: World, index: int, dice: Random) -> str:
    """A store counts on what was sent to it, perhaps less than was sent, and closes the receipt.

    Or it does not come yet: somebody says that it comes later, or in smaller number.
    """
    supply = world.central.parts.central.supply
    coming = [one for sku in SKUS for one in supply.coming(sku)]
    if not coming:
        return "nothing is on its way"
    one = dice.choice(coming)
    at, sku, units = str(one["location_id"]), str(one["sku"]), int(str(one["units"]))
    if dice.random() < LATE_SHARE:
        return _is_late(world, str(one["id"]), dice)
    came = units if dice.random() < 0.8 else dice.randrange(units)
    with world.central.database.read() as view:
        (row,) = view.stock.rows(at, [sku])
    on_hand = max(row.on_hand, row.allocated, 0) + came
    intake = world.central.parts.intake

    def arrive(_: object) -> str:
        intake.stock([StockItem(at, sku, on_hand)], "transfer", StockReason.IMPORT)
        supply.close(str(one["id"]), came if dice.random() < 0.5 else None)
        return f"{came} of {units} {sku} have come to {at}"

    try:
        said, problem = world.at_central(arrive)
    except ReceiptClosed as refusal:
        return str(refusal)
    return said or problem


def _is_late(world: World, receipt_id: str, dice: Random) -> str:
    days, kept = dice.choice((-1, 0, 2)), dice.random()

    def tell(central: "Central") -> str:
        with world.central.database.read() as view:
            told = view.supply.receipt(receipt_id)
        assert told is not None
        fewer = replace(
            told, due_ms=told.due_ms + days * DAY_MS, units=max(1, round(told.units * kept))
        )
        central.supply.expect(fewer)
        return f"{fewer.units} of {told.units} {told.sku} come to {told.location_id} {days} d later"

    said, problem = world.at_central(tell)
    return said or problem


KINDS = (
    EventKind("place_transfer", place_transfer, 1.5),
    EventKind("transfer_arrives", transfer_arrives, 2, at_central=True),
)
