"""What clocks do. Nothing that is decided may depend on it."""

from random import Random

from tests.simulation.clocks import DAY_MS, HOUR_MS, RATE_ERROR_MAX, YEAR_MS, MachineClock
from tests.simulation.registry import EventKind
from tests.simulation.world import JUMPED, World

JUMPS_MS = (-YEAR_MS * 30, -YEAR_MS, -DAY_MS, -HOUR_MS, -1000, 1000, HOUR_MS, DAY_MS, YEAR_MS,
            YEAR_MS * 73)  # fmt: skip


def store_clock_is_set(world: World, index: int, dice: Random) -> str:
    """Somebody sets a store's clock: a second off, or decades."""
    return _jump(world.stores[index].clock, dice)


def central_clock_is_set(world: World, index: int, dice: Random) -> str:
    """Central's clock jumps, some moment after the job that moves promises has looked at it."""
    _, problem = world.at_central(lambda _: world.central.parts.promises.run())
    said = problem or _jump(world.central.clock, dice)
    world.notes[JUMPED] = world.central.clock.now_ms()
    return said


def clock_drifts(world: World, index: int, dice: Random) -> str:
    """A clock runs too fast or too slow, by one percent at most."""
    worst = dice.choice((-RATE_ERROR_MAX, RATE_ERROR_MAX))
    rate = 1 + dice.choice((worst, dice.uniform(-RATE_ERROR_MAX, RATE_ERROR_MAX)))
    clock = world.central.clock if dice.random() < 0.3 else world.stores[index].clock
    clock.set_rate(rate)
    return f"at {rate:.4f}"


def time_passes(world: World, index: int, dice: Random) -> str:
    """Hours or days pass in which nobody does anything."""
    passed = dice.choice((2 * HOUR_MS, 12 * HOUR_MS, DAY_MS, 3 * DAY_MS))
    world.let_pass(passed)
    return f"{passed // HOUR_MS} h"


def weeks_pass(world: World, index: int, dice: Random) -> str:
    """So long that the journal may forget."""
    world.let_pass(46 * DAY_MS)
    return "46 days"


def _jump(clock: MachineClock, dice: Random) -> str:
    by = dice.choice(JUMPS_MS)
    clock.set_to(clock.now_ms() + by)
    return f"by {by / 1000:.0f} s"


KINDS = (
    EventKind("store_clock_is_set", store_clock_is_set, 2, is_fault=True),
    EventKind("central_clock_is_set", central_clock_is_set, 1, is_fault=True, at_central=True),
    EventKind("clock_drifts", clock_drifts, 1, is_fault=True),
    EventKind("time_passes", time_passes, 2),
    EventKind("weeks_pass", weeks_pass, 0.3),
)
