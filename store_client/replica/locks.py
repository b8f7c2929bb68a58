"""Locks between the processes of one store machine, as files: whoever dies lets go."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a file lock for the block, waiting for it if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class InUse(Exception):
    """A terminal or a daemon has the files open."""


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold what others share for the block, with nobody else; raise `InUse`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            raise InUse(f"close the terminals of {path.parent}, and its daemon, first") from problem
        yield


class Shared:
    """A lock that is held together with others; whoever wants it alone must wait or give up."""

    _descriptor: int | None = None

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def close(self) -> None:
        """Let go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        """Let go at the latest when nobody knows this lock any more."""
        self.close()


def is_held(path: Path) -> bool:
    """Return whether some process holds the lock on `path`."""
    if not path.exists():
        return False
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        return False
