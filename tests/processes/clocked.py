"""A program of the product with its wall clock moved, while it runs.

    python -m tests.processes.clocked FILE store_client|central_server ARGUMENTS...

FILE holds milliseconds to add to the machine's wall clock. It is looked at for
every reading, so the clock jumps when the file is written, for all that Python
code reads: `time.time` and `datetime.now`, whoever calls them. Monotonic time
stays as it is, as it does on a machine.
"""

import datetime as dt
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self


def move(path: Path) -> None:
    """Make every reading of the wall clock add what the file says."""
    true_ns: Callable[[], int] = time.time_ns

    def moved_ns() -> int:
        return true_ns() + int(path.read_text(encoding="ascii")) * 1_000_000

    class Moved(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Self:
            return cls.fromtimestamp(moved_ns() / 1e9, tz)

    time.time_ns = moved_ns
    time.time = lambda: moved_ns() / 1e9
    dt.datetime = Moved  # type: ignore[misc]


def set_offset(path: Path, offset_ms: int) -> None:
    """Move the clock of whoever looks at the file; a reader never sees half a number."""
    partial = path.with_suffix(".partial")
    partial.write_text(str(offset_ms), encoding="ascii")
    partial.replace(path)


if __name__ == "__main__":
    file, module, *arguments = sys.argv[1:]
    move(Path(file))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
