"""Failed PINs and codes are counted durably, by however many terminals."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from store_client.replica.models import Lockout
from store_client.replica.store import LOCKED_MS, TRIES
from tests.support.builders import NOON_MS, ManualClock, enrolled_store

TERMINALS = 4


def test_terminals_that_fail_at_once_are_all_counted(tmp_path: Path):
    """No try is lost between two terminals, so nobody gains tries by using several."""
    stores = [enrolled_store(tmp_path, ManualClock()) for _ in range(TERMINALS)]
    with ThreadPoolExecutor(TERMINALS) as pool:
        for _ in range(5):
            list(pool.map(lambda store: store.record_failure("A1", NOON_MS), stores))
    assert stores[0].lockout("A1") == Lockout(5 * TERMINALS, NOON_MS + LOCKED_MS)
    for store in stores:
        store.close()


def test_the_fifth_try_locks_and_a_right_one_forgets(tmp_path: Path):
    """Before the fifth wrong try nothing is locked; a right one starts the count again."""
    store = enrolled_store(tmp_path, ManualClock())
    tries = [store.record_failure("A1", NOON_MS) for _ in range(TRIES)]
    assert [one.locked(NOON_MS) for one in tries] == [False] * (TRIES - 1) + [True]
    store.clear_failures("A1")
    assert store.lockout("A1") == Lockout(0, 0)
    store.close()
