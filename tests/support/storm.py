"""A central with thousands of enrolled stores, each with work that was done while it was cut off.

All of it is written straight into central's database: locations, stock, an
order a store, and the device. What the devices have to send is made by the
functions that a store uses; a `Journaled` is all that is needed of its journal.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from hashlib import blake2b
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central_server.bootstrap import Parts
from central_server.services.catalogue_intake import batches
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import Customer, NewLine, NewOrder
from central_server.storage.unit import Unit
from sync.domain import operations as op
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.orders import Channel
from sync.protocol.lines import OperationRecord, chain, encode_line, genesis
from tests.support.builders import LEADER
from tests.support.network import SPOTS, Size, fill, location_of, sku_of

NOON_MS = 1_763_900_000_000
STEP_MS = 40_000
PLACING_THREADS = 16
OPERATIONS_EACH = 4


def size_of(stores: int) -> Size:
    """Return a network of so many stores with little in each."""
    return Size(stores, skus=20, stocked=3, on_hand=100_000)


@dataclass(frozen=True)
class Journaled:
    """One store's device and the operations that it has not sent."""

    replica_id: str
    location_id: str
    lines: tuple[str, ...]

    @property
    def install_nonce(self) -> str:
        """What tells this installation from a copy of it."""
        return f"install-{self.replica_id}"

    @cached_property
    def key(self) -> Ed25519PrivateKey:
        """The device's key, made from its name."""
        seed = blake2b(self.replica_id.encode(), digest_size=32).digest()
        return Ed25519PrivateKey.from_private_bytes(seed)

    @cached_property
    def hashes(self) -> list[bytes]:
        """The chain over the lines, from the very beginning."""
        known = [genesis(self.replica_id, 1)]
        for line in self.lines:
            known.append(chain(known[-1], line.encode()))
        return known


def prepare(parts: Parts, stores: int) -> list[Journaled]:
    """Fill a central that does not serve yet; return the devices."""
    fill(parts, size_of(stores), people=False)
    with ThreadPoolExecutor(PLACING_THREADS) as pool:
        orders = list(pool.map(partial(_place, parts), range(1, stores + 1)))
    devices: list[Journaled] = []
    for some in batches(enumerate(orders, 1)):
        work = _work(parts, dict(some))
        devices += [
            Journaled(f"R{number:05d}", location_of(number), work[number]) for number, _ in some
        ]
    for group in batches(devices):
        parts.database.write(partial(_enrol, devices=group))
    return devices


def _place(parts: Parts, number: int) -> str:
    """Place one order at store `number`; return its id."""
    line = NewLine(sku_of(1 + number % 3), 2)
    customer = Customer(f"Customer {number}")
    order = NewOrder(location_of(number), Channel.WEB, "USD", customer, (line,))
    identity = RequestIdentity("storm", f"order-{number}", str(number))
    return parts.central.orders.place(order, identity).order_id


def _work(parts: Parts, orders: dict[int, str]) -> dict[int, tuple[str, ...]]:
    """Return by store the lines of its operations on its order."""
    with parts.database.read() as view:
        stored = view.fulfillments.of_orders(list(orders.values()))
    return {
        number: tuple(_lines(stored[order_id][0].row.order)) for number, order_id in orders.items()
    }


def _lines(order: FulfillmentOrder) -> list[str]:
    (line,) = order.lines
    steps = (
        op.FulfillmentAccepted(order.id),
        op.LinePicked(order.id, line.line, line.allocated),
        op.Staged(order.id, SPOTS[0]),
        op.MarkedReady(order.id, NOON_MS, NOON_MS + 7 * 86_400_000),
    )
    assert len(steps) == OPERATIONS_EACH
    return [
        encode_line(
            OperationRecord(LEADER, "till-1", "boot", at, NOON_MS + at, step)
        ).decode()
        for at, step in enumerate(steps, STEP_MS)
    ]  # fmt: skip


def _enrol(unit: Unit, devices: Sequence[Journaled]) -> None:
    for one in devices:
        public = one.key.public_key().public_bytes_raw().hex()
        unit.replicas.enrol(
            one.replica_id, one.location_id, one.install_nonce, public, "storm", NOON_MS
        )


def write_devices(path: Path, devices: Sequence[Journaled]) -> None:
    """Write the devices for the process that plays them."""
    path.write_text("".join(json.dumps(asdict(one)) + "\n" for one in devices), encoding="utf-8")


def read_devices(path: Path) -> list[Journaled]:
    """Read them there."""
    with path.open(encoding="utf-8") as lines:
        read = map(json.loads, lines)
        return [
            Journaled(one["replica_id"], one["location_id"], tuple(one["lines"])) for one in read
        ]


def not_drained(parts: Parts, devices: Sequence[Journaled]) -> list[str]:
    """Return the replicas whose work central has not taken in full, each operation accepted."""
    with parts.database.read() as view:
        known = {one.id: one for one in view.replicas.all()}
        return [
            one.replica_id
            for one in devices
            if known[one.replica_id].last_seq != len(one.lines)
            or known[one.replica_id].last_hash != one.hashes[-1]
            or view.journal.verdicts_after(one.replica_id, 1, 0)
        ]
