"""Two people who both saw something, of whom one is quicker."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from store_client.services.desk import Desk


class Late:
    """A store before which, once, somebody else records something at the last moment."""

    def __init__(self, store: Any, quicker: Callable[[], object], *calls: str) -> None:
        self._store, self._quicker = store, [quicker]
        self._calls = calls or ("perform", "record_money")

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in self._calls:
            return found

        def recorded(*arguments: Any, **more: Any) -> Any:
            while self._quicker:
                self._quicker.pop()()
            return found(*arguments, **more)

        return recorded


def late(desk: Desk, quicker: Callable[[], object], *calls: str) -> Desk:
    """Return the desk of the second person, whom `quicker` overtakes before one of `calls`."""
    return replace(desk, store=Late(desk.store, quicker, *calls))
