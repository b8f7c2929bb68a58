"""Wall clocks of real processes, moved by libfaketime while they run.

The library stands between a process and the C library, so all code sees the moved
clock, compiled code included: Python, uvloop, SQLite. Monotonic time stays as it
is, as on a machine whose wall clock is set. The clock is what a file says, looked
at once a second: for each reading it would cost as much as all the rest.
"""

import os
import platform
from importlib.util import find_spec
from pathlib import Path

SHARED = Path("/dev/shm")


def library() -> Path | None:
    """Return the library; None where the wheel has none for this machine."""
    found = find_spec("libfaketime")
    if found is None or not found.submodule_search_locations or platform.machine() != "x86_64":
        return None
    folder = Path(found.submodule_search_locations[0])
    return folder / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"


def environment(file: Path) -> dict[str, str]:
    """Return what makes a process read its wall clock from `file`."""
    return {
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
        "NO_FAKE_STAT": "1",
    }


def set_clock(file: Path, offset_ms: int, speed: float = 1) -> None:
    """Move the clock of whoever looks at the file; a reader never sees half a line.

    `speed` counts from the start of each process: 50 is 50 seconds a second since then.
    """
    partial = file.with_suffix(".partial")
    fast = "" if speed == 1 else f" x{speed:g}"
    partial.write_text(f"{offset_ms / 1000:+.3f}{fast}\n", encoding="ascii")
    partial.replace(file)


def tidy() -> None:
    """Remove what the library leaves behind of processes that were killed."""
    for file in (*SHARED.glob("faketime_shm_*"), *SHARED.glob("sem.faketime_sem_*")):
        if not Path("/proc", file.name.rpartition("_")[2]).exists():
            file.unlink(missing_ok=True)


def is_there() -> bool:
    """Whether clocks can be moved here."""
    found = library()
    return found is not None and found.is_file() and os.name == "posix"
