"""Receipts once more: what a sale's receipt is kept under, and the copies of it."""

from dataclasses import dataclass

from store_client.services.desk import Desk, Refusal
from store_client.services.printing import print_copy
from store_client.services.words import units
from sync.domain.fulfillment import FulfillmentOrder


def receipt_name(desk: Desk, order: FulfillmentOrder) -> str:
    """Return what the receipt of the sale that was just recorded is kept under."""
    return _name(order, _sales_of(desk, order))


def _name(order: FulfillmentOrder, number: int) -> str:
    return f"receipt-{order.order_number}-{number}"


def _sales_of(desk: Desk, order: FulfillmentOrder) -> int:
    """Return how often goods of an order were sold here, whatever central said of it."""
    fates = desk.store.fates_of(order.id)
    return sum(fate.kind == "reservation_converted" for fate in fates)


@dataclass(frozen=True, slots=True)
class Copied:
    """An order whose receipts were printed once more, and where they are."""

    order: FulfillmentOrder
    says: str


def receipts_again(desk: Desk, key: str) -> Copied:
    """Print what is kept here of the receipts of a reservation once more, as copies."""
    order = desk.store.fulfillment(key)
    sales = 0 if order is None else _sales_of(desk, order)
    if order is None or not sales:
        raise Refusal("Nothing of it was sold at this machine.", "Its receipt is where it was.")
    where, gone = [], []
    for number in range(1, sales + 1):
        try:
            where.append(print_copy(desk, _name(order, number), order.order_number))
        except FileNotFoundError:
            gone.append(number)
        except OSError as problem:
            done = f"{units(len(where), 'receipt')} printed, then not: " if where else ""
            raise Refusal(f"{done}{problem}.", "See to the printer, then print again.") from problem
    if not where:
        raise Refusal(
            f"{units(sales, 'receipt')} of it, and none is kept here.", "Central has the sale."
        )
    printed = f"{units(len(where), 'receipt')} once more, as a copy: {where[-1].rsplit('/', 1)[-1]}"
    missing = ", ".join(str(number) for number in gone)
    return Copied(order, f"{printed}. NOT kept here: number {missing}" if gone else printed)
