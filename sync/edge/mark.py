"""The high-water mark: how far this installation has come, kept OUTSIDE its database.

A database that is restored from an older state looks whole: only something that
was not restored with it can tell. The mark is a file of two slots beside
journal.db; each holds the installation's nonce, the place and the hash of the
newest operation, and a CRC. Slots are written in turn, so a torn one leaves the
other. A mark never runs ahead of what is committed: it is written after it.
"""

import json
import os
import zlib
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
        self._path = path
        self._descriptor: int | None = None
        self._turn = 0
        self._is_synced = True

    def read(self, install_nonce: str) -> Mark | None:
        """Return the newest whole slot of this installation.

        None where the file is missing, torn in both slots, or of another installation.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        slots = [content[at : at + SLOT_BYTES] for at in range(0, SLOTS * SLOT_BYTES, SLOT_BYTES)]
        marks = [mark for slot in slots if (mark := _decoded(slot)) is not None]
        own = [mark for mark in marks if mark.install_nonce == install_nonce]
        return max(own, key=lambda mark: mark.place, default=None)

    def write(self, mark: Mark) -> None:
        """Write the next slot. A crash of this process takes it back no more; `sync` flushes it."""
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            self._turn = self._older_slot()
        os.pwrite(self._descriptor, _encoded(mark), self._turn * SLOT_BYTES)
        self._turn = (self._turn + 1) % SLOTS
        self._is_synced = False

    def sync(self) -> None:
        """Flush what was written to the disk."""
        if self._descriptor is not None and not self._is_synced:
            os.fdatasync(self._descriptor)
            self._is_synced = True

    def close(self) -> None:
        """Flush and close."""
        self.sync()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        """Give the descriptor back at the latest when nobody knows this handle any more."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _older_slot(self) -> int:
        """Return the slot that holds the older mark: the one to write over first."""
        assert self._descriptor is not None
        marks = [
            _decoded(os.pread(self._descriptor, SLOT_BYTES, number * SLOT_BYTES))
            for number in range(SLOTS)
        ]
        places = [(0, 0) if mark is None else mark.place for mark in marks]
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
