"""Randomness in blocks is the system's: nothing twice, whatever asks."""

import os
from concurrent.futures import ThreadPoolExecutor

from central_server.adapters.randomness import BLOCK_BYTES, BlockRandom


def test_threads_never_get_the_same_bits():
    """Ids are unique because no two draws share a byte of a block."""
    random = BlockRandom()
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda _: random.getrandbits(80), range(4_000)))
    assert len(set(drawn)) == len(drawn)
    assert max(drawn).bit_length() in {79, 80}


def test_values_stay_in_their_range():
    """Any width of bits, any length of bytes, and numbers below one."""
    random = BlockRandom()
    assert all(random.getrandbits(k) < 1 << k for k in (1, 7, 8, 40, 53, 257))
    assert [len(random.randbytes(n)) for n in (0, 5, BLOCK_BYTES + 1)] == [0, 5, BLOCK_BYTES + 1]
    assert all(0 <= random.random() < 1 for _ in range(100))
    assert {random.choice("ab") for _ in range(64)} == {"a", "b"}


def test_a_forked_process_draws_its_own(monkeypatch):
    """What is left of a block belongs to the process that fetched it."""
    blocks = iter([b"\1" * BLOCK_BYTES, b"\2" * BLOCK_BYTES])
    monkeypatch.setattr(os, "urandom", lambda _: next(blocks))
    random = BlockRandom()
    assert random.randbytes(2) == b"\1\1"
    child = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: child)
    assert random.randbytes(2) == b"\2\2"
