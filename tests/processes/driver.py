"""An associate in a process of its own: one line of output for each operation that is durable.

    python -m tests.processes.driver --data-dir DIR --seed 1

It works the pickup queue off through the same commands as the screens and ends
when nothing is left to do. It may be killed at any moment: what it has said is
what it would have shown to a person.
"""

import argparse
import json
import os
from pathlib import Path
from random import Random
from typing import Any, cast

from store_client.bootstrap import open_store
from store_client.config import StoreSettings
from store_client.flows.pickup.practice import Habits, work_next
from store_client.replica.store import Store
from store_client.services.desk import Actor, Desk
from sync.domain.people import Role
from tests.support.builders import LEADER

STDOUT = 1
HABITS = Habits(customer_comes=0.9)
IDLE_MAX = 5
"""Looks at the queue that find nothing to do, before it counts as worked off."""


class TellingStore:
    """A store that acknowledges: a line goes out when an operation is on the disk."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def perform(self, operation: Any, **told: Any) -> Any:
        order = self._store.perform(operation, **told)
        head = self._store.journal.head()
        tell({"seq": head.seq, "hash": head.hash.hex(), "kind": operation.kind})
        return order


def tell(document: dict[str, object]) -> None:
    """Write one line in one call: it is out as a whole or not at all."""
    os.write(STDOUT, (json.dumps(document) + "\n").encode())


def work(store: Store, seed: int) -> None:
    """Work the queue off."""
    telling = cast("Any", TellingStore(store))
    desk = Desk(telling, store.clock, Actor(LEADER, "Robin Alder", Role.LEAD), "till-1")
    random = Random(seed)
    idle = 0
    while idle < IDLE_MAX:
        idle = 0 if work_next(desk, random, HABITS) is not None else idle + 1
    tell({"done": True})


def main() -> None:
    """Run the driver."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    store = open_store(StoreSettings(data_dir=options.data_dir))
    work(store, options.seed)
    store.close()


if __name__ == "__main__":
    main()
