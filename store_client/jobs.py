"""The sync daemon as a process: this module says when, `SyncDaemon` says what.

A round runs when central pokes, when the journal has something new, and when
the last round said so, by the monotonic clock; after one that central asked to
wait, then alone. One thread listens for pokes; correctness never depends on it.
APScheduler does the chores beside the rounds; it plans by the wall clock, so its
jobs are planned anew whenever that has jumped.
No Textual is loaded here.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Protocol

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from sync.clock import Clock
from sync.edge.backoff import busy_delay_s, retry_delay_s
from sync.edge.daemon import RoundReport, SyncDaemon
from sync.edge.journal import Journal
from sync.edge.sqlite import Error
from sync.protocol.errors import ProtocolError, TryLater
from sync.protocol.session import Poke

WATCH_S = 0.1
"""How often the journal and the parent process are looked at."""
PRUNE_S = 6 * 3_600
STEADY_S = 1.0
"""How often the wall clock is compared with the monotonic one."""
JUMP_MS = 2_000
"""A larger difference is a clock that was set, not one that runs a little wrong."""

log = structlog.get_logger("holdshelf.daemon")


class PokeSource(Protocol):
    """Where pokes come from: the endpoint's event stream."""

    def pokes(self) -> Iterator[Poke | None]:
        """Yield pokes, None as a sign of life."""
        ...

    def hang_up(self) -> None:
        """End `pokes()` that runs in another thread."""
        ...


@dataclass(frozen=True, slots=True)
class Chore:
    """Something that the daemon does beside its rounds, again and again."""

    name: str
    seconds: float
    do: Callable[[], object]


class Steadily(BaseTrigger):  # type: ignore[misc]
    """Fires so many seconds after it is asked, whatever time it was the last time.

    An interval of APScheduler's counts up every time that a clock has jumped over:
    decades of quarter seconds, one by one; and after a jump back it waits for its start.
    """

    def __init__(self, seconds: float) -> None:
        self._interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return the next time, which is always later than `now`."""
        del previous_fire_time
        return now + self._interval


@dataclass
class DaemonProcess:
    """Runs rounds until `stop` is called. Everything it needs is handed in."""

    daemon: SyncDaemon
    journal: Journal
    source: PokeSource
    clock: Clock
    random: Random
    parent_pid: int | None = None
    """Where given, the daemon ends with this process."""
    on_round: Callable[[RoundReport], None] = lambda _: None
    chores: Sequence[Chore] = ()
    _wake: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _in_session: threading.Event = field(default_factory=threading.Event)
    _healthy: bool = False
    _told: str = ""
    """What the last round failed of."""
    _due_ms: int = 0
    """When the next round is due by the monotonic clock, unless something wakes it before."""
    _must_wait: bool = False
    """Whether central asked to be left alone until then: nothing wakes before."""
    _seen: tuple[int, int] | None = None
    _failing: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Run rounds until stopped. Blocks."""
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        scheduler = BackgroundScheduler(timezone=UTC, job_defaults=defaults)
        own = (Chore("watch", WATCH_S, self._watch), Chore("prune", PRUNE_S, self._prune))
        for chore in (*own, *self.chores):
            scheduler.add_job(self._do, Steadily(chore.seconds), id=chore.name, args=[chore])
        listener = threading.Thread(target=self._listen, name="pokes", daemon=True)
        scheduler.start()
        listener.start()
        try:
            self._run_rounds(scheduler)
        finally:
            self.stop()
            scheduler.shutdown(wait=False)
            self.source.hang_up()
            listener.join(timeout=2)

    def _run_rounds(self, scheduler: BackgroundScheduler) -> None:
        wall_ahead_ms = self._wall_ahead_ms()
        while not self._stopping.is_set():
            pause_s = (self._due_ms - self.clock.monotonic_ms()) / 1000
            is_woken = self._wake.wait(max(0.0, min(pause_s, STEADY_S)))
            if abs(self._wall_ahead_ms() - wall_ahead_ms) > JUMP_MS:
                wall_ahead_ms = self._wall_ahead_ms()
                for job in scheduler.get_jobs():
                    scheduler.reschedule_job(job.id, trigger=job.trigger)
            self._turn(is_woken=is_woken)

    def _turn(self, *, is_woken: bool) -> None:
        """Run a round if it is time for one. One that is due finds whatever had woken before."""
        is_due = self.clock.monotonic_ms() >= self._due_ms
        if not is_woken and not is_due:
            return
        self._wake.clear()
        if (is_due or not self._must_wait) and not self._stopping.is_set():
            self._round()

    def _wall_ahead_ms(self) -> int:
        return self.clock.now_ms() - self.clock.monotonic_ms()

    def _do(self, chore: Chore) -> None:
        """Do a chore; one that fails is told once and tried again at its next time."""
        try:
            chore.do()
            self._failing.pop(chore.name, None)
        except (Error, OSError) as problem:  # a full disk: the next round tells people
            if self._failing.get(chore.name) != str(problem):
                self._failing[chore.name] = str(problem)
                log.warning("chore_failed", chore=chore.name, problem=str(problem))

    def stop(self) -> None:
        """End `run` after the round that is under way."""
        self._stopping.set()
        self._in_session.set()
        self._wake.set()

    def _round(self) -> None:
        report = self.daemon.run_once()
        is_news = report.ok != self._healthy or report.error != self._told
        self._told = report.error
        if is_news or report.sent or report.rows or report.resets:
            log.info(
                "round",
                ok=report.ok,
                sent=report.sent,
                rows=report.rows,
                snapshots=report.snapshots,
                resets=report.resets,
                error=report.error,
            )
        self._healthy = report.ok
        if report.ok:
            self._in_session.set()
        else:
            self._in_session.clear()
        self.on_round(report)
        self._must_wait = report.must_wait
        self._due_ms = self.clock.monotonic_ms() + int(report.next_in_s * 1000)

    def _watch(self) -> None:
        """Wake for new operations; while central is away, only the backoff's timer wakes."""
        if self.parent_pid is not None and os.getppid() != self.parent_pid:
            self.stop()
            return
        token = self.journal.change_token()
        if token != self._seen and self._healthy and self.journal.backlog():
            self._wake.set()
        self._seen = token

    def _prune(self) -> None:
        removed = self.journal.prune(self.clock.now_ms())
        if removed:
            log.info("pruned", operations=removed)

    def _listen(self) -> None:
        """Turn pokes into rounds; come back after every loss of the stream, with jitter."""
        failures = 0
        while not self._stopping.is_set():
            self._in_session.wait()
            try:
                for poke in self.source.pokes():
                    failures = 0
                    if poke is not None or not self._healthy:
                        self._wake.set()
                    if self._stopping.is_set():
                        return
            except TryLater as later:
                failures += 1
                self._stopping.wait(busy_delay_s(later.retry_after_s, failures, self.random))
                continue
            except ProtocolError as problem:
                log.debug("no_pokes", problem=str(problem))
                self._wake.set()
            failures += 1
            self._stopping.wait(retry_delay_s(failures, self.random))
