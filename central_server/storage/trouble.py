"""What an engine's error means to whoever asked: not now, in words; or a fault, as it came.

An engine that is full, away, locked or contended is nobody's fault who asks: the
same may be sent again, and what has a key counts once. The engine's own words go
to the log, never to the caller.
"""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from central_server.storage.commits import LogInUse, OutOfService, Unavailable
from central_server.storage.conflicts import Conflict

_log = logging.getLogger(__name__)

BUSY, LOCKED, READ_ONLY, IO_ERROR, CORRUPT, FULL, CANNOT_OPEN, NOT_A_DATABASE = (
    5, 6, 8, 10, 11, 13, 14, 26,
)  # fmt: skip
"""SQLite's primary result codes."""
_OCCUPIED = "others are in the way in central's database"
_AWAY = "central's database is away"
_NO_ROOM = "central's disk is full"
_DISK_FAILS = "central's disk fails"
_TAKES_NOTHING = "central's database takes nothing at the moment"
_BY_CODE = {
    FULL: _NO_ROOM,
    IO_ERROR: _DISK_FAILS,
    CANNOT_OPEN: _DISK_FAILS,
    BUSY: _OCCUPIED,
    LOCKED: _OCCUPIED,
}
_BY_STATE = {
    "53100": _NO_ROOM,
    "53": _TAKES_NOTHING,  # no memory, no connections left
    "58": _DISK_FAILS,
    "40": _OCCUPIED,  # serialization failures and deadlocks, after all attempts
    "55": _OCCUPIED,
    "57014": "central's database was stopped at it",
    "57": _AWAY,
    "08": _AWAY,
    "25P03": _AWAY,
}
"""PostgreSQL's SQLSTATEs, and their classes."""
_OF_ONE_COMMAND = frozenset({"40", "55", "57014", "25P03", "57P05"})
"""Those of them that another command need not meet. SQLite's lock is everybody's."""
_BY_STATE_OF_WRITES = {"25006": _TAKES_NOTHING}  # a standby, before it is told otherwise
_BY_CODE_OF_WRITES = {READ_ONLY: _TAKES_NOTHING}


@contextmanager
def told(*, is_writing: bool) -> Iterator[None]:
    """Let `Unavailable` come out of the block where the engine cannot do it now."""
    try:
        yield
    except (DBAPIError, Conflict, NoConnection) as problem:
        words = words_for(problem, is_writing=is_writing)
        if words is None:
            raise
        cause = getattr(problem, "orig", None) or problem
        _log.warning("%s: %s", words, (str(cause).splitlines() or [""])[0])
        kind = Unavailable if _is_of_one_command(problem) else OutOfService
        raise kind(f"{words}; send the same again later") from problem


def words_for(problem: Exception, *, is_writing: bool) -> str | None:
    """Return why the engine cannot do it now; None where trying again would change nothing."""
    if isinstance(problem, Conflict):
        return _OCCUPIED
    if isinstance(problem, NoConnection):
        return _TAKES_NOTHING
    if not isinstance(problem, DBAPIError):
        return None
    state = getattr(problem.orig, "sqlstate", None)
    if state:
        words = _BY_STATE.get(state) or _BY_STATE.get(state[:2])
        return words or (_BY_STATE_OF_WRITES.get(state) if is_writing else None)
    code = result_code(problem.orig)
    if code is not None:
        words = words_of_code(problem.orig)
        return words or (_BY_CODE_OF_WRITES.get(code) if is_writing else None)
    return _AWAY if problem.connection_invalidated else None


def _is_of_one_command(problem: Exception) -> bool:
    """Return whether it was in the way of this command, and need not be in that of another one."""
    if isinstance(problem, Conflict):
        return not isinstance(problem, LogInUse)
    state = getattr(getattr(problem, "orig", None), "sqlstate", None) or ""
    return not _OF_ONE_COMMAND.isdisjoint({state, state[:2]})


def will_pass(problem: Exception) -> bool:
    """Return whether what kept a database from being opened passes by itself."""
    if isinstance(problem, Unavailable):
        return True
    if isinstance(problem, OSError):
        return problem.errno == errno.ENOSPC
    return words_for(problem, is_writing=False) is not None


def words_of_code(problem: BaseException | None) -> str | None:
    """Return why SQLite cannot do it now, by its own error; None where that does not pass."""
    return _BY_CODE.get(result_code(problem) or 0)


def result_code(problem: BaseException | None) -> int | None:
    """Return SQLite's primary result code of its error; None where it is none of SQLite's."""
    code = getattr(problem, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def is_doubtful(problem: BaseException) -> bool:
    """Whether after this error nobody knows what of SQLite's log has reached the disk."""
    cause = problem.orig if isinstance(problem, DBAPIError) else problem
    return result_code(cause) in {IO_ERROR, CORRUPT, CANNOT_OPEN, NOT_A_DATABASE}
