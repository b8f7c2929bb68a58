"""A store whose disk takes its time with one kind of operation, or is full when its turn comes."""

import threading

from tests.support.terminals import Terminal


class SlowStore:
    """Lets a store wait with one kind of operation until `release` is set."""

    def __init__(self, store, kind: str, fails: Exception | None = None) -> None:
        self.started, self.release = threading.Event(), threading.Event()
        self._real, self._kind, self._fails = store.perform, kind, fails
        setattr(store, "perform", self.perform)  # noqa: B010 - a method is replaced

    def perform(self, operation, **told):
        if operation.kind == self._kind:
            self.started.set()
            assert self.release.wait(10)
            if self._fails is not None:
                raise self._fails
        return self._real(operation, **told)

    async def reached(self, term: Terminal) -> None:
        """Wait until the disk is being waited for."""
        for _ in range(1_000):
            await term.pilot.pause(0.01)
            if self.started.is_set():
                return
        raise AssertionError("nothing was recorded")

    async def while_waiting(self, term: Terminal, press: str, *then: str) -> None:
        """Press a key, other keys while the disk is waited for, and let it go on."""
        await term.pilot.press(press)
        await self.reached(term)
        for key in then:
            await term.pilot.press(key)
            await term.pilot.pause()
        self.release.set()
        await term.rest()
