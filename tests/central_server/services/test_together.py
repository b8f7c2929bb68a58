"""Shoppers, cancellations and three stores at once: the books balance and nothing is lost."""

import contextlib
import threading
from dataclasses import dataclass, field
from random import Random

import pytest

from central_server.services.errors import AlreadyHandedOver
from sync.domain import operations as op
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from tests.support.central_world import PLACES, World, whole_pickup

ROUNDS = 12
PATIENCE_S = 60


@dataclass
class Crowd:
    """Everybody who works on one central, and what came of it."""

    placed: list[str] = field(default_factory=list)
    problems: list[BaseException] = field(default_factory=list)

    def shop(self, world: World, seed: int) -> None:
        """Place orders at random stores and cancel some of them."""
        random = Random(seed)
        for number in range(ROUNDS):
            at, key = random.choice(PLACES)[0], f"shop-{seed}-{number}"
            try:
                order_id = world.place(("SKU-1", 1), ("SKU-2", 1), at=at, key=key).order_id
            except InsufficientStock:
                continue
            self.placed.append(order_id)
            if random.random() < 0.3:
                with contextlib.suppress(AlreadyHandedOver):
                    world.parts.central.cancelling.cancel(order_id, reason="", actor="web")

    def work(self, world: World, location_id: str, seed: int) -> None:
        """Work off a store's queue; reject some of it, so that it is sourced anew."""
        random = Random(seed)
        store = world.device(location_id)
        seen: set[str] = set()
        for _ in range(ROUNDS):
            with world.database.read() as view:
                todo = [one.row.order for one in view.fulfillments.open_at(location_id)]
            first = len(store.lines) + 1
            for order in todo:
                if order.id in seen:
                    continue
                seen.add(order.id)
                if random.random() < 0.4:
                    store.do(op.FulfillmentRejected(order.id, ShortReason.STORE_BUSY))
                else:
                    store.do(*whole_pickup(order))
            assert store.push(first).acked_seq == len(store.lines)

    def start(self, work, *arguments) -> threading.Thread:
        def guarded() -> None:
            try:
                work(*arguments)
            except BaseException as problem:  # noqa: BLE001 - the test shows it
                self.problems.append(problem)

        thread = threading.Thread(target=guarded)
        thread.start()
        return thread


def accounted(order: dict, line: dict) -> int:
    """Return how many units of a line are carried somewhere, unsourced or dropped."""
    parts = [
        part
        for one in order["fulfillments"]
        for part in one["lines"]
        if part["line"] == line["line"]
    ]
    given_up = sum(part["cancelled"] + part["refused"] + part["expired"] for part in parts)
    dropped = line["cancelled"] - given_up
    return sum(part["allocated"] - part["short"] for part in parts) + line["unsourced"] + dropped


@pytest.mark.slow
def test_everybody_at_once(workers):
    """Orders, cancels and pushes that source anew meet on the same rows, at one or two workers."""
    crowd, world = Crowd(), workers.first
    threads = [crowd.start(crowd.shop, workers.at(seed), seed) for seed in (1, 2)]
    threads += [
        crowd.start(crowd.work, workers.at(seed), one[0], seed)
        for seed, one in enumerate(PLACES, 10)
    ]
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not crowd.problems
    world.check_books()
    for order_id in crowd.placed:
        order = world.order(order_id)
        for line in order["lines"]:
            assert accounted(order, line) == line["ordered"], order
