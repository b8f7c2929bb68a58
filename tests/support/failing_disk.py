"""Disks that fail for one process: every fsync, or every write past a size.

The kernel itself says no (a system call filter, a resource limit), so what is
tested is the engine that a store runs, not a stand-in for its file layer.
"""

import ctypes
import os
import platform
import resource
import struct

_FSYNC_CALLS = {"x86_64": (74, 75), "aarch64": (82, 83)}
"""Numbers of fsync and fdatasync."""
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EIO = 5


class CannotFail(Exception):
    """This system does not let a process forbid itself system calls."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def fail_every_fsync() -> None:
    """From now on fsync and fdatasync of this thread fail with EIO. There is no way back."""
    numbers = _FSYNC_CALLS.get(platform.machine())
    if numbers is None or os.uname().sysname != "Linux":
        raise CannotFail(f"no system call numbers for {platform.machine()}")
    steps = [
        (_LOAD, 0, 0, 0),
        (_JUMP_IF_EQUAL, 2, 0, numbers[0]),
        (_JUMP_IF_EQUAL, 1, 0, numbers[1]),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | _EIO),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0
    ):
        raise CannotFail(os.strerror(ctypes.get_errno()))


def limit_files_to(size: int) -> None:
    """From now on no file of this process grows past `size` bytes; -1 takes the limit away."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if size < 0 else size, hard))
