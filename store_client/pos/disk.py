"""The few things that are done to files in the folder of the point of sale."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sync.disk import flush

NAMES_MAX = 20_000
"""Names of one folder that are looked at; the rest has to wait."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells whether a file is still the same."""

    inode: int
    size: int
    modified_ns: int


class Disk:
    """Regular files only: a link or a pipe that somebody left there is never followed."""

    def names(self, folder: Path, wanted: Callable[[str], bool] = lambda _: True) -> list[str]:
        """Return the names in a folder that are wanted, in order."""
        with os.scandir(folder) as entries:
            names = (entry.name for entry in entries if wanted(entry.name))
            return sorted(islice(names, NAMES_MAX))

    def mark(self, path: Path) -> Mark | None:
        """Return what a file is now; None where there is no regular one."""
        try:
            found = path.lstat()
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        return Mark(found.st_ino, found.st_size, found.st_mtime_ns)

    def read(self, path: Path, bytes_max: int) -> bytes:
        """Return at most `bytes_max` bytes of a file."""
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(bytes_max)

    def write(self, path: Path, content: bytes) -> None:
        """Put a whole file there, durably, in place of one of that name."""
        beside = path.with_name(f".{path.name}.tmp")
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        flush(path.parent)

    def move(self, path: Path, target: Path) -> None:
        """Give a file another name."""
        path.rename(target)

    def older(self, folder: Path, than_ms: int) -> Iterator[Path]:
        """Yield files that came to a folder before `than_ms`."""
        for name in self.names(folder):
            path = folder / name
            if self.mark(path) is not None and path.lstat().st_ctime_ns // 1_000_000 < than_ms:
                yield path
