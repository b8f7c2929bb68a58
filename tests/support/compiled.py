"""Statements that a process compiles once for all its engines.

SQLAlchemy keeps what it compiled by engine. A test opens engines of its own, and would compile
each statement anew: a tenth of the time of tests with a central.
"""

from typing import Any

from sqlalchemy import Connection, Engine, event

KEPT_MAX = 5_000


class _CompiledOnce(dict[Any, Any]):
    """By statement and kind of dialect, where SQLAlchemy asks by statement and dialect."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_by_kind(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        if len(self) >= KEPT_MAX:
            self.clear()
        super().__setitem__(_by_kind(key), compiled)


def _by_kind(key: tuple[Any, ...]) -> tuple[object, ...]:
    dialect, *statement = key
    return (type(dialect), dialect.paramstyle, dialect.server_version_info, *statement)


_COMPILED = _CompiledOnce()


def _use(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_COMPILED)


def compile_once() -> None:
    """Let every engine of this process use what any of them compiled, from now on."""
    if not event.contains(Engine, "engine_connect", _use):
        event.listen(Engine, "engine_connect", _use)
