"""The sync daemon as a process: APScheduler says when, `SyncDaemon` says what.

A round runs when central pokes, when the journal has something new, and when
the last round said so. One thread listens for pokes; correctness never depends
on it. No Textual is loaded here.
"""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Protocol

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from sync.clock import Clock
from sync.edge.backoff import retry_delay_s
from sync.edge.daemon import RoundReport, SyncDaemon
from sync.edge.journal import Journal
from sync.protocol.errors import ProtocolError
from sync.protocol.session import Poke

WATCH_S = 0.1
"""How often the journal and the parent process are looked at."""
PRUNE_HOURS = 6

log = structlog.get_logger("holdshelf.daemon")


class PokeSource(Protocol):
    """Where pokes come from: the endpoint's event stream."""

    def pokes(self) -> Iterator[Poke | None]:
        """Yield pokes, None as a sign of life."""
        ...

    def hang_up(self) -> None:
        """End `pokes()` that runs in another thread."""
        ...


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
    _wake: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _in_session: threading.Event = field(default_factory=threading.Event)
    _healthy: bool = False

    def run(self) -> None:
        """Run rounds until stopped. Blocks."""
        scheduler = BackgroundScheduler(timezone=UTC, job_defaults={"coalesce": True})
        scheduler.add_job(self._watch, "interval", seconds=WATCH_S, id="watch", args=[[None]],
                          misfire_grace_time=None)  # fmt: skip
        scheduler.add_job(self._prune, "interval", hours=PRUNE_HOURS, id="prune")
        listener = threading.Thread(target=self._listen, name="pokes", daemon=True)
        scheduler.start()
        listener.start()
        self._wake.set()
        try:
            while not self._stopping.is_set():
                self._wake.wait()
                self._wake.clear()
                if not self._stopping.is_set():
                    self._round(scheduler)
        finally:
            scheduler.shutdown(wait=False)
            self.source.hang_up()
            listener.join(timeout=2)

    def stop(self) -> None:
        """End `run` after the round that is under way."""
        self._stopping.set()
        self._in_session.set()
        self._wake.set()

    def _round(self, scheduler: BackgroundScheduler) -> None:
        report = self.daemon.run_once()
        if report.ok != self._healthy or report.sent or report.rows or report.resets:
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
        due = datetime.now(UTC) + timedelta(seconds=report.next_in_s)  # noqa: TID251 - a timer
        scheduler.add_job(
            self._wake.set, "date", run_date=due, id="poll", replace_existing=True,
            misfire_grace_time=None,
        )  # fmt: skip

    def _watch(self, last: list[tuple[int, int] | None]) -> None:
        """Wake for new operations; while central is away, only the backoff's timer wakes."""
        if self.parent_pid is not None and os.getppid() != self.parent_pid:
            self.stop()
            return
        token = self.journal.change_token()
        if token != last[0]:
            last[0] = token
            if self._healthy and self.journal.backlog():
                self._wake.set()

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
            except ProtocolError as problem:
                log.debug("no_pokes", problem=str(problem))
                self._wake.set()
            failures += 1
            self._stopping.wait(retry_delay_s(failures, self.random))
