"""A terminal keeps a daemon running for as long as it runs itself."""

import subprocess
import sys
import threading

from store_client.keeper import DaemonKeeper

SOON_S = 0.01
WAIT_S = 20.0


def sleeper() -> "subprocess.Popen[bytes]":
    """Start a process that lives until it is ended, a minute at most."""
    waits = "import signal; signal.alarm(60); signal.pause()"
    return subprocess.Popen([sys.executable, "-c", waits])


class Starter:
    """Starts sleepers, and says when it has started a number of them."""

    def __init__(self, wanted: int, *, fails: int = 0, held: int = 0) -> None:
        self.started: list[subprocess.Popen[bytes]] = []
        self.enough = threading.Event()
        self._wanted, self._fails, self._held = wanted, fails, held

    def __call__(self) -> "subprocess.Popen[bytes] | None":
        if self._fails:
            self._fails -= 1
            raise OSError("no room for another process")
        if self._held:
            self._held -= 1
            return None
        self.started.append(sleeper())
        if len(self.started) == self._wanted:
            self.enough.set()
        return self.started[-1]


def test_a_daemon_that_died_is_started_again_and_ends_with_the_terminal():
    """Nobody has to restart the terminal because its daemon was killed."""
    start = Starter(2)
    keeper = DaemonKeeper(start, every_s=SOON_S)
    keeper.start()
    start.started[0].kill()
    assert start.enough.wait(WAIT_S)
    keeper.stop()
    assert [process.poll() is not None for process in start.started] == [True, True]


def test_it_takes_over_when_another_terminals_daemon_goes():
    """While one runs elsewhere none is started; when that one has gone, one is."""
    start = Starter(1, held=3)
    keeper = DaemonKeeper(start, every_s=SOON_S)
    keeper.start()
    assert start.enough.wait(WAIT_S)
    keeper.stop()
    assert len(start.started) == 1


def test_a_daemon_that_cannot_be_started_is_tried_again():
    """The terminal opens all the same: its bar says that sync does not run."""
    start = Starter(1, fails=2)
    keeper = DaemonKeeper(start, every_s=SOON_S)
    keeper.start()
    assert start.enough.wait(WAIT_S)
    keeper.stop()


def test_one_that_was_never_started_ends_all_the_same():
    """The terminal may fail before its first screen stands; a second start changes nothing."""
    start = Starter(1)
    DaemonKeeper(start, every_s=SOON_S).stop()
    assert start.started == []
    keeper = DaemonKeeper(start, every_s=WAIT_S)
    keeper.start()
    keeper.start()
    keeper.stop()
    assert len(start.started) == 1


class Busy(subprocess.Popen[bytes]):
    """A process that takes longer to end than anybody waits."""

    def wait(self, timeout: float | None = None) -> int:
        if timeout is None:
            return super().wait()
        raise subprocess.TimeoutExpired(self.args, timeout)


def test_a_daemon_that_is_busy_does_not_hold_the_terminal_up():
    """It was told to end and does so after its round; whoever quits sees no traceback."""
    waits = "import signal; signal.alarm(60); signal.pause()"
    process = Busy([sys.executable, "-c", waits])
    keeper = DaemonKeeper(lambda: process, every_s=WAIT_S)
    keeper.start()
    keeper.stop()
    assert process.wait() != 0
