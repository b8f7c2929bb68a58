"""By when the network promises something, by which place's date, and how old what it knows is.

Of the places with units, those nearest to the customer are looked at, or those with most where
nobody says where that is: the first with room in its day gives the date, and is named. An order
may go elsewhere by the rules of routing; what they would do with a whole basket says `baskets`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from heapq import nsmallest
from typing import TYPE_CHECKING

from central_server.records import Location
from central_server.services.capacity import Days
from central_server.services.kits import KitPromises
from central_server.services.order_views import Document
from central_server.services.places import Point
from central_server.services.promises import Ask
from central_server.sourcing.atp import data_age_ms
from central_server.sourcing.geo import haversine_km
from central_server.sourcing.promise_rules import Method

if TYPE_CHECKING:
    from central_server.storage.unit import View

TRIED_MAX = 5
"""How many places' dates are looked at for one that the network promises."""
PLACES_MAX = 100
"""How many places are named in an explained answer."""
Dates = Callable[[Location, str, int], Document]
"""Returns the dates of a place by a method, whose work begins at a moment."""


class NetworkDates:
    """The dates of one answer; what it needs to know of places is read at once, for all SKUs."""

    def __init__(
        self, view: "View", kits: KitPromises, skus: Collection[str], ask: Ask,
        near: Point | None, now_ms: int, dates: Dates,
    ) -> None:  # fmt: skip
        self._ask = ask
        self._near = near
        self._now_ms = now_ms
        self._dates = dates
        asks = {method.value: replace(ask, method=method.value) for method in Method}
        self._promises = {method: kits.network(one) for method, one in asks.items()}
        self._places = {method: kits.places(one) for method, one in asks.items()}
        self._heard = view.replicas.last_contacts()
        self._km: dict[str, float] = {}
        if near is not None:
            points = view.locations.all_points()
            self._km = {place: haversine_km(*near, *point) for place, *point in points}
        self._tried = {
            (method, sku): self._first(self._places[method][sku])
            for method, whole in self._promises.items() for sku in skus if whole[sku].quantity
        }  # fmt: skip
        tried = {place for places in self._tried.values() for place in places}
        self._locations = view.locations.get_many(tried) if tried else {}
        self._begins = Days(view, now_ms).begins(tried) if tried else {}
        """When the part of a place's day begins that has room, where it is limited; None: full."""

    def entry(self, sku: str, *, is_explained: bool) -> Document:
        """Return what is said of a SKU."""
        places = self._places[self._ask.method][sku]
        entry: Document = {
            "data_age_seconds": self._oldest(places),
            "methods": [self._method(sku, method) for method in self._promises],
        }
        if is_explained:
            entry["places"] = [
                {
                    "location_id": place, "available_to_promise": places[place],
                    "data_age_seconds": self._oldest([place]),
                }
                for place in _fullest(places, PLACES_MAX)
            ]  # fmt: skip
        return entry

    def _method(self, sku: str, method: str) -> Document:
        units = self._promises[method][sku].quantity
        entry: Document = {
            "method": method,
            "available_to_promise": units,
            "location_id": None,
            "promised_by": None,
        }
        for place_id in self._tried.get((method, sku), ()):
            begins = self._begins.get(place_id, self._now_ms)
            if begins is None:
                continue
            dates = self._dates(self._locations[place_id], method, begins)
            if dates.get("leaves_at", "") is not None:
                return entry | {"location_id": place_id} | dates
        return entry

    def _first(self, places: Mapping[str, int]) -> list[str]:
        """Return the places that are looked at, in order."""
        if self._near is None:
            return _fullest(places, TRIED_MAX)
        return nsmallest(TRIED_MAX, places, key=lambda place: (self._km[place], place))

    def _oldest(self, places: Iterable[str]) -> float | None:
        """Return how old the oldest is of what places said, in seconds; None: none ever spoke."""
        heard = [self._heard[place] for place in places if place in self._heard]
        age_ms = data_age_ms(min(heard, default=None), self._now_ms)
        return None if age_ms is None else age_ms / 1000


def _fullest(places: Mapping[str, int], most: int) -> list[str]:
    return nsmallest(most, places, key=lambda place: (-places[place], place))
