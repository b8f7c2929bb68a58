"""Promises under any combination of rules, against a reckoning of its own from the rules' words.

`test_promise_terms` shows that the terms of a number add up to it; here it is the number
that rules, stock, silence and the network's needs make of it, reckoned without the product.
"""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central_server.sourcing.promise_rules import Level, PromiseRule, RuleKind, RuleSet
from central_server.sourcing.promise_terms import Node, Whole, limited, network_promise
from tests.central_server.sourcing.test_promise_terms import ASKED, NOW, any_node, few, promised
from tests.support.rule_strategies import any_rule

MINUTE_MS = 60_000


def said(rules: Sequence[PromiseRule], kind: RuleKind, level: Level, node: Node | None = None):
    """Return the rules of a kind that hold for SKU A (Wine), web, pickup, now, and at a place."""
    found = []
    for rule in rules:
        holds = (
            rule.kind is kind and rule.level is level
            and ASKED.sku in (rule.skus or (ASKED.sku,))
            and "Wine" in (rule.categories or ("Wine",))
            and "web" in (rule.channels or ("web",))
            and "pickup" in (rule.methods or ("pickup",))
            and (rule.effective_from_ms or 0) <= NOW
            and (rule.effective_until_ms or NOW + 1) > NOW
        )  # fmt: skip
        if node is not None:
            place = node.place
            holds = (
                holds
                and place.id in (rule.locations or (place.id,))
                and place.id not in rule.except_locations
                and place.region in (rule.regions or (place.region,))
                and place.kind in (rule.location_kinds or (place.kind,))
            )
        if holds:
            found.append(rule)
    return found


def kept_by(rule: PromiseRule, on_hand: int, weekly_milli: int) -> int:
    """Return the units of a safety stock."""
    if rule.percent is not None:
        return ceil(Fraction(rule.percent * max(0, on_hand), 100))
    if rule.weeks is not None:
        return ceil(Fraction(rule.weeks) * weekly_milli / 1000)
    return rule.units or 0


def reckoned(node: Node, rules: Sequence[PromiseRule], *, is_own: bool) -> tuple[int, bool]:
    """Return what is left at a place, below zero too, and whether it offers any."""

    def at(kind: RuleKind) -> list[PromiseRule]:
        return said(rules, kind, Level.NODE, node)

    book = node.position
    left = book.on_hand - book.allocated - book.floor - book.held_back
    safety = at(RuleKind.SAFETY_STOCK)
    left -= kept_by(safety[0], book.on_hand, node.weekly_milli) if safety else book.safety_stock
    left -= sum(rule.units or 0 for rule in at(RuleKind.HOLDBACK))
    if node.heard_ms is not None and not book.is_shared:
        minutes = (NOW - node.heard_ms) / MINUTE_MS
        shares = [one.percent or 0 for one in at(RuleKind.SILENCE)
                  if minutes >= (one.after_minutes or 0)]  # fmt: skip
        unheard = ceil(Fraction(max(shares, default=0) * max(0, book.on_hand), 100))
        left -= min(unheard, max(0, left))
    is_others = bool(at(RuleKind.PROTECT)) and not is_own
    offers = at(RuleKind.OFFER)
    is_offered = bool(offers[0].offered) if offers else "pickup" in node.place.offers
    return (min(0, left) if is_others or not is_offered else left), is_offered


@st.composite
def stocked(draw: st.DrawFn) -> Node:
    """Return a place that mostly has more than is kept there."""
    node = draw(any_node())
    more = draw(st.sampled_from([0, 60, 150]))
    return replace(node, position=replace(node.position, on_hand=node.position.on_hand + more))


@settings(max_examples=150)
@given(stocked(), st.lists(any_rule(NOW), max_size=8), st.booleans())
def test_a_place_promises_what_its_rules_leave(one, rules, is_own):
    """Every kind of rule, any reach, any order, at a place with any stock."""
    found = promised(one, *rules, is_own=is_own)
    assert (found.raw, found.is_offered) == reckoned(one, rules, is_own=is_own)
    assert found.quantity == max(0, found.raw)


@pytest.mark.slow
@settings(max_examples=150)
@given(st.lists(stocked(), max_size=4), st.lists(any_rule(NOW), max_size=8), few, st.booleans())
def test_the_network_promises_what_all_leave_less_what_it_keeps(nodes, rules, unsourced, is_own):
    """Its own safety stock and holdbacks come off the sum once; no place promises more."""
    promises = [promised(one, *rules) for one in nodes]
    selected = RuleSet(1, tuple(rules)).select(ASKED)
    whole = network_promise(Whole.of(zip(nodes, promises, strict=True)), unsourced, selected)

    open_ones = [
        one for one in nodes
        if reckoned(one, rules, is_own=False)[1]
        and not said(rules, RuleKind.PROTECT, Level.NODE, one)
    ]  # fmt: skip
    left = sum(max(0, reckoned(one, rules, is_own=False)[0]) for one in open_ones) - unsourced
    safety = said(rules, RuleKind.SAFETY_STOCK, Level.NETWORK)
    if safety:
        on_hand = sum(max(0, one.position.on_hand) for one in open_ones)
        left -= kept_by(safety[0], on_hand, sum(one.weekly_milli for one in open_ones))
    left -= sum(one.units or 0 for one in said(rules, RuleKind.HOLDBACK, Level.NETWORK))
    assert (whole.raw, whole.quantity) == (left, max(0, left))

    for one in nodes:
        units = max(0, reckoned(one, rules, is_own=is_own)[0])
        if not said(rules, RuleKind.PROTECT, Level.NODE, one):
            units = min(units, max(0, left))
        assert limited(promised(one, *rules, is_own=is_own), whole).quantity == units
