"""What one process at a time may do for longer than a transaction: whoever dies lets go.

On PostgreSQL a lock of a connection's own, beside SQLite's file a lock of the kernel's.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

_SPACE = 514_018
"""Any number: the space of these locks."""
_TRY = text("SELECT pg_try_advisory_lock(:space, hashtext(:what))")
_LET_GO = text("SELECT pg_advisory_unlock(:space, hashtext(:what))")
_NOTICE = text("SET tcp_keepalives_idle = 60")
"""A machine that is gone without a word holds nothing for two hours."""
_FILES = text("PRAGMA database_list")


@contextmanager
def alone(engine: Engine, what: str) -> Iterator[bool]:
    """Have `what` alone for the block; give whether nobody else had it. Nobody is waited for."""
    turn = _of_connection if engine.dialect.name == "postgresql" else _of_file
    with turn(engine, what) as is_alone:
        yield is_alone


@contextmanager
def _of_connection(engine: Engine, what: str) -> Iterator[bool]:
    wanted = {"space": _SPACE, "what": what}
    # No transaction stays open meanwhile: it would keep dead rows alive.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(_NOTICE)
        is_alone = bool(connection.execute(_TRY, wanted).scalar())
        try:
            yield is_alone
        finally:
            if is_alone:
                with suppress(DBAPIError):  # the connection broke, and its locks went with it
                    connection.execute(_LET_GO, wanted)


@contextmanager
def _of_file(engine: Engine, what: str) -> Iterator[bool]:
    with engine.connect() as connection:
        path = Path(connection.execute(_FILES).all()[0].file)
    with path.with_name(f"{path.name}.{what}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_alone = True
        except BlockingIOError:
            is_alone = False
        yield is_alone
