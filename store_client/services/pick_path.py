"""In which order people walk to things: by aisle, else by department, then by SKU. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from store_client.ports import Store
from sync.domain.fulfillment import FulfillmentOrder


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where a SKU lies."""

    aisle: str = ""
    """Aisle and bay, such as 10-A; empty where the store has not said."""
    department: str = ""
    """The category of the catalogue: what leads people where no aisle is known."""

    @property
    def words(self) -> str:
        """Return the place for a column."""
        return self.aisle or self.department or "–"


UNKNOWN = Shelf()


def aisle_key(aisle: str) -> tuple[int, int, str]:
    """Return what sorts aisles as people walk them: 2-A before 10-A, unknown places last."""
    digits = ""
    for character in aisle:
        if not character.isdigit():
            break
        digits += character
    return (0 if aisle else 1, int(digits or "0"), aisle)


def walk_key(shelf: Shelf, sku: str) -> tuple[tuple[int, int, str], str, str]:
    """Return what sorts a pick list: aisle and bay; among unknown places department, then SKU."""
    return (aisle_key(shelf.aisle), "" if shelf.aisle else shelf.department, sku)


def shelves_of(store: Store, orders: Iterable[FulfillmentOrder]) -> dict[str, Shelf]:
    """Return where each SKU of these orders lies, as far as the catalogue says."""
    found = {}
    for sku in sorted({line.sku for order in orders for line in order.lines}):
        hits = store.product_by_code(sku)
        hit = next((one for one in hits if one.sku == sku), None)
        found[sku] = UNKNOWN if hit is None else Shelf(hit.aisle, hit.category)
    return found
