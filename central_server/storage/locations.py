"""Places that hold stock."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, bindparam, delete, exists, select

from central_server.records import Location
from central_server.sourcing.promise_rules import Method, Place
from central_server.storage.bulk import among, insert_many, upsert_many
from central_server.storage.prepared import Prepared
from central_server.storage.raw import Together, Values
from central_server.storage.tables import FIGURES_TO_FOLLOW, LOCATIONS, REPLICAS
from sync.domain.escrow import EscrowPolicy
from sync.domain.pickups import PickupPolicy
from sync.domain.reservations import ReservePolicy
from sync.domain.shipping import CarrierPickup

_NAMES = tuple(field.name for field in fields(Location))
_COLUMNS = tuple(LOCATIONS.c[name] for name in _NAMES)
_OFFERS = {
    (False, False): frozenset[str](),
    (True, False): frozenset({Method.PICKUP.value}),
    (False, True): frozenset({Method.SHIP.value}),
    (True, True): frozenset({Method.PICKUP.value, Method.SHIP.value}),
}
"""What a location offers, by whether customers may fetch there and whether carriers come."""
_FIGURES = ("location_id", "safety_stock", "floor_percent")
_DOCUMENTS = ("spots", "hours", "closures")
_ESCROW: TypeAdapter[EscrowPolicy] = TypeAdapter(EscrowPolicy)
_CARRIERS: TypeAdapter[tuple[CarrierPickup, ...]] = TypeAdapter(tuple[CarrierPickup, ...])
_RESERVE: TypeAdapter[ReservePolicy] = TypeAdapter(ReservePolicy)
_PICKUP: TypeAdapter[PickupPolicy] = TypeAdapter(PickupPolicy)

_ONE = Prepared(lambda _: select(*_COLUMNS).where(LOCATIONS.c.id == bindparam("id")))
_OTHER_NAMES = exists().where(
    REPLICAS.c.location_id == LOCATIONS.c.id, REPLICAS.c.replica_id != bindparam("replica_id")
)
_LOCK_OF_SEVERAL = Prepared(
    lambda _: (
        select(LOCATIONS.c.id)
        .where(LOCATIONS.c.id == bindparam("id"), _OTHER_NAMES)
        .with_for_update(key_share=True, of=LOCATIONS)
    )
)
_MANY = Prepared(lambda engine: select(*_COLUMNS).where(engine.among(LOCATIONS.c.id, "ids")))
_PLACES = Prepared(
    lambda engine: select(
        LOCATIONS.c.id,
        LOCATIONS.c.kind,
        LOCATIONS.c.region,
        LOCATIONS.c.pickup_enabled,
        LOCATIONS.c.carriers,
    ).where(engine.among(LOCATIONS.c.id, "ids"))
)
_POINTS = Prepared(lambda _: select(LOCATIONS.c.id, LOCATIONS.c.latitude, LOCATIONS.c.longitude))
_ALL = Prepared(lambda _: select(*_COLUMNS).order_by(LOCATIONS.c.id))
_ALL_LOCKED = Prepared(
    lambda _: select(*_COLUMNS).order_by(LOCATIONS.c.id).with_for_update(key_share=True)
)
_MANY_LOCKED = Prepared(
    lambda engine: (
        select(*_COLUMNS)
        .where(engine.among(LOCATIONS.c.id, "ids"))
        .order_by(LOCATIONS.c.id)
        .with_for_update(key_share=True)
    )
)


class Locations:
    """The table `locations`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def upsert(self, locations: Sequence[Location]) -> None:
        """Add locations or replace them, in bulk."""
        upsert_many(self._connection, LOCATIONS, _NAMES, [_values(one) for one in locations])

    def get(self, location_id: str) -> Location | None:
        """Return one location."""
        row = _ONE.row(self._connection, id=location_id)
        return None if row is None else _location(row)

    def get_many(self, location_ids: Collection[str]) -> dict[str, Location]:
        """Return those of the given locations that exist, by id."""
        found = (_location(row) for row in _MANY.rows(self._connection, ids=location_ids))
        return {one.id: one for one in found}

    def ask(
        self, together: Together, ids: Collection[str], then: Callable[[dict[str, Location]], None]
    ) -> None:
        """Ask for `get_many` among others."""
        _MANY.ask(together, lambda rows: then({row[0]: _location(row) for row in rows}), ids=ids)

    def all(self) -> tuple[Location, ...]:
        """Return every location by id."""
        return tuple(_location(row) for row in _ALL.rows(self._connection))

    def lock(self, location_ids: Collection[str] | None = None) -> dict[str, Location]:
        """Return the given locations, or all, by id, and let nobody else change them.

        For who writes them back: `upsert` writes all that a location is. Who only names them
        (stock, orders) does not wait.
        """
        if location_ids is None:
            rows = _ALL_LOCKED.rows(self._connection)
        else:
            rows = _MANY_LOCKED.rows(self._connection, ids=location_ids)
        return {row[0]: _location(row) for row in rows}

    def lock_among_names(self, location_id: str, replica_id: str) -> None:
        """Lock a location for a device that is not the only one that its store has ever had."""
        _LOCK_OF_SEVERAL.run(self._connection, id=location_id, replica_id=replica_id)

    def let_follow(self, before: Sequence[Location]) -> None:
        """Note figures of locations that are about to change, beside those noted before."""
        rows = [(one.id, one.safety_stock, one.floor_percent) for one in before]
        insert_many(
            self._connection, FIGURES_TO_FOLLOW, _FIGURES, rows,
            " ON CONFLICT (location_id, safety_stock, floor_percent) DO NOTHING",
        )  # fmt: skip

    def to_follow(self) -> dict[str, list[tuple[int, int]]]:
        """Return (safety stock, percentage) by which stock may have been told, by location."""
        table = FIGURES_TO_FOLLOW.c
        wanted = select(*(table[name] for name in _FIGURES)).order_by(table.location_id)
        found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for place, safety, percent in self._connection.execute(wanted):
            found[place].append((safety, percent))
        return dict(found)

    def followed(self, location_id: str) -> None:
        """Note that the stock of a location follows its figures."""
        which = FIGURES_TO_FOLLOW.c.location_id == location_id
        self._connection.execute(delete(FIGURES_TO_FOLLOW).where(which))

    def all_points(self) -> list[tuple[str, float, float]]:
        """Return (id, latitude, longitude) of all locations."""
        return [tuple(row) for row in _POINTS.rows(self._connection)]

    def points(self, location_ids: Collection[str]) -> list[tuple[str, float, float, bool]]:
        """Return (id, latitude, longitude, pickup enabled) of the given locations, by id."""
        columns = (
            LOCATIONS.c.id, LOCATIONS.c.latitude, LOCATIONS.c.longitude, LOCATIONS.c.pickup_enabled
        )  # fmt: skip
        rows = self._connection.execute(
            select(*columns)
            .where(among(self._connection, LOCATIONS.c.id, location_ids))
            .order_by(LOCATIONS.c.id)
        )
        return [(row.id, row.latitude, row.longitude, bool(row.pickup_enabled)) for row in rows]

    def places(self, location_ids: Collection[str]) -> list[Place]:
        """Return the given locations as rules of promising see them."""
        return [place_of(row) for row in _PLACES.rows(self._connection, ids=location_ids)]

    def zones(self) -> tuple[str, ...]:
        """Return the price zones that locations use."""
        rows = self._connection.execute(
            select(LOCATIONS.c.price_zone).distinct().order_by(LOCATIONS.c.price_zone)
        )
        return tuple(rows.scalars())


def place_of(row: Values) -> Place:
    """Return a location as rules see it, from (id, kind, region, pickup enabled, carriers)."""
    location_id, kind, region, pickup_enabled, carriers = row
    return Place(location_id, kind, region, _OFFERS[pickup_enabled, carriers != "[]"])


def as_place(location: Location) -> Place:
    """Return a location as rules see it."""
    offers = _OFFERS[location.pickup_enabled, bool(location.carriers)]
    return Place(location.id, location.kind, location.region, offers)


def _values(location: Location) -> tuple[Any, ...]:
    values = {name: getattr(location, name) for name in _NAMES}
    values |= {name: json.dumps(values[name]) for name in _DOCUMENTS}
    values["escrow"] = _ESCROW.dump_json(location.escrow).decode()
    values["carriers"] = _CARRIERS.dump_json(location.carriers).decode()
    values["reserve"] = _RESERVE.dump_json(location.reserve).decode()
    values["pickup"] = _PICKUP.dump_json(location.pickup).decode()
    return tuple(values.values())


@lru_cache(maxsize=4096)
def _location(row: Values) -> Location:
    return _read_once(tuple(row))


@lru_cache(maxsize=8192)
def _read_once(row: tuple[Any, ...]) -> Location:
    """Return the location of a row; routing reads all of them for each order, and few change."""
    values = dict(zip(_NAMES, row, strict=True))
    hours = tuple((opens, closes) for opens, closes in json.loads(values.pop("hours")))
    spots = tuple(json.loads(values.pop("spots")))
    closures = tuple(json.loads(values.pop("closures")))
    kept = values.pop("escrow")
    escrow = _ESCROW.validate_json(kept) if kept else EscrowPolicy()
    carriers = _CARRIERS.validate_json(values.pop("carriers"))
    policy, fetched = values.pop("reserve"), values.pop("pickup")
    reserve = _RESERVE.validate_json(policy) if policy else ReservePolicy()
    return Location(
        **values,
        spots=spots,
        hours=hours,
        closures=closures,
        escrow=escrow,
        carriers=carriers,
        reserve=reserve,
        pickup=_PICKUP.validate_json(fetched) if fetched else PickupPolicy(),
    )
