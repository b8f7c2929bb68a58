"""Builds the things that tests talk about, with defaults that do not matter."""

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from store_client.replica.store import Files, Store
from sync.domain.fulfillment import FulfillmentLine, FulfillmentOrder
from sync.domain.ids import pickup_code_hash
from sync.domain.reservations import Reservation
from sync.edge.daemon import SyncDaemon
from sync.edge.escrow import ShareKeeper
from sync.edge.journal import Identity
from sync.protocol.endpoint import SyncEndpoint

NOON_MS = 1_763_900_000_000
LEADER = "A100"
"""The badge of who leads the stores that tests make up."""
HALF_DAY_MS = 43_200_000


@dataclass
class ManualClock:
    """A clock that moves only when told."""

    wall_ms: int = NOON_MS
    boot_ms: int = 0

    def now_ms(self) -> int:
        return self.wall_ms

    def monotonic_ms(self) -> int:
        return self.boot_ms

    def sleep(self, seconds: float) -> None:
        self.advance(int(seconds * 1000))

    def advance(self, milliseconds: int) -> None:
        self.wall_ms += milliseconds
        self.boot_ms += milliseconds


def an_order(
    number: int = 1, *quantities: int, location: str = "S001", flow: str = "pickup"
) -> FulfillmentOrder:
    """Return order `number` with a line per quantity; its pickup code is `CODE0000`."""
    key = f"F{number:05d}"
    lines = tuple(
        FulfillmentLine(line, f"SKU-{line}", f"Thing {line}", quantity, unit_price_minor=1000)
        for line, quantity in enumerate(quantities or (2, 1), 1)
    )
    return FulfillmentOrder(
        id=key, order_id=f"O{number:05d}", order_number=f"K{number:03d}-0000",
        location_id=location, flow=flow, lines=lines, placed_at_ms=NOON_MS,
        promised_by_ms=NOON_MS + 7_200_000 + number, customer_name="Jordan Pike",
        pickup_code_hash=pickup_code_hash(key, "CODE0000"),
        expires_at_ms=NOON_MS + HALF_DAY_MS if flow == "reserve" else None,
        reserve=Reservation(NOON_MS + HALF_DAY_MS, NOON_MS + 6 * HALF_DAY_MS)
        if flow == "reserve" else None,
    )  # fmt: skip


def paid_here(order: FulfillmentOrder) -> FulfillmentOrder:
    """Return a parcel order as one that is paid where it leaves, within half a day."""
    until_ms = NOON_MS + HALF_DAY_MS
    return replace(order, expires_at_ms=until_ms, reserve=Reservation(until_ms, until_ms))


def waiting(order: FulfillmentOrder) -> FulfillmentOrder:
    """Return a reservation as it is on the waiting list: nothing is tied to it yet."""
    wanted = tuple(line.allocated for line in order.lines)
    assert order.reserve is not None
    return replace(
        order,
        lines=tuple(replace(line, allocated=0) for line in order.lines),
        reserve=replace(order.reserve, wanted=wanted, waits=True),
    )


def enrolled_store(
    folder: Path, clock: ManualClock, replica_id: str = "R1", key: str = ""
) -> Store:
    """Return a store in `folder`, enrolled as S001; an existing one is opened again."""
    fresh = not (folder / "journal.db").exists()
    store = Store(Files(folder), clock, key=key, boot_id="boot-1")
    if fresh:
        store.journal.enrol(
            Identity(replica_id, "S001", 1, "nonce", "00" * 32, "memory", "http://central.invalid")
        )
    return store


def daemon_of(
    store: Store, endpoint: SyncEndpoint, clock: ManualClock, seed: int = 1
) -> SyncDaemon:
    """Return the daemon of `store`, speaking to `endpoint`, unsigned."""
    return SyncDaemon(
        endpoint, store.journal, store.writer,
        ShareKeeper(store.journal, store.shares, clock, "boot-1"),
        sign=lambda _: "", clock=clock, random=Random(seed), parts_folder=store.files.parts,
        app_version="test",
    )  # fmt: skip
