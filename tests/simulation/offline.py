"""Thirty days without a network: tens of thousands of operations, then everything is one again.

Meanwhile central goes on: customers cancel, the catalogue is replaced, sessions
end, and the feed forgets the tombstones that the store has not seen.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from central_server.records import Product
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import AlreadyHandedOver
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import Customer, NewLine, NewOrder
from store_client.flows.pickup.practice import Habits, work_next
from sync.domain.orders import Channel
from sync.protocol.rows import store_scope
from tests.simulation import oracles
from tests.simulation.clocks import DAY_MS
from tests.simulation.events import BY_NAME
from tests.simulation.events.orders import note_cancelled
from tests.simulation.registry import Violation
from tests.simulation.settling import settle
from tests.simulation.template import SKUS
from tests.simulation.world import World

DAYS = 30
OPERATIONS_PER_ORDER = 6
CANCELLED_SHARE = 0.02
PLENTY = 1_000_000
OTHER_WORK = ("sale", "sale", "sale", "at_the_counter", "drawer_work", "follow_up")
"""What people do between two pickups, and for `OTHER_SHARE` of the time."""
OTHER_SHARE = 0.3
SEARCHING = ("ship", "sell_reservations", "bring_out", "extend", "anything_legal", "say_done",
             "card_settles", "holds_end_here")  # fmt: skip
"""What the simulation looks through all orders for: each a few times a day, all month."""
SEARCHES = 2
PARCELS = 60
HABITS = Habits(shelf_is_empty=0.01, order_rejected=0.005, customer_comes=1.0, changed_mind=0.01)


@dataclass
class Figures:
    """What the scenario measured."""

    operations: int = 0
    cancelled: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """Operations by kind."""
    seconds: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Yield the figures as lines."""
        kinds = f"of {len(self.kinds)} kinds"
        yield f"{self.operations:,} operations {kinds} in {DAYS} days offline"
        yield ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.kinds.items()))
        yield f"{self.cancelled} orders cancelled meanwhile"
        for name, seconds in self.seconds.items():
            yield f"{name}: {seconds:.1f} s, {self.operations / seconds:,.0f} operations/s"


def main(operations: int) -> int:
    """Play the scenario and print what came of it."""
    figures = play(operations)
    print("\n".join(figures.lines()))
    print("\n".join(figures.problems) or "ALL ORACLES HELD")
    return 1 if figures.problems else 0


def play(operations: int) -> Figures:
    """Let one of two stores work offline for a month; check everything after contact."""
    figures, random, world = Figures(), Random(30), World(2, shared=True)
    try:
        _prepare(world, operations // OPERATIONS_PER_ORDER)
        world.stores[0].endpoint.cut()
        began = time.perf_counter()
        _a_month(world, operations, random, figures)
        figures.seconds["Working (store and central)"] = time.perf_counter() - began
        _forget_tombstones(world)
        began = time.perf_counter()
        settle(world)
        figures.seconds["Catching up"] = time.perf_counter() - began
        figures.operations = world.stores[0].history.counts.total()
        figures.kinds = world.tally.kinds
        for oracle in oracles.ALL:
            figures.problems += [f"{oracle.name}: {one}" for one in oracle.check(world)]
    except Violation as violation:
        figures.problems.append(str(violation))
    finally:
        world.close()
    return figures


def _prepare(world: World, orders: int) -> None:
    central, at = world.central.parts.central, world.stores[0].location_id
    everything = [StockItem(at, sku, PLENTY) for sku in SKUS]
    world.central.parts.intake.stock(everything, "delivery")
    settle(world)  # the store grants what it has now
    for number in range(orders):
        lines = (NewLine(SKUS[number % 4], 1), NewLine(SKUS[(number + 1) % 4], 1 + number % 2))
        new = NewOrder(at, Channel.WEB, "USD", Customer("Jo"), lines)
        world.keys += 1
        key = f"order-{number}"
        world.note_placed(key, central.orders.place(new, RequestIdentity("shop", key, "body")))
    dice = Random(31)
    for _ in range(min(PARCELS, orders)):
        BY_NAME["place_parcel"].act(world, 0, dice)
    settle(world)


def _a_month(world: World, operations: int, random: Random, figures: Figures) -> None:
    store, waiting = world.stores[0], list(world.placed)
    random.shuffle(waiting)
    for day in range(DAYS):
        world.time.advance(DAY_MS)
        target = operations * (day + 1) // DAYS
        for name in SEARCHING * SEARCHES:
            BY_NAME[name].act(world, 0, random)
        while store.store.journal.head().seq < target:
            if random.random() < OTHER_SHARE:
                BY_NAME[random.choice(OTHER_WORK)].act(world, 0, random)
            elif work_next(store.desk(), random, HABITS) is None:
                break
        store.daemon.run_once()
        _central_goes_on(world, day, waiting, figures)
    world.remember(store)


def _central_goes_on(world: World, day: int, waiting: list, figures: Figures) -> None:
    central = world.central.parts
    for placing in [waiting.pop() for _ in range(int(CANCELLED_SHARE * len(waiting) / DAYS) + 1)
                    if waiting]:  # fmt: skip
        try:
            central.central.cancelling.cancel(placing.order_id, reason="", actor="shopper")
        except AlreadyHandedOver:
            continue
        note_cancelled(world, placing.order_id)
        figures.cancelled += 1
    central.intake.products([Product(sku, f"Thing of day {day}") for sku in SKUS])
    world.stores[1].round()


def _forget_tombstones(world: World) -> None:
    """Raise the floor of the store's scope to its head: its cursor is of no use any more."""
    scope = store_scope(world.stores[0].location_id)

    def forget(unit) -> None:
        unit.feed.drop_tombstones(scope, unit.feed.scope(scope).rev)

    world.central.database.write(forget)
