"""Curbside: shoppers who stay in their cars, arrivals told by phone or typed at the store."""

from random import Random

from central_server.services.errors import CurbsideNotOffered
from central_server.services.order_capture import Customer, NewLine, NewOrder
from store_client.flows.curbside.practice import work_next
from store_client.services.fetching_practice import Habits
from sync.domain.errors import InsufficientStock
from sync.domain.flows.curbside import NAME
from sync.domain.orders import Channel
from tests.simulation.events import asking
from tests.simulation.registry import EventKind
from tests.simulation.template import SKUS
from tests.simulation.world import World

STEPS = (2, 4, 6)
HABITS = Habits(shelf_is_empty=0.05, order_rejected=0.03, changed_mind=0.08)


def place(world: World, index: int, dice: Random) -> str:
    """A shopper orders, to have it brought out; a lost answer is asked for again."""
    world.keys += 1
    key = f"curbside-{world.keys}"
    lines = tuple(NewLine(sku, 1) for sku in dice.sample(SKUS, dice.choice((1, 2))))
    at = world.stores[index].location_id
    email = "jo@example.com" if dice.random() < 0.5 else ""
    new = NewOrder(at, Channel.WEB, "USD", Customer("Jo", email), lines, curbside=True)
    placing, problem = asking.order(world, key, new, (InsufficientStock, CurbsideNotOffered))
    return (
        problem if placing is None else f"placed {placing.fulfillment_id[-4:]}, to be brought out"
    )


def arrive(world: World, index: int, dice: Random) -> str:
    """A shopper says from the car where they stand, perhaps twice, perhaps too late."""
    with world.central.database.read() as view:
        waiting = [
            one.row.order.order_id
            for store in world.stores
            for one in view.fulfillments.all_at(store.location_id)
            if one.row.order.flow == NAME
        ]
    if not waiting:
        return "nobody is on the way"
    order_id, spot = dice.choice(waiting), dice.choice(("P1", "P2"))
    _, problem = world.at_central(lambda central: central.arrivals.arrived(order_id, spot, ""))
    return problem or f"{order_id[-4:]} waits at {spot}"


def bring_out(world: World, index: int, dice: Random) -> str:
    """An associate does the next steps of these orders; customers drive up and away."""
    store = world.stores[index]
    done = []
    for _ in range(dice.choice(STEPS)):
        step, problem = store.guarded(lambda: work_next(store.desk(), dice, HABITS))
        world.remember(store)
        done.append(step or problem or "nothing to bring out")
        if step is None:
            break
    return "; ".join(done)


KINDS = (
    EventKind("place_curbside", place, 3),
    EventKind("arrive", arrive, 2, at_central=True),
    EventKind("bring_out", bring_out, 7),
)
