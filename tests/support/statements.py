"""What is sent to a database meanwhile, however it is sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from central_server.storage import raw


class _Noting:
    """A driver's own connection that notes what it executes."""

    def __init__(self, driver: Any, sent: list[str]) -> None:
        self._driver = driver
        self._sent = sent

    def execute(self, sql: str, parameters: raw.Parameters) -> Any:
        self._sent.append(sql)
        return self._driver.execute(sql, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)


@contextmanager
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Note each statement, of SQLAlchemy and of `raw`, until the block ends."""
    sent: list[str] = []
    driver = raw._driver

    def note(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        sent.append(sql)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(raw, "_driver", lambda connection: _Noting(driver(connection), sent))
            yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)
