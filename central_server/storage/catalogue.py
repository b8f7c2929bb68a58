"""Products, their barcodes, and prices by zone."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, func, select

from central_server.records import Price, Product
from central_server.storage.bulk import among, insert_many, update_many, upsert_many
from central_server.storage.prepared import Prepared
from central_server.storage.raw import Together
from central_server.storage.tables import LOCATIONS, PRICES, PRODUCT_BARCODES, PRODUCTS

_PRODUCT = ("sku", "name", "brand", "category")
_PRICE = ("zone", "sku", "amount_minor", "currency", "version", "effective_from_ms")
GTIN_DIGITS = 14
_PRODUCTS = Prepared(
    lambda engine: select(*(PRODUCTS.c[name] for name in _PRODUCT)).where(
        engine.among(PRODUCTS.c.sku, "skus")
    )
)
_WEIGHTS = Prepared(
    lambda engine: select(PRODUCTS.c.sku, PRODUCTS.c.weight_grams).where(
        engine.among(PRODUCTS.c.sku, "skus"), PRODUCTS.c.weight_grams.is_not(None)
    )
)
_RELEASES = Prepared(
    lambda engine: select(PRODUCTS.c.sku, PRODUCTS.c.release_ms).where(
        engine.among(PRODUCTS.c.sku, "skus"), PRODUCTS.c.release_ms.is_not(None)
    )
)
_NEXT_RELEASE = Prepared(
    lambda _: select(func.min(PRODUCTS.c.release_ms)).where(
        PRODUCTS.c.release_ms > bindparam("now_ms")
    )
)
_GTINS = Prepared(
    lambda engine: (
        select(PRODUCT_BARCODES.c.sku, PRODUCT_BARCODES.c.gtin14)
        .where(engine.among(PRODUCT_BARCODES.c.sku, "skus"))
        .order_by(PRODUCT_BARCODES.c.gtin14)
    )
)
_PRICES = Prepared(
    lambda engine: select(*(PRICES.c[name] for name in _PRICE)).where(
        PRICES.c.zone == bindparam("zone"), engine.among(PRICES.c.sku, "skus")
    )
)
_PRICES_AT = Prepared(
    lambda engine: select(*(PRICES.c[name] for name in _PRICE)).where(
        PRICES.c.zone.in_(
            select(LOCATIONS.c.price_zone).where(engine.among(LOCATIONS.c.id, "ids"))
        ),
        engine.among(PRICES.c.sku, "skus"),
    )
)


class Catalogue:
    """The tables `products`, `product_barcodes` and `prices`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def upsert_products(self, products: Sequence[Product]) -> None:
        """Add products or replace them, barcodes included, in bulk."""
        newest = {product.sku: product for product in products}
        ordered = [newest[sku] for sku in sorted(newest)]
        rows = [(one.sku, one.name, one.brand, one.category) for one in ordered]
        upsert_many(self._connection, PRODUCTS, _PRODUCT, rows)
        self._connection.execute(
            delete(PRODUCT_BARCODES).where(
                among(self._connection, PRODUCT_BARCODES.c.sku, newest.keys())
            )
        )
        barcodes = [(gtin, one.sku) for one in ordered for gtin in dict.fromkeys(one.gtins)]
        insert_many(self._connection, PRODUCT_BARCODES, ("gtin14", "sku"), barcodes)

    def set_weights(self, weights: Mapping[str, int]) -> None:
        """Say what a unit of products weighs (grams, by SKU); others keep what was said."""
        update_many(
            self._connection,
            PRODUCTS,
            ("sku", "weight_grams"),
            sorted(weights.items()),
            sets="weight_grams = v.weight_grams",
            where="products.sku = v.sku",
            returning="products.sku",
        )

    def set_styles(self, styles: Mapping[str, str]) -> None:
        """Say of which style products are a size (by SKU; empty: of none); others keep theirs."""
        update_many(
            self._connection,
            PRODUCTS,
            ("sku", "style"),
            sorted(styles.items()),
            sets="style = NULLIF(v.style, '')",
            where="products.sku = v.sku",
            returning="products.sku",
        )

    def styles(self, skus: Collection[str]) -> dict[str, str]:
        """Return the styles of those of the given products that are a size of one, by SKU."""
        wanted = select(PRODUCTS.c.sku, PRODUCTS.c.style).where(
            among(self._connection, PRODUCTS.c.sku, skus), PRODUCTS.c.style.is_not(None)
        )
        found: dict[str, str] = dict(self._connection.execute(wanted).all())
        return found

    def set_releases(self, releases: Mapping[str, int | None]) -> None:
        """Say from when on products may be sold (ms, by SKU; None: nobody says); others as before.

        Whoever changes it says so to those who read promises from memory.
        """
        rows = sorted((sku, at_ms or 0) for sku, at_ms in releases.items())
        update_many(
            self._connection,
            PRODUCTS,
            ("sku", "release_ms"),
            rows,
            sets="release_ms = NULLIF(v.release_ms, 0)",
            where="products.sku = v.sku",
            returning="products.sku",
        )

    def releases(self, skus: Collection[str]) -> dict[str, int]:
        """Return from when on those of the given products may be sold that have such a date."""
        return dict(_RELEASES.rows(self._connection, skus=skus))

    def next_release_ms(self, now_ms: int) -> int | None:
        """Return when a product may be sold next that may not be yet."""
        found: int | None = _NEXT_RELEASE.value(self._connection, now_ms=now_ms)
        return found

    def ask_releases(
        self, together: Together, skus: Collection[str], then: Callable[[dict[str, int]], None]
    ) -> None:
        """Ask for `releases` among others."""
        _RELEASES.ask(together, lambda rows: then(dict(rows)), skus=skus)

    def weights(self, skus: Collection[str]) -> dict[str, int]:
        """Return what a unit weighs (grams) of those of the given products that were weighed."""
        return dict(_WEIGHTS.rows(self._connection, skus=skus))

    def categories(self, skus: Collection[str]) -> dict[str, str]:
        """Return the categories of those of the given products that exist, by SKU."""
        return {row[0]: row[3] for row in _PRODUCTS.rows(self._connection, skus=skus)}

    def products(self, skus: Collection[str]) -> dict[str, Product]:
        """Return those of the given products that exist, by SKU."""
        rows = _PRODUCTS.rows(self._connection, skus=skus)
        gtins = self._gtins(skus)
        return {row[0]: _product(row, gtins) for row in rows}

    def ask(
        self, together: Together, skus: Collection[str], then: Callable[[dict[str, Product]], None]
    ) -> None:
        """Ask for products among others, without their barcodes."""
        _PRODUCTS.ask(
            together, lambda rows: then({row[0]: Product(*row) for row in rows}), skus=skus
        )

    def ask_prices(
        self,
        together: Together,
        location_ids: Collection[str],
        skus: Collection[str],
        then: Callable[[list[Price]], None],
    ) -> None:
        """Ask for the prices of `skus` in the zones of locations, among others."""
        _PRICES_AT.ask(
            together, lambda rows: then([Price(*row) for row in rows]), ids=location_ids, skus=skus
        )

    def products_after(self, sku: str, limit: int) -> tuple[Product, ...]:
        """Return products in SKU order after `sku`: the whole catalogue, page by page."""
        rows = self._connection.execute(
            select(*(PRODUCTS.c[name] for name in _PRODUCT))
            .where(PRODUCTS.c.sku > sku)
            .order_by(PRODUCTS.c.sku)
            .limit(limit)
        ).all()
        gtins = self._gtins([row.sku for row in rows])
        return tuple(_product(row, gtins) for row in rows)

    def by_gtin(self, gtin: str) -> tuple[Product, ...]:
        """Return the products with a barcode (any length: it is padded to 14 digits)."""
        rows = self._connection.execute(
            select(PRODUCT_BARCODES.c.sku).where(
                PRODUCT_BARCODES.c.gtin14 == gtin.zfill(GTIN_DIGITS)
            )
        )
        found = self.products(list(rows.scalars()))
        return tuple(found[sku] for sku in sorted(found))

    def count(self) -> int:
        """Return how many products there are."""
        return self._connection.execute(select(func.count()).select_from(PRODUCTS)).scalar_one()

    def _gtins(self, skus: Collection[str]) -> defaultdict[str, list[str]]:
        rows = _GTINS.rows(self._connection, skus=skus)
        gtins: defaultdict[str, list[str]] = defaultdict(list)
        for sku, gtin in rows:
            gtins[sku].append(gtin)
        return gtins

    def upsert_prices(self, prices: Sequence[Price]) -> None:
        """Set prices in bulk. The version counts up where a price is there already."""
        newest = {(price.zone, price.sku): price for price in prices}
        rows = [
            (
                price.zone, price.sku, price.amount_minor, price.currency, price.version,
                price.effective_from_ms,
            )
            for _, price in sorted(newest.items())
        ]  # fmt: skip
        insert_many(
            self._connection,
            PRICES,
            _PRICE,
            rows,
            " ON CONFLICT (zone, sku) DO UPDATE SET amount_minor = excluded.amount_minor,"
            " currency = excluded.currency, version = prices.version + 1,"
            " effective_from_ms = excluded.effective_from_ms",
        )

    def prices(self, zone: str, skus: Collection[str]) -> dict[str, Price]:
        """Return the prices of `skus` in a zone, by SKU; those without one are missing."""
        prices = (Price(*row) for row in _PRICES.rows(self._connection, zone=zone, skus=skus))
        return {price.sku: price for price in prices}


def _product(row: Sequence[str], gtins: Mapping[str, Sequence[str]]) -> Product:
    sku, name, brand, category = row
    return Product(sku, name, brand, category, tuple(gtins[sku]))
