"""The two kinds of parts that a simulation is put together from: events and oracles.

An event kind is what may happen; an oracle is what must hold. Both are small
values in tuples (`events.ALL`, `oracles.ALL`), so that a feature brings its own
in one file and one line.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.simulation.world import World


class Event(NamedTuple):
    """One thing that happens. A list of these is all that a run consists of.

    `dice` seeds every choice that is made while it happens, so that leaving out
    one event changes the others as little as possible.
    """

    kind: str
    store: int
    dice: int
    after_ms: int


Act = Callable[["World", int, Random], str]
"""(world, index of the store, dice) -> what happened, for the story."""


@dataclass(frozen=True)
class EventKind:
    """Something that may happen, and how often among other things."""

    name: str
    act: Act
    weight: float
    is_fault: bool = False
    """Faults are drawn per seed: never, rarely (a third of the weight), often."""
    at_central: bool = False
    """Whether it is the same whatever store is drawn."""


class When(StrEnum):
    """When an oracle is asked."""

    STEP = "step"
    """After each event: it must be cheap."""
    QUIET = "quiet"
    """When faults have stopped and everything has been said."""


Check = Callable[["World"], Iterable[str]]
"""Returns what is wrong, in words; nothing, if all is well."""


@dataclass(frozen=True)
class Oracle:
    """Something that must hold."""

    name: str
    when: When
    check: Check


class Violation(Exception):
    """An oracle does not hold."""

    def __init__(self, oracle: str, problems: list[str]) -> None:
        self.oracle = oracle
        self.problems = problems
        super().__init__(f"{oracle}: {'; '.join(problems[:5])}")
