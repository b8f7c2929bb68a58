"""Where tests put their files: in memory where there is room, because they sync to the disk often.

What is synced there is as safe from a killed process as it is on a disk; only a power cut would
show the difference. Tests that cut it do so to copies of what was flushed, not to this machine.
"""

import os
import shutil
import tempfile

IN_MEMORY = "/dev/shm"
ROOM_MIN = 4 * 1024**3
"""Bytes: several times what a run needs at once."""


def scratch_folder() -> str:
    """Return the folder in which tests make theirs."""
    return IN_MEMORY if _is_fit(IN_MEMORY) else tempfile.gettempdir()


def _is_fit(folder: str) -> bool:
    """Return whether a folder has room, and lets programs be run from it as a disk does."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    can_run = not os.statvfs(folder).f_flag & os.ST_NOEXEC
    return can_run and shutil.disk_usage(folder).free >= ROOM_MIN
