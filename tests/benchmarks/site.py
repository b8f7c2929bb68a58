"""Centrals and stores for measurements: real processes over databases that are filled first."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central_server.bootstrap import Parts
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import Customer, NewLine, NewOrder, Placed
from central_server.services.parcels import Destination
from store_client.replica.store import Store
from sync.clock import SystemClock
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.orders import Channel, PaymentPlace
from sync.edge.daemon import SyncDaemon
from sync.edge.escrow import ShareKeeper
from sync.transport.client import open_client
from sync.transport.http import HttpEndpoint
from sync.transport.traffic import Traffic
from tests.support.network import Size, location_of, sku_of
from tests.support.parcels import HOME
from tests.support.real_central import RealCentral
from tests.support.real_store import RealStore

PLACING_THREADS = 16


@contextmanager
def temporary() -> Iterator[Path]:
    """Give a folder on disk that is gone afterwards."""
    with TemporaryDirectory(prefix="holdshelf-bench-") as name:
        yield Path(name)


@contextmanager
def a_central(folder: Path, size: Size, orders: int = 0) -> Iterator[RealCentral]:
    """Serve a central on SQLite with a network of `size` and open orders at the first store."""
    central = RealCentral(folder / "central")
    central.prepare(size)
    if orders:
        with central.opened() as parts:
            place_many(parts, orders, size)
    central.start()
    try:
        yield central
    finally:
        central.stop()


def place_many(
    parts: Parts,
    count: int,
    size: Size,
    first: int = 1,
    make: Callable[[int, Size], NewOrder] | None = None,
) -> list[FulfillmentOrder]:
    """Place orders in this process, many at once so that they share commits; return the work."""
    made = make or order_of

    def place(number: int) -> Placed:
        return parts.central.orders.place(
            made(number, size), RequestIdentity("bench", f"order-{number}", str(number))
        )

    with ThreadPoolExecutor(PLACING_THREADS) as pool:
        placed = list(pool.map(place, range(first, first + count)))
    ids = [one.order_id for one in placed]
    found: list[FulfillmentOrder] = []
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        with parts.database.read() as view:
            stored = view.fulfillments.of_orders(part)
        found += [stored[order_id][0].row.order for order_id in part]
    return found


def order_of(number: int, size: Size) -> NewOrder:
    """Return a web order of one to three lines for pickup at the first store."""
    lines = tuple(
        NewLine(sku_of((number * 7 + line * 13) % size.stocked + 1), 1 + (number + line) % 2)
        for line in range(1 + number % 3)
    )
    customer = Customer(f"Customer {number}", f"c{number}@example.com", "+1 555-0100")
    return NewOrder(location_of(1), Channel.WEB, "USD", customer, lines)


def order_of_any_flow(number: int, size: Size) -> NewOrder:
    """Return the same order, two of five of them to be fetched; then parcels, curbside, reserved.

    The store needs carriers and parking.
    """
    plain = order_of(number, size)
    if number % 5 == 2:
        return replace(plain, ship_to=Destination(HOME, "standard", 40.1, -82.9))
    if number % 5 == 3:
        return replace(plain, curbside=True)
    if number % 5 == 4:
        return replace(plain, payment=PaymentPlace.IN_STORE)
    return plain


@contextmanager
def a_store(folder: Path, central: RealCentral) -> Iterator[RealStore]:
    """Enrol a store's machine at the first location; its data arrives with it."""
    store = RealStore(folder / "store", central.url)
    store.enrol(central.enrolment_code(location_of(1)))
    try:
        yield store
    finally:
        store.stop()


def daemon_of(store: Store, central_url: str, traffic: Traffic | None = None) -> SyncDaemon:
    """Return the daemon of a store's files in this process, speaking real HTTP."""
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(store.identity.private_key))
    return SyncDaemon(
        endpoint_at(central_url, traffic), store.journal, store.writer,
        ShareKeeper(store.journal, store.shares, SystemClock(), "bench"),
        sign=lambda text: key.sign(text).hex(), clock=SystemClock(), random=Random(1),
        parts_folder=store.files.parts, app_version="bench",
    )  # fmt: skip


def endpoint_at(central_url: str, traffic: Traffic | None = None) -> HttpEndpoint:
    """Return central over HTTP."""
    return HttpEndpoint(central_url, client_factory=lambda url: open_client(url, traffic=traffic))


class Collected:
    """Lines of JSON that a process writes, read in a thread."""

    def __init__(self, stream: Iterator[bytes]) -> None:
        self.lines: list[bytes] = []
        self.changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: Iterator[bytes]) -> None:
        for line in stream:
            with self.changed:
                self.lines.append(line)
                self.changed.notify_all()

    def wait_for(self, count: int, timeout_s: float) -> Sequence[bytes]:
        """Return the lines once there are `count`, or what there is after the timeout."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.lines) >= count, timeout_s)
            return tuple(self.lines)
