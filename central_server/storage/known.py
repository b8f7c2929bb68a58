"""What a group of orders asks again and again, read once for all of them.

Nothing here is locked: what these tables say is of the moment at which it was read first.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

from sqlalchemy import Connection

from central_server.records import Lease, Location, Price, Product
from central_server.sourcing.bundles import Bundle
from central_server.sourcing.promise_rules import Place, RuleSet
from central_server.sourcing.receipts import Kept
from central_server.sourcing.routing_rules import RoutingRuleSet
from central_server.storage.catalogue import Catalogue
from central_server.storage.held_stock import NotInGroup
from central_server.storage.leases import Leases
from central_server.storage.locations import Locations, as_place
from central_server.storage.meta import Meta
from central_server.storage.promise_rules import PromiseRules
from central_server.storage.raw import Together
from central_server.storage.routing_rules import RoutingRules
from central_server.storage.supply import Supply

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memory(Generic[K, V]):
    """Values by key, each read at most once; also that there is none."""

    def __init__(self, read: Callable[[list[K]], Mapping[K, V]]) -> None:
        self._read = read
        self._known: dict[K, V | None] = {}

    def get(self, keys: Collection[K]) -> dict[K, V]:
        """Return those of `keys` that have a value."""
        known, found = self._known, {}
        try:
            for key in keys:
                if (one := known[key]) is not None:
                    found[key] = one
        except KeyError:
            missing = [key for key in dict.fromkeys(keys) if key not in known]
            self.learn(missing, self._read(missing))
            return self.get(keys)
        return found

    def one(self, key: K) -> V | None:
        """Return the value of a key; None where it has none."""
        return self._known[key] if key in self._known else self.get([key]).get(key)

    def learn(self, keys: Collection[K], found: Mapping[K, V]) -> None:
        """Know these: `found`, and of the others that there is none."""
        self._known.update({key: found.get(key) for key in keys})

    def forget(self, keys: Collection[K]) -> None:
        """Read these anew when they are asked for."""
        for key in keys:
            self._known.pop(key, None)


class KnownCatalogue(Catalogue):
    """Products, without their barcodes, and prices, read once."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._products = Memory(super().products)
        self._prices = Memory(self._prices_of)
        self._releases = Memory(super().releases)

    def load(self, together: Together, places: Collection[str], skus: Collection[str]) -> None:
        """Ask for products, and their prices at these locations."""
        super().ask(together, skus, lambda found: self._products.learn(skus, found))
        super().ask_releases(together, skus, lambda found: self._releases.learn(skus, found))
        super().ask_prices(
            together, places, skus,
            lambda found: self._prices.learn(
                [(one.zone, one.sku) for one in found], {(one.zone, one.sku): one for one in found}
            ),
        )  # fmt: skip

    def products(self, skus: Collection[str]) -> dict[str, Product]:
        """Return those of the given products that exist, by SKU."""
        return self._products.get(skus)

    def categories(self, skus: Collection[str]) -> dict[str, str]:
        """Return the categories of those of the given products that exist, by SKU."""
        return {sku: one.category for sku, one in self._products.get(skus).items()}

    def releases(self, skus: Collection[str]) -> dict[str, int]:
        """Return from when on those of the given products may be sold that have such a date."""
        return self._releases.get(skus)

    def prices(self, zone: str, skus: Collection[str]) -> dict[str, Price]:
        """Return the prices of `skus` in a zone, by SKU; those without one are missing."""
        found = self._prices.get([(zone, sku) for sku in skus])
        return {sku: price for (_, sku), price in found.items()}

    def _prices_of(self, keys: list[tuple[str, str]]) -> dict[tuple[str, str], Price]:
        by_zone: defaultdict[str, list[str]] = defaultdict(list)
        for zone, sku in keys:
            by_zone[zone].append(sku)
        return {
            (zone, sku): price
            for zone, skus in by_zone.items()
            for sku, price in super(KnownCatalogue, self).prices(zone, skus).items()
        }


class KnownLocations(Locations):
    """Locations, read once."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._known = Memory(super().get_many)

    def load(self, together: Together, places: Collection[str]) -> None:
        """Ask for these."""
        super().ask(together, places, lambda found: self._known.learn(places, found))

    def get(self, location_id: str) -> Location | None:
        """Return one location."""
        return self._known.one(location_id)

    def get_many(self, location_ids: Collection[str]) -> dict[str, Location]:
        """Return those of the given locations that exist, by id."""
        return self._known.get(location_ids)

    def all(self) -> tuple[Location, ...]:
        """Raise `NotInGroup`: whoever looks at all of them keeps a whole group waiting."""
        raise NotInGroup

    def points(self, location_ids: Collection[str]) -> list[tuple[str, float, float, bool]]:
        """Return (id, latitude, longitude, pickup enabled) of the given locations, by id."""
        found = self._known.get(sorted(location_ids))
        return [(one.id, one.latitude, one.longitude, one.pickup_enabled) for one in found.values()]

    def places(self, location_ids: Collection[str]) -> list[Place]:
        """Return the given locations as rules of promising see them."""
        return [as_place(one) for one in self._known.get(location_ids).values()]


class KnownLeases(Leases):
    """Leases, read once."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._known = Memory(super().get_many)

    def load(self, together: Together, places: Collection[str]) -> None:
        """Ask for those of these locations."""
        super().ask(together, places, lambda found: self._known.learn(places, found))

    def end_all(self, now_ms: int) -> None:
        """Promise nothing to anybody until each store has seen an answer later than this."""
        super().end_all(now_ms)
        self._known = Memory(super().get_many)

    def get(self, location_id: str) -> Lease | None:
        """Return a location's lease."""
        return self._known.one(location_id)

    def get_many(self, location_ids: Collection[str]) -> dict[str, Lease]:
        """Return the leases of those of the given locations that have one."""
        return self._known.get(location_ids)


class KnownSupply(Supply):
    """Bundles, and what waits for receipts, read once."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._bundles = Memory(super().bundles)
        self._waiting = Memory(super().waiting)
        self._kept: dict[int, Memory[str, dict[str, Kept]]] = {}

    def load(self, together: Together, skus: Collection[str]) -> None:
        """Ask which of these are bundles."""
        super().ask(together, skus, lambda found: self._bundles.learn(skus, found))

    def bundles(self, skus: Collection[str]) -> dict[str, Bundle]:
        """Return those of the given SKUs that are bundles, by SKU."""
        return self._bundles.get(skus)

    def waiting(self, skus: Collection[str]) -> dict[str, int]:
        """Return the units by SKU that orders have been promised of receipts."""
        return self._waiting.get(skus)

    def kept(self, skus: Collection[str], now_ms: int) -> dict[str, dict[str, Kept]]:
        """Return what stores keep for orders that wait for other goods."""
        if now_ms not in self._kept:
            read = super().kept
            self._kept[now_ms] = Memory(lambda missing: read(missing, now_ms))
        return self._kept[now_ms].get(skus)

    def lock_receipts(self, skus: Collection[str]) -> None:
        """Raise `NotInGroup`: who waits for goods waits for whoever closes their receipts.

        And what it has read is of the moment before its locks.
        """
        raise NotInGroup(*skus)

    def forget(self, skus: Collection[str]) -> None:
        """Read what waits anew when it is asked for."""
        self._waiting.forget(skus)
        self._kept.clear()


class KnownRules(PromiseRules):
    """The rules in force, read once."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._known: dict[int, RuleSet] = {}

    def load(self, together: Together, now_ms: int) -> None:
        """Ask for those of this moment."""
        super().ask(together, now_ms, lambda found: self._known.update({now_ms: found}))

    def in_force(self, now_ms: int) -> RuleSet:
        """Return the rules that hold at a moment."""
        if now_ms not in self._known:
            self._known[now_ms] = super().in_force(now_ms)
        return self._known[now_ms]


class KnownRoutingRules(RoutingRules):
    """The rules of routing in force, read once."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._known: dict[int, RoutingRuleSet] = {}

    def load(self, together: Together, now_ms: int) -> None:
        """Ask for those of this moment."""
        super().ask(together, now_ms, lambda found: self._known.update({now_ms: found}))

    def in_force(self, now_ms: int) -> RoutingRuleSet:
        """Return the rules that hold at a moment."""
        if now_ms not in self._known:
            self._known[now_ms] = super().in_force(now_ms)
        return self._known[now_ms]


class KnownMeta(Meta):
    """Central's clock, read once."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._clock_ms: int | None = None

    def load(self, together: Together) -> None:
        """Ask for the clock."""
        super().ask_clock(together, self._learn)

    def _learn(self, clock_ms: int) -> None:
        self._clock_ms = clock_ms

    def clock_ms(self) -> int:
        """Return the latest time that central has noted; 0 before it has any."""
        return super().clock_ms() if self._clock_ms is None else self._clock_ms
