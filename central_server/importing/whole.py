"""A file of stock that has all of it: what it leaves out of its locations is not there.

Most exports leave out what there is none of, so that a SKU that was sold out kept its last
count for ever. Only a file that says so (`--whole`) is read like this, only when every row
of it was good, and only for locations that it names. A file that was cut short looks the same
as a store that has lost most of its stock: then nobody's stock is touched before a person says so.
"""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from central_server.importing.problems import EXIT_REFUSED, ImportFailed
from central_server.services.catalogue_intake import StockItem, batches
from sync.domain.inventory import StockReason
from sync.protocol.rows import StockRow

if TYPE_CHECKING:
    from central_server.importing.checker import RowChecker
    from central_server.services.catalogue_intake import CatalogueIntake
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit, View

NAMED_MAX = 5
"""Locations that a refusal names."""
FEW = 10
"""So many SKUs may go from any location without a question."""


class WholeStock:
    """Takes away what a file of stock has left out."""

    def __init__(
        self, database: "Database", intake: "CatalogueIntake", checker: "RowChecker",
        *, is_sure: bool,
    ) -> None:  # fmt: skip
        """`is_sure`: a person has said that it may be most of what a location has."""
        self._database = database
        self._intake = intake
        self._checker = checker
        self._is_sure = is_sure

    def take_away(self, source: str) -> int:
        """Count what the file leaves out as none; return how many SKUs of locations that were.

        May be repeated. Raises `ImportFailed`, with nothing changed, where it is most of what
        a location has and nobody is sure of that.
        """
        places = sorted(self._checker.places)
        if not self._is_sure:
            self._require_likely(places)
        return sum(self._empty(place, source) for place in places)

    def _require_likely(self, places: Iterable[str]) -> None:
        unlikely = []
        with self._database.read() as view:
            for place in places:
                there = [row for row in view.stock.rows(place) if row.on_hand > 0]
                gone = self._left_out(place, there)
                if len(gone) > max(FEW, len(there) // 2):
                    unlikely.append(f"{place} ({len(gone)} of {len(there)})")
        if unlikely:
            named = ", ".join(unlikely[:NAMED_MAX])
            more = f" and {len(unlikely) - NAMED_MAX} more" if unlikely[NAMED_MAX:] else ""
            raise ImportFailed(
                f"the file leaves out most SKUs that {named}{more} have: is it all of it? Its rows"
                " are imported, what it leaves out stays; import it again with --whole --yes",
                EXIT_REFUSED,
            )

    def _empty(self, place: str, source: str) -> int:
        with self._database.read() as view:
            skus = [row.sku for row in self._left_out(place, view.stock.rows(place))]

        def work(unit: "Unit", some: Collection[str]) -> int:
            unit.locations.lock([place])  # nobody gives its stock other figures meanwhile
            items = [_none_of(place, row) for row in _there(unit, place, some)]
            if items:
                self._intake.take_stock(unit, items, source, StockReason.IMPORT)
            return len(items)

        return sum(
            self._database.write(lambda unit, some=some: work(unit, some))  # type: ignore[misc]
            for some in batches(skus)
        )

    def _left_out(self, place: str, rows: Iterable[StockRow]) -> list[StockRow]:
        return [row for row in rows if row.on_hand and not self._checker.has((place, row.sku))]


def _there(view: "View", place: str, skus: Collection[str]) -> list[StockRow]:
    return [row for row in view.stock.rows(place, skus) if row.on_hand]


def _none_of(place: str, row: StockRow) -> StockItem:
    """Return that there is none of a SKU: where it lies, and its safety stock, stay."""
    return StockItem(place, row.sku, 0, row.aisle, row.safety_stock)
