"""A small central over a test's database: three stores, five SKUs, a clock that stands still."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central_server.bootstrap import Parts, assemble
from central_server.config import CentralSettings
from central_server.ports import Message
from central_server.records import Location, Price, Product
from central_server.services.catalogue_intake import StockItem
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import Customer, NewLine, NewOrder, Placed
from central_server.storage.database import Database
from central_server.storage.schema import migrate
from sync.domain import operations as op
from sync.domain.fulfillment import FulfillmentOrder, PickupProof, ProofKind
from sync.domain.orders import Channel
from sync.protocol.lines import OperationRecord, chain, encode_line, genesis
from sync.protocol.session import EnrolRequest, HelloAnswer, HelloRequest, PushAnswer, PushHeader
from sync.protocol.verdicts import Verdict
from tests.support.builders import ManualClock

SECRET = "a secret for tests only, long enough to sign with"
NINE_TO_NINE = ((540, 1260),) * 7
PLACES = (("S001", 39.96, -83.00), ("S002", 39.76, -84.19), ("S003", 41.50, -81.69))
SKUS = ("SKU-1", "SKU-2", "SKU-3", "SKU-4", "SKU-5")
ON_HAND = 10


@dataclass
class RecordingNotifier:
    """A notifier that keeps what it is given."""

    sent: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> None:
        self.sent.append(message)


class Device:
    """A store's device as central sees it: signs, chains and sends operations."""

    def __init__(self, world: "World", location_id: str) -> None:
        self.world = world
        self.location_id = location_id
        self.replica_id = f"R-{location_id}"
        self.nonce = f"install-{location_id}"
        self.key = Ed25519PrivateKey.from_private_bytes(location_id.encode().ljust(32, b"."))
        self.epoch = 1
        self.lines: list[bytes] = []
        self.hashes = [genesis(self.replica_id, 1)]
        self.token = ""

    def enrol(self, *, replace: bool = False) -> None:
        code = self.world.parts.central.enrolment.create_code(self.location_id, replace=replace)
        public = self.key.public_key().public_bytes_raw().hex()
        self.world.parts.central.enrolment.enrol(
            EnrolRequest(
                code=str(code["code"]), replica_id=self.replica_id, install_nonce=self.nonce,
                public_key=public, app_version="1.0",
            )
        )  # fmt: skip

    def hello_request(self, **changes: object) -> HelloRequest:
        nonce = self.world.parts.central.sessions.challenge().nonce
        request = HelloRequest(
            protocol_min=1, protocol_max=1, app_version="1.0", replica_id=self.replica_id,
            epoch=self.epoch, install_nonce=self.nonce, last_seq=len(self.lines),
            last_hash=self.hashes[-1].hex(), acked_seq=0, backlog=len(self.lines),
            sent_at_ms=self.world.clock.now_ms(), boot_id="b", nonce=nonce, signature="",
        ).model_copy(update=changes)  # fmt: skip
        signature = self.key.sign(request.signed_text()).hex()
        return request.model_copy(update={"signature": signature})

    def hello(self) -> HelloAnswer:
        answer = self.world.parts.central.sessions.hello(self.hello_request())
        self.token = answer.session_token
        return answer

    def do(self, *operations: object, at_ms: int | None = None) -> None:
        """Journal operations, unsent."""
        for operation in operations:
            at = self.world.clock.now_ms() if at_ms is None else at_ms
            record = OperationRecord("A1", f"{self.location_id}-1", "b", 0, at, operation)
            self.journal(encode_line(record))

    def journal(self, line: bytes) -> None:
        self.lines.append(line)
        self.hashes.append(chain(self.hashes[-1], line))

    def push(self, first: int = 1, *, known: int = 0) -> PushAnswer:
        """Send everything from `first` on."""
        header, lines = self.frame(first, known=known)
        return self.world.parts.central.sync.push(self.replica_id, header, lines)

    def push_all(self) -> list[Verdict]:
        """Send everything, and again what central did not take at once; return all verdicts."""
        taken = 0
        found: list[Verdict] = []
        while taken < len(self.lines):
            answer = self.push(taken + 1, known=taken)
            assert answer.acked_seq > taken
            taken = answer.acked_seq
            found += answer.verdicts
        return found

    def frame(self, first: int = 1, *, known: int = 0) -> tuple[PushHeader, tuple[bytes, ...]]:
        lines = tuple(self.lines[first - 1 :])
        header = PushHeader(
            protocol=1, replica_id=self.replica_id, epoch=self.epoch, first_seq=first,
            prev_hash=self.hashes[first - 1].hex(), count=len(lines), known_seq=known,
        )  # fmt: skip
        return header, lines


@dataclass
class World:
    """Central and what a test needs of its surroundings."""

    parts: Parts
    clock: ManualClock
    notifier: RecordingNotifier
    keys: int = 0

    @property
    def database(self) -> Database:
        return self.parts.database

    def device(self, location_id: str) -> Device:
        """Return an enrolled device with a session."""
        device = Device(self, location_id)
        device.enrol()
        device.hello()
        return device

    def new_order(
        self, *lines: tuple[str, int], at: str = "S001", email: str = "jo@example.com"
    ) -> NewOrder:
        wanted = tuple(NewLine(sku, quantity) for sku, quantity in lines or (("SKU-1", 2),))
        return NewOrder(at, Channel.WEB, "USD", Customer("Jo", email, "+1 555-0100"), wanted)

    def place(self, *lines: tuple[str, int], at: str = "S001", key: str = "") -> Placed:
        """Place an order for pickup."""
        self.keys += 1
        identity = RequestIdentity("test", key or f"key-{self.keys}", "body")
        return self.parts.central.orders.place(self.new_order(*lines, at=at), identity)

    def fulfillments(self, order_id: str) -> list[FulfillmentOrder]:
        with self.database.read() as view:
            found = view.fulfillments.of_orders([order_id])[order_id]
        return sorted((one.row.order for one in found), key=lambda one: one.location_id)

    def order_of(self, fulfillment_id: str) -> str:
        """Return the order that a fulfillment order is part of."""
        with self.database.read() as view:
            return view.fulfillments.order_ids([fulfillment_id]).pop()

    def stock(self, location_id: str, sku: str = "SKU-1") -> tuple[int, int]:
        """Return (on hand, allocated)."""
        with self.database.read() as view:
            (row,) = view.stock.rows(location_id, [sku])
        return row.on_hand, row.allocated

    def mails(self) -> list[Message]:
        """Send what is due and return everything sent so far."""
        from central_server.jobs.outbox import send_due

        send_due(self.database, self.notifier, self.clock, self.parts.random)
        return self.notifier.sent

    def order(self, order_id: str) -> dict:
        return self.parts.central.reading.order(order_id)

    def open_stores(self) -> None:
        """Let it be nine in the morning at the stores: worlds begin two hours before."""
        self.clock.advance(2 * 3_600_000)

    def check_books(self) -> None:
        """Assert that stock is what the ledger says."""
        with self.database.read() as view:
            sums = view.stock_ledger.sums()
            for location_id, _, _ in PLACES:
                for row in view.stock.rows(location_id):
                    assert sums[location_id, row.sku] == (row.on_hand, row.allocated), row


def sqlite_world(folder: Path) -> World:
    """Return a world over a new database of its own in `folder`."""
    folder.mkdir()
    database = Database.open(f"sqlite:///{folder / 'central.db'}")
    migrate(database)
    database.write(lambda unit: unit.meta.ensure("central", ""))
    return build_world(database, folder)


def build_world(database: Database, folder: Path, *, on_hand: int = ON_HAND) -> World:
    """Return a central with three stores, SKU-1 to SKU-5 at each."""
    clock, notifier = ManualClock(), RecordingNotifier()
    settings = CentralSettings(data_dir=folder, server_secret=SECRET, demo=False)
    parts = assemble(settings, database, clock=clock, random=Random(7), notifier=notifier)
    parts.intake.locations(
        [
            Location(
                name, f"Store {name}", latitude=latitude, longitude=longitude,
                timezone="America/New_York", price_zone="EAST", hours=NINE_TO_NINE,
            )
            for name, latitude, longitude in PLACES
        ]
    )  # fmt: skip
    parts.intake.products([Product(sku, f"Thing {sku}") for sku in SKUS])
    parts.intake.prices([Price("EAST", sku, 1000, "USD") for sku in SKUS])
    parts.intake.stock(
        [StockItem(place, sku, on_hand) for place, _, _ in PLACES for sku in SKUS], "opening"
    )
    return World(parts, clock, notifier)


def second_worker(world: World, database: Database) -> World:
    """Return the same central as another process has it, over a connection of its own."""
    settings = world.parts.settings
    parts = assemble(settings, database, clock=world.clock, random=Random(8))
    return replace(world, parts=parts)


@dataclass
class Workers:
    """One central's processes, that are asked in turn."""

    worlds: Sequence[World]

    @property
    def first(self) -> World:
        """Any of them: for what is done once."""
        return self.worlds[0]

    def at(self, number: int) -> World:
        """Return the one that gets a request of this number."""
        return self.worlds[number % len(self.worlds)]


def whole_pickup(order: FulfillmentOrder) -> Sequence[object]:
    """Return everything that a store does with an order, until the customer has it."""
    key = order.id
    proof = PickupProof(ProofKind.PICKUP_CODE, "Jo")
    quantities = tuple(op.LineQuantity(one.line, one.allocated) for one in order.lines)
    return (
        op.FulfillmentAccepted(key),
        *(op.LinePicked(key, one.line, one.allocated) for one in order.lines),
        op.Staged(key, "A1"),
        op.MarkedReady(key, 0, 7 * 86_400_000),
        op.HandedOver(key, quantities, proof),
    )
