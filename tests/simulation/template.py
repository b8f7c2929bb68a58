"""A world that was set up once and is copied for each seed: setting it up takes long."""

import atexit
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from random import Random

from central_server.records import Location, Price, Product
from central_server.services.catalogue_intake import StockItem
from central_server.storage.schema import migrate
from sync.domain.escrow import EscrowPolicy
from sync.domain.people import Role
from sync.domain.pickups import PickupPolicy, SpotCapacity
from sync.protocol.rows import AssociateRow
from sync.protocol.session import EnrolRequest
from tests.simulation.central import SECRET, CentralMachine, open_database
from tests.simulation.clocks import MachineClock, TrueTime
from tests.simulation.faults import CentralFuse
from tests.simulation.link import Link
from tests.simulation.store import StoreMachine
from tests.support.parcels import CARRIERS
from tests.support.scratch import scratch_folder

SKUS = ("SKU-1", "SKU-2", "SKU-3", "SKU-4")
ON_HAND = 8
PICKUP = PickupPolicy(wait_days_max=20, capacities=(SpotCapacity("A1", 4),), parking=("P1", "P2"))
FLOOR_PERCENT = 20
STORES_MAX = 4
PLACES = (("S001", 39.96, -83.00), ("S002", 39.76, -84.19), ("S003", 41.50, -81.69),
          ("S004", 41.65, -83.54))  # fmt: skip
POLICY = EscrowPolicy(enabled=True, lease_ms=3_600_000, confirm_ms=600_000)
ALL_DAY = ((0, 1440),) * 7


@lru_cache
def template(stores: int, *, shared: bool) -> Path:
    """Return a folder with central and so many enrolled stores, all of one mind.

    With `shared`, they share their stock by escrow, else by a fixed floor.
    """
    folder = Path(tempfile.mkdtemp(prefix="holdshelf-sim-", dir=scratch_folder()))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    prepare(folder, stores, shared=shared)
    return folder


def prepare(folder: Path, stores: int, *, shared: bool) -> None:
    """Set a world up in `folder`."""
    time, random = TrueTime(), Random(0)
    database = open_database(f"sqlite:///{folder / 'central' / 'central.db'}", CentralFuse())
    migrate(database)
    database.write(lambda unit: unit.meta.ensure("central", SECRET))
    database.close()
    central = CentralMachine(folder / "central", MachineClock(time), random)
    _fill(central, stores, POLICY if shared else EscrowPolicy())
    for name, _, _ in PLACES[:stores]:
        _enrol(central, StoreMachine(
            folder / name, name, MachineClock(time), random, Link(central)
        ))  # fmt: skip
    central.close()


def _fill(central: CentralMachine, stores: int, policy: EscrowPolicy) -> None:
    intake, places = central.parts.intake, PLACES[:stores]
    intake.locations(
        [
            Location(
                name, f"Store {name}", latitude=latitude, longitude=longitude, timezone="UTC",
                price_zone="EAST", hours=ALL_DAY, floor_percent=FLOOR_PERCENT, spots=("A1", "A2"),
                escrow=policy, pickup=PICKUP,
            )
            for name, latitude, longitude in places
        ]
    )  # fmt: skip
    intake.carriers(CARRIERS)
    intake.products([Product(sku, f"Thing {sku}", gtins=(f"{n:014d}",)) for n, sku in
                     enumerate(SKUS, 1)])  # fmt: skip
    intake.prices([Price("EAST", sku, 1000, "USD") for sku in SKUS])
    intake.stock(
        [StockItem(name, sku, ON_HAND) for name, _, _ in places for sku in SKUS], "opening"
    )
    for number, (name, _, _) in enumerate(places, 1):
        intake.associates(name, [AssociateRow(f"A{number}", "Kim", Role.MANAGER, "hash")])


def _enrol(central: CentralMachine, store: StoreMachine) -> None:
    identity = store.identity()
    code = central.parts.central.enrolment.create_code(store.location_id)
    central.parts.central.enrolment.enrol(
        EnrolRequest(
            code=str(code["code"]), replica_id=identity.replica_id,
            install_nonce=identity.install_nonce,
            public_key=store.public_key(identity), app_version="simulated",
        )
    )  # fmt: skip
    for _ in range(4):
        report, _ = store.round()
        assert report is not None
        assert report.ok, report
    store.close()
