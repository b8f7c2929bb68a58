"""Two people who both saw something, of whom one is quicker."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from store_client.services.desk import Desk


class Late:
    """A store before which, once, somebody else records something at the last moment."""

    def __init__(self, store: Any, quicker: Callable[[], object]) -> None:
        self._store, self._quicker = store, [quicker]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in {"perform", "record_money"}:
            return found

        def recorded(*arguments: Any, **more: Any) -> Any:
            while self._quicker:
                self._quicker.pop()()
            return found(*arguments, **more)

        return recorded


def late(desk: Desk, quicker: Callable[[], object]) -> Desk:
    """Return the desk of the second person, whom `quicker` overtakes."""
    return replace(desk, store=Late(desk.store, quicker))
