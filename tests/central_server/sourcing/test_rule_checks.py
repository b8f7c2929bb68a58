"""Whether rules make sense, in words that say what to do."""

import pytest

from central_server.sourcing.promise_rules import Level, PromiseRule, RuleKind
from central_server.sourcing.rule_checks import Known, check

KNOWN = Known({"A"}, {"Wine"}, {"S1", "S2"}, {"East"})
SAFETY, OFFER = RuleKind.SAFETY_STOCK, RuleKind.OFFER

WRONG = [
    (PromiseRule("r", SAFETY), "units", "exactly one of units, percent and weeks"),
    (PromiseRule("r", SAFETY, units=1, percent=2), "units", "exactly one"),
    (PromiseRule("r", SAFETY, percent=101), "percent", "not between 0 and 100"),
    (PromiseRule("r", SAFETY, units=1, skus=("B",)), "skus", "import it first"),
    (PromiseRule("r", SAFETY, units=1, categories=("Beer",)), "categories", "spelling"),
    (PromiseRule("r", SAFETY, units=1, locations=("S9",)), "locations", "no such location"),
    (PromiseRule("r", SAFETY, units=1, channels=("fax",)), "channels", "no such channel"),
    (PromiseRule("r", SAFETY, units=1, methods=("fly",)), "methods", "pickup and ship"),
    (PromiseRule("r", RuleKind.HOLDBACK), "units", "were agreed"),
    (PromiseRule("r", OFFER), "offered", "true"),
    (PromiseRule("r", OFFER, offered=True, units=1), "units", "leave it out"),
    (PromiseRule("r", RuleKind.PROTECT, level=Level.NETWORK), "level", "about places"),
    (PromiseRule("r", SAFETY, level=Level.NETWORK, units=1, locations=("S1",)), "locations",
     "level: node"),
    (PromiseRule("r", RuleKind.SILENCE, percent=5), "after_minutes", "both"),
    (PromiseRule("r", SAFETY, units=1, effective_from_ms=5, effective_until_ms=5),
     "effective_until", "ends before"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "field", "words"), WRONG)
def test_what_is_wrong_is_said(rule, field, words):
    """A finding names the rule and the field, and says what to do."""
    found = check([rule], KNOWN)
    assert [(one.rule, one.field) for one in found] == [("r", field)]
    assert words in found[0].text


def test_a_rule_that_never_counts_is_found():
    """Where an earlier rule reaches all of it, a later one would be ignored without a word."""
    wide = PromiseRule("wide", SAFETY, units=1)
    narrow = PromiseRule("narrow", SAFETY, units=5, skus=("A",))
    assert [one.rule for one in check([wide, narrow], KNOWN)] == ["narrow"]
    assert check([narrow, wide], KNOWN) == []
    boxed = PromiseRule("boxed", SAFETY, units=1, effective_from_ms=1, effective_until_ms=9)
    assert check([boxed, wide], KNOWN) == []


def test_names_are_unique():
    """Explanations name rules, so two may not have the same name."""
    hold = PromiseRule("same", RuleKind.HOLDBACK, units=1)
    assert [one.field for one in check([hold, hold], KNOWN)] == ["id"]
