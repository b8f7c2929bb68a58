"""The daemon comes when central said, if it said so: nothing that it hears meanwhile wakes it."""

import threading
from collections.abc import Iterator
from random import Random
from typing import Any

from store_client.jobs import DaemonProcess
from sync.edge.daemon import RoundReport
from sync.protocol.errors import TryLater, Unreachable
from sync.protocol.session import Poke
from tests.support.builders import ManualClock

ASKED_S = 60.0


class Rounds:
    """Stands in for `SyncDaemon`: tells what it is told to tell."""

    def __init__(self, *reports: RoundReport) -> None:
        self.left = list(reports)
        self.done = 0

    def run_once(self) -> RoundReport:
        self.done += 1
        return self.left.pop(0)


class Stopping(threading.Event):
    """Notes for how long somebody would wait, and ends that at once."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        self.set()
        return True


class Refusing:
    """A stream of pokes that central does not open; and a journal in which nothing happens."""

    def __init__(self, problem: Exception) -> None:
        self.problem = problem

    def pokes(self) -> Iterator[Poke | None]:
        raise self.problem


GOOD = RoundReport(ok=True, next_in_s=20.0)
BUSY = RoundReport(ok=False, error="central asks to wait", next_in_s=ASKED_S, must_wait=True)
AWAY = RoundReport(ok=False, error="nobody there", next_in_s=ASKED_S)


def process_of(daemon: Any, clock: ManualClock, source: Any = None, **more: Any) -> DaemonProcess:
    return DaemonProcess(daemon, source, source, clock, Random(1), **more)


def test_until_the_time_that_central_asked_for_only_the_timer_starts_a_round():
    """Pokes and signs of life are heard, and cost central no call; then all is made up for."""
    clock, daemon = ManualClock(), Rounds(GOOD, BUSY, GOOD, GOOD)
    process = process_of(daemon, clock)
    process._turn(is_woken=False)
    process._turn(is_woken=True)
    assert daemon.done == 2
    for _ in range(5):
        process._wake.set()
        process._turn(is_woken=True)
        assert not process._wake.is_set()
        clock.advance(int(ASKED_S * 1000) // 5 - 1)
    assert daemon.done == 2
    clock.advance(5)
    process._turn(is_woken=False)
    assert daemon.done == 3
    process._turn(is_woken=True)
    assert daemon.done == 4


def test_after_an_outage_a_sign_of_life_starts_a_round():
    """Where nobody asked for patience, whoever hears central goes there at once."""
    daemon = Rounds(AWAY, GOOD)
    process = process_of(daemon, ManualClock())
    process._turn(is_woken=False)
    process._turn(is_woken=True)
    assert daemon.done == 2


def test_a_stream_that_central_opens_later_is_asked_for_later():
    """Central is busy: no round is started for that, and the next try is not before."""
    stopping = Stopping()
    source = Refusing(TryLater(ASKED_S))
    process = process_of(Rounds(), ManualClock(), source, _stopping=stopping)
    process._in_session.set()
    process._listen()
    assert not process._wake.is_set()
    (waited,) = stopping.waited
    assert waited is not None
    assert waited >= ASKED_S


def test_a_stream_that_breaks_off_starts_a_round():
    """What was poked meanwhile is pulled."""
    stopping = Stopping()
    source = Refusing(Unreachable("broke off"))
    process = process_of(Rounds(), ManualClock(), source, _stopping=stopping)
    process._in_session.set()
    process._listen()
    assert process._wake.is_set()
