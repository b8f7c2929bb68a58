"""Copies of the embedded database: made while central works, put back while it does not.

SQLite's own backup copies one moment, page by page, under the key of the file:
an encrypted database has encrypted copies. Every process that has the database
open holds a shared lock beside it; putting a copy back wants it alone.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as driver
from sqlalchemy.engine import make_url

from central_server.storage.schema import newest_version
from central_server.storage.shipping import NUMBERS_SKIPPED
from central_server.storage.trouble import FULL, result_code, words_of_code
from sync.disk import flush

BESIDE = ("-wal", "-shm")
_HAS_CARRIERS = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'shipping_carriers'"
_HAS_LEASES = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'leases'"


class NotEmbedded(Exception):
    """The database is a server's: its own tools copy it."""


class InUse(Exception):
    """Another process has the database open."""


class BadCopy(Exception):
    """The file is no whole copy of a central, or under another key, or of a newer version."""


def file_of(url: str) -> Path:
    """Return the file of an embedded database; raise `NotEmbedded` for a server's."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise NotEmbedded(
            "PostgreSQL is backed up and restored by its own tools: pg_dump, or base backups with"
            " point-in-time recovery; after such a restore run `central-server restore --mark`"
        )
    return Path(parsed.database)


@contextmanager
def held(url: str, *, alone: bool = False) -> Iterator[None]:
    """Hold the lock beside an embedded database for the block, with others or alone."""
    try:
        path = file_of(url)
    except NotEmbedded:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path, ".lock").open("a") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError as problem:
            raise InUse(f"another process works with {path}: stop it first") from problem
        yield


def copy_out(url: str, key: str | None, target: Path) -> None:
    """Write a whole copy of the database to `target`, which appears only when it is complete.

    Raises `OSError` where a disk cannot give or take it; nothing of it is left then.
    """
    source = file_of(url)
    if not source.is_file():
        raise BadCopy(f"there is no database at {source}")
    if target.is_dir():
        raise BadCopy(f"{target} is a folder: name the file that the copy goes to")
    partial = _beside(target, ".partial")
    _require_elsewhere(source, target, partial)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _making(partial):
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(source, partial, key)
        check(partial, key)
        flush(partial)
        partial.replace(target)
    flush(target.parent)


def _copy(source: Path, partial: Path, key: str | None) -> None:
    reading, writing = _open(source, key), _open(partial, key)
    try:
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode = DELETE").fetchall()
    finally:
        reading.close()
        writing.close()


@contextmanager
def _making(path: Path) -> Iterator[None]:
    """Leave nothing of a copy that cannot be made; an engine's error of the disk is one of it."""
    try:
        yield
    except driver.DatabaseError as problem:
        if code := _code_of(problem):
            raise OSError(code, str(problem), str(path)) from problem
        raise BadCopy(f"{path} cannot be made: {problem}") from problem
    finally:
        for suffix in ("", "-journal", *BESIDE):
            with suppress(OSError):
                _beside(path, suffix).unlink(missing_ok=True)


def _code_of(problem: driver.Error) -> int | None:
    """Return the number of an error of the disk; None for any other. Copying tells words alone."""
    if result_code(problem) == FULL or str(problem) == "database or disk is full":
        return errno.ENOSPC
    return errno.EIO if words_of_code(problem) or str(problem) == "disk I/O error" else None


def _require_elsewhere(source: Path, *written: Path) -> None:
    """Raise `BadCopy` where a copy would take the place of the database or of a file beside it.

    Whoever has the database open would go on in a file that has no name any more.
    """
    own = [_beside(source, suffix) for suffix in ("", *BESIDE, ".lock")]
    if any(_are_one(one, its) for one in written for its in own):
        raise BadCopy(f"{written[0]} is the database itself: name another file for its copy")


def _are_one(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve() or (
        one.exists() and other.exists() and one.samefile(other)
    )


def copy_in(file: Path, key: str | None, url: str, *, now_ms: int) -> Path | None:
    """Put a copy in the database's place; return where the database that was there is now.

    It begins a new life (its incarnation rises, to `now_ms` in seconds at least)
    before it takes its place, so no store can meet it in its old one. The caller
    holds the lock alone. What was there is kept, renamed. Raises as `copy_out` does.
    """
    place = file_of(url)
    check(file, key)
    _require_known_schema(file, key)
    place.parent.mkdir(parents=True, exist_ok=True)
    incoming = _beside(place, ".incoming")
    with _making(incoming):
        incoming.write_bytes(b"")
        incoming.chmod(0o600)
        shutil.copyfile(file, incoming)
        life, numbers = _life_of(place, key), _numbers_of(place, key)
        _begin_new_life(incoming, key, max(now_ms // 1000, life + 1), numbers, now_ms)
        flush(incoming)
        kept = _put_aside(place)
        incoming.replace(place)
    flush(place.parent)
    return kept


def _begin_new_life(
    path: Path, key: str | None, life_min: int, numbers: Mapping[str, int], now_ms: int
) -> None:
    connection = _open(path, key)
    try:
        connection.execute("PRAGMA journal_mode = DELETE").fetchall()
        connection.execute("UPDATE meta SET incarnation = max(incarnation + 1, ?)", (life_min,))
        if connection.execute(_HAS_LEASES).fetchone():  # an older schema has none yet
            # What was promised since the copy it does not know: no lease outlives it.
            connection.execute("UPDATE leases SET until_ms = 0, token_ms = ?", (now_ms,))
        if connection.execute(_HAS_CARRIERS).fetchone():  # numbers since then are on parcels
            for carrier, number in numbers.items():
                connection.execute(
                    "UPDATE shipping_carriers SET next_number = max(next_number, ?) WHERE id = ?",
                    (number, carrier),
                )
            connection.execute(
                "UPDATE shipping_carriers SET next_number = next_number + ?", (NUMBERS_SKIPPED,)
            )
    finally:
        connection.close()


def _numbers_of(place: Path, key: str | None) -> dict[str, int]:
    """Return the next label number by carrier of the database in place, if it can be read."""
    if not place.is_file():
        return {}
    connection = _open(place, key)
    try:
        return dict(connection.execute("SELECT id, next_number FROM shipping_carriers").fetchall())
    except driver.DatabaseError:
        return {}
    finally:
        connection.close()


def _life_of(place: Path, key: str | None) -> int:
    """Return the incarnation of the database in place; 0 where there is none that can be read."""
    if not place.is_file():
        return 0
    connection = _open(place, key)
    try:
        return int(connection.execute("SELECT incarnation FROM meta").fetchone()[0])
    except (driver.DatabaseError, TypeError):
        return 0
    finally:
        connection.close()


def check(file: Path, key: str | None) -> None:
    """Raise `BadCopy` unless the file is a whole database of central's, readable with `key`."""
    if not file.is_file():
        raise BadCopy(f"there is no file {file}")
    connection = _open(file, key)
    try:
        found = connection.execute("PRAGMA integrity_check").fetchone()[0]
        lives = connection.execute("SELECT count(*) FROM meta").fetchone()[0]
    except driver.DatabaseError as problem:
        raise BadCopy(f"{file} is no copy of this central: damaged, or another key") from problem
    finally:
        connection.close()
    if found != "ok" or lives != 1:
        raise BadCopy(f"{file} is damaged: {found}")


def _require_known_schema(file: Path, key: str | None) -> None:
    """Raise `BadCopy` where a newer version has made the file: this one could not work with it.

    An older one is well: it is brought up once it is in its place.
    """
    connection = _open(file, key)
    try:
        found = str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (driver.DatabaseError, TypeError) as problem:
        raise BadCopy(f"{file} has no schema of central's") from problem
    finally:
        connection.close()
    if found > newest_version():
        raise BadCopy(
            f"{file} is at {found}, newer than this version's {newest_version()}: nothing is"
            " changed; restore it with the version that made it"
        )


def _put_aside(place: Path) -> Path | None:
    """Rename the database with what lies beside it; return its new name."""
    if not place.exists():
        return None
    number = 1
    while (kept := _beside(place, f".before-restore-{number}")).exists():
        number += 1
    for suffix in ("", *BESIDE):
        file = _beside(place, suffix)
        if file.exists():
            file.replace(_beside(kept, suffix))
    return kept


def _open(path: Path, key: str | None) -> Any:
    connection = driver.connect(str(path), isolation_level=None)
    if key:
        int(key, 16)
        connection.execute(f"PRAGMA key = \"x'{key}'\"").fetchall()
    return connection


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
