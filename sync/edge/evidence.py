"""A second copy of each operation, on another path: what a lost database can be refilled from.

Append-only, a line a record: base64 of the record, and a CRC. A line that was
torn, by a crash or a disk without room, is passed over; a record begins with a
line feed, so that none is glued to what another process has torn. Where the
store's files are encrypted, so is this one (AES-GCM under a key derived from
theirs). One file holds a month, so that old ones can be dropped whole.
"""

import base64
import binascii
import errno
import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sync.disk import flush

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MONTH_MS = 30 * 86_400_000
NONCE_BYTES = 12
SUFFIX = ".evidence"
WRITES_MAX = 2
NEWEST_BYTES = 65_536
"""Of the end of a file: what a crash or another process left out is not far back."""


class Witness(NamedTuple):
    """One operation as the evidence keeps it."""

    replica_id: str
    epoch: int
    seq: int
    line: bytes
    hash: bytes
    """The chain's hash after it: a line that was overtaken by another history does not fit."""
    effects: tuple[tuple[str, int, int], ...]
    """(SKU, on hand, allocated), as the journal counted them."""


class Evidence:
    """The evidence of one store in a folder, for one process."""

    def __init__(self, folder: Path, key: str = "") -> None:
        self.flush: Callable[[int], None] = os.fdatasync
        """How what an open file has is brought to the disk: a simulation stands in between."""
        self._descriptor: int | None = None
        self._folder = folder
        self._cipher = _cipher(key) if key else None
        self._month = -1
        self.has_flushed = False
        """Whether this process has brought anything to the disk itself."""
        self._is_name_owed = False
        """Whether a file was made whose name may not be on the disk yet."""

    def append(self, witnesses: Sequence[Witness]) -> None:
        """Add records and flush them to the disk; the last one says which month they are of."""
        if not witnesses:
            return
        content = b"".join(self._encoded(one) for one in witnesses)
        try:
            descriptor = self._open(_made_at_ms(witnesses[-1].line) // MONTH_MS)
            _write_whole(descriptor, content)
            self.flush(descriptor)
            self.has_flushed = True
        except OSError:
            self.close()  # the disk may come back as another one
            raise

    def after(self, replica_id: str, epoch: int, seq: int) -> Iterator[Witness]:
        """Yield the newest record of each operation after `seq`, in order, up to a gap."""
        found = {
            one.seq: one
            for one in self._all()
            if (one.replica_id, one.epoch) == (replica_id, epoch) and one.seq > seq
        }
        while (following := found.get(seq + 1)) is not None:
            yield following
            seq += 1

    def epochs_after(self, replica_id: str, epoch: int) -> dict[int, list[Witness]]:
        """Return the newest record of each operation of later epochs, by epoch, in order."""
        found: dict[tuple[int, int], Witness] = {}
        for one in self._all():
            if one.replica_id == replica_id and one.epoch > epoch:
                found[one.epoch, one.seq] = one
        by_epoch: dict[int, list[Witness]] = {}
        for number, seq in sorted(found):
            by_epoch.setdefault(number, []).append(found[number, seq])
        return by_epoch

    def newest(self, replica_id: str, epoch: int) -> dict[int, bytes]:
        """Return seq and hash of an epoch's records at the end of the newest file."""
        return {one.seq: one.hash for one in self._end(replica_id) if one.epoch == epoch}

    def reached(self, replica_id: str) -> tuple[int, int]:
        """Return the last place (epoch, seq) of a name at the end of the newest file."""
        return max(((one.epoch, one.seq) for one in self._end(replica_id)), default=(0, 0))

    def _end(self, replica_id: str) -> list[Witness]:
        paths = list(self._folder.glob(f"*{SUFFIX}"))
        if not paths:
            return []
        with max(paths, key=lambda path: path.stat().st_mtime_ns).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - NEWEST_BYTES))
            found = [self._decoded(text) for text in file]
        return [one for one in found if one is not None and one.replica_id == replica_id]

    def drop_before(self, ms: int) -> None:
        """Remove the files of months that ended before `ms`."""
        for path in self._folder.glob(f"*{SUFFIX}"):
            if path.stem.isdigit() and (int(path.stem) + 1) * MONTH_MS < ms:
                path.unlink()

    def close(self) -> None:
        """Close the file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __del__(self) -> None:
        """Give the descriptor back at the latest when nobody knows this handle any more."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _open(self, month: int) -> int:
        if self._descriptor is None or month != self._month:
            self.close()
            # Only now: where the disk is away, whoever opens the store waits for nothing.
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self._folder / f"{month}{SUFFIX}"
            self._is_name_owed = self._is_name_owed or not path.exists()
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            self._descriptor = os.open(path, flags, 0o600)
            if self._is_name_owed:
                flush(self._folder)  # a new file is not only whole, but also found
                self._is_name_owed = False
            self._month = month
        return self._descriptor

    def _all(self) -> Iterator[Witness]:
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            with path.open("rb") as file:
                for text in file:
                    witness = self._decoded(text)
                    if witness is not None:
                        yield witness

    def _encoded(self, witness: Witness) -> bytes:
        head = [*witness[:3], witness.hash.hex(), witness.effects]
        content = json.dumps(head).encode() + b"\n" + witness.line
        if self._cipher is not None:
            nonce = os.urandom(NONCE_BYTES)
            content = nonce + self._cipher.encrypt(nonce, content, None)
        text = base64.b64encode(content)
        return b"\n" + text + f" {zlib.crc32(text):08x}\n".encode()

    def _decoded(self, text: bytes) -> Witness | None:
        packed, _, stated = text.strip().partition(b" ")
        if f"{zlib.crc32(packed):08x}".encode() != stated:
            return None
        try:
            content = base64.b64decode(packed, validate=True)
        except binascii.Error:
            return None
        if self._cipher is not None:
            plain = _decrypted(self._cipher, content)
            if plain is None:
                return None
            content = plain
        head, _, line = content.partition(b"\n")
        try:
            replica_id, epoch, seq, hashed, effects = json.loads(head)
        except ValueError:
            return None
        moved = tuple((sku, on_hand, allocated) for sku, on_hand, allocated in effects)
        return Witness(replica_id, epoch, seq, line, bytes.fromhex(hashed), moved)


def _write_whole(descriptor: int, content: bytes) -> None:
    """Write records in one piece; after one that was cut short, all of them again.

    Not the rest alone: another process may have written behind the first part.
    """
    for _ in range(WRITES_MAX):
        if os.write(descriptor, content) == len(content):
            return
    raise OSError(errno.ENOSPC, "only a part of a record could be written")


def _made_at_ms(line: bytes) -> int:
    """Return when an operation was done; unreadable ones count as old."""
    try:
        return int(json.loads(line)["at"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return 0


def _cipher(key: str) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    derived = blake2b(b"evidence", key=bytes.fromhex(key), digest_size=32).digest()
    return AESGCM(derived)


def _decrypted(cipher: "AESGCM", content: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], None)
    except InvalidTag:
        return None  # another store's, or another key's
