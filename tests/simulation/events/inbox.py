"""What people do about what went wrong."""

from random import Random

from sync.domain.errors import OperationRefused
from tests.simulation.registry import EventKind
from tests.simulation.world import World


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


KINDS = (EventKind("say_done", say_done, 3.0),)
