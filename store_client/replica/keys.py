"""The key of a store's files: made once, before them, and on the disk whole or not at all.

An empty key would leave them unencrypted for ever, and another one would make them unreadable.
"""

import os
import re
import secrets
from pathlib import Path

from store_client.replica.locks import held
from store_client.replica.store import Files
from sync.disk import flush
from sync.edge.sqlite import UnsafeDatabase

KEY_BYTES = 32
_WHOLE = re.compile(rf"[0-9a-fA-F]{{{2 * KEY_BYTES}}}")
_PLAIN = b"SQLite format 3\0"
"""What a file begins with that is not encrypted."""


def make_key(files: Files) -> None:
    """Make the key once, readable by this user alone.

    Half a key, of a machine that died while it was written, is made anew where no file has been
    made since. Beside files it is left alone: they may be under it, or under the one it once was.
    """
    files.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with held(files.open_lock):
        if files.key.exists() and (_WHOLE.fullmatch(_text_of(files.key)) or _has_files(files)):
            return
        partial = files.key.with_name(f"{files.key.name}.partial")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(files.key)
        flush(files.folder)


def key_of(files: Files, copy: Path | None = None) -> str:
    """Return the key; empty for a store whose files are not encrypted, as its doctor says.

    Its journal may be lost: then a `copy` of it says so. Raises `UnsafeDatabase` where there is
    none that files could be under.
    """
    text = _text_of(files.key)
    is_bare = is_plain(files.journal) or (copy is not None and is_plain(copy))
    if _WHOLE.fullmatch(text) or (not text and is_bare):
        return text
    raise UnsafeDatabase(
        f"{files.journal.name} cannot be read: {files.key} is no whole key; put the right one back,"
        " then try again"
    )


def is_plain(path: Path) -> bool:
    """Return whether a file of the store is there and not encrypted."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_PLAIN)) == _PLAIN


def require_encrypted(files: Files) -> None:
    """Raise `UnsafeDatabase` where files were begun without a key: no store may begin in them."""
    if not key_of(files):
        raise UnsafeDatabase(
            f"{files.key} is empty, so nothing here would be encrypted: remove"
            f" {files.journal.name} and {files.replica.name} beside it, then enrol again"
        )


def _has_files(files: Files) -> bool:
    return files.journal.exists() and files.journal.stat().st_size > 0


def _text_of(path: Path) -> str:
    return path.read_bytes().decode("ascii", "replace").strip()
