"""Whether a set of rules makes sense: what is wrong, where, and what to do about it."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from central_server.sourcing.promise_rules import Level, Method, Place, PromiseRule, RuleKind
from sync.domain.orders import Channel

RULES_MAX = 500
UNITS_MAX = 1_000_000
PERCENT_MAX = 100
WEEKS_MAX = 104


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a rule, in words that say what to do."""

    rule: str
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Known:
    """Which of the names in rules exist; asked once for all rules."""

    skus: Collection[str]
    categories: Collection[str]
    locations: Collection[str]
    regions: Collection[str]
    places: Collection[Place] = ()
    """Every location, where rules are asked whether they meet at one."""
    kits: Collection[str] = ()
    """The SKUs that are kits."""


def check(rules: Sequence[PromiseRule], known: Known) -> list[Finding]:
    """Return what is wrong with `rules`; nothing where they may be published."""
    found = [finding for rule in rules for finding in _check_one(rule, known)]
    if len(rules) > RULES_MAX:
        text = f"there are {len(rules)} rules, {RULES_MAX} are the most: merge some of them"
        found.append(Finding("", "rules", text))
    counted = Counter(rule.id for rule in rules)
    for name, times in counted.items():
        if times > 1:
            text = f"{times} rules are called {name!r}: give each a name of its own"
            found.append(Finding(name, "id", text))
    return [*found, *_unreachable(rules)]


def _check_one(rule: PromiseRule, known: Known) -> Iterator[Finding]:
    for field, text in (
        *_amounts(rule),
        *_names(rule, known),
        *_kits(rule, known),
        *check_times(rule),
    ):
        yield Finding(rule.id, field, text)


@dataclass(frozen=True, slots=True)
class _Shape:
    """Which values a kind of rule takes, and how many of them it needs."""

    takes: tuple[str, ...]
    needs: int
    advice: str = ""


_SHAPES = {
    RuleKind.SAFETY_STOCK: _Shape(
        ("units", "percent", "weeks"), 1,
        "say how much to keep by exactly one of units, percent and weeks",
    ),
    RuleKind.HOLDBACK: _Shape(("units",), 1, "say how many units were agreed"),
    RuleKind.OFFER: _Shape(("offered",), 1, "say true to offer it, or false not to"),
    RuleKind.PROTECT: _Shape((), 0),
    RuleKind.SILENCE: _Shape(
        ("after_minutes", "percent"), 2,
        "say both: after_minutes of silence, and which percent to keep",
    ),
}  # fmt: skip
_VALUES = ("units", "percent", "weeks", "offered", "after_minutes")


def _amounts(rule: PromiseRule) -> Iterator[tuple[str, str]]:
    given = {name: getattr(rule, name) for name in _VALUES if getattr(rule, name) is not None}
    shape = _SHAPES[rule.kind]
    if sum(name in given for name in shape.takes) != shape.needs:
        yield shape.takes[0], shape.advice
    for name in given:
        if name not in shape.takes:
            yield name, f"a rule of kind {rule.kind} has no {name}: leave it out"
    if rule.level is Level.NETWORK:
        yield from _of_network(rule)
    yield from _ranges(given)


def _kits(rule: PromiseRule, known: Known) -> Iterator[tuple[str, str]]:
    kits = [sku for sku in rule.skus if sku in known.kits]
    if kits:
        yield "skus", f"{_listed(kits)}: kits have no stock of their own, name their components"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:10]))


def _of_network(rule: PromiseRule) -> Iterator[tuple[str, str]]:
    if rule.kind not in {RuleKind.SAFETY_STOCK, RuleKind.HOLDBACK}:
        yield "level", f"a rule of kind {rule.kind} is about places: leave out level: network"
    for name in ("locations", "except_locations", "regions", "location_kinds"):
        if getattr(rule, name):
            yield name, f"what is kept of the whole network has no {name}: use level: node instead"


def _ranges(given: dict[str, float]) -> Iterator[tuple[str, str]]:
    bounds = {"units": UNITS_MAX, "percent": PERCENT_MAX, "weeks": WEEKS_MAX,
              "after_minutes": 525_600}  # fmt: skip
    for name, most in bounds.items():
        if name in given and not 0 <= given[name] <= most:
            yield name, f"{given[name]} is not between 0 and {most}"


def _names(rule: PromiseRule, known: Known) -> Iterator[tuple[str, str]]:
    checks: tuple[tuple[str, Collection[str], str], ...] = (
        ("skus", known.skus, "central sells no such SKU: import it first, or correct it"),
        ("categories", known.categories, "no product is in such a category: correct its spelling"),
        ("locations", known.locations, "there is no such location: import it first, or correct it"),
        ("except_locations", known.locations, "there is no such location: correct it"),
        ("regions", known.regions, "no location is in such a region: correct its spelling"),
        ("location_kinds", ("store", "dc"), "kinds of locations are store and dc"),
        ("channels", [one.value for one in Channel], "no such channel: see the channels of orders"),
        ("methods", [one.value for one in Method], "methods are pickup and ship"),
    )
    for field, names, advice in checks:
        strange = [name for name in getattr(rule, field) if name not in names]
        if strange:
            yield field, f"{_listed(strange)}: {advice}"


class Dated(Protocol):
    """A rule that counts from a time until a time."""

    @property
    def effective_from_ms(self) -> int | None:
        """From when; None: from the beginning."""

    @property
    def effective_until_ms(self) -> int | None:
        """Until when; None: for ever."""


def check_times(rule: Dated) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with when a rule counts: (field, words)."""
    start, end = rule.effective_from_ms, rule.effective_until_ms
    if start is not None and end is not None and end <= start:
        yield "effective_until", "it ends before it begins: correct one of the two times"


def _unreachable(rules: Sequence[PromiseRule]) -> Iterator[Finding]:
    """Yield rules that never count, as one before them reaches all that they reach."""
    for index, rule in enumerate(rules):
        if rule.kind not in {RuleKind.SAFETY_STOCK, RuleKind.OFFER}:
            continue
        for earlier in rules[:index]:
            if (earlier.kind, earlier.level) == (rule.kind, rule.level) and _covers(earlier, rule):
                text = f"{earlier.id!r} stands before it and reaches all of it: move this one up"
                yield Finding(rule.id, "order", text)
                break


_REACH = ("skus", "categories", "locations", "regions", "location_kinds", "channels", "methods")


def _covers(one: PromiseRule, other: PromiseRule) -> bool:
    """Return whether `one` surely reaches whatever `other` reaches."""
    if set(one.except_locations) - set(other.except_locations):
        return False
    for field in _REACH:
        mine, theirs = set(getattr(one, field)), set(getattr(other, field))
        if mine and (not theirs or theirs - mine):
            return False
    starts = one.effective_from_ms is None or (
        other.effective_from_ms is not None and one.effective_from_ms <= other.effective_from_ms
    )
    ends = one.effective_until_ms is None or (
        other.effective_until_ms is not None and other.effective_until_ms <= one.effective_until_ms
    )
    return starts and ends
