"""The high-water mark: how far this installation has come, kept OUTSIDE its database.

A database that is restored from an older state looks whole: only something that
was not restored with it can tell. The mark is a file of two slots beside
journal.db; each holds the installation's nonce, the place and the hash of the
newest operation, and a CRC. The older slot is written over, so a torn one leaves
the other. A mark never runs ahead of what is committed: it is written after it.
"""

import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

SLOT_BYTES = 256
SLOTS = 2


class Mark(NamedTuple):
    """Where an installation stood."""

    install_nonce: str
    epoch: int
    seq: int
    hash: str
    """Hexadecimal."""

    @property
    def place(self) -> tuple[int, int]:
        """Epoch and seq, which order marks."""
        return self.epoch, self.seq


class MarkFile:
    """One process's handle of the mark. Several processes may write it, each what it committed."""

    def __init__(self, path: Path) -> None:
        self.flush: Callable[[int], None] = os.fdatasync
        """How what an open file has is brought to the disk: a simulation stands in between."""
        self._path = path
        self._descriptor: int | None = None
        self._flushed = b""
        """What was in the file when this handle flushed it last."""
        self._is_doubtful = True
        """Whether the kernel may call what it could not write clean: an earlier process may have
        died of a disk that failed."""

    def read(self, install_nonce: str) -> Mark | None:
        """Return the newest whole slot of this installation.

        None where the file is missing, torn in both slots, or of another installation.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        marks = [mark for mark in _slots(content) if mark is not None]
        own = [mark for mark in marks if mark.install_nonce == install_nonce]
        return max(own, key=lambda mark: mark.place, default=None)

    def write(self, mark: Mark) -> None:
        """Write over the older slot. A crash of this process takes it back no more; see `sync`.

        Which one that is may be another process's doing: it is looked up each time.
        """
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        slot = _older_slot(self._content(self._descriptor), mark.install_nonce)
        os.pwrite(self._descriptor, _encoded(mark), slot * SLOT_BYTES)

    def sync(self) -> None:
        """Flush to the disk what the file holds, whichever process wrote it."""
        if self._descriptor is None:
            try:
                self._descriptor = os.open(self._path, os.O_RDWR)
            except FileNotFoundError:
                return
        content = self._content(self._descriptor)
        if content != self._flushed:
            if self._is_doubtful and content:
                # The kernel may take what it could not write for written: let it see a change.
                os.pwrite(self._descriptor, content[-1:], len(content) - 1)
            self._is_doubtful = True
            self.flush(self._descriptor)
            self._is_doubtful = False
            self._flushed = content

    def close(self) -> None:
        """Flush what this handle may have written, and close."""
        if self._descriptor is not None:
            self.sync()
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        """Give the descriptor back at the latest when nobody knows this handle any more."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _content(self, descriptor: int) -> bytes:
        return os.pread(descriptor, SLOTS * SLOT_BYTES, 0)


def _slots(content: bytes) -> list[Mark | None]:
    parts = range(0, SLOTS * SLOT_BYTES, SLOT_BYTES)
    return [_decoded(content[at : at + SLOT_BYTES]) for at in parts]


def _older_slot(content: bytes, install_nonce: str) -> int:
    """Return the slot to write over: the older one, or one that is not this installation's."""
    places = [
        mark.place if mark is not None and mark.install_nonce == install_nonce else (0, 0)
        for mark in _slots(content)
    ]
    return places.index(min(places))


def _encoded(mark: Mark) -> bytes:
    text = json.dumps(mark, separators=(",", ":")).encode()
    slot = f"{zlib.crc32(text):08x} ".encode() + text + b"\n"
    assert len(slot) <= SLOT_BYTES, "names of installations are short"
    return slot.ljust(SLOT_BYTES - 1) + b"\n"


def _decoded(slot: bytes) -> Mark | None:
    stated, _, text = slot.strip().partition(b" ")
    if f"{zlib.crc32(text):08x}".encode() != stated:
        return None
    try:
        nonce, epoch, seq, hashed = json.loads(text)
    except ValueError:
        return None
    return Mark(str(nonce), int(epoch), int(seq), str(hashed))
