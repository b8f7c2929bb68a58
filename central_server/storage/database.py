"""The database of central: consistent reads, and writes that are durable when they return.

`Database.open` chooses the engine by the URL; everything above it is the same.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from central_server.storage import postgresql, sqlite, turns
from central_server.storage.commits import (
    CommitHook,
    CommitPoint,
    DatabaseClosed,
    Overloaded,
    Unavailable,
    UnsafeDatabase,
    Writer,
    no_hook,
)
from central_server.storage.group import GroupUnit
from central_server.storage.trouble import told
from central_server.storage.unit import Unit, View

__all__ = [
    "CommitHook", "CommitPoint", "Database", "DatabaseClosed", "Overloaded", "Unavailable",
    "UnsafeDatabase",
]  # fmt: skip

T = TypeVar("T")


class Database:
    """Thread-safe. Callers see results only after the commit that made them durable."""

    def __init__(self, reader: Engine, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    @staticmethod
    def open(
        url: str, *, key: str | None = None, hook: CommitHook = no_hook, inline: bool = False
    ) -> "Database":
        """Open `sqlite:///path` (with `key`: encrypted) or `postgresql://…`.

        `key` is 64 hexadecimal digits. With `inline`, SQLite too writes in the
        caller's thread: for a process that has one thread only. Raises
        `UnsafeDatabase` where SQLite is too old, the key is wrong or a pragma did
        not take.
        """
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            return Database(*postgresql.open_engines(parsed, hook))
        return Database(*sqlite.open_engines(parsed, key or "", hook, inline=inline))

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._reader.dialect.name

    @contextmanager
    def read(self) -> Iterator[View]:
        """Give a view of ONE consistent snapshot for the time of the block; it cannot write.

        Raises `Unavailable` where the engine cannot answer now.
        """
        with told(is_writing=False), self._reader.connect() as connection:
            yield View(connection)

    def write(self, command: Callable[[Unit], T]) -> T:
        """Run `command` in a transaction and return its result once that is durable.

        `command` may run more than once (PostgreSQL: after a conflict), so it
        must do nothing but use its unit; what is to happen once goes through
        `unit.after_commit`. If it raises, its changes alone are undone. Raises
        `Unavailable` where the engine cannot keep it now: then it can be tried again.
        """
        with told(is_writing=True):
            result, unit = self._writer.write(command)
        for callback in unit.callbacks:
            callback()
        return result

    @contextmanager
    def alone(self, what: str) -> Iterator[bool]:
        """Have `what` alone among all processes for the block; give whether nobody else had it.

        Nobody is waited for, and whoever dies lets go. Raises `Unavailable` as `read` does.
        """
        with ExitStack() as stack:
            with told(is_writing=False):
                is_alone = stack.enter_context(turns.alone(self._reader, what))
            yield is_alone

    def write_group(self, command: Callable[[GroupUnit], T]) -> T:
        """Run `command` as `write` does, over a unit for many orders at once."""
        return self.write(lambda unit: command(GroupUnit(unit)))

    def close(self) -> None:
        """Finish waiting commands and close all connections. Closing twice is harmless."""
        self._reader.dispose()
        self._writer.close()
