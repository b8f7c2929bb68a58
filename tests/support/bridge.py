"""Real stores before a real central, all in one process: what travels is bytes all the same."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from store_client.replica.digest import digest_of
from store_client.replica.store import Files, Store
from sync.domain.ids import new_id
from sync.edge import recovery
from sync.edge.daemon import RoundReport, SyncDaemon
from sync.edge.escrow import ShareKeeper
from sync.edge.journal import Identity
from sync.protocol.digest import StoreDigest
from sync.protocol.session import EnrolRequest
from sync.transport.local import LocalEndpoint
from tests.support.store_side import RealCentralSide


class Machine:
    """A store's machine: its files, its key, its daemon."""

    def __init__(self, folder: Path, side: RealCentralSide, location_id: str = "S001") -> None:
        self.folder, self.side, self.location_id = folder, side, location_id
        self.endpoint = LocalEndpoint(side)
        self.open()

    def open(self) -> None:
        """Open the files, as a new process does."""
        self.store = Store(Files(self.folder), self.side.world.clock, key="", boot_id="boot-1")
        store, world = self.store, self.side.world
        self.daemon = SyncDaemon(
            self.endpoint, store.journal, store.writer,
            ShareKeeper(store.journal, store.shares, world.clock, "boot-1"),
            sign=self._sign, clock=world.clock, random=world.parts.random,
            parts_folder=store.files.parts, app_version="test",
        )  # fmt: skip

    def close(self) -> None:
        self.store.close()

    def _sign(self, text: bytes) -> str:
        key = bytes.fromhex(self.store.identity.private_key)
        return Ed25519PrivateKey.from_private_bytes(key).sign(text).hex()

    def enrol(self, *, replace: bool = False, anew: bool = False) -> None:
        """Enrol with a code of this machine's location; `anew` takes former work over."""
        world = self.side.world
        code = world.parts.central.enrolment.create_code(self.location_id, replace=replace)
        private = Ed25519PrivateKey.generate()
        name = new_id(world.clock.now_ms(), world.parts.random)
        answer = world.parts.central.enrolment.enrol(
            EnrolRequest(
                code=str(code["code"]), replica_id=name, install_nonce=f"nonce-{name}",
                public_key=private.public_key().public_bytes_raw().hex(), app_version="test",
            )
        )  # fmt: skip
        identity = Identity(
            name, answer.location_id, 1, f"nonce-{name}", private.private_bytes_raw().hex(),
            answer.server_id, "http://central.invalid",
        )  # fmt: skip
        if anew:
            recovery.take_over(self.store.journal, identity, world.clock.now_ms())
        else:
            self.store.journal.enrol(identity)
        self.endpoint.end_session()
        self.daemon._session = None

    def round(self) -> RoundReport:
        self.side.world.clock.advance(1000)
        return self.daemon.run_once()

    def quiet(self) -> None:
        """Do rounds until nothing is left to say."""
        reports = [self.round() for _ in range(3)]
        assert reports[-1].ok, reports

    def do(self, *operations: object) -> None:
        for operation in operations:
            self.side.world.clock.advance(10)
            self.store.perform(operation, by="A1", dev="T1")  # type: ignore[arg-type]

    def digest(self) -> StoreDigest:
        return digest_of(self.store)
