"""What the daemon does beside its rounds: again and again, and no failure stops a round."""

import threading
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from store_client.jobs import Chore, DaemonProcess, Steadily
from sync.clock import SystemClock
from sync.edge.daemon import RoundReport

pytestmark = pytest.mark.slow


class Rounds:
    """Stands in for `SyncDaemon`: every round is well."""

    def run_once(self) -> RoundReport:
        return RoundReport(ok=True, next_in_s=0.01)


class Quiet:
    """A stream without pokes, and a journal in which nothing happens."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def pokes(self):
        self.ended.wait()
        return iter(())

    def hang_up(self) -> None:
        self.ended.set()

    def change_token(self) -> tuple[int, int]:
        return (0, 0)


def test_a_chore_that_fails_is_tried_again_and_stops_nothing():
    """A folder that is away for a while; rounds go on, and the other chore too."""
    failed, done = [], threading.Event()
    rounds: list[RoundReport] = []

    def fails() -> None:
        failed.append(1)
        raise OSError("the folder is away")

    def works() -> None:
        if len(failed) > 1 and len(rounds) > 1:
            done.set()

    quiet: Any = Quiet()
    daemon: Any = Rounds()
    process = DaemonProcess(
        daemon, quiet, quiet, SystemClock(), Random(1), on_round=rounds.append,
        chores=(Chore("bad", 0.05, fails), Chore("good", 0.05, works)),
    )  # fmt: skip
    running = threading.Thread(target=process.run)
    running.start()
    assert done.wait(10)
    process.stop()
    running.join(10)
    assert not running.is_alive()
    assert process._failing == {"bad": "the folder is away"}


def test_what_a_clock_jumped_over_is_not_made_up_for():
    """Decades forwards or back: the next time is one interval away, reckoned in one step."""
    trigger, then = Steadily(0.25), datetime(2026, 11, 25, tzinfo=UTC)
    for now in (then, then + timedelta(days=73 * 365), then - timedelta(days=40 * 365)):
        assert trigger.get_next_fire_time(then, now) == now + timedelta(seconds=0.25)
        assert trigger.get_next_fire_time(None, now) > now
