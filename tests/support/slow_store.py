"""A store whose disk takes its time with one kind of operation, or is full when its turn comes."""

import threading

from tests.support.terminals import Terminal


class SlowStore:
    """Lets a store wait with one kind of operation until `release` is set."""

    def __init__(self, store, kind: str, fails: Exception | None = None) -> None:
        self.started, self.release = threading.Event(), threading.Event()
        self._real, self._kind, self._fails = store.perform, kind, fails
        self._count = store.record_failure
        setattr(store, "perform", self.perform)  # noqa: B010 - a method is replaced
        setattr(store, "record_failure", self.record_failure)  # noqa: B010 - the same

    def perform(self, operation, **told):
        if operation.kind == self._kind:
            self._wait()
            if self._fails is not None:
                raise self._fails
        return self._real(operation, **told)

    def record_failure(self, *told):
        """Count a wrong code or PIN, which is no operation; waits as `wrong_code`."""
        if self._kind == "wrong_code":
            self._wait()
        return self._count(*told)

    def stop(self, *_told, **_more):
        """Stand in for whatever else touches a disk: wait, then fail."""
        self._wait()
        assert self._fails is not None
        raise self._fails

    def _wait(self) -> None:
        self.started.set()
        assert self.release.wait(10)

    async def reached(self, term: Terminal) -> None:
        """Wait until the disk is being waited for."""
        for _ in range(1_000):
            await term.pilot.pause(0.01)
            if self.started.is_set():
                return
        raise AssertionError("nothing was recorded")

    async def entered(self, term: Terminal, text: str) -> None:
        """Type and press Enter, until the disk is being waited for."""
        await term.type(text)
        await term.pilot.press("enter")
        await self.reached(term)

    async def while_waiting(self, term: Terminal, press: str, *then: str) -> None:
        """Press a key, other keys while the disk is waited for, and let it go on."""
        await term.pilot.press(press)
        await self.reached(term)
        for key in then:
            await term.pilot.press(key)
            await term.pilot.pause()
        self.release.set()
        await term.rest()
