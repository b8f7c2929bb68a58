"""The system's randomness, fetched a block at a time.

Each call of the system hands the interpreter to another thread and waits until that
one gives it back: for a request that draws ten times, longer than all its other work.
"""

import os
import threading
from random import SystemRandom

BLOCK_BYTES = 4096
_FLOAT_BITS = 53
_FLOAT_BYTES = 7


class BlockRandom(SystemRandom):
    """As good as `SystemRandom`, and safe for threads. No byte is given out twice.

    A forked process draws a block of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._block = b""
        self._at = 0
        self._process = 0

    def getrandbits(self, k: int) -> int:
        """Return an integer of `k` random bits."""
        count = (k + 7) // 8
        return int.from_bytes(self.randbytes(count)) >> (count * 8 - k)

    def random(self) -> float:
        """Return a number in [0, 1) of 53 random bits."""
        bits = int.from_bytes(self.randbytes(_FLOAT_BYTES)) >> (_FLOAT_BYTES * 8 - _FLOAT_BITS)
        return bits / (1 << _FLOAT_BITS)

    def randbytes(self, n: int) -> bytes:
        """Return `n` random bytes."""
        if n > BLOCK_BYTES:
            return os.urandom(n)
        with self._lock:
            if self._at + n > len(self._block) or self._process != os.getpid():
                self._block, self._at, self._process = os.urandom(BLOCK_BYTES), 0, os.getpid()
            taken = self._block[self._at : self._at + n]
            self._at += n
        return taken
