"""Keeps a sync daemon running beside the terminal."""

import contextlib
import subprocess
import threading
from collections.abc import Callable

LOOK_AFTER_DAEMON_EVERY_S = 5.0
STOP_SECONDS = 10.0


class DaemonKeeper:
    """Sees to it that a daemon runs for as long as the terminal does, whoever started it."""

    def __init__(
        self,
        start: Callable[[], subprocess.Popen[bytes] | None],
        every_s: float = LOOK_AFTER_DAEMON_EVERY_S,
    ) -> None:
        self._start = start
        self._every_s = every_s
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="daemon keeper", daemon=True)

    def start(self) -> None:
        """Start a daemon where none runs, and go on looking. A second call changes nothing."""
        if self._thread.ident is None:
            self._look()
            self._thread.start()

    def stop(self) -> None:
        """End the daemon that was started here, if any; none is started any more."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):  # it ends after its round
                self._process.wait(timeout=STOP_SECONDS)

    def _keep(self) -> None:
        while not self._stopping.wait(self._every_s):
            self._look()

    def _look(self) -> None:
        if self._process is None or self._process.poll() is not None:
            with contextlib.suppress(OSError):  # no room now: the bar says so, and it is tried anew
                self._process = self._start()
