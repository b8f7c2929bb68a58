"""What people do about what went wrong."""

from dataclasses import replace
from random import Random

from sync.domain.errors import OperationRefused
from sync.domain.exceptions import HOUR_MS, ExceptionAssigned, FollowUpOpened
from tests.simulation.registry import EventKind
from tests.simulation.world import World

DAY_MS = 24 * HOUR_MS


def say_done(world: World, index: int, dice: Random) -> str:
    """Somebody at the store says that one of its exceptions is done, be it or not."""
    store = world.stores[index]
    items = store.store.exceptions()
    if not items:
        return "nothing waits"
    item = dice.choice(items)
    try:
        _, problem = store.guarded(
            lambda: store.store.resolve_exception(item.id, "Done.", by="A1", dev="till-1")
        )
    except OperationRefused as refusal:
        return f"{item.kind}: refused: {refusal}"
    world.remember(store)
    return f"{item.kind}: done{f', {problem}' if problem else ''}"


def follow_up(world: World, index: int, dice: Random) -> str:
    """Somebody at the store writes down what is to be done, or gives a task to somebody."""
    store = world.stores[index]
    items = store.store.exceptions()
    key = f"{dice.getrandbits(64):x}"
    task: FollowUpOpened | ExceptionAssigned = FollowUpOpened(
        key, "Call them back.", store.clock.now_ms() + DAY_MS, dice.choice(("", "lead"))
    )
    orders = store.orders()
    if items and dice.random() < 0.5:
        task = ExceptionAssigned(dice.choice(items).id, dice.choice(("", "Ann", "manager")))
    elif orders and isinstance(task, FollowUpOpened):
        order = dice.choice(orders)
        task = replace(task, about=order.id, order_number=order.order_number)
    try:
        _, problem = store.guarded(lambda: store.store.record_task(task, by="A1", dev="till-1"))
    except OperationRefused as refusal:
        return f"{task.kind}: refused: {refusal}"
    world.remember(store)
    return f"{task.kind}{f', {problem}' if problem else ''}"


KINDS = (EventKind("say_done", say_done, 3.0), EventKind("follow_up", follow_up, 0.7))
