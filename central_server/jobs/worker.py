"""A thread that does a piece of work again and again until it is told to stop."""

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Worker:
    """Calls `work`; waits before the next call where it says that there is nothing more to do."""

    def __init__(self, name: str, work: Callable[[], bool], idle_seconds: float) -> None:
        self._work = work
        self._idle_seconds = idle_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Finish the piece in hand and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                has_more = self._work()
            except Exception:  # noqa: BLE001 - the next piece may go well
                _log.exception("%s failed and goes on later", self._thread.name)
                has_more = False
            if not has_more:
                self._stopping.wait(self._idle_seconds)
