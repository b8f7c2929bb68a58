"""What the point of sale does beside all of it, and central's job that moves lapsed promises."""

from random import Random

from store_client.replica.models import Sale
from sync.domain.stock_operations import SkuUnits
from tests.simulation.registry import EventKind
from tests.simulation.template import SKUS
from tests.simulation.world import World

LOOKED_AFTER = "promises were looked after"
"""Of a world's notes: at which of central's times."""

LAST_SALE = "the last sale"


def sale(world: World, index: int, dice: Random) -> str:
    """A walk-in customer buys something, or brings it back; a cashier is never refused."""
    store = world.stores[index]
    number = f"T{dice.getrandbits(40):x}"
    if LAST_SALE in world.notes and dice.random() < 0.1:
        number = str(world.notes[LAST_SALE])
    world.notes[LAST_SALE] = number
    skus = dice.sample(SKUS, dice.choice((1, 1, 2)))
    lines = tuple(SkuUnits(sku, dice.choice((1, 1, 2, -1))) for sku in skus)
    orders = store.orders() if dice.random() < 0.2 else []
    breaks = dice.choice(orders).id if orders else ""
    made, problem = store.guarded(
        lambda: store.store.sell(Sale(number, lines), by="A1", dev="POS", breaks=breaks)
    )
    world.remember(store)
    if made is None:
        return problem or f"{number} is known already"
    shown = ", ".join(f"{one.units} of {one.sku}" for one in lines)
    over = sum(one.units for one in made.over)
    return f"{number}: {shown}{f', {over} over the floor' if over else ''}"


def promises_lapse(world: World, index: int, dice: Random) -> str:
    """Central moves promises elsewhere that no store has confirmed in time."""
    moved, problem = world.at_central(lambda _: world.central.parts.promises.run())
    if not problem:
        world.notes[LOOKED_AFTER] = world.central.clock.now_ms()
    return problem or f"{moved} promises moved"


KINDS = (
    EventKind("sale", sale, 9),
    EventKind("promises_lapse", promises_lapse, 2, at_central=True),
)
