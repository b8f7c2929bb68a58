"""A process that reserves units which many want: `python -m tests.support.contended URL …`.

Each transaction tries a few hundred reservations of one unit, at positions that the other
processes want too, through the same stock and rules as an order of many (`GroupUnit`).
"""

import sys
from dataclasses import dataclass
from functools import partial
from random import Random

from central_server.services.promises import Ask, Promises, reserve
from central_server.storage.database import Database
from central_server.storage.group import GroupUnit
from central_server.storage.unit import Unit
from tests.support.network import location_of, sku_of

NOW_MS = 1_763_900_000_000


@dataclass(frozen=True, slots=True)
class Contention:
    """How much is wanted of how little."""

    stores: int
    skus: int
    attempts: int
    each: int = 500
    """Attempts in one transaction."""


def reserve_many(database: Database, seed: int, what: Contention) -> int:
    """Try so many reservations of one unit; return how many were promised."""
    dice = Random(seed)
    promised = 0
    for start in range(0, what.attempts, what.each):
        count = min(what.each, what.attempts - start)
        keys = [
            (location_of(dice.randint(1, what.stores)), sku_of(dice.randint(1, what.skus)))
            for _ in range(count)
        ]
        promised += database.write(partial(_some, keys=keys, number=start))
    return promised


def _some(unit: Unit, keys: list[tuple[str, str]], number: int) -> int:
    group = GroupUnit(unit)
    places, skus = {place for place, _ in keys}, {sku for _, sku in keys}
    group.load(places, skus, [], NOW_MS)
    group.hold(keys, ())
    promises = Promises(group, NOW_MS)
    taken = 0
    for index, (place, sku) in enumerate(keys):
        source = f"R-{number}-{index}"

        def one(view: GroupUnit, at: str = place, what: str = sku, source: str = source) -> bool:
            return reserve(view, at, {what: 1}, source, NOW_MS, Ask(chosen=at), promises)

        found = group.attempt(one)
        if isinstance(found, Exception):
            raise found
        taken += found is True
    group.flush()
    return taken


def main() -> None:
    """Reserve as the arguments say; print how many were promised."""
    url, seed, stores, skus, attempts = sys.argv[1:]
    database = Database.open(url)
    try:
        print(reserve_many(database, int(seed), Contention(int(stores), int(skus), int(attempts))))
    finally:
        database.close()


if __name__ == "__main__":
    main()
