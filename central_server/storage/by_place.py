"""Units by SKU, and by place."""

from collections import defaultdict
from collections.abc import Iterable

from central_server.records import UnitsByPlace
from central_server.storage.raw import Values


def by_place(rows: Iterable[Values]) -> UnitsByPlace:
    """Return units of rows of SKU, place and units."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for sku, place, units in rows:
        if units:
            found[sku][place] = int(units)
    return dict(found)
