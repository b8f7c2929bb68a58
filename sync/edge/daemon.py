"""One round of sync. A scheduler, a test or a simulation calls it; it says when to call again."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from sync.clock import Clock
from sync.edge.backoff import busy_delay_s, poll_delay_s, retry_delay_s
from sync.edge.escrow import ShareKeeper
from sync.edge.greeting import Signer, greeting
from sync.edge.held import learn_again, learn_of_held
from sync.edge.journal import Journal
from sync.edge.ports import ReplicaWriter, SyncReport
from sync.edge.puller import LifeOver, PullReport, pull_all
from sync.edge.pusher import PushReport, go_back, push_all
from sync.edge.sqlite import Error, NoRoom
from sync.edge.whole_pulls import WholePulls
from sync.protocol import errors
from sync.protocol.endpoint import SyncEndpoint
from sync.protocol.rows import is_store_scope
from sync.protocol.session import HelloAnswer, ScopeHead, heads_digest

HALTING = (
    errors.Fork,
    errors.EpochStale,
    errors.DuplicateReplica,
    errors.ReplicaDisabled,
    errors.VersionUnsupported,
)
"""Refusals that trying again does not mend: somebody has to act. Receiving goes on."""


@dataclass(frozen=True, slots=True)
class RoundReport:
    """What one round did and when the next should be."""

    ok: bool
    sent: int = 0
    rows: int = 0
    snapshots: int = 0
    resets: int = 0
    error: str = ""
    next_in_s: float = 0.0
    must_wait: bool = False
    """Central asked for this time: whatever happens meanwhile is no reason to come before."""


class SyncDaemon:
    """Holds a session with central and brings journal and replica up to date with it."""

    def __init__(
        self,
        endpoint: SyncEndpoint,
        journal: Journal,
        replica: ReplicaWriter,
        keeper: ShareKeeper,
        *,
        sign: Signer,
        clock: Clock,
        random: Random,
        parts_folder: Path,
        app_version: str,
    ) -> None:
        self._endpoint = endpoint
        self._journal = journal
        self._replica = replica
        self._sign = sign
        self._clock = clock
        self._random = random
        self._parts_folder = parts_folder
        self._app_version = app_version
        self._keeper = keeper
        self._session: HelloAnswer | None = None
        self._offset_ms = 0
        self._failures = 0
        self._pulls = WholePulls()

    def run_once(self) -> RoundReport:
        """Do one round: hello if needed, push, pull.

        Whatever central, the network or the disk does is told in the report,
        never raised: the next round may find everything well. Also a round that
        fails may have changed journal or rows: people see that at once.
        """
        report = self._tried()
        with suppress(Error, OSError):  # said by the next round, which begins with it
            self._replica.refold()
        return report

    def _tried(self) -> RoundReport:
        try:
            return self._round()
        except errors.TryLater as later:
            wait = busy_delay_s(later.retry_after_s, self._failures + 1, self._random)
            return self._failed(later, contact=later.by_central, wait_s=wait)
        except errors.NotAuthentic as refusal:
            self._session = None
            return self._failed(refusal, contact=True)
        except LifeOver as problem:
            self._session = None
            return self._failed(problem, contact=True)
        except errors.ProtocolRefused as refusal:
            return self._failed(refusal, contact=True)
        except errors.ProtocolError as problem:
            return self._failed(problem, contact=False)
        except (Error, OSError, NoRoom) as problem:
            # Our own disk, full or locked for long: it cannot be noted there.
            self._failures += 1
            wait = retry_delay_s(self._failures, self._random)
            return RoundReport(ok=False, error=f"this store's files: {problem}", next_in_s=wait)

    def _round(self) -> RoundReport:
        is_behind = not self._refolds()
        self._keeper.take_back()
        session = self._session or self._hello()
        halted: errors.ProtocolRefused | None = None
        try:
            pushed = self._push(session)
        except HALTING as refusal:
            halted = refusal
            pushed = PushReport(0, self._hello().heads)
        if is_behind:
            self._replica.refold()

        def share() -> None:
            if not self._may_share():
                return
            self._arrived()
            if self._share() and halted is None:
                self._push(session)

        pulled = self._pull(session, pushed.heads, then=share)
        self._failures = 0
        error = "" if halted is None else str(halted)
        self._replica.report(
            SyncReport(
                now_ms=self._clock.now_ms(),
                error=error,
                contact=True,
                halted=halted is not None,
                clock_offset_ms=self._offset_ms,
            )
        )
        return RoundReport(
            ok=halted is None,
            sent=pushed.sent,
            rows=pulled.rows,
            snapshots=pulled.snapshots,
            resets=pulled.resets,
            error=error,
            next_in_s=poll_delay_s(session.poll_seconds, self._random),
        )

    def _refolds(self) -> bool:
        """Bring the view up to date; return whether there is room for that.

        Where there is none, what was done goes out all the same, and the round ends there.
        """
        try:
            self._replica.refold()
        except (Error, OSError):
            return False
        return True

    def _rows_first(self, always: bool) -> None:
        """Read central's rows before the journal changes, if only those of another life."""
        answer = self._hello()
        if always or answer.incarnation not in {0, self._known_life(answer)}:
            self._pull(answer, answer.heads, then=self._arrived)

    def _arrived(self) -> None:
        """Note that all of central's rows are here, once no power cut takes them any more.

        What the journal says from then on, durably, holds only beside those rows.
        """
        self._replica.flush()
        self._journal.arrived()

    def _known_life(self, answer: HelloAnswer) -> int:
        """Return the life of central's that the store's rows are of; 0 where it has none."""
        store = next((head.scope for head in answer.heads if is_store_scope(head.scope)), None)
        return 0 if store is None else self._replica.cursor(store).incarnation

    def _may_share(self) -> bool:
        """Return whether central listens: a device that is shut out is told of no scopes."""
        return self._session is not None and bool(self._session.heads)

    def _hear(self, report: PushReport) -> None:
        """Take in what central said of this device beside its acknowledgement."""
        if report.shut_out and self._session is not None:
            self._session = self._session.model_copy(update={"heads": ()})
        if report.generation:
            self._keeper.join(report.generation)

    def _share(self) -> int:
        """Begin a generation that waited for what was just pulled; grant and confirm."""
        return self._keeper.begin_expected() + self._keeper.share_out()

    def _push(self, session: HelloAnswer) -> PushReport:
        cursors = self._replica.cursors()
        heads = heads_digest((one.scope, one.incarnation, one.rev) for one in cursors)
        try:
            report = self._push_all(session.ops_max, heads)
        except errors.NotAuthentic:
            report = self._push_all(self._hello().ops_max, heads)
        if report.incarnation and report.incarnation != (self._session or session).incarnation:
            self._hello()  # central was restored: what it says of rows is of another life
        if report.recovered:
            self._replica.refold()
        self._hear(report)
        return report

    def _push_all(self, ops_max: int, heads: str) -> PushReport:
        return push_all(
            self._endpoint, self._journal, ops_max, self._keeper,
            now_ms=self._clock.now_ms(), heads=heads, rows_first=self._rows_first,
        )  # fmt: skip

    def _pull(
        self,
        session: HelloAnswer,
        heads: tuple[ScopeHead, ...],
        then: Callable[[], object] = bool,
    ) -> PullReport:
        return pull_all(
            self._endpoint,
            self._replica,
            heads,
            self._parts_folder,
            session.rows_max,
            incarnation=(self._session or session).incarnation,
            then=then,
            pulls=self._pulls,
        )

    def _hello(self) -> HelloAnswer:
        sent_at = self._clock.now_ms()
        request = greeting(
            self._journal, self._endpoint.challenge(), self._sign, sent_at_ms=sent_at,
            boot_id=self._keeper.boot_id, app_version=self._app_version,
        )  # fmt: skip
        answer = self._endpoint.hello(request)
        received = self._clock.now_ms()
        self._offset_ms = (
            (answer.received_at_ms - sent_at) + (answer.answered_at_ms - received)
        ) // 2
        self._session = None  # if meeting it fails halfway, the next round begins with it again
        self._meet(answer)
        self._session = answer
        return answer

    def _meet(self, answer: HelloAnswer) -> None:
        """Go on with the central that answered: in another life perhaps, after another device."""
        life = answer.incarnation
        if self._known_life(answer) not in {0, life} or not self._keeper.is_met(life):
            self._keeper.expect_anew()
            learn_again(self._endpoint, self._journal)
            go_back(self._journal, answer.last_seq, answer.last_hash)
        else:
            learn_of_held(self._endpoint, self._journal)
        self._keeper.meet(life)
        self._keeper.join(answer.generation)
        self._keeper.heard(answer.answered_at_ms)

    def _failed(
        self, problem: errors.ProtocolError, *, contact: bool, wait_s: float | None = None
    ) -> RoundReport:
        self._failures += 1
        told = SyncReport(
            now_ms=self._clock.now_ms(),
            error=str(problem),
            contact=contact,
            halted=isinstance(problem, HALTING),
            clock_offset_ms=self._offset_ms,
        )
        with suppress(Error, OSError):  # no room for it: what is returned says it, too
            self._replica.report(told)
        wait = retry_delay_s(self._failures, self._random) if wait_s is None else wait_s
        return RoundReport(
            ok=False,
            error=str(problem),
            next_in_s=wait,
            must_wait=isinstance(problem, errors.TryLater),
        )
