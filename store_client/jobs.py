"""The sync daemon as a process: this module says when, `SyncDaemon` says what.

A round runs when central pokes, when the journal has something new, and when
the last round said so. One thread listens for pokes; correctness never depends
on it. Everything is timed by the monotonic clock: a machine's wall clock may
jump by a day, and the work of that day must not wait for it. No Textual is
loaded here.
"""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

import structlog

from sync.clock import Clock
from sync.edge.backoff import retry_delay_s
from sync.edge.daemon import RoundReport, SyncDaemon
from sync.edge.journal import Journal
from sync.edge.sqlite import Error
from sync.protocol.errors import ProtocolError
from sync.protocol.session import Poke

WATCH_S = 0.1
"""How often the journal and the parent process are looked at."""
PRUNE_MS = 6 * 3_600_000

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
    _pause_s: float = 0.0
    """Until the next round, unless something wakes it before."""

    def run(self) -> None:
        """Run rounds until stopped. Blocks."""
        watcher = threading.Thread(target=self._keep_watch, name="watch", daemon=True)
        listener = threading.Thread(target=self._listen, name="pokes", daemon=True)
        watcher.start()
        listener.start()
        try:
            while not self._stopping.is_set():
                self._wake.wait(self._pause_s)
                self._wake.clear()
                if not self._stopping.is_set():
                    self._round()
        finally:
            self.stop()
            self.source.hang_up()
            watcher.join(timeout=2)
            listener.join(timeout=2)

    def stop(self) -> None:
        """End `run` after the round that is under way."""
        self._stopping.set()
        self._in_session.set()
        self._wake.set()

    def _round(self) -> None:
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
        self._pause_s = report.next_in_s

    def _keep_watch(self) -> None:
        """Look at the journal and the parent all the time, and at what is old now and then."""
        seen: tuple[int, int] | None = None
        prune_at_ms = self.clock.monotonic_ms() + PRUNE_MS
        while not self._stopping.wait(WATCH_S):
            if self.parent_pid is not None and os.getppid() != self.parent_pid:
                self.stop()
                return
            try:
                seen = self._watch(seen)
                if self.clock.monotonic_ms() >= prune_at_ms:
                    prune_at_ms = self.clock.monotonic_ms() + PRUNE_MS
                    self._prune()
            except Error as problem:  # the disk is full or busy; the next round tells people
                log.warning("journal_not_watched", problem=str(problem))

    def _watch(self, seen: tuple[int, int] | None) -> tuple[int, int]:
        """Wake for new operations; while central is away, only the backoff's timer wakes."""
        token = self.journal.change_token()
        if token != seen and self._healthy and self.journal.backlog():
            self._wake.set()
        return token

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
