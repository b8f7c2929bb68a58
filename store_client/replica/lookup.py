"""Finds products by words, SKU or barcode, with price and this store's stock."""

import re
import unicodedata
from collections.abc import Sequence

from store_client.replica.database import ReplicaDatabase, is_text
from store_client.replica.models import ProductHit
from store_client.replica.shares import Shares
from store_client.replica.views import Views

GTIN_DIGITS = 14
_WORD = re.compile(r"\w+", re.UNICODE)
_COLUMNS = (
    "SELECT p.sku, p.name, p.brand, p.category, p.gtins, r.amount_minor, r.currency,"
    " s.on_hand, s.allocated, s.aisle FROM products p"
    " LEFT JOIN prices r ON r.zone = :zone AND r.sku = p.sku"
    " LEFT JOIN stock s ON s.sku = p.sku"
)
WORDS_MAX = 16
"""More words than a product's name has: a page pasted by mistake is cut here."""
RANKED_LETTERS = 4
"""Shorter single words are not ranked: ranking tens of thousands of hits takes too long."""


class ProductLookup:
    """Reads products; stock includes what the store did and central has not heard."""

    def __init__(self, database: ReplicaDatabase, views: Views, shares: Shares) -> None:
        self._database = database
        self._shares = shares
        self._views = views

    def search(self, text: str, zone: str, limit: int) -> list[ProductHit]:
        """Return products whose words all begin with the words of `text`."""
        words = _WORD.findall(unicodedata.normalize("NFC", text).replace("_", " "))[:WORDS_MAX]
        if not words:
            return []
        match = " ".join(f'"{word}"*' for word in words)
        ranked = len(words) > 1 or len(words[0]) >= RANKED_LETTERS
        rows = self._database.all(
            f"{_COLUMNS} JOIN products_fts f ON f.rowid = p.id WHERE products_fts MATCH :match"
            f" {'ORDER BY rank' if ranked else ''} LIMIT :limit",
            {"zone": zone, "match": match, "limit": limit},
        )
        return self._hits(rows)

    def by_code(self, code: str, zone: str) -> list[ProductHit]:
        """Return the products of a barcode (any padding) or a SKU."""
        text = code.strip()
        if not is_text(text):
            return []
        rows = self._database.all(
            f"{_COLUMNS} WHERE p.sku = :code OR p.sku IN"
            " (SELECT sku FROM barcodes WHERE gtin = :gtin) ORDER BY p.sku",
            {"zone": zone, "code": text, "gtin": text.zfill(GTIN_DIGITS)},
        )
        return self._hits(rows)

    def skus_of(self, code: str) -> list[str]:
        """Return the SKUs of a barcode (any padding) or SKU, without looking at stock."""
        text = code.strip()
        if not is_text(text):
            return []
        rows = self._database.all(
            "SELECT sku FROM products WHERE sku = ? UNION SELECT p.sku FROM barcodes b"
            " JOIN products p USING (sku) WHERE b.gtin = ? ORDER BY 1",
            (text, text.zfill(GTIN_DIGITS)),
        )
        return [sku for (sku,) in rows]

    def currency(self, zone: str) -> str:
        """Return the currency of a zone's prices; empty where there are none."""
        row = self._database.one("SELECT currency FROM prices WHERE zone = ? LIMIT 1", (zone,))
        return "" if row is None else str(row[0])

    def _hits(self, rows: Sequence[Sequence[object]]) -> list[ProductHit]:
        skus = [str(row[0]) for row in rows]
        online, moved = self._shares.online(skus), self._views.effects_on(skus)
        sold = self._shares.sold_since(skus)
        return [
            self._hit(row, online.get(sku, 0), moved.get(sku, (0, 0)), sold[sku])
            for sku, row in zip(skus, rows, strict=True)
        ]

    def _hit(
        self, row: Sequence[object], online: int, moved: tuple[int, int], sold: int
    ) -> ProductHit:
        sku, name, brand, category, gtins, price, currency, on_hand, allocated, aisle = row
        stocked: int | None = None
        tied = 0
        if on_hand is not None:
            stocked = int(str(on_hand)) + moved[0] + sold
            tied = int(str(allocated)) + moved[1]
        return ProductHit(
            sku=str(sku), name=str(name), brand=str(brand), category=str(category),
            gtins=tuple(str(gtins).split()), price_minor=price, currency=str(currency or ""),  # type: ignore[arg-type]
            on_hand=stocked, allocated=tied, available=max(0, (stocked or 0) - tied),
            aisle=str(aisle or ""), online=online,
        )  # fmt: skip
