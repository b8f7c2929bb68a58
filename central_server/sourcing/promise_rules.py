"""Rules of promising: what is kept back of stock, for whom, where, how long. Data, not code.

A rule says what it reaches (SKUs, places, channels, methods) and what it does there:

    safety_stock  keep units, a percentage, or weeks of supply; of these rules the FIRST that
                  reaches a position counts, instead of the safety stock that was imported
    holdback      keep units for something that was agreed before; all that reach it add up
    offer         say whether a place offers a SKU; the FIRST that reaches it counts; parcels only
                  where carriers come
    protect       only orders that chose the place itself may have its stock (a franchise)
    silence       of a store that shares no rights and is not heard, keep a percentage; also of
                  a location whose stock comes by files, when one is overdue (`stock_reports`);
                  of these rules the largest percentage counts

`safety_stock` and `holdback` may also be of the whole network (`Level.NETWORK`): kept
once of the sum over all places. A rule holds from `effective_from_ms` until (and
without) `effective_until_ms`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property


class RuleKind(StrEnum):
    """What a rule does."""

    SAFETY_STOCK = "safety_stock"
    HOLDBACK = "holdback"
    OFFER = "offer"
    PROTECT = "protect"
    SILENCE = "silence"


class Level(StrEnum):
    """Of what something is kept back: of each place that the rule reaches, or of their sum."""

    NODE = "node"
    NETWORK = "network"


class Method(StrEnum):
    """How the customer gets the goods."""

    PICKUP = "pickup"
    SHIP = "ship"


@dataclass(frozen=True, slots=True)
class Place:
    """What rules must know of a location."""

    id: str
    kind: str = "store"
    region: str = ""
    offers: frozenset[str] = frozenset({Method.PICKUP.value})
    """The methods that it offers where no rule says otherwise."""


@dataclass(frozen=True, slots=True)
class Asked:
    """For what something is asked: a SKU, for a channel, by a method, at a moment."""

    sku: str
    category: str
    channel: str
    method: str
    now_ms: int
    release_ms: int = 0
    """From when on the SKU may be sold, for who does not wait for it; 0: nothing is said."""

    @property
    def is_released(self) -> bool:
        """Return whether it may be sold."""
        return self.now_ms >= self.release_ms


@dataclass(frozen=True)
class PromiseRule:
    """One rule. Of what is empty, everything is reached."""

    id: str
    kind: RuleKind
    level: Level = Level.NODE
    skus: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    except_locations: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    location_kinds: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    units: int | None = None
    percent: int | None = None
    """Of what is on hand, rounded up."""
    weeks: float | None = None
    """Weeks of supply, by the weekly demand at the place."""
    offered: bool | None = None
    after_minutes: int | None = None
    """Of `silence`: how long the store was not heard, or its file is overdue."""
    effective_from_ms: int | None = None
    effective_until_ms: int | None = None
    note: str = ""

    def is_for(self, asked: Asked) -> bool:
        """Return whether the rule holds now for this SKU, channel and method."""
        return (
            (not self.skus or asked.sku in self._skus)
            and (not self.categories or asked.category in self.categories)
            and (not self.channels or asked.channel in self.channels)
            and (not self.methods or asked.method in self.methods)
            and (self.effective_from_ms is None or self.effective_from_ms <= asked.now_ms)
            and (self.effective_until_ms is None or asked.now_ms < self.effective_until_ms)
        )

    def is_at(self, place: Place) -> bool:
        """Return whether the rule reaches a place."""
        return (
            (not self.locations or place.id in self._locations)
            and place.id not in self._except_locations
            and (not self.regions or place.region in self.regions)
            and (not self.location_kinds or place.kind in self.location_kinds)
        )

    @cached_property
    def _skus(self) -> frozenset[str]:
        return frozenset(self.skus)

    @cached_property
    def _locations(self) -> frozenset[str]:
        return frozenset(self.locations)

    @cached_property
    def _except_locations(self) -> frozenset[str]:
        return frozenset(self.except_locations)


@dataclass(frozen=True, slots=True)
class Reach:
    """The rules that count at one place."""

    safety: PromiseRule | None = None
    holdbacks: tuple[PromiseRule, ...] = ()
    silences: tuple[PromiseRule, ...] = ()
    protect: PromiseRule | None = None
    offer: PromiseRule | None = None


@dataclass(frozen=True)
class Selection:
    """The rules that hold for one SKU, channel and method, in their order."""

    node: tuple[PromiseRule, ...] = ()
    network: tuple[PromiseRule, ...] = ()
    _reaches: dict[Place, Reach] = field(default_factory=dict, repr=False, compare=False)

    def at(self, place: Place) -> Reach:
        """Return the rules that count at a place; each place is looked at once."""
        known = self._reaches.get(place)
        if known is None:
            known = self._reaches[place] = Reach(
                first_of(self.node, RuleKind.SAFETY_STOCK, place),
                all_of(self.node, RuleKind.HOLDBACK, place),
                all_of(self.node, RuleKind.SILENCE, place),
                first_of(self.node, RuleKind.PROTECT, place),
                first_of(self.node, RuleKind.OFFER, place),
            )
        return known


@dataclass(frozen=True)
class RuleSet:
    """One version of all rules. Version 0 is no rules at all."""

    version: int = 0
    rules: tuple[PromiseRule, ...] = ()

    def select(self, asked: Asked) -> Selection:
        """Return the rules that hold for what is asked."""
        if not self.rules:
            return NOTHING
        numbers = tuple(n for n, rule in enumerate(self.rules) if rule.is_for(asked))
        known = self._selections.get(numbers)
        if known is None:
            found = [self.rules[number] for number in numbers]
            known = self._selections[numbers] = Selection(
                tuple(rule for rule in found if rule.level is Level.NODE),
                tuple(rule for rule in found if rule.level is Level.NETWORK),
            )
        return known

    @cached_property
    def _selections(self) -> dict[tuple[int, ...], Selection]:
        """SKUs that the same rules hold for share what was found out about places."""
        return {}

    @cached_property
    def edges(self) -> tuple[int, ...]:
        """When time boxes begin and end, in order (ms): between two the same rules hold."""
        moments = {
            moment
            for rule in self.rules
            for moment in (rule.effective_from_ms, rule.effective_until_ms)
            if moment is not None
        }
        return tuple(sorted(moments))

    @cached_property
    def asks_demand(self) -> bool:
        """Whether some rule keeps weeks of supply."""
        return any(rule.weeks is not None for rule in self.rules)

    @cached_property
    def silences(self) -> tuple[int, ...]:
        """After how many minutes of silence something changes, in order."""
        return tuple(sorted({rule.after_minutes or 0 for rule in self.rules
                             if rule.kind is RuleKind.SILENCE}))  # fmt: skip


NOTHING = Selection()
NO_RULES = RuleSet()


def first_of(rules: Sequence[PromiseRule], kind: RuleKind, place: Place) -> PromiseRule | None:
    """Return the first rule of a kind that reaches a place."""
    for rule in rules:
        if rule.kind is kind and rule.is_at(place):
            return rule
    return None


def all_of(rules: Iterable[PromiseRule], kind: RuleKind, place: Place) -> tuple[PromiseRule, ...]:
    """Return all rules of a kind that reach a place."""
    return tuple(rule for rule in rules if rule.kind is kind and rule.is_at(place))
