"""Real stores beside a real central in one process: what tests of escrow and conflicts need."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central_server.services.catalogue_intake import StockItem
from central_server.services.digest import digest_of as central_digest
from central_server.services.errors import ServiceRefused
from central_server.web.frames import write_pull
from store_client.replica.digest import digest_of
from store_client.replica.models import Sale
from store_client.replica.store import Files, Store
from sync.domain.escrow import EscrowPolicy, Share
from sync.domain.stock_operations import SkuUnits
from sync.edge.daemon import RoundReport, SyncDaemon
from sync.edge.escrow import ShareKeeper
from sync.edge.journal import Identity
from sync.edge.recovery import take_over
from sync.protocol import errors
from sync.protocol.digest import differences
from sync.protocol.endpoint import OperationsPage, PullPage
from sync.protocol.session import (
    EnrolRequest,
    HelloAnswer,
    HelloRequest,
    Poke,
    PushAnswer,
    PushHeader,
    SnapshotManifest,
)
from sync.transport.faulty import Faults, FaultyEndpoint
from sync.transport.local import LocalEndpoint
from tests.support.builders import ManualClock
from tests.support.central_world import ON_HAND, SKUS, World
from tests.support.refusals import as_told

POLICY = EscrowPolicy(enabled=True, lease_ms=3_600_000, confirm_ms=600_000)


@dataclass
class RealCentralSide:
    """Implements `sync.transport.local.CentralSide` over central's services, without HTTP."""

    world: World

    def challenge(self) -> str:
        return self.world.parts.central.sessions.challenge().nonce

    def hello(self, request: HelloRequest) -> HelloAnswer:
        return self.world.parts.central.sessions.hello(request)

    def push(self, replica_id: str, header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        return self.world.parts.central.sync.push(replica_id, header, lines)

    def pull(
        self, replica_id: str, scope: str, incarnation: int, after: int, limit: int
    ) -> PullPage:
        page = self.world.parts.central.sync.page(replica_id, scope, incarnation, after, limit)
        lines = write_pull(page.header, page.rows).splitlines()[1:]
        return PullPage(page.header, tuple(lines))

    def operations(
        self, replica_id: str, of_replica: str, epoch: int, from_seq: int
    ) -> OperationsPage:
        try:
            return self.world.parts.central.sync.operations(replica_id, of_replica, epoch, from_seq)
        except ServiceRefused as refusal:
            raise as_told(refusal) from refusal

    def manifest(self, replica_id: str, scope: str) -> SnapshotManifest:
        return self.world.parts.central.sync.manifest(replica_id, scope)

    def part(self, replica_id: str, manifest: SnapshotManifest, part: int) -> bytes:
        start = part * manifest.part_bytes
        end = min(start + manifest.part_bytes, manifest.bytes_compressed) - 1
        return self.world.parts.central.sync.snapshot_bytes(manifest, start, end)

    def subscribe(self, replica_id: str) -> Iterator[Poke | None]:
        raise errors.Unreachable(f"{replica_id}: no stream here")


@dataclass
class StoreSide:
    """One store's machine: real files, the real daemon, a clock of its own."""

    world: World
    folder: Path
    location_id: str = "S001"
    clock: ManualClock = field(default_factory=ManualClock)
    boot: str = "boot-1"
    evidence: Path | None = None
    """The folder of its other disk, where it has one."""

    def __post_init__(self) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(self.location_id.encode().ljust(32, b"."))
        self.faulty = self._line()
        self.sales = 0
        self.store: Store
        self.daemon: SyncDaemon
        self.open()

    def _line(self) -> FaultyEndpoint:
        return FaultyEndpoint(LocalEndpoint(RealCentralSide(self.world)), Random(3), Faults())

    def open(self) -> None:
        """Open the files as a new process does."""
        self.store = Store(
            Files(self.folder), self.clock, key="", boot_id=self.boot, evidence_folder=self.evidence
        )
        try:
            self.store.identity  # noqa: B018 - raises before the first enrolment
        except LookupError:
            name = f"R-{self.location_id}-{self.folder.name}"
            self.store.journal.enrol(self._enrolled(name, "nonce"))
        store = self.store
        self.daemon = SyncDaemon(
            self.faulty, store.journal, store.writer,
            ShareKeeper(store.journal, store.shares, self.clock, self.boot),
            sign=lambda text: self.key.sign(text).hex(), clock=self.clock, random=Random(5),
            parts_folder=store.files.parts, app_version="test",
        )  # fmt: skip

    def enrol_anew(self, replica_id: str = "") -> None:
        """Give the machine a new name at central, in its own place; it takes its work along."""
        before = self.store.replica_id
        identity = self._enrolled(replica_id or f"{before}-anew", "nonce-2", follows=before)
        take_over(self.store.journal, identity, self.clock.now_ms())
        self.store.close()
        self.faulty = self._line()
        self.open()

    def _enrolled(self, replica_id: str, nonce: str, follows: str = "") -> Identity:
        enrolment = self.world.parts.central.enrolment
        code = enrolment.create_code(self.location_id, replace=True)
        answer = enrolment.enrol(
            EnrolRequest(
                code=str(code["code"]), replica_id=replica_id, install_nonce=nonce,
                public_key=self.key.public_key().public_bytes_raw().hex(), app_version="test",
                follows=follows,
            )
        )  # fmt: skip
        return Identity(
            replica_id, self.location_id, 1, nonce, self.key.private_bytes_raw().hex(),
            answer.server_id, "http://central.invalid",
        )  # fmt: skip

    def lose_replica(self) -> None:
        """Start without replica.db: what is disposable is gone, the journal is there."""
        self.store.close()
        for file in self.folder.glob("replica.db*"):
            file.unlink()
        self.open()

    def reboot(self, name: str) -> None:
        """Start the machine anew: monotonic time begins at zero."""
        self.store.close()
        self.boot = name
        self.clock.boot_ms = 0
        self.open()

    def round(self) -> RoundReport:
        """Do one round of the daemon."""
        return self.daemon.run_once()

    def settle(self) -> None:
        """Do rounds on a good line until nothing is left to say."""
        self.faulty.restore()
        for _ in range(4):
            report = self.round()
        assert report.ok, report
        assert self.store.journal.backlog() == 0

    def cut(self) -> None:
        """Take the network away."""
        self.faulty.cut()

    def sell(self, units: int = 1, sku: str = "SKU-1", *, breaks: str = "") -> None:
        """Let the point of sale sell something."""
        self.sales += 1
        sale = Sale(f"T{self.sales}", (SkuUnits(sku, units),))
        assert self.store.sell(sale, by="A1", dev="POS", breaks=breaks) is not None

    def share(self, sku: str = "SKU-1") -> Share:
        """Return how a SKU is divided, as this store knows it."""
        (found,) = self.store.shares.shares([sku])
        return found

    def differences(self) -> list[str]:
        """Return what store and central disagree about."""
        with self.world.database.read() as view:
            return differences(digest_of(self.store), central_digest(view, self.location_id))


@contextmanager
def in_step(world: World, folder: Path, location_id: str = "S001") -> Iterator[StoreSide]:
    """Yield a store's machine that has heard everything; close its files at the end."""
    store = StoreSide(world, folder, location_id)
    store.settle()
    try:
        yield store
    finally:
        store.store.close()


def share_by_escrow(
    world: World, policy: EscrowPolicy = POLICY, *, floor_percent: int = 0, on_hand: int = ON_HAND
) -> None:
    """Let all locations share by escrow; each store should keep `floor_percent` of each SKU."""
    with world.database.read() as view:
        locations = view.locations.all()
    shared = [replace(one, escrow=policy, floor_percent=floor_percent) for one in locations]
    world.parts.intake.locations(shared)
    items = [StockItem(place.id, sku, on_hand) for place in locations for sku in SKUS]
    world.parts.intake.stock(items, "opening")
