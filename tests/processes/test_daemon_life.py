"""The daemon's life: one a machine, and not longer than the terminal that started it."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pytest

from tests.processes.conftest import Site
from tests.support.told_figures import Tell
from tests.support.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(180)]

CONFLICT = 6
SIGN_IN = b"Who is at the terminal"


def test_a_second_daemon_refuses(site: Site) -> None:
    """One machine has one daemon: the second ends at once with the exit code for a conflict."""
    site.store.start_daemon()
    until(lambda: site.store.has_daemon, "the daemon runs")
    second = site.store.run("sync")
    assert second.returncode == CONFLICT
    assert "already" in second.stderr


def test_sigterm_ends_the_daemon(site: Site) -> None:
    """SIGTERM ends the daemon with 0 and frees its place."""
    before = site.network.proxy.bytes_up
    daemon = site.store.start_daemon()
    until(lambda: site.network.proxy.bytes_up > before, "the daemon works")
    daemon.terminate()
    assert daemon.wait(timeout=10) == 0
    assert not site.store.has_daemon


def test_the_daemon_ends_with_a_terminal_that_was_killed(site: Site, tell: Tell) -> None:
    """`run` starts a daemon; after SIGKILL of the terminal no daemon is left behind."""
    with terminal(site) as (process, painted):
        until(lambda: SIGN_IN in painted, "the terminal is painted")
        until(lambda: site.store.has_daemon, "the terminal's daemon runs")
        process.kill()
        process.wait()
        began = monotonic()
        until(lambda: not site.store.has_daemon, "the daemon has ended")
        tell(f"the daemon ended {monotonic() - began:.1f} s after its terminal was killed")
    site.store.start_daemon()
    until(lambda: site.store.has_daemon, "another daemon takes its place")


def test_a_terminal_that_is_told_to_quit_takes_its_daemon_along(site: Site) -> None:
    """Ctrl+Q: exit code 0, the screen given back, and the daemon gone."""
    with terminal(site) as (process, painted):
        until(lambda: SIGN_IN in painted, "the terminal is painted")
        until(lambda: site.store.has_daemon, "the terminal's daemon runs")
        painted.type(b"\x11")
        assert process.wait(timeout=20) == 0
        assert not site.store.has_daemon
        until(lambda: b"\x1b[?1049l" in painted, "the screen is given back")


class Painted:
    """Everything that a program wrote to its terminal so far, read in a thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._seen = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._descriptor, 65536)
            except OSError:
                return
            if not data:
                return
            self._seen += data

    def __contains__(self, text: bytes) -> bool:
        return text in self._seen

    def type(self, keys: bytes) -> None:
        os.write(self._descriptor, keys)


@contextmanager
def terminal(site: Site) -> "Iterator[tuple[subprocess.Popen[bytes], Painted]]":
    """Run `store-client run` on a pseudo-terminal of 120 by 36."""
    screen, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    process = subprocess.Popen(
        site.store.command("run"), stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
        env={**site.store.environment, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(inner)
    painted = Painted(screen)
    try:
        yield process, painted
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
        os.close(screen)
