"""Whether rules of routing make sense: what is wrong, where, and what to do about it."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields

from central_server.sourcing.promise_rules import Place
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from central_server.sourcing.rule_checks import Finding, Known, check_times
from sync.domain.orders import Channel

RULES_MAX = 500
DAY_MINUTES = 1440
_WHERE = ("locations", "except_locations", "regions", "location_kinds")
_ALWAYS = {"id", "kind", "effective_from_ms", "effective_until_ms", "note"}
_ROUTE = {
    "channels", "methods", "tiers", "categories", "value_from_minor", "value_below_minor",
    "near_latitude", "near_longitude", "near_km", "goals", "km_minor", "speed_minor",
    "shipment_minor", "stock_weight", "balance_weight", "supply_weeks", "supply_minor",
    "broken_run_minor", "horizon_days", "walk_in_margin_percent", "markdown_percent",
    "transfer_minor",
    "failed_pick_minor", "shipments_max", "splits_lines", "splits_kits", "whole_below_minor",
    "kept_units", "radius_km", "grace_minutes", "release_every_minutes", "hold_for",
    "accept_minutes", "offer_stores", "offer_minutes",
}  # fmt: skip
_FIELDS: dict[RoutingRuleKind, set[str]] = {
    RoutingRuleKind.ROUTE: {*_ROUTE, *_WHERE},
    RoutingRuleKind.SERVE: {
        *_WHERE, "channels", "radius_km", "enabled", "capabilities", "handling_minor",
        "unit_handling_minor", "unit_surcharge_minor",
    },
    RoutingRuleKind.CAPACITY: {
        *_WHERE, "from_minute", "until_minute", "units", "orders", "labor_minutes",
        "minutes_per_order", "minutes_per_unit",
    },
    RoutingRuleKind.NEED: {"skus", "categories", "capabilities"},
}  # fmt: skip
"""What may be said in a rule of each kind."""


def check_routing(rules: Sequence[RoutingRule], known: Known) -> list[Finding]:
    """Return what is wrong with `rules`; nothing where they may be published."""
    found = [
        Finding(rule.id, field, text)
        for rule in rules
        for field, text in (
            *_foreign(rule), *_orders(rule), *_lists(rule), *_amounts(rule),
            *_names(rule, known), *check_times(rule),
        )
    ]  # fmt: skip
    if len(rules) > RULES_MAX:
        text = f"there are {len(rules)} rules, {RULES_MAX} are the most: merge some of them"
        found.append(Finding("", "rules", text))
    for name, times in Counter(rule.id for rule in rules).items():
        if times > 1:
            text = f"{times} rules are called {name!r}: give each a name of its own"
            found.append(Finding(name, "id", text))
    return [*found, *_unreachable(rules), *_overlapping(rules, known.places), *_unable(rules)]


def _foreign(rule: RoutingRule) -> Iterator[tuple[str, str]]:
    """Yield fields that a rule of this kind has no use for."""
    allowed = _ALWAYS | _FIELDS[rule.kind]
    for field in fields(rule):
        if field.name not in allowed and getattr(rule, field.name) != field.default:
            others = [kind.value for kind, names in _FIELDS.items() if field.name in names]
            yield (
                field.name,
                (
                    f"a rule of kind {rule.kind} has no {field.name}: leave it out,"
                    f" or say it in a rule of kind {' or '.join(others)}"
                ),
            )


def _orders(rule: RoutingRule) -> Iterator[tuple[str, str]]:
    circle = (rule.near_latitude, rule.near_longitude, rule.near_km)
    if None in circle and any(one is not None for one in circle):
        yield "near_km", "say all three of near_latitude, near_longitude and near_km, or none"
    low, high = rule.value_from_minor, rule.value_below_minor
    if low is not None and high is not None and high <= low:
        yield "value_below_minor", f"no order is worth {low} or more and less than {high}"
    if rule.kind is RoutingRuleKind.NEED and not rule.capabilities:
        yield "capabilities", "say which capabilities these goods need"
    if rule.kind is RoutingRuleKind.NEED and not (rule.skus or rule.categories):
        yield "skus", "say which goods: skus or categories"


def _lists(rule: RoutingRule) -> Iterator[tuple[str, str]]:
    for field, named in (("goals", rule.goals), ("hold_for", rule.hold_for)):
        if len(set(named)) < len(named):
            yield field, "the same stands there twice: leave the later one out"
    if HoldKind.GRACE in rule.hold_for:
        yield "hold_for", "grace ends by itself: say grace_minutes instead"
    if HoldKind.OFFER in rule.hold_for:
        yield "hold_for", "an offer ends by a claim: say offer_stores instead"
    if HoldKind.PRE_ORDER in rule.hold_for:
        yield "hold_for", "release dates are said of products, not of orders"
    if HoldKind.ROOM in rule.hold_for:
        yield "hold_for", "full days are waited for by themselves"


_BOUNDS = {
    "near_latitude": (-90, 90), "near_longitude": (-180, 180),
    "shipments_max": (1, 20), "near_km": (0, 21_000), "radius_km": (0, 21_000),
    "grace_minutes": (0, 7 * DAY_MINUTES), "release_every_minutes": (0, DAY_MINUTES),
    "accept_minutes": (1, 30 * DAY_MINUTES),
    "offer_stores": (0, 20), "offer_minutes": (1, DAY_MINUTES), "from_minute": (0, DAY_MINUTES),
    "until_minute": (0, DAY_MINUTES), "units": (0, 1_000_000), "orders": (0, 1_000_000),
    "labor_minutes": (0, 1_000_000), "horizon_days": (0, 365),
    "walk_in_margin_percent": (0, 100), "markdown_percent": (0, 100),
}  # fmt: skip


def _amounts(rule: RoutingRule) -> Iterator[tuple[str, str]]:
    for field in fields(rule):
        value = getattr(rule, field.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        least, most = _BOUNDS.get(field.name, (0.0, 1e12))
        if not field.name.endswith("_ms") and not least <= value <= most:
            yield field.name, f"{value} is not between {least} and {most}"
    if rule.has_worth and not rule.horizon_days:
        yield "horizon_days", "say in how many days the next delivery comes, or the markdown"
    if rule.horizon_days and not rule.has_worth and rule.transfer_minor is None:
        advice = (
            "say what a unit earns or loses there: walk_in_margin_percent, markdown_percent,"
            " transfer_minor"
        )
        yield "walk_in_margin_percent", advice
    if rule.kind is RoutingRuleKind.CAPACITY:
        if rule.units is None and rule.orders is None and rule.labor_minutes is None:
            yield "units", "say how much fits: units, orders or labor_minutes"
        if rule.until_minute <= rule.from_minute:
            yield "until_minute", "this part of the day ends before it begins"
        if rule.labor_minutes is not None and not (rule.minutes_per_order or rule.minutes_per_unit):
            yield "minutes_per_order", "say what takes the labor: minutes_per_order or _per_unit"


def _names(rule: RoutingRule, known: Known) -> Iterator[tuple[str, str]]:
    channels = [one.value for one in Channel]
    for field, names, advice in (
        ("skus", known.skus, "central sells no such SKU: import it first, or correct it"),
        ("categories", known.categories, "no product is in such a category: correct its spelling"),
        ("locations", known.locations, "there is no such location: import it first, or correct it"),
        ("except_locations", known.locations, "there is no such location: correct it"),
        ("regions", known.regions, "no location is in such a region: correct its spelling"),
        ("location_kinds", ("store", "dc"), "kinds of locations are store and dc"),
        ("channels", channels, f"channels are {', '.join(channels)}"),
    ):
        strange = [name for name in getattr(rule, field) if name not in names]
        if strange:
            yield field, f"{', '.join(map(repr, strange[:10]))}: {advice}"


_CHOOSING = (
    "channels", "methods", "tiers", "categories", "value_from_minor", "value_below_minor",
    "near_km", "effective_from_ms", "effective_until_ms",
)  # fmt: skip


def _unreachable(rules: Sequence[RoutingRule]) -> Iterator[Finding]:
    """Yield rules that never count, as one before them takes every order or location."""
    for kind, choosing in (
        (RoutingRuleKind.ROUTE, _CHOOSING),
        (RoutingRuleKind.SERVE, (*_WHERE, "effective_from_ms", "effective_until_ms")),
    ):
        taken = ""
        for rule in (one for one in rules if one.kind is kind):
            if taken:
                text = f"{taken!r} stands before it and takes everything: move this one up"
                yield Finding(rule.id, "order", text)
            elif all(getattr(rule, name) in (None, ()) for name in choosing):
                taken = rule.id


def _overlapping(rules: Sequence[RoutingRule], places: Collection[Place]) -> Iterator[Finding]:
    """Yield parts of days that overlap others of which not clearly one replaces the other."""
    parts = [one for one in rules if one.kind is RoutingRuleKind.CAPACITY]
    reached = [_reached(one, places) for one in parts]
    for number, rule in enumerate(parts):
        for earlier, before in enumerate(parts[:number]):
            is_same = (rule.from_minute, rule.until_minute) == (
                before.from_minute, before.until_minute,
            )  # fmt: skip
            meet = not reached[number].isdisjoint(reached[earlier]) and _at_once(rule, before)
            if rule.overlaps(before) and not is_same and meet:
                text = (
                    f"it overlaps {before.id!r}, and one limit holds at a time: give both the same"
                    " hours (then the first holds), or hours that do not overlap"
                )
                yield Finding(rule.id, "from_minute", text)


def _reached(rule: RoutingRule, places: Collection[Place]) -> frozenset[str]:
    """Return the locations that there are and that a rule is for."""
    named, left_out = set(rule.locations), set(rule.except_locations)
    return frozenset(
        one.id
        for one in places
        if (not named or one.id in named)
        and one.id not in left_out
        and (not rule.regions or one.region in rule.regions)
        and (not rule.location_kinds or one.kind in rule.location_kinds)
    )


def _at_once(one: RoutingRule, other: RoutingRule) -> bool:
    """Return whether two rules hold at one moment."""
    for this, that in ((one, other), (other, one)):
        ends, begins = this.effective_until_ms, that.effective_from_ms
        if ends is not None and begins is not None and ends <= begins:
            return False
    return True


def _unable(rules: Sequence[RoutingRule]) -> Iterator[Finding]:
    """Yield goods that need what no location is said to do: nobody could ever send them."""
    done = {
        name
        for one in rules if one.kind is RoutingRuleKind.SERVE
        for name in one.capabilities
    }  # fmt: skip
    for rule in rules:
        if rule.kind is RoutingRuleKind.NEED and (lacking := set(rule.capabilities) - done):
            text = (
                f"no rule of kind serve has {', '.join(map(repr, sorted(lacking)))}: correct the"
                " spelling, or say which locations do that"
            )
            yield Finding(rule.id, "capabilities", text)
