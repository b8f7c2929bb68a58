"""A store's machine: the real files, the real daemon, associates; it crashes and comes back."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from store_client.replica.store import Files, Store
from store_client.services.desk import Actor, Desk, Judge, anything_goes
from sync.domain.exceptions import Task
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.people import Approval, Role
from sync.domain.transitions import FulfillmentOperation
from sync.edge import recovery
from sync.edge.daemon import RoundReport, SyncDaemon
from sync.edge.escrow import ShareKeeper
from sync.edge.journal import Identity, JournaledOperation
from sync.edge.ports import LeaseToken
from sync.edge.sqlite import Error
from sync.protocol.lines import chain
from sync.protocol.session import PushAnswer, PushHeader
from sync.protocol.verdicts import VerdictStatus
from sync.transport.faulty import Faults, FaultyEndpoint
from sync.transport.local import LocalEndpoint
from tests.simulation.clocks import MachineClock
from tests.simulation.faults import Crashed, StoreFuse
from tests.simulation.flushes import Flushes
from tests.simulation.link import Link
from tests.simulation.memory import History, Kept, name_of

T = TypeVar("T")
KEY = "5a" * 32
"""Of the encrypted files; the same in all simulations, so that files can be copied."""
EVERYTHING = 1_000_000


def evidence_beside(folder: Path) -> Path:
    """Return where the machine whose disk is `folder` keeps its evidence."""
    return folder.with_name(f"{folder.name}.evidence")


class WatchedStore(Store):
    """The real store, held to its word: what it says is done has been committed."""

    fuse: StoreFuse

    def __init__(self, *arguments: Any, flushes: Flushes, **named: Any) -> None:
        self._flushes = flushes
        super().__init__(*arguments, **named)
        flushes.watch_rows(self._database)

    def _notice_restore(self) -> None:
        self._flushes.watch(self.journal)  # the first that flushes anything
        super()._notice_restore()

    def perform(
        self,
        operation: FulfillmentOperation,
        *,
        by: str,
        dev: str,
        approval: Approval | None = None,
        judge: Judge = anything_goes,
    ) -> FulfillmentOrder:
        before = self.fuse.committed
        after = super().perform(operation, by=by, dev=dev, approval=approval, judge=judge)
        self.fuse.broken_words += self.fuse.committed != before + 1
        return after

    def record_task(self, operation: Task, *, by: str, dev: str) -> None:
        before = self.fuse.committed
        super().record_task(operation, by=by, dev=dev)
        self.fuse.broken_words += self.fuse.committed != before + 1


class StoreMachine:
    """One store. `store` and `daemon` are the process that runs now."""

    rounds = 0
    starts = 0
    """Of its process."""
    heard_in: dict[int, int]
    """Lease token -> in which life of central's it was heard."""
    tried: int
    """Up to which operation a push may ever have left, as far as its present process knows."""

    def __init__(
        self,
        folder: Path,
        location_id: str,
        clock: MachineClock,
        random: Random,
        link: Link,
        store_class: type[WatchedStore] = WatchedStore,
        *,
        history: History | None = None,
        boots: int = 1,
        has_evidence: bool = False,
    ) -> None:
        self.folder = folder
        self.evidence = evidence_beside(folder) if has_evidence else None
        """Where it keeps a second copy of what it does: on another disk, that nobody puts back."""
        self.location_id = location_id
        self.clock = clock
        self.link = link
        self.fuse = StoreFuse()
        self.flushes = Flushes(self.fuse, folder, self.evidence)
        self.history = history or History()
        """Of its location: a copy of this machine has the same."""
        self.kept = Kept()
        self.is_unheard = False
        """Whether it was put back to an earlier state and has not heard central since."""
        self.is_asked_again = False
        """Whether central was put back to an earlier state and this store has not met it yet."""
        self.has_double = False
        """Whether a second machine has the same disk, and sells from the same floor."""
        self.missing: Counter[bytes] = Counter()
        """Operations that its journal ought to have and has not."""
        self.local = LocalEndpoint(link)
        self.endpoint = self._noting(FaultyEndpoint(self.local, random, Faults()))
        self.boots = boots
        self.unshown = ""
        """What a start did not show although it was done."""
        self.checked: tuple[int, int] = (-1, -1)
        """How far an oracle has looked at its journal."""
        self.standing: tuple[object, Any] | None = None
        """How its stock stood when an oracle looked last, and as of which writes."""
        self.done_before: dict[int, int] = {}
        """Lease token -> the last operation that was journaled before it arrived."""
        self.lifetimes = 1
        """How often its disk was another one: what was done before it was put back is elsewhere."""
        self._random = random
        self._store_class = store_class
        self.key: Ed25519PrivateKey
        self.store: WatchedStore
        self.daemon: SyncDaemon
        self.open()
        self.remember()

    @property
    def replica_id(self) -> str:
        """Its present name at central."""
        return self.store.identity.replica_id

    @staticmethod
    def public_key(identity: Identity) -> str:
        """Return the half of an identity's key that central keeps, hexadecimal."""
        secret = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(identity.private_key))
        return secret.public_key().public_bytes_raw().hex()

    @property
    def boot_id(self) -> str:
        """Of the machine's present boot."""
        return f"{self.location_id}-boot-{self.boots}"

    def identity(self, number: int = 1) -> Identity:
        """Return what it is enrolled as, by the number of its location's enrolment."""
        name = name_of(self.location_id, number)
        key = Ed25519PrivateKey.from_private_bytes(name.removeprefix("R-").encode().ljust(32, b"."))
        return Identity(
            name, self.location_id, 1, f"install-{name.removeprefix('R-')}",
            key.private_bytes_raw().hex(), "central", "http://central.invalid",
        )  # fmt: skip

    def open(self) -> None:
        """Start a process over the files; where it crashes at once, start another one."""
        while True:
            try:
                return self._start()
            except Crashed:
                self.flushes.end(is_killed=True)
                if self.fuse.is_out_of_power:
                    self.fuse.power_cuts += 1
                    self._go_dark()

    def _start(self) -> None:
        self.fuse.watch(None)
        self.store = self._store_class(
            Files(self.folder), self.clock, key=KEY, boot_id=self.boot_id, hook=self.fuse.hook,
            evidence_folder=self.evidence, flushes=self.flushes,
        )  # fmt: skip
        try:
            self.store.identity  # noqa: B018 - raises in a journal that is new
        except LookupError:
            self.store.journal.enrol(self.identity())
        secret = bytes.fromhex(self.store.identity.private_key)
        self.key = Ed25519PrivateKey.from_private_bytes(secret)
        self.starts += 1
        head = self.store.journal.head().seq
        self.tried = head  # a process before this one may have sent it all
        shown = self.store._database.one("SELECT seq FROM included")[0]
        if shown != head and not self.fuse.is_full:
            self.unshown = f"it opens with operation {head} done and {shown} shown"
        self.store.fuse = self.fuse
        self._note_tokens()
        self.fuse.watch(self.store.journal)
        self.daemon = SyncDaemon(
            self.endpoint,
            self.store.journal,
            self.store.writer,
            ShareKeeper(self.store.journal, self.store.shares, self.clock, self.boot_id),
            sign=lambda text: self.key.sign(text).hex(),
            clock=self.clock,
            random=self._random,
            parts_folder=self.store.files.parts,
            app_version="simulated",
        )

    def _noting(self, endpoint: FaultyEndpoint) -> FaultyEndpoint:
        """Remember how far the pushes of the present process go, whether they arrive or not."""
        send = endpoint.push

        def note_and_send(header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
            self.tried = max(self.tried, header.first_seq + len(lines) - 1)
            return send(header, lines)

        endpoint.push = note_and_send  # type: ignore[method-assign]
        return endpoint

    def _note_tokens(self) -> None:
        """Remember, of each lease token, what the store had done when it first saw it."""
        shares, journal = self.store.shares, self.store.journal
        self.heard_in = {}
        keep = shares.keep_token

        def keep_and_note(token: LeaseToken) -> None:
            keep(token)
            self.heard_in[token.token_ms] = self.link.machine.restores
            self.done_before.setdefault(token.token_ms, journal.head().seq)

        self.done_before.setdefault(shares.token().token_ms, journal.head().seq)
        shares.keep_token = keep_and_note  # type: ignore[method-assign]

    def close(self) -> None:
        """End the process."""
        self.flushes.end()
        self.store.close()

    def restart(self) -> None:
        """End the process, wherever it is, and start another one. Sessions are forgotten."""
        self.close()
        self.restart_over_same_files()

    def restart_over_same_files(self) -> None:
        """Start a process again that was closed; sessions are forgotten."""
        self.local.end_session()
        self.open()

    def renew(self) -> None:
        """Start over files that are others now: what was in them last says nothing of them."""
        self.kept = Kept()
        self.lifetimes += 1
        self.fuse.committed = 0
        self.flushes.settle(beside=False)
        self.local.end_session()
        self.open()

    def take_over(self, number: int) -> str:
        """Go on under a new name of this location; return what went wrong."""
        self.endpoint.deliver_late()  # under the name that they were sent under
        identity, now = self.identity(number), self.clock.now_ms()
        _, problem = self.guarded(lambda: recovery.take_over(self.store.journal, identity, now))
        self.restart()
        return problem

    def guarded(self, act: Callable[[], T]) -> tuple[T | None, str]:
        """Let the process do something; it may crash over it, or find its disk full."""
        try:
            return act(), ""
        except Crashed:
            if self.fuse.is_out_of_power:
                self.fuse.power_cuts += 1
                self.lose_power()
                return None, "the power went"
            self.flushes.end(is_killed=True)
            self.restart()
            return None, "crashed"
        except Error as problem:
            if not self.fuse.is_full:
                raise
            return None, f"not kept: {problem}"

    def boot(self, begins_ms: int = 0) -> None:
        """Shut the machine down and start it anew: its monotonic clock begins at any value."""
        self.boots += 1
        self.clock.boot(begins_ms)
        self.close()
        self.flushes.settle()
        self.restart_over_same_files()

    def lose_power(self, begins_ms: int = 0) -> int:
        """Go off and on again; return of how many files something was lost that was not flushed."""
        self.flushes.end(is_killed=True)
        self.close()
        torn = self._go_dark(begins_ms, rows_too=True)
        self.restart_over_same_files()
        return torn

    def _go_dark(self, begins_ms: int = 0, *, rows_too: bool = False) -> int:
        self.fuse.is_out_of_power = False
        self.boots += 1
        self.clock.boot(begins_ms)
        return self.flushes.lose_power(self._random, rows_too=rows_too)

    def round(self) -> tuple[RoundReport | None, str]:
        """Do one round of the daemon."""
        self.rounds += 1
        report, problem = self.guarded(self.daemon.run_once)
        if report is not None and report.ok:
            self.is_asked_again = False
            if self.daemon._may_share():  # who is shut out gets no rows
                self.is_unheard = False
        return report, problem

    def desk(self) -> Desk:
        """Return the counter, with somebody signed in who may do everything."""
        return Desk(self.store, self.clock, Actor("A1", "Kim", Role.MANAGER), "till-1")

    def journal_raw(self, line: bytes, aggregate: str, kind: str = "raw") -> None:
        """Put a line into the journal that this version would never write."""
        journal = self.store.journal
        head = journal.head()
        hashed = chain(head.hash, line)
        self.history.raw.add(hashed)
        with journal.writing():
            journal._connection.execute(
                "INSERT INTO operations (epoch, seq, line, hash, kind, aggregate, actor, at_ms)"
                " VALUES (?, ?, ?, ?, ?, ?, 'A1', ?)",
                (journal.identity.epoch, head.seq + 1, line, hashed, kind,
                 aggregate, self.clock.now_ms()),
            )  # fmt: skip
        self.store._views.catch_up()

    def remember(self) -> list[bytes]:
        """Note what the journal has since the last time; return what was never seen before.

        In a new epoch the whole journal is looked at: what it had it must still have.
        """
        journal, kept = self.store.journal, self.kept
        epoch = journal.identity.epoch
        if epoch == kept.epoch:
            rows = self._rows_after(kept.end)
            kept.add(rows)
            new = [bytes(line) for _, _, line, _ in rows]
        else:
            self.kept = Kept(epoch)
            self.kept.add(self._rows_after((0, 0)))
            self.missing += kept.held() - self.kept.held()
            self.fuse.committed = journal.head().seq
            new = self.history.unseen(self.kept.lines)
        worker = f"{self.folder.name}/{self.lifetimes}"
        self.history.take_in(new, worker, unbound=self.is_unheard or self.has_double)
        return new

    def _rows_after(self, place: tuple[int, int]) -> list[tuple[int, int, bytes, bytes]]:
        return self.store.journal._all(
            "SELECT epoch, seq, line, hash FROM operations WHERE (epoch, seq) > (?, ?)"
            " ORDER BY epoch, seq",
            place,
        )

    def journal_lines(self) -> list[bytes]:
        """Return everything that is in the journal now."""
        return [bytes(line) for _, _, line, _ in self._rows_after((0, 0))]

    def prune(self) -> tuple[int | None, str]:
        """Let the journal forget what central has had for long."""
        self.remember()
        done = self.guarded(lambda: self.store.journal.prune(self.clock.now_ms()))
        left = {(epoch, seq) for epoch, seq, _, _ in self._rows_after((0, 0))}
        self.kept.pruned.update(set(self.kept.places) - left)
        return done

    def orders(self) -> list[FulfillmentOrder]:
        """Return the orders that this store sees, by id."""
        rows = self.store._database.all(
            "SELECT id FROM fulfillments WHERE view <> '' AND NOT gone ORDER BY id"
        )
        found = [self.store.fulfillment(key) for (key,) in rows]
        return [order for order in found if order is not None]

    def pending(self, key: str, after: int, begun: int = 0) -> list[JournaledOperation]:
        """Return this store's readable operations on one order after a place of its journal.

        What central holds back of epochs before `begun` is behind any place. What a person set
        aside is not done.
        """
        lives = self.store.journal.lives
        found = [
            (entry, None if said is None else said.status)
            for entry, said in reversed(self.store.journal.history(EVERYTHING, 0, key))
        ]
        return [
            entry
            for entry, status in found
            if (entry.seq > after and status is not VerdictStatus.REFUSED)
            or (status is VerdictStatus.QUARANTINED and lives.at(entry.seq).epoch < begun)
        ]

    def fill_disk(self) -> None:
        """Leave no room: neither for a commit nor for the parts of a snapshot."""
        self.fuse.is_full = True
        parts = self.store.files.parts
        if not parts.is_file():
            shutil.rmtree(parts, ignore_errors=True)
            parts.write_bytes(b"")

    def free_disk(self) -> None:
        """Make room again."""
        self.fuse.is_full = False
        parts = self.store.files.parts
        if parts.is_file():
            parts.unlink()
