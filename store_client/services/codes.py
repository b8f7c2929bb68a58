"""What a scanned code means in this store, where the screen has no use of its own for it."""

from collections.abc import Sequence

from store_client.ports import BoardRow, Store
from store_client.services.scanner import Code
from store_client.services.words import units

NAMED_MAX = 4


def bare(text: str) -> str:
    """Return a text as people compare numbers: no case, no separators."""
    return "".join(character for character in text.casefold() if character.isalnum())


def orders_of_code(store: Store, code: Code) -> list[BoardRow]:
    """Return the orders that a code is the number or id of: divided, one may be here twice."""
    text = code.order_number or code.text
    wanted = bare(text)
    found = store.find_orders(text)
    return [row for row in found if wanted in (bare(row.order_number), bare(row.id))]


def spot_words(spot: str, rows: Sequence[BoardRow]) -> str:
    """Return what lies at a spot, in words."""
    if not rows:
        return f"Nothing lies at {spot.upper()}."
    named = ", ".join(f"{row.order_number} {row.customer_name}" for row in rows[:NAMED_MAX])
    more = " …" if len(rows) > NAMED_MAX else ""
    return f"{units(len(rows), 'order')}: {named}{more}"
