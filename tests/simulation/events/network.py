"""What networks do: lose, double, delay, cut."""

from random import Random

from sync.protocol.session import OPS_PER_PUSH_MAX
from sync.transport.faulty import Faults
from tests.simulation.registry import EventKind
from tests.simulation.world import World

RATES = (0.0, 0.0, 0.1, 0.4)
FIELDS = ("drop", "lose_answer", "duplicate", "late_push", "late_call", "try_later",
          "short_page", "truncate_page", "corrupt_part")  # fmt: skip


def line_gets_bad(world: World, index: int, dice: Random) -> str:
    """A store's line gets faults, each of them never, rarely or often."""
    rates = {name: dice.choice(RATES) for name in FIELDS}
    rates["truncate_page"] = min(rates["truncate_page"], RATES[2])
    world.stores[index].endpoint.faults = Faults(**rates)
    shown = ", ".join(f"{name} {rate}" for name, rate in rates.items() if rate)
    return shown or "not bad at all"


def line_gets_good(world: World, index: int, dice: Random) -> str:
    """A store's line is as it should be; what was late may still arrive."""
    world.stores[index].endpoint.faults = Faults()
    return "no faults"


def cut(world: World, index: int, dice: Random) -> str:
    """Nothing gets through any more."""
    world.stores[index].endpoint.cut()
    return "cut"


def mend(world: World, index: int, dice: Random) -> str:
    """Everything gets through again."""
    world.stores[index].endpoint.restore()
    return "mended"


def answers_are_lost(world: World, index: int, dice: Random) -> str:
    """A cut in one direction: central hears everything, the store nothing."""
    world.stores[index].endpoint.faults = Faults(lose_answer=1.0)
    return "no answer comes back"


def late_arrives(world: World, index: int, dice: Random) -> str:
    """Requests that were given up long ago arrive now."""
    return f"{world.stores[index].endpoint.deliver_late()} late requests"


def pushes_shrink(world: World, index: int, dice: Random) -> str:
    """Central takes few operations at a time, or many again: a backlog needs several pushes."""
    store = world.stores[index]
    store.link.ops_max = dice.choice((1, 2, 5, OPS_PER_PUSH_MAX))
    store.local.end_session()
    return f"{store.link.ops_max} operations a push"


KINDS = (
    EventKind("line_gets_bad", line_gets_bad, 6, is_fault=True),
    EventKind("line_gets_good", line_gets_good, 3),
    EventKind("cut", cut, 3, is_fault=True),
    EventKind("mend", mend, 4),
    EventKind("pushes_shrink", pushes_shrink, 1),
    EventKind("answers_are_lost", answers_are_lost, 2, is_fault=True),
    EventKind("late_arrives", late_arrives, 2, is_fault=True),
)
