"""What the engine may be asked: each value that makes no sense, by the name of its field.

`route` asks; `plan_order` over a prepared network does not. All locations are looked at,
so sound ones are passed by one comparison of each value, and only those that fail it are
looked at closely. Of their stock only that of wanted SKUs counts.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice, pairwise
from math import inf, isfinite
from numbers import Integral, Real
from sys import float_info
from typing import NamedTuple, TypeVar

from central_server.sourcing.engine.model import (
    Candidate,
    DayPart,
    Goal,
    RequestedLine,
    RoutingOrder,
    Rules,
    Stock,
)
from central_server.sourcing.engine.tariffs import Tariff, Zone

FAULTS_MAX = 20
"""So many faults are told, the others with the next attempt."""
QUANTITY_MAX = 1_000_000
"""Units of one line: each of them is looked at."""
FINITE = float_info.max
DAY_MINUTES = 1440
Bounds = Mapping[str, tuple[float, float]]
T = TypeVar("T")

_PLACE: Bounds = {"latitude": (-90, 90), "longitude": (-180, 180)}
_LINE: Bounds = {
    "quantity": (1, QUANTITY_MAX), "weight_grams": (0, FINITE), "unit_price_minor": (0, FINITE),
}  # fmt: skip
_STOCK: Bounds = {  # units below nothing are oversold: nobody can have those either
    "units": (-FINITE, FINITE), "walk_ins_per_day": (0, FINITE), "horizon_days": (0, FINITE),
    "walk_in_margin_minor": (0, FINITE), "markdown_minor": (0, FINITE),
    "dual_minor": (-FINITE, FINITE), "fill_probability": (0, 1),
}  # fmt: skip
_CANDIDATE: Bounds = {
    **_PLACE, "lead_minutes": (0, FINITE), "handling_minor": (0, FINITE),
    "unit_handling_minor": (0, FINITE), "unit_surcharge_minor": (0, FINITE),
    "minutes_per_order": (0, FINITE), "minutes_per_unit": (0, FINITE), "radius_km": (0, inf),
}  # fmt: skip
_PART: Bounds = {
    "units": (0, inf), "orders": (0, inf), "labor_minutes": (0, inf),
    "minutes_per_order": (0, FINITE), "minutes_per_unit": (0, FINITE),
}  # fmt: skip
_RULES: Bounds = {
    "speed_minor": (0, FINITE), "balance_weight": (0, FINITE), "shipment_minor": (0, FINITE),
    "stock_weight": (0, FINITE), "supply_weeks": (0, FINITE), "supply_minor": (0, FINITE),
    "broken_run_minor": (0, FINITE), "failed_pick_minor": (0, FINITE), "radius_km": (0, inf),
    "shipments_max": (1, FINITE), "whole_below_minor": (0, FINITE), "kept_units": (0, FINITE),
}  # fmt: skip
_ZONE: Bounds = {
    "transit_days": (0, FINITE), "parcel_minor": (0, FINITE), "unit_minor": (0, FINITE),
    "kg_minor": (0, FINITE), "parcel_km_minor": (0, FINITE), "unit_km_minor": (0, FINITE),
    "kg_km_minor": (0, FINITE), "up_to_km": (0, inf),
}  # fmt: skip


_MAYBE = {"radius_km", "shipments_max", "up_to_km"}
"""Of these None says something: no limit. Of a part of a day, also what its location says."""
_OF_PART = {"minutes_per_order", "minutes_per_unit"}


class Fault(NamedTuple):
    """One value that makes no sense."""

    field: str
    """Its place, such as `order.lines[0].quantity`."""
    text: str
    """What is wrong with it."""

    def __str__(self) -> str:
        return f"{self.field}: {self.text}"


class InvalidRequest(ValueError):
    """The engine was asked something that makes no sense; `faults` say where."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


def check_request(
    order: RoutingOrder, candidates: Sequence[Candidate], rules: Rules
) -> list[Fault]:
    """Return what is wrong with a request, `FAULTS_MAX` at most; nothing where it makes sense."""
    skus = {line.sku for line in order.lines}
    found = (
        *_of_order(order),
        *_of_rules(rules),
        *islice(_of_ids(candidates), FAULTS_MAX),
    )
    return [*found, *islice(_of_candidates(candidates, skus), FAULTS_MAX)][:FAULTS_MAX]


def _of_order(order: RoutingOrder) -> Iterator[Fault]:
    yield from _outside("order", order, _PLACE)
    yield from _no_names("order.excluded", order.excluded)
    numbers: set[int] = set()
    firsts: dict[str, RequestedLine] = {}
    for place, line in enumerate(order.lines):
        where = f"order.lines[{place}]"
        outside = [*_outside(where, line, _LINE), *_no_names(f"{where}.needs", line.needs)]
        yield from outside
        if not outside and not isinstance(line.quantity, Integral):
            yield Fault(f"{where}.quantity", f"{line.quantity!r} is no whole number of units")
        if line.line in numbers:
            yield Fault(f"{where}.line", f"there are several lines {line.line}")
        numbers.add(line.line)
        yield from _disagreements(where, line, firsts.setdefault(line.sku, line))


def _disagreements(where: str, line: RequestedLine, first: RequestedLine) -> Iterator[Fault]:
    """Yield in what a line differs from the first one of its SKU: they are sent as one."""
    if first.weight_grams != line.weight_grams:
        text = (
            f"a unit of {line.sku} weighs {line.weight_grams} g here and {first.weight_grams} g in"
            f" line {first.line}: say one weight"
        )
        yield Fault(f"{where}.weight_grams", text)
    if first.needs != line.needs:
        text = f"line {first.line} of {line.sku} needs other capabilities: say the same"
        yield Fault(f"{where}.needs", text)


def _of_rules(rules: Rules) -> Iterator[Fault]:
    yield from _outside("rules", rules, _RULES)
    yield from _no_names("rules.excluded", rules.excluded)
    yield from _no_names("rules.kinds", rules.kinds)
    for goal in rules.ordered:
        if goal not in set(Goal):
            yield Fault("rules.ordered", f"{goal!r} is no goal: they are {', '.join(Goal)}")
    if len(set(rules.ordered)) < len(rules.ordered):
        yield Fault("rules.ordered", "a goal stands there twice: leave the later one out")
    for name, tariff in rules.tariffs.items():
        where = f"rules.tariffs[{name!r}]"
        if isinstance(tariff, Tariff):
            yield from _of_tariff(where, tariff)
        else:
            yield Fault(where, f"{tariff!r} is no Tariff")


def _of_tariff(where: str, tariff: Tariff) -> Iterator[Fault]:
    for service in tariff.services:
        here = f"{where}.{service.name}.zones"
        for number, zone in enumerate(service.zones):
            if not _is_surely(_is_sound_zone, zone):
                yield from _outside(f"{here}[{number}]", zone, _ZONE)
        ends = [inf if one.up_to_km is None else one.up_to_km for one in service.zones]
        if any(later <= before for before, later in pairwise(ends)):
            yield Fault(here, "zones stand nearest first, each reaching further than the last")


def _is_surely(sound: Callable[[T], bool], value: T) -> bool:
    """Return whether a value passes; what cannot even be compared does not."""
    try:
        return sound(value)
    except (OverflowError, TypeError):
        return False


def _is_sound_zone(one: Zone) -> bool:
    return (
        one.transit_days >= 0
        and one.parcel_minor >= 0
        and one.unit_minor >= 0
        and one.kg_minor >= 0
        and one.parcel_km_minor >= 0
        and one.unit_km_minor >= 0
        and one.kg_km_minor >= 0
        and (one.up_to_km is None or one.up_to_km >= 0)
        and one.transit_days + one.parcel_minor + one.unit_minor + one.kg_minor <= FINITE
        and one.parcel_km_minor + one.unit_km_minor + one.kg_km_minor <= FINITE
    )


def _of_ids(candidates: Sequence[Candidate]) -> Iterator[Fault]:
    if len({one.location_id for one in candidates}) == len(candidates):
        return
    seen: set[str] = set()
    for number, one in enumerate(candidates):
        if one.location_id in seen:
            text = f"there are several {one.location_id!r}"
            yield Fault(f"candidates[{number}].location_id", text)
        seen.add(one.location_id)


def _of_candidates(candidates: Sequence[Candidate], skus: Collection[str]) -> Iterator[Fault]:
    for number in _doubtful_places(candidates):
        yield from _of_candidate(f"candidates[{number}]", candidates[number])
    yield from _of_calendars(candidates)
    for sku in skus:
        for number, stock in _doubtful_stock(candidates, sku):
            yield from _of_stock(f"candidates[{number}].stock[{sku!r}]", stock)


def _doubtful_places(candidates: Sequence[Candidate]) -> Sequence[int]:
    """Return which locations are worth a closer look; nothing can be wrong with the others.

    One expression without calls, as it runs over every location. What is no number fails it.
    """
    try:
        return [
            number
            for number, one in enumerate(candidates)
            if not (
                -90.0 <= one.latitude <= 90.0  # noqa: PLR2004 - degrees
                and -180.0 <= one.longitude <= 180.0  # noqa: PLR2004 - degrees
                and 0.0 <= one.handling_minor <= FINITE
                and 0.0 <= one.unit_handling_minor <= FINITE
                and 0.0 <= one.unit_surcharge_minor <= FINITE
                and one.lead_minutes >= 0
                and one.parts is None
                and one.radius_km is None
                and one.channels is None
                and not one.capabilities
                and not one.cut_offs
            )
        ]
    except TypeError:  # one of them is no number: which one is said by looking closely
        return range(len(candidates))


def _doubtful_stock(candidates: Sequence[Candidate], sku: str) -> Sequence[tuple[int, Stock]]:
    """Return the stock of a SKU that is worth a closer look, with the number of its location."""
    try:
        return [
            (number, one)
            for number, held in enumerate(candidates)
            if (one := held.stock.get(sku)) is not None
            and not (
                type(one.units) is int
                and 0.0 <= one.fill_probability <= 1.0
                and 0.0 <= one.walk_ins_per_day <= FINITE
                and 0.0 <= one.horizon_days <= FINITE
                and 0.0 <= one.walk_in_margin_minor <= FINITE
                and 0.0 <= one.markdown_minor <= FINITE
                and -FINITE <= one.dual_minor <= FINITE
                and not one.prices_minor
            )
        ]
    except (AttributeError, TypeError):
        held = ((number, one.stock.get(sku)) for number, one in enumerate(candidates))
        return [(number, stock) for number, stock in held if stock is not None]


def _of_candidate(where: str, one: Candidate) -> Iterator[Fault]:
    yield from _outside(where, one, _CANDIDATE)
    yield from _no_names(f"{where}.channels", one.channels)
    yield from _no_names(f"{where}.capabilities", one.capabilities)
    for service, minutes in one.cut_offs.items():
        if not 0 <= minutes < DAY_MINUTES:
            text = f"{minutes} is no minute of a day: it has {DAY_MINUTES} of them"
            yield Fault(f"{where}.cut_offs[{service!r}]", text)
    parts = one.parts or ()
    for number, part in enumerate(parts):
        yield from _of_part(f"{where}.parts[{number}]", part)
    for number, (before, later) in enumerate(pairwise(parts), 1):
        if later.starts_ms < before.starts_ms:
            text = "it starts before the part that stands before it: put them in order of time"
            yield Fault(f"{where}.parts[{number}].starts_ms", text)


def _of_calendars(candidates: Sequence[Candidate]) -> Iterator[Fault]:
    """Yield nights that end before they begin; a calendar is looked at once, whoever has it."""
    known: set[int] = set()
    for number, one in enumerate(candidates):
        if one.calendar is None or id(one.calendar) in known:
            continue
        known.add(id(one.calendar))
        for weekday, (opening, closing) in enumerate(one.calendar.hours):
            if 0 < closing < opening:
                text = (
                    f"it closes at minute {closing}, before it opens: after midnight add"
                    f" {DAY_MINUTES}, and [0, 0] is closed"
                )
                yield Fault(f"candidates[{number}].calendar.hours[{weekday}]", text)


def _of_part(where: str, part: DayPart) -> Iterator[Fault]:
    yield from _outside(where, part, _PART, _OF_PART)
    if part.ends_ms <= part.starts_ms:
        yield Fault(f"{where}.ends_ms", "this part of the day ends before it begins")


def _of_stock(where: str, one: Stock) -> Iterator[Fault]:
    if not isinstance(one, Stock):
        yield Fault(where, f"{one!r} is no Stock: say Stock(units)")
        return
    outside = [*_outside(where, one, _STOCK)]
    yield from outside
    if not outside and not isinstance(one.units, Integral):
        yield Fault(f"{where}.units", f"{one.units!r} is no whole number of units")
    prices = one.prices_minor
    if not prices:
        return
    if not isfinite(sum(prices)):
        yield Fault(f"{where}.prices_minor", "prices are finite amounts")
    elif any(later < before for before, later in pairwise(prices)):
        yield Fault(f"{where}.prices_minor", "prices never fall: a later unit costs no less")


def _is_huge(value: Real) -> bool:
    """Return whether an integer is beyond what sums and limits are reckoned in."""
    try:
        float(value)
    except OverflowError:
        return True
    return False


def _outside(
    where: str, one: object, bounds: Bounds, maybe: Collection[str] = _MAYBE
) -> Iterator[Fault]:
    """Yield the figures of a value that are out of bounds; of some, None is nothing said."""
    for name, (least, most) in bounds.items():
        value = getattr(one, name)
        if value is None and name in maybe:
            continue
        if value is None:
            text = "nothing is said, and a number is needed"
        elif not isinstance(value, Real):
            text = f"{value!r} is no number"
        elif _is_huge(value):
            text = "more digits than any number has here"
        elif least <= float(value) <= most:
            continue
        elif most < FINITE:
            text = f"{value} is not between {least} and {most}"
        else:
            text = f"{value} is no finite number" + (f" of {least} or more" if least >= 0 else "")
        yield Fault(f"{where}.{name}", text)


def _no_names(where: str, names: object) -> Iterator[Fault]:
    """Yield that names are no set: whatever is a part of a text would be among them."""
    if isinstance(names, str):
        yield Fault(where, f"{names!r} is one text: give a set of names")
    elif names is not None and not isinstance(names, AbstractSet):
        yield Fault(where, f"{names!r} is a {type(names).__name__}: give a set of names")
