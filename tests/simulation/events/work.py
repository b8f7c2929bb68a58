"""What associates do, and the daemon beside them."""

from random import Random

from store_client.flows.pickup import commands
from store_client.flows.pickup.practice import Habits, work_next
from sync.domain.errors import DomainError, OperationRefused
from sync.domain.flows import FULFILLMENT_OPERATIONS, flow_named
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.operations import PromiseConfirmed
from sync.domain.reserve_operations import BEGINNINGS, CENTRALS_OWN
from sync.domain.transitions import decide
from tests.simulation.events.machines import STALE
from tests.simulation.registry import EventKind
from tests.simulation.settling import is_out
from tests.simulation.store import StoreMachine
from tests.simulation.world import World
from tests.support.builders import NOON_MS
from tests.sync.domain.samples import built

STEPS = (1, 2, 3, 5)
HABITS = Habits(shelf_is_empty=0.06, order_rejected=0.04, changed_mind=0.08, staged_by_mistake=0.1)


def by_the_book(world: World, index: int, dice: Random) -> str:
    """An associate does the next steps of the queue, by the commands of the terminal."""
    store = world.stores[index]
    done = []
    for _ in range(dice.choice(STEPS)):
        step, problem = store.guarded(lambda: work_next(store.desk(), dice, HABITS))
        world.remember(store)
        if step is None:
            done.append(problem or "nothing to do")
            break
        done.append(step)
    return "; ".join(done)


def anything_legal(world: World, index: int, dice: Random) -> str:
    """An associate does something that the rules allow, however odd."""
    store = world.stores[index]
    orders = store.orders()
    dice.shuffle(orders)
    for order in orders[:3]:
        operation = _legal(order, dice)
        if operation is not None:
            return _perform(world, store, operation)
    return "nothing is possible"


def anything(world: World, index: int, dice: Random) -> str:
    """An associate tries something that the rules mostly do not allow."""
    store = world.stores[index]
    orders = store.orders()
    if not orders:
        return "no orders"
    choices = list(built(dice.choice(_common()), dice.choice(orders)))
    if not choices:
        return "no such thing can be done to it"
    return _perform(world, store, dice.choice(choices))


def _common() -> list[type]:
    """Return the operations that associates do to orders that are there.

    The daemon's own are its rounds' business, central's own are its jobs'.
    """
    others = {PromiseConfirmed, *BEGINNINGS, *CENTRALS_OWN}
    return [kind for kind in FULFILLMENT_OPERATIONS if kind not in others]


def _legal(order: FulfillmentOrder, dice: Random) -> object | None:
    kinds = _common()
    dice.shuffle(kinds)
    for kind in kinds:
        choices = list(built(kind, order))
        dice.shuffle(choices)
        for operation in choices:
            try:
                decide(flow_named(order.flow), order, operation, NOON_MS)
            except DomainError:
                continue
            return operation
    return None


def _perform(world: World, store: StoreMachine, operation: object) -> str:
    try:
        _, problem = store.guarded(
            lambda: store.store.perform(operation, by="A1", dev="till-1")  # type: ignore[arg-type]
        )
    except OperationRefused as refusal:
        world.tally.refusals += 1
        return f"refused: {refusal}"
    finally:
        world.remember(store)
    kind, key = operation.kind, operation.fulfillment_id  # type: ignore[attr-defined]
    return f"{kind} on {key[-4:]}{f', {problem}' if problem else ''}"


def sync_round(world: World, index: int, dice: Random) -> str:
    """The daemon does a round."""
    store = world.stores[index]
    report, problem = store.round()
    world.remember(store)
    if report is None:
        return problem
    if not report.ok:
        return report.error
    if not is_out(world, store):
        world.notes.pop(STALE + store.location_id, None)  # who is shut out gets no rows
    return f"sent {report.sent}, {report.rows} rows{', a reset' if report.resets else ''}"


def extend(world: World, index: int, dice: Random) -> str:
    """A customer asks to come later: the one request among the operations."""
    store = world.stores[index]
    waiting = [order for order in store.orders() if order.expires_at_ms and order.total("open")]
    if not waiting:
        return "nobody waits"
    order, days = dice.choice(waiting), dice.choice((1, 3, 30))
    try:
        _, problem = store.guarded(lambda: commands.extend(store.desk(), order.id, days))
    except OperationRefused as refusal:
        world.tally.refusals += 1
        return f"refused: {refusal}"
    finally:
        world.remember(store)
    return problem or f"{order.id[-4:]} by {days} days"


def prune(world: World, index: int, dice: Random) -> str:
    """The daemon forgets what central has had for long."""
    if world.stores[index].is_asked_again:
        return "central was put back: first it is heard"
    removed, problem = world.stores[index].prune()
    return problem or f"{removed} operations forgotten"


KINDS = (
    EventKind("by_the_book", by_the_book, 26),
    EventKind("anything_legal", anything_legal, 14),
    EventKind("anything", anything, 5),
    EventKind("sync_round", sync_round, 15),
    EventKind("extend", extend, 2),
    EventKind("prune", prune, 1),
)
