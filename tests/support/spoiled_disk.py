"""Runs a program on a disk that fails whenever a file says so, and is well again when that goes.

    python -m tests.support.spoiled_disk SWITCH MODULE [ARGUMENTS]

SWITCH is the path of a file. While it exists it holds `fsync` or `full`, and the parts of
the names of files that this is true of (none: all files). `fsync`: fsync and fdatasync fail
with EIO. `full`: no file grows, a write beyond its end fails with ENOSPC.

The kernel asks before each such call (a system call filter with a listener), and a
process beside the program answers, so what is tested is the program as it is.
"""

import ctypes
import errno
import fcntl
import os
import platform
import signal
import struct
import subprocess
import sys
from pathlib import Path

from tests.support.failing_disk import CannotFail

_CALLS = {"x86_64": (74, 75, 18, 317), "aarch64": (82, 83, 68, 277)}
"""Numbers of fsync, fdatasync, pwrite64 and seccomp."""
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_SET_MODE_FILTER, _NEW_LISTENER = 1, 8
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ASK = 0x7FFF0000, 0x7FC00000
_RECEIVE, _SEND, _CONTINUE = 0xC0502100, 0xC0182101, 1
_ASKED = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=QqiI")

NEEDS = (
    "it takes seccomp's user notification, which is in Linux 5.5 and newer on x86_64 and aarch64;"
    " where a container forbids it, run the tests outside, or with"
    " `docker run --security-opt seccomp=unconfined`"
)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def calls() -> tuple[int, int, int, int]:
    """Return the numbers of the calls on this machine; raise `CannotFail` where there are none."""
    found = _CALLS.get(platform.machine())
    if found is None or os.uname().sysname != "Linux":
        raise CannotFail(f"no system call numbers for {platform.machine()}")
    return found


def ask_before_calls() -> int:
    """Let this process, and what it becomes, be asked for; return where the questions come."""
    fsync, fdatasync, pwrite, seccomp = calls()
    steps = [
        (_LOAD, 0, 0, 0),
        (_JUMP_IF_EQUAL, 3, 0, fsync),
        (_JUMP_IF_EQUAL, 2, 0, fdatasync),
        (_JUMP_IF_EQUAL, 1, 0, pwrite),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ASK),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        listener: int = libc.syscall(
            seccomp, _SET_MODE_FILTER, _NEW_LISTENER, ctypes.byref(program)
        )
        if listener >= 0:
            return listener
    raise CannotFail(os.strerror(ctypes.get_errno()))


def answer(listener: int, switch: Path) -> None:
    """Answer for the disk until nobody asks any more."""
    while True:
        question = bytearray(_ASKED.size)
        try:
            fcntl.ioctl(listener, _RECEIVE, question, True)
            key, pid, _, number, _, _, *arguments = _ASKED.unpack(question)
            problem = _problem(switch, pid, number, arguments)
            flags = 0 if problem else _CONTINUE
            fcntl.ioctl(listener, _SEND, bytearray(_ANSWER.pack(key, 0, -problem, flags)), True)
        except OSError as reason:
            if reason.errno != errno.ENOENT:  # who asked was killed meanwhile
                raise


def _problem(switch: Path, pid: int, number: int, arguments: list[int]) -> int:
    """Return the error of a call; 0 where it is to be done."""
    try:
        kind, *names = switch.read_text(encoding="ascii").split()
        opened = Path(f"/proc/{pid}/fd/{arguments[0]}")
        file = str(opened.readlink())
    except (OSError, ValueError):
        return 0
    if names and not any(name in file for name in names):
        return 0
    is_write = number == calls()[2]
    if kind == "fsync":
        return 0 if is_write else errno.EIO
    end = arguments[3] + arguments[2]
    is_growing = is_write and end > opened.stat().st_size
    return errno.ENOSPC if is_growing else 0


def spoil(switch: Path, kind: str, *names: str) -> None:
    """Let the disk fail from now on; a reader never sees half a line."""
    partial = switch.with_suffix(".partial")
    partial.write_text(" ".join((kind, *names)), encoding="ascii")
    partial.replace(switch)


def mend(switch: Path) -> None:
    """Let the disk be well again."""
    switch.unlink(missing_ok=True)


def skip_unless_possible() -> None:
    """Skip a test where this system lets nobody answer for a disk; say why, and what it takes."""
    import pytest  # not for the programs that run on such a disk

    probe = f"from {__name__} import ask_before_calls; ask_before_calls()"
    tried = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        said = (tried.stderr.strip().splitlines() or ["no word"])[-1]
        pytest.skip(f"nobody may answer for a disk here ({said}): {NEEDS}")


def main() -> None:
    """Become the program, and answer for its disk in a process beside it."""
    switch, module, *arguments = sys.argv[1:]
    listener = ask_before_calls()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        answer(listener, Path(switch))
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


if __name__ == "__main__":
    main()
