"""Parcels: shoppers who have things sent, associates who ship, labels, carriers that are away."""

from random import Random

from central_server.services.errors import ShippingNotOffered
from store_client.flows.ship.practice import Habits, work_next
from sync.domain.errors import InsufficientStock
from sync.domain.flows.ship import shipment_of
from tests.simulation.central import Decision, position_of
from tests.simulation.events import asking
from tests.simulation.model import ArrivedLabel
from tests.simulation.registry import EventKind
from tests.simulation.template import SKUS
from tests.simulation.world import World
from tests.support.parcels import HOME, NOWHERE, parcel_order

STEPS = (2, 4, 6)
HABITS = Habits(shelf_is_empty=0.06, order_rejected=0.05, label_torn=0.2)


def place(world: World, index: int, dice: Random) -> str:
    """A shopper has something sent, perhaps to where nobody lives; a lost answer is asked again."""
    world.keys += 1
    key = f"parcel-{world.keys}"
    lines = [(sku, dice.choice((1, 1, 2, 3))) for sku in dice.sample(SKUS, dice.choice((1, 2)))]
    method = dice.choice(("standard", "standard", "express"))
    to = NOWHERE if dice.random() < 0.1 else HOME
    email = "jo@example.com" if dice.random() < 0.5 else ""
    new = parcel_order(*lines, method=method, to=to, email=email)
    placing, problem = asking.order(world, key, new, (InsufficientStock, ShippingNotOffered))
    return problem if placing is None else f"placed {placing.fulfillment_id[-4:]} by {method}"


def ship(world: World, index: int, dice: Random) -> str:
    """An associate does the next steps of the parcels, by the commands of the terminal."""
    store = world.stores[index]
    done = []
    for _ in range(dice.choice(STEPS)):
        step, problem = store.guarded(lambda: work_next(store.desk(), dice, HABITS))
        world.remember(store)
        done.append(step or problem or "nothing to ship")
        if step is None:
            break
    return "; ".join(done)


def labels(world: World, index: int, dice: Random) -> str:
    """Central buys labels, unless the carrier is away; it may go down over it."""
    waiting = _numbers(world)
    carriers = world.central.parts.labels._carriers
    carriers.is_away = dice.random() < 0.2  # type: ignore[attr-defined]
    bought, problem = world.at_central(lambda _: world.central.parts.labels.run())
    _note_arrived(world, waiting)
    return problem or f"{bought} labels settled"


Boxes = dict[tuple[str, int], tuple[str, str, bool]]


def _numbers(world: World) -> Boxes:
    """Return (number, problem, whether one is asked for) of each box that stands somewhere."""
    found: Boxes = {}
    with world.central.database.read() as view:
        for store in world.stores:
            for stored in view.fulfillments.all_at(store.location_id):
                for box in shipment_of(stored.row.order).boxes:
                    asked = box.requested_at_ms is not None
                    found[stored.row.order.id, box.number] = (box.tracking, box.problem, asked)
    return found


def _note_arrived(world: World, before: Boxes) -> None:
    """Remember what central did to boxes by itself, and between which operations."""
    for (key, box), (number, problem, asked) in _numbers(world).items():
        if asked or not before.get((key, box), ("", "", False))[2]:
            continue
        with world.central.database.read() as view:
            stored = view.fulfillments.get(key)
            assert stored is not None
            place = stored.row.order.location_id
            position = position_of(view, place)
        arrived = ArrivedLabel(key, box, number, problem)
        decision = Decision(position, arrived, 0, "carrier")
        world.central.decided.setdefault(key, []).append(decision)


KINDS = (
    EventKind("place_parcel", place, 5),
    EventKind("ship", ship, 11),
    EventKind("labels", labels, 2, at_central=True),
)
