"""The rules of promising as people work on them (`rule_book` has the life of a version)."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from central_server.services.order_views import Document
from central_server.services.rule_book import RuleBook
from central_server.services.times import rfc3339_or_none
from central_server.sourcing.promise_rules import PromiseRule
from central_server.sourcing.rule_checks import Finding, Known, check

if TYPE_CHECKING:
    from central_server.storage.promise_rules import PromiseRules
    from central_server.storage.unit import View

KIND = "version of promise rules"


class PromiseRuleBook(RuleBook[PromiseRule]):
    """Keeps versions of the rules of promising."""

    KIND = KIND

    def versions(self, view: "View") -> "PromiseRules":
        """Return where the versions are kept."""
        return view.promise_rules

    def findings(self, view: "View", rules: Sequence[PromiseRule]) -> list[Finding]:
        """Return what is wrong with rules, by what central knows."""
        return findings_of(view, rules)

    def rule_document(self, rule: PromiseRule) -> Document:
        """Return a rule as the API shows it: what is not said is left out."""
        return rule_document(rule)


def findings_of(view: "View", rules: Sequence[PromiseRule]) -> list[Finding]:
    """Return what is wrong with rules, by what central knows."""
    skus = {sku for rule in rules for sku in rule.skus}
    places = {place for rule in rules for place in (*rule.locations, *rule.except_locations)}
    categories, regions = view.promise_rules.names()
    known = Known(
        view.catalogue.categories(skus), categories,
        {one.id for one in view.locations.places(places)}, regions,
        kits=view.supply.bundles(skus),
    )  # fmt: skip
    return check(rules, known)


def rule_document(rule: PromiseRule) -> Document:
    """Return a rule as the API shows it: what is not said is left out."""
    values = asdict(rule)
    for name in ("effective_from", "effective_until"):
        values[name] = rfc3339_or_none(values.pop(f"{name}_ms"))
    shown = {name: value for name, value in values.items() if value not in (None, (), "")}
    return {**shown, "kind": rule.kind.value, "level": rule.level.value}
