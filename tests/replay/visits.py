"""Visits to stores: a worker process opens one, works in it, syncs, and closes it again.

Thousands of stores exist as files only; a handful of processes keeps one of
them open at a time, with the real replica, daemon and keys.
"""

import os
import secrets
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from random import Random
from zlib import crc32

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import TypeAdapter

from store_client.replica.store import Files, Store
from sync.clock import SystemClock
from sync.domain.flows import status_of
from sync.domain.flows.pickup import NAME
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.ids import new_id
from sync.edge.daemon import SyncDaemon
from sync.edge.escrow import ShareKeeper
from sync.edge.journal import Identity
from sync.protocol.session import EnrolAnswer, EnrolRequest
from sync.transport.client import open_client
from tests.replay.associate import Associate, fate_of
from tests.replay.endpoint import CuttableEndpoint, Figures

APP_VERSION = "replay"
CUT_PER_CENT = 25
"""Stores whose network is cut during a first visit, after they have heard of their orders."""
ROUNDS_MAX = 20
BATCH_OF_ORDERS = 20
"""Orders worked between two rounds of sync, while the network is there."""

_ORDER: TypeAdapter[FulfillmentOrder] = TypeAdapter(FulfillmentOrder)


@dataclass(frozen=True, slots=True)
class Network:
    """How to reach central, and where stores keep their files."""

    url: str
    api_key: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Visit:
    """What to do at one store."""

    location_id: str
    number: int
    """1 for the first one, which enrols."""
    whole: bool = False
    """Whether the store follows the catalogue and its prices too."""
    look_only: bool = False
    """Sync and tell what there is, without working: for the reconciliation."""


@dataclass
class Visited:
    """What was done and, after a look, what the store has."""

    location_id: str
    figures: Figures = field(default_factory=Figures)
    fates: Counter[str] = field(default_factory=Counter)
    handed_over_while_cut: int = 0
    problems: list[str] = field(default_factory=list)
    replica_id: str = ""
    operations: dict[int, bytes] = field(default_factory=dict)
    """Hash by seq: what the store's journal holds."""
    acked: int = 0
    views: dict[str, bytes] = field(default_factory=dict)
    stock: dict[str, tuple[int, int]] = field(default_factory=dict)
    products: int = 0


class Visitor:
    """Lives in a worker process for as long as that does."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._clock = SystemClock()
        self._random = Random(f"{os.getpid()}")
        self._client = open_client(network.url)
        self._api = httpx.Client(
            base_url=network.url, trust_env=False, timeout=60.0,
            headers={"authorization": f"Bearer {network.api_key}"},
        )  # fmt: skip

    def visit(self, visit: Visit) -> Visited:
        """Do one visit."""
        done = Visited(visit.location_id)
        files = Files(self._network.folder / visit.location_id)
        store = Store(files, self._clock, key="", boot_id="replay")
        try:
            if visit.number == 1:
                self._enrol(store, visit.location_id)
            endpoint = CuttableEndpoint(self._client, done.figures, whole=visit.whole)
            daemon = self._daemon(store, endpoint)
            self._settle(daemon, store, done)
            if not visit.look_only:
                self._work(visit, store, daemon, endpoint, done)
            self._settle(daemon, store, done)
            if visit.look_only:
                _look(store, done)
        finally:
            store.close()
        return done

    def _enrol(self, store: Store, location_id: str) -> None:
        """Enrol with a one-time code and a key pair made here, as a new device does."""
        code = self._api.post("/v1/admin/enrolment-codes", json={"location_id": location_id})
        private = Ed25519PrivateKey.generate()
        request = EnrolRequest(
            code=code.raise_for_status().json()["code"],
            replica_id=new_id(self._clock.now_ms(), self._random),
            install_nonce=secrets.token_hex(8),
            public_key=private.public_key().public_bytes_raw().hex(),
            app_version=APP_VERSION,
        )
        answer = self._api.post("/v1/devices/enrol", json=request.model_dump())
        place = EnrolAnswer.model_validate_json(answer.raise_for_status().content)
        assert place.location_id == location_id
        store.journal.enrol(
            Identity(
                request.replica_id, location_id, 1, request.install_nonce,
                private.private_bytes_raw().hex(), place.server_id, self._network.url,
            )
        )  # fmt: skip

    def _daemon(self, store: Store, endpoint: CuttableEndpoint) -> SyncDaemon:
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(store.identity.private_key))
        return SyncDaemon(
            endpoint, store.journal, store.writer,
            ShareKeeper(store.journal, store.shares, self._clock, "replay"),
            sign=lambda text: key.sign(text).hex(), clock=self._clock, random=self._random,
            parts_folder=store.files.parts, app_version=APP_VERSION,
        )  # fmt: skip

    def _settle(self, daemon: SyncDaemon, store: Store, done: Visited) -> None:
        """Sync until central has everything and the store has what central said."""
        error = ""
        for attempt in range(ROUNDS_MAX):
            report = daemon.run_once()
            error = report.error
            if report.ok and store.journal.backlog() == 0:
                return
            if not report.ok:
                self._clock.sleep(min(0.05 * 2**attempt, 2.0))
        done.problems.append(f"{done.location_id} cannot settle: {error}")

    def _work(
        self,
        visit: Visit,
        store: Store,
        daemon: SyncDaemon,
        endpoint: CuttableEndpoint,
        done: Visited,
    ) -> None:
        is_first = visit.number == 1
        endpoint.cut = is_first and crc32(visit.location_id.encode()) % 100 < CUT_PER_CENT
        associate = Associate(store, self._cancel)
        for count, row in enumerate(store.board(NAME, limit=10_000), 1):
            order = store.fulfillment(row.id)
            if order is None:
                continue
            fate = fate_of(order, first_visit=is_first)
            after = associate.work(row.id, fate)
            done.fates[fate] += 1
            if endpoint.cut and after.total("fulfilled") > order.total("fulfilled"):
                done.handed_over_while_cut += 1
            if count % BATCH_OF_ORDERS == 0:
                daemon.run_once()
        if endpoint.cut:
            assert not daemon.run_once().ok
        endpoint.cut = False

    def _cancel(self, order: FulfillmentOrder) -> bool:
        """Cancel as the customer would; central refuses where goods were handed over."""
        answer = self._api.post(
            f"/v1/orders/{order.order_id}/cancel", json={"reason": "bought elsewhere"}
        )
        if answer.status_code == HTTPStatus.CONFLICT:
            return False
        answer.raise_for_status()
        return True


def _look(store: Store, done: Visited) -> None:
    """Tell everything that central must agree with."""
    done.replica_id = store.replica_id
    done.acked = store.journal.acked_seq()
    done.operations = {
        seq: bytes(hashed)
        for seq in range(1, store.journal.head().seq + 1)
        if (hashed := store.journal.hash_at(seq)) is not None
    }
    database = store._database
    for (key,) in database.all("SELECT id FROM fulfillments"):
        order = store.fulfillment(key)
        assert order is not None
        done.views[key] = view_bytes(order)
    rows = database.all("SELECT sku, on_hand, allocated FROM stock")
    done.stock = {sku: (on_hand, allocated) for sku, on_hand, allocated in rows}
    done.products = database.one("SELECT count(*) FROM products")[0]


def view_bytes(order: FulfillmentOrder) -> bytes:
    """Return what is compared of one fulfillment order: all of it, and its status."""
    return status_of(order).value.encode() + b" " + _ORDER.dump_json(order)


_visitor: list[Visitor] = []


def start_worker(network: Network) -> None:
    """Prepare a worker process."""
    _visitor.append(Visitor(network))


def do_visit(visit: Visit) -> Visited:
    """Do one visit in a worker process; what goes wrong there is a problem of that store."""
    try:
        return _visitor[0].visit(visit)
    except Exception as problem:  # noqa: BLE001 - one store must not hide the others' results
        found = f"{visit.location_id}: {type(problem).__name__}: {problem}"
        return Visited(visit.location_id, problems=[found])
