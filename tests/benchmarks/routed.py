"""orders_routed_*: parcels of three lines, routed over 50 stores that have all of it.

Over HTTP and durable as plain pickups are (`placing`), which are measured beside them on the
same central: what a decision costs is the difference.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.benchmarks import load
from tests.benchmarks.load import Mix
from tests.benchmarks.measure import Figure, median
from tests.benchmarks.placing import settle
from tests.benchmarks.site import temporary
from tests.support.network import Size
from tests.support.parcels import CARRIERS
from tests.support.postgresql import PostgresqlServer
from tests.support.real_central import RealCentral

SIZE = Size(stores=50, skus=500, stocked=500, on_hand=100_000)
ORDERS = 300
TURNS = 3


class Parcels(Mix):
    """The same orders, sent to somewhere among the stores."""

    def order(self, dice: Random) -> dict[str, object]:
        """Return an order's body."""
        body = super().order(dice)
        del body["location_id"]
        return body | {
            "ship_to": {
                "name": "Jo Pike", "line1": "12 Elm Street", "city": "Columbus",
                "postal_code": "43215", "country": "US",
                "latitude": round(dice.uniform(40.0, 45.0), 4),
                "longitude": round(dice.uniform(-83.0, -78.0), 4),
            }
        }  # fmt: skip


def measure() -> Iterator[Figure]:
    """Place parcels on both engines, in turns with pickups."""
    server = PostgresqlServer(durable=True)
    try:
        with temporary() as folder:
            url = server.url(server.create())
            yield _measured("orders_routed_postgresql_per_s", folder, url)
    finally:
        server.stop()
    with temporary() as folder:
        yield _measured("orders_routed_sqlite_per_s", folder, "")


def _measured(name: str, folder: Path, url: str) -> Figure:
    central = RealCentral(folder / "central", database_url=url)
    central.prepare(SIZE)
    with central.opened() as parts:
        parts.intake.carriers(CARRIERS)
    central.start()
    try:
        settle(central, SIZE.stocked)
        parcels, pickups = (one(SIZE.stores, SIZE.skus) for one in (Parcels, Mix))
        _per_s(central, parcels, ORDERS // 10)
        rates = [(_per_s(central, parcels), _per_s(central, pickups)) for _ in range(TURNS)]
    finally:
        central.stop()
    ratio = median([rate / plain for rate, plain in rates])
    rate = median([rate for rate, _ in rates])
    return Figure(
        name, rate, "/s", "plain pickups of three lines on the same central", rate / ratio
    )


def _per_s(central: RealCentral, mix: Mix, orders: int = ORDERS) -> float:
    run = load.run(central, load.single_requests(central, mix, orders))
    if run.refused:
        raise RuntimeError(f"{run.refused} orders were refused")
    return run.per_s
