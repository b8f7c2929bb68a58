"""Looking products up: by words while typing, by barcode, and how old the figures are."""

from collections.abc import Sequence
from dataclasses import dataclass

from store_client.ports import ProductHit, Store
from store_client.services.scanner import read_code
from store_client.services.words import duration

HITS_MAX = 50
LETTERS_MIN = 2
STALE_MS = 15 * 60_000


@dataclass(frozen=True, slots=True)
class Found:
    """What a lookup found, or why nothing."""

    text: str
    hits: Sequence[ProductHit]
    says: str
    by_code: bool = False


def look_up(store: Store, text: str) -> Found:
    """Return products for typed text. A barcode or an exact SKU wins over words."""
    text = text.strip()
    if len(text) < LETTERS_MIN:
        return Found(text, (), "Type two letters of a name, brand or SKU, or scan a barcode.")
    code = read_code(text)
    if code.gtin or any(character.isdigit() for character in text):
        exact = store.product_by_code(code.lookup)
        if exact:
            return Found(text, exact, "Found by code.", by_code=True)
    hits = store.products(text, HITS_MAX)
    if not hits:
        what = "barcode" if code.gtin else "product"
        return Found(text, (), f"No {what} “{text}” in the catalogue. Check the spelling or label.")
    more = f" The first {HITS_MAX} are shown: type more." if len(hits) >= HITS_MAX else ""
    return Found(text, hits, f"{len(hits)} found.{more}")


def age_of_stock(store: Store, now_ms: int) -> tuple[str, bool]:
    """Return how old the stock figures are, in words, and whether that is worrying."""
    as_of = store.stock_as_of_ms()
    if as_of is None:
        return "No stock figures have arrived yet.", True
    age = now_ms - as_of
    if age < STALE_MS:
        return f"Stock as of {duration(age)} ago.", False
    return f"Stock figures are {duration(age)} old: check the shelf before promising.", True
