"""The rules of routing as people work on them (`rule_book` has the life of a version)."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from central_server.services.order_views import Document
from central_server.services.rule_book import RuleBook
from central_server.services.times import rfc3339_or_none
from central_server.sourcing.routing_checks import check_routing
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from central_server.sourcing.rule_checks import Finding, Known

if TYPE_CHECKING:
    from central_server.storage.routing_rules import RoutingRules
    from central_server.storage.unit import View


class RoutingRuleBook(RuleBook[RoutingRule]):
    """Keeps versions of the rules of routing."""

    KIND = "version of routing rules"

    def versions(self, view: "View") -> "RoutingRules":
        """Return where the versions are kept."""
        return view.routing_rules

    def findings(self, view: "View", rules: Sequence[RoutingRule]) -> list[Finding]:
        """Return what is wrong with rules, by what central knows."""
        skus = {sku for rule in rules for sku in rule.skus}
        places = {one for rule in rules for one in (*rule.locations, *rule.except_locations)}
        categories, regions = view.promise_rules.names()
        limits = sum(rule.kind is RoutingRuleKind.CAPACITY for rule in rules)
        everywhere = [one for one, _, _ in view.locations.all_points()] if limits > 1 else []
        known = Known(
            view.catalogue.categories(skus), categories,
            {one.id for one in view.locations.places(places)}, regions,
            view.locations.places(everywhere),
        )  # fmt: skip
        return check_routing(rules, known)

    def rule_document(self, rule: RoutingRule) -> Document:
        """Return a rule as the API shows it: what is as if nothing was said is left out."""
        values = asdict(rule)
        shown: Document = {
            field.name: values[field.name]
            for field in fields(rule)
            if field.name in {"id", "kind"} or values[field.name] != field.default
        }
        for name in ("effective_from_ms", "effective_until_ms"):
            if name in shown:
                shown[name.removesuffix("_ms")] = rfc3339_or_none(values[name])
                del shown[name]
        return shown
