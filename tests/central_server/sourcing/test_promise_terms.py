"""What may be promised: every combination of rules adds up, and none promises more."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from central_server.sourcing.promise_rules import (
    Asked,
    Level,
    Place,
    PromiseRule,
    RuleKind,
    RuleSet,
)
from central_server.sourcing.promise_terms import (
    Node,
    Whole,
    limited,
    network_promise,
    node_promise,
)
from sync.domain.inventory import StockPosition, available_to_promise
from tests.support.rule_strategies import KINDS, REGIONS, any_rule

NOW = 1_000_000_000
ASKED = Asked("A", "Wine", "web", "pickup", NOW)
HOUR_MS = 3_600_000


def node(on_hand: int = 10, **changes: Any) -> Node:
    found = Node(StockPosition("S1", "A", on_hand), Place("S1", region="East"))
    return replace(found, **changes)


def rule(kind: RuleKind, **values: Any) -> PromiseRule:
    return PromiseRule(id=f"{kind}-1", kind=kind, **values)


def promised(one: Node, *rules: PromiseRule, is_own: bool = False):
    return node_promise(one, RuleSet(1, rules).select(ASKED), ASKED, is_own=is_own)


few = st.integers(0, 40)


@st.composite
def any_node(draw: st.DrawFn) -> Node:
    place = draw(st.sampled_from(["S1", "S2"]))
    position = StockPosition(
        place, "A", draw(st.integers(-5, 40)), draw(few), draw(few), draw(few), draw(st.booleans())
    )
    offers = frozenset(draw(st.sampled_from([(), ("pickup",), ("pickup", "ship")])))
    heard = draw(st.none() | st.integers(NOW - HOUR_MS, NOW))
    kind, region = draw(st.sampled_from(KINDS)), draw(st.sampled_from(REGIONS))
    here = Place(place, kind, region, offers)
    return Node(position, here, draw(st.integers(0, 9000)), heard)


@given(any_node(), st.lists(any_rule(NOW), max_size=8), st.booleans())
def test_terms_of_a_place_add_up(one, rules, is_own):
    """Every term is explained once, their sum is the number, and no rule promises more."""
    found = promised(one, *rules, is_own=is_own)
    assert found.begins - sum(term.units for term in found.terms) == found.raw
    assert found.quantity == max(0, found.raw) <= max(0, one.position.on_hand)
    assert all(term.units >= 0 for term in found.terms)
    known = {rule.id for rule in rules}
    assert all(term.rule is None or term.rule in known for term in found.terms)


@given(st.lists(any_node(), max_size=4), st.lists(any_rule(NOW), max_size=6), few, st.booleans())
def test_terms_of_the_network_add_up(nodes, rules, unsourced, is_own):
    """A place that the network limits shows it as a term; the sum of all is never exceeded.

    Also for an order that chose the place: it may have protected stock, which is no one else's.
    """
    selected = RuleSet(1, tuple(rules)).select(ASKED)
    promises = [node_promise(one, selected, ASKED) for one in nodes]
    whole = Whole.of(zip(nodes, promises, strict=True))
    network = network_promise(whole, unsourced, selected)
    assert network.raw == network.begins - sum(term.units for term in network.terms)
    for one in [node_promise(one, selected, ASKED, is_own=is_own) for one in nodes]:
        shown = limited(one, network)
        assert shown.raw == shown.begins - sum(term.units for term in shown.terms)
        assert shown.quantity in {one.quantity, network.quantity}
        assert one.is_protected or shown.quantity <= network.quantity


@given(any_node())
def test_without_rules_the_books_decide(one):
    """No rules at all promise what the position itself says, where the method is offered."""
    expected = available_to_promise(one.position).quantity
    assert promised(one).quantity == (expected if "pickup" in one.place.offers else 0)


def test_the_first_safety_stock_counts():
    """A rule replaces the imported safety stock; a later one that reaches it too is not asked."""
    one = node(position=StockPosition("S1", "A", 10, safety_stock=1))
    first = rule(RuleKind.SAFETY_STOCK, units=4)
    assert promised(one).quantity == 9
    assert promised(one, first, rule(RuleKind.SAFETY_STOCK, units=8)).quantity == 6
    elsewhere = replace(first, locations=("S2",))
    assert promised(one, elsewhere, rule(RuleKind.SAFETY_STOCK, units=8)).quantity == 2


def test_percent_and_weeks_are_rounded_up():
    """Keeping too much is the safe side: 25 % of 10 keeps 3, 1.5 weeks of 1.4 a week keep 3."""
    assert promised(node(), rule(RuleKind.SAFETY_STOCK, percent=25)).quantity == 7
    selling = node(weekly_milli=1400)
    assert promised(selling, rule(RuleKind.SAFETY_STOCK, weeks=1.5)).quantity == 7


def test_a_time_box_ends_by_itself():
    """A rule holds from its first moment until, and without, its last."""
    boxed = rule(
        RuleKind.HOLDBACK, units=4, effective_from_ms=NOW, effective_until_ms=NOW + HOUR_MS
    )
    rules = RuleSet(1, (boxed,))
    found = [len(rules.select(replace(ASKED, now_ms=at)).node)
             for at in (NOW - 1, NOW, NOW + HOUR_MS - 1, NOW + HOUR_MS)]  # fmt: skip
    assert found == [0, 1, 1, 0]
    assert rules.edges == (NOW, NOW + HOUR_MS)


def test_protected_stock_is_for_those_who_chose_it():
    """A franchise's units are none of the network's, but its own customers may have them."""
    protect = rule(RuleKind.PROTECT, locations=("S1",))
    assert promised(node(), protect).quantity == 0
    own = promised(node(), protect, is_own=True)
    assert own.quantity == 10
    assert limited(own, network_promise(Whole(), 3, RuleSet().select(ASKED))).quantity == 10


def test_a_silent_store_is_worth_less():
    """Where no rights are shared, a stated share is kept once a store was not heard for a time."""
    steps = (
        rule(RuleKind.SILENCE, after_minutes=30, percent=20),
        rule(RuleKind.SILENCE, after_minutes=240, percent=100),
    )
    quantities = [promised(node(heard_ms=NOW - minutes * 60_000), *steps).quantity
                  for minutes in (0, 29, 30, 239, 240)]  # fmt: skip
    assert quantities == [10, 10, 8, 8, 0]
    assert promised(node(), *steps).quantity == 10
    shared = replace(node().position, is_shared=True)
    assert promised(node(position=shared, heard_ms=0), *steps).quantity == 10


def test_the_first_offer_decides():
    """A store that is off for one SKU is on for others; a rule may also turn a method on."""
    off = rule(RuleKind.OFFER, offered=False, skus=("A",))
    assert not promised(node(), off).is_offered
    assert promised(node(), off).quantity == 0
    closed = node(place=Place("S1", offers=frozenset()))
    assert promised(closed, rule(RuleKind.OFFER, offered=True, methods=("pickup",))).quantity == 10


def test_the_network_keeps_its_part_once():
    """Of 20 units at two places, a network's safety stock of 3 and 4 unsourced leave 13."""
    wide = rule(RuleKind.SAFETY_STOCK, level=Level.NETWORK, units=3)
    found = network_promise(Whole(20), 4, RuleSet(1, (wide,)).select(ASKED))
    assert found.quantity == 13
    assert limited(promised(node(15)), found).quantity == 13
