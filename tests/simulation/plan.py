"""What will happen in a run, as an explicit list drawn from a seed.

Swarm: each seed draws anew which faults exist in its world at all, and how
often. A fixed mix of everything finds less, because faults hide each other.
"""

from dataclasses import dataclass
from random import Random

from tests.simulation.clocks import HOUR_MS
from tests.simulation.events import ALL
from tests.simulation.registry import Event, EventKind

EVENTS = ((20, 60), (60, 120), (60, 120), (120, 300))
"""How long runs are: the same time finds more in many short worlds than in a few long ones."""
FAULT_SHARES = (0.0, 0.0, 0.35, 1.5)
"""A fault is absent, rare or frequent."""
WORK_SHARES = (0.5, 1.0, 2.0)
SHARED_SHARE = 0.7
"""Of worlds whose stores share by escrow."""
EVIDENCE_SHARE = 0.5
"""Of worlds whose stores keep a second copy of what they do on another disk."""
QUIET_SHARE = 0.004
"""How often everything is mended and checked in the middle of a run."""
STEP_MS_MAX = 90_000
LONG_STEP_SHARE = 0.04


@dataclass(frozen=True)
class Plan:
    """A world and what happens in it."""

    seed: int
    stores: int
    shared: bool
    """Whether stock is shared by escrow."""
    events: tuple[Event, ...]
    evidence: bool = False
    """Whether stores keep a second copy of what they do."""


def plan_of(seed: int, kinds: tuple[EventKind, ...] = ALL) -> Plan:
    """Return the plan that `seed` stands for."""
    random = Random(seed)
    stores = random.choice((2, 2, 3, 4))
    shared = random.random() < SHARED_SHARE
    weights = [kind.weight * _share(kind, random) for kind in kinds]
    count = random.randint(*random.choice(EVENTS))
    events = [_event(random, kind.name, stores) for kind in random.choices(kinds, weights, k=count)]
    evidence = random.random() < EVIDENCE_SHARE
    return Plan(seed, stores, shared, tuple(events), evidence)


def _share(kind: EventKind, random: Random) -> float:
    return random.choice(FAULT_SHARES if kind.is_fault else WORK_SHARES)


def _event(random: Random, name: str, stores: int) -> Event:
    if random.random() < QUIET_SHARE:
        name = "quiet"
    after = random.randint(1, STEP_MS_MAX)
    if random.random() < LONG_STEP_SHARE:
        after = random.randint(HOUR_MS // 4, 6 * HOUR_MS)
    return Event(name, random.randrange(stores), random.getrandbits(48), after)
