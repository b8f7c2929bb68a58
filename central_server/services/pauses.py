"""Where parcels of a SKU are not asked for now, as a store gave up units that it did not find.

Read once a SKU of a snapshot, all SKUs of a question together, and only where it is about parcels.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from central_server.sourcing.promise_rules import Method

if TYPE_CHECKING:
    from central_server.storage.unit import View

NOWHERE: frozenset[str] = frozenset()


class Pauses:
    """Pauses of SKUs at one moment."""

    def __init__(self, view: "View | None", now_ms: int) -> None:
        """Without a `view` nothing is paused: who plays the past, say, asks as it was then."""
        self._view = view
        self._now_ms = now_ms
        self._places: dict[str, frozenset[str]] = {}

    def of(self, skus: Collection[str], method: str) -> Mapping[str, frozenset[str]]:
        """Return the places by SKU that are not asked for it by a method; none is missing."""
        if method != Method.SHIP.value:
            return dict.fromkeys(skus, NOWHERE)
        missing = [sku for sku in skus if sku not in self._places]
        if missing and self._view is not None:
            found: defaultdict[str, set[str]] = defaultdict(set)
            for one in self._view.shipping.paused("", missing, self._now_ms):
                found[one.sku].add(one.location_id)
            self._places.update({sku: frozenset(found.get(sku, ())) for sku in missing})
        return {sku: self._places.get(sku, NOWHERE) for sku in skus}

    def has(self, sku: str, place: str, method: str) -> bool:
        """Return whether a place is not asked for a SKU by a method."""
        if method != Method.SHIP.value:
            return False
        places = self._places.get(sku)
        if places is None:
            places = self.of([sku], method)[sku]
        return place in places
