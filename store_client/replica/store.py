"""The store on this machine: the one way to read it and the one way to write it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

from store_client.replica.boards import Boards
from store_client.replica.database import ReplicaDatabase
from store_client.replica.inbox import Inbox
from store_client.replica.locks import Shared, held, is_held
from store_client.replica.lookup import ProductLookup
from store_client.replica.models import (
    FateState,
    Lockout,
    OperationFate,
    ProductHit,
    SyncState,
)
from store_client.replica.sales import Sales, no_judge
from store_client.replica.shares import Shares
from store_client.replica.tasks import Tasks
from store_client.replica.till import Till
from store_client.replica.views import Views
from store_client.replica.writer import ReplicaStore
from sync.clock import Clock
from sync.domain.errors import OperationRefused
from sync.domain.flows import flow_named
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.inventory import StockEffect
from sync.domain.people import Approval
from sync.domain.transitions import FulfillmentOperation, decide
from sync.edge.holes import holes
from sync.edge.journal import Identity, Journal, JournaledOperation
from sync.edge.recovery import notice_restore
from sync.edge.sqlite import CommitHook, Error, no_hook
from sync.protocol.adapters import adapter
from sync.protocol.lines import OperationRecord
from sync.protocol.rows import CATALOGUE_SCOPE, AssociateRow, Entity, StoreRow, store_scope
from sync.protocol.verdicts import Verdict, VerdictStatus, in_words

TRIES = 5
"""Wrong PINs or codes before a lock-out."""
LOCKED_MS = 30 * 60_000


class UnknownOrder(OperationRefused):
    """The store has no such fulfillment order (any more)."""

    code = "unknown_order"

    def __init__(self, fulfillment_id: str) -> None:
        self.fulfillment_id = fulfillment_id
        super().__init__("this order is not at this store any more")


@dataclass(frozen=True, slots=True)
class Files:
    """Where a store machine keeps its things."""

    folder: Path

    @property
    def journal(self) -> Path:
        """What the store did: precious."""
        return self.folder / "journal.db"

    @property
    def replica(self) -> Path:
        """What it was told: disposable."""
        return self.folder / "replica.db"

    @property
    def key(self) -> Path:
        """The key of both, 64 hexadecimal digits, mode 0600."""
        return self.folder / "store.key"

    @property
    def parts(self) -> Path:
        """Parts of snapshots on their way in."""
        return self.folder / "snapshots"

    @property
    def daemon_lock(self) -> Path:
        """Held by the one daemon of this machine."""
        return self.folder / "daemon.lock"

    @property
    def pos_token(self) -> Path:
        """What the point of sale shows when it asks, mode 0600."""
        return self.folder / "pos.token"

    @property
    def open_lock(self) -> Path:
        """Held while the files are created or migrated."""
        return self.folder / "open.lock"

    @property
    def in_use_lock(self) -> Path:
        """Held, with others, by every process that has the files open."""
        return self.folder / "in-use.lock"


class Store(Boards, Sales, Till, Tasks):
    """One per process. Thread-safe for short calls. Several processes may share the files."""

    def __init__(
        self,
        files: Files,
        clock: Clock,
        *,
        key: str,
        boot_id: str,
        hook: CommitHook = no_hook,
        evidence_folder: Path | None = None,
    ) -> None:
        self.files = files
        self.clock = clock
        self.beside: list[Callable[[], None]] = []
        """What is closed with this store."""
        self._boot_id = boot_id
        self._uncounted: dict[str, Lockout] = {}
        """Wrong tries that the disk did not take; they lock for as long as this process runs."""
        lock = RLock()
        self._in_use = Shared(files.in_use_lock)
        with held(files.open_lock):
            self.journal = Journal(files.journal, key, lock, hook, evidence_folder)
            self._notice_restore()
            self._database = ReplicaDatabase(files.replica, key, lock, hook)
        self._views = Views(self._database, self.journal)
        self.shares = Shares(self._database, self.journal, self._views)
        self._lookup = ProductLookup(self._database, self._views, self.shares)
        self.inbox = Inbox(self._database, self.journal)
        self.writer = ReplicaStore(self._database, self._views, clock, self.journal)
        self._show_all_that_was_done()

    def _notice_restore(self) -> None:
        """Compare the journal with its mark, unless there is no room to write anything down."""
        with suppress(Error):
            notice_restore(self.journal, self.clock.now_ms())

    def _show_all_that_was_done(self) -> None:
        """Repair what a crash between journal and view left: nobody should do it again."""
        with suppress(LookupError, Error):  # not enrolled yet; no room: the next command says so
            self.writer.bring_up()

    def close(self) -> None:
        """Close both files, and what was opened beside them."""
        for close in self.beside:
            close()
        self._database.close()
        self.journal.close()
        self._in_use.close()

    @property
    def identity(self) -> Identity:
        """Who this replica is; `LookupError` before enrolment."""
        return self.journal.identity

    @property
    def location_id(self) -> str:
        """The store's location."""
        return self.identity.location_id

    @property
    def replica_id(self) -> str:
        """This replica's name at central."""
        return self.identity.replica_id

    # --- the write path ---------------------------------------------------------------

    def perform(
        self,
        operation: FulfillmentOperation,
        *,
        by: str,
        dev: str,
        approval: Approval | None = None,
        judge: Callable[[FulfillmentOrder], object] = no_judge,
    ) -> FulfillmentOrder:
        """Decide and journal one operation; return the order after it.

        When this returns, the operation is on the disk (synchronous FULL). The
        network plays no part. Raises `OperationRefused` in words for the associate;
        what `judge` asks of the store is asked while no other terminal can write.
        """
        key = operation.fulfillment_id
        with self.journal.writing():
            self._views.catch_up()
            order = self._views.order(key)
            if order is None:
                raise UnknownOrder(key)
            judge(order)
            now_ms = self.clock.now_ms()
            outcome = decide(flow_named(order.flow), order, operation, now_ms)
            self._append(operation, by, dev, outcome.effects, at_ms=now_ms, approval=approval)
        self._views.catch_up()
        return self._views.order(key) or outcome.after

    # --- orders -----------------------------------------------------------------------

    def fulfillment(self, fulfillment_id: str) -> FulfillmentOrder | None:
        """Return the current view: central's row with this store's own operations on top."""
        return self._views.order(fulfillment_id)

    # --- products ---------------------------------------------------------------------

    def products(self, text: str, limit: int = 20) -> list[ProductHit]:
        """Return products found by words, over the whole catalogue."""
        return self._lookup.search(text, self._zone(), limit)

    def product_by_code(self, code: str) -> list[ProductHit]:
        """Return the products of a barcode or SKU; several SKUs may share a barcode."""
        return self._lookup.by_code(code, self._zone())

    def skus_of(self, code: str) -> list[str]:
        """Return the SKUs that a barcode or SKU stands for."""
        return self._lookup.skus_of(code)

    def currency(self) -> str:
        """Return the currency of this store's prices; empty before there are any."""
        return self._lookup.currency(self._zone())

    def stock_as_of_ms(self) -> int | None:
        """Return when central's stock figures were last heard."""
        return self.sync_state().last_contact_ms

    # --- people -----------------------------------------------------------------------

    def store_row(self) -> StoreRow | None:
        """Return the store's own data; None before the first contact."""
        row = self._database.one(
            "SELECT body FROM documents WHERE entity = ? LIMIT 1", (Entity.STORE.value,)
        )
        return None if row is None else adapter(StoreRow).validate_json(row[0])

    def associates(self) -> list[AssociateRow]:
        """Return who may sign in, by name."""
        rows = self._database.all(
            "SELECT body FROM documents WHERE entity = ?", (Entity.ASSOCIATE.value,)
        )
        people = [adapter(AssociateRow).validate_json(body) for (body,) in rows]
        return sorted(people, key=lambda person: (person.name, person.id))

    def lockout(self, subject: str) -> Lockout:
        """Return the failed tries of an associate or a pickup code. Durable, where the disk is."""
        return self._with_uncounted(subject, Lockout(*self.journal.failures(subject)))

    def _with_uncounted(self, subject: str, counted: Lockout) -> Lockout:
        kept = self._uncounted.get(subject)
        if kept is None:
            return counted
        failures = counted.failures + kept.failures
        is_locked = failures >= TRIES
        return Lockout(failures, max(counted.until_ms, kept.until_ms) if is_locked else 0)

    def record_failure(self, subject: str, now_ms: int) -> Lockout:
        """Count one failed try; the fifth locks for 30 minutes.

        One that a full disk does not take is kept in memory before the error goes on: else
        whoever fills the disk could try as many as they like.
        """
        until_ms = now_ms + LOCKED_MS
        try:
            counted = Lockout(*self.journal.count_failure(subject, TRIES, until_ms))
        except Exception:
            kept = self._uncounted.get(subject)
            self._uncounted[subject] = Lockout(1 + (kept.failures if kept else 0), until_ms)
            raise
        return self._with_uncounted(subject, counted)

    def clear_failures(self, subject: str) -> None:
        """Forget the failed tries: this one was right."""
        self._uncounted.pop(subject, None)
        if self.lockout(subject).failures:
            self.journal.clear_failures(subject)

    def _record_seen(self) -> None:
        """Let the views include what was just recorded."""
        self._views.catch_up()

    def _append(
        self,
        operation: Any,
        by: str,
        dev: str,
        effects: Sequence[StockEffect],
        *,
        at_ms: int,
        approval: Approval | None = None,
    ) -> None:
        """Journal an operation inside `writing()`."""
        record = OperationRecord(
            by=by, dev=dev, boot=self._boot_id, mono=self.clock.monotonic_ms(), at=at_ms,
            op=operation, ok_by=approval.by if approval else "",
            ok_why=approval.why if approval else "",
        )  # fmt: skip
        try:
            self.journal.append(record, effects)
        except ValueError as problem:
            raise OperationRefused(f"this cannot be kept: {problem}") from problem

    # --- sync -------------------------------------------------------------------------

    def sync_state(self) -> SyncState:
        """Return how the store stands with central."""
        last_contact, error, halted, offset = self._database.one(
            "SELECT last_contact_ms, last_error, halted, clock_offset_ms FROM connection"
        )
        alerts = self._database.all("SELECT text FROM alerts ORDER BY rowid DESC LIMIT 5")
        # Without the catalogue, which comes after the store's own rows, every barcode is unknown.
        needed = (store_scope(self.location_id), CATALOGUE_SCOPE)
        return SyncState(
            last_contact_ms=last_contact,
            backlog=self.journal.backlog(),
            last_error=error,
            daemon_alive=is_held(self.files.daemon_lock),
            quarantined=self.journal.count_verdicts(VerdictStatus.QUARANTINED),
            bootstrapped=all(self.writer.cursor(one).incarnation for one in needed),
            halted=bool(halted),
            clock_offset_ms=offset,
            alerts=(*self._worries(), *(text for (text,) in alerts)),
        )

    def _worries(self) -> list[str]:
        """Return what must not be overlooked: work that is lost, a record that fails."""
        problem = self.journal.witness_problem
        return [hole.words() for hole in holes(self.journal)] + ([problem] if problem else [])

    def operations(self, limit: int = 200, offset: int = 0) -> list[OperationFate]:
        """Return this store's operations, newest first, with what became of each."""
        return [self._fate(*entry) for entry in self.journal.history(limit, offset)]

    def fates_of(self, fulfillment_id: str) -> list[OperationFate]:
        """Return the operations on one order, oldest first."""
        history = self.journal.history(1000, 0, fulfillment_id)
        return [self._fate(*entry) for entry in reversed(history)]

    def alert(self, text: str) -> None:
        """Leave a note for people, once as long as it is kept."""
        self.writer.alert(text)

    # --- for comparison with central --------------------------------------------------

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """Let all reads of the block see both files as they are now, whatever the daemon does."""
        with self._database.reading(), self.journal.reading():
            yield

    def views(self) -> list[str]:
        """Return every fulfillment order that central shows this store, as JSON of its view."""
        return [
            view
            for (view,) in self._database.all(
                "SELECT view FROM fulfillments WHERE NOT gone AND view <> ''"
            )
        ]

    def stock_rows(self) -> list[tuple[str, int, int]]:
        """Return (SKU, on hand, allocated) as central last said."""
        return self._database.all("SELECT sku, on_hand, allocated FROM stock")

    def pending_effects(self) -> list[tuple[str, int, int]]:
        """Return (SKU, on hand, allocated) of operations that central's rows do not include."""
        sold = [(sku, moved, 0) for sku, moved in self.shares.sales_pending() if moved]
        return self._views.effects() + sold

    def change_token(self) -> tuple[int, ...]:
        """Return a value that differs when anything changed, by whichever process."""
        return (*self.journal.change_token(), *self._database.change_token())

    def _zone(self) -> str:
        row = self.store_row()
        return "" if row is None else row.price_zone

    def _fate(self, entry: JournaledOperation, verdict: Verdict | None) -> OperationFate:
        operation = None if entry.record is None else entry.record.op
        row = self._database.one(
            "SELECT order_number FROM fulfillments WHERE id = ?", (entry.aggregate,)
        )
        return OperationFate(
            seq=entry.seq,
            kind=entry.kind,
            fulfillment_id=entry.aggregate,
            order_number="" if row is None else row[0],
            line=getattr(operation, "line", None),
            quantity=getattr(operation, "quantity", None),
            by=entry.by,
            approved_by="" if entry.record is None else entry.record.ok_by,
            at_ms=entry.at_ms,
            state=FateState.WAITING if verdict is None else FateState(verdict.status.value),
            text="" if verdict is None else in_words(verdict),
        )
