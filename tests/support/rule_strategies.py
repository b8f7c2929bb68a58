"""Rules of promising as Hypothesis draws them: every kind, every way of reaching something."""

from typing import Any

from hypothesis import strategies as st

from central_server.sourcing.promise_rules import Level, PromiseRule, RuleKind

KINDS, REGIONS = ("store", "dc"), ("", "East", "West")
Names = tuple[str, ...]
few = st.integers(0, 40)


def some_of(*names: str) -> st.SearchStrategy[Names]:
    """Return no name (everything is reached) or some."""
    return st.just(()) | st.lists(st.sampled_from(names), max_size=2, unique=True).map(tuple)


@st.composite
def any_rule(
    draw: st.DrawFn, now_ms: int, *,
    skus: Names = ("A", "B"), places: Names = ("S1", "S2"), channels: Names = ("web", "pos"),
) -> PromiseRule:  # fmt: skip
    """Return a rule whose time box begins and ends near a moment."""
    moments = st.none() | st.integers(now_ms - 5, now_ms + 5)
    kind = draw(st.sampled_from(RuleKind))
    may_be_wide = kind in {RuleKind.SAFETY_STOCK, RuleKind.HOLDBACK}
    amount = draw(st.sampled_from(["units", "percent", "weeks"]))
    how_much = float(draw(few)) if amount == "weeks" else draw(few)
    by_kind: dict[RuleKind, dict[str, Any]] = {
        RuleKind.SAFETY_STOCK: {amount: how_much},
        RuleKind.HOLDBACK: {"units": draw(few)},
        RuleKind.OFFER: {"offered": draw(st.booleans())},
        RuleKind.PROTECT: {},
        RuleKind.SILENCE: {"percent": draw(st.integers(0, 100)), "after_minutes": draw(few)},
    }
    level = draw(st.sampled_from(Level)) if may_be_wide else Level.NODE
    reach: dict[str, Any] = {}
    if level is Level.NODE:
        reach = {
            "locations": draw(some_of(*places)), "except_locations": draw(some_of(places[0])),
            "regions": draw(some_of(*REGIONS)), "location_kinds": draw(some_of(*KINDS)),
        }  # fmt: skip
    return PromiseRule(
        id=f"r{draw(few)}", kind=kind, level=level, skus=draw(some_of(*skus)),
        categories=draw(some_of("Wine", "Beer")), channels=draw(some_of(*channels)),
        methods=draw(some_of("pickup", "ship")), effective_from_ms=draw(moments),
        effective_until_ms=draw(moments), **reach, **by_kind[kind],
    )  # fmt: skip
