"""Versions of the rules of routing."""

from collections.abc import Callable
from functools import lru_cache

from pydantic import TypeAdapter

from central_server.sourcing.routing_rules import NO_ROUTING_RULES, RoutingRule, RoutingRuleSet
from central_server.storage.prepared import Prepared
from central_server.storage.raw import Together
from central_server.storage.routing_tables import ROUTING_RULE_AUDIT, ROUTING_RULES
from central_server.storage.rule_versions import RuleVersions, in_force

_RULES: TypeAdapter[tuple[RoutingRule, ...]] = TypeAdapter(tuple[RoutingRule, ...])
_IN_FORCE = Prepared(lambda _: in_force(ROUTING_RULES))


class RoutingRules(RuleVersions[RoutingRule]):
    """The tables `routing_rules` and `routing_rule_audit`."""

    TABLE = ROUTING_RULES
    AUDIT = ROUTING_RULE_AUDIT
    ADAPTER = _RULES
    LOCK = 5_140_171_205

    def in_force(self, now_ms: int) -> RoutingRuleSet:
        """Return the rules that hold at a moment; those of one version are read once."""
        row = _IN_FORCE.row(self._connection, now_ms=now_ms)
        return NO_ROUTING_RULES if row is None else _rule_set(*row)

    def ask(self, together: Together, now_ms: int, then: Callable[[RoutingRuleSet], None]) -> None:
        """Ask for `in_force` among others."""
        _IN_FORCE.ask(
            together,
            lambda rows: then(_rule_set(*rows[0]) if rows else NO_ROUTING_RULES),
            now_ms=now_ms,
        )


@lru_cache(maxsize=64)
def _rule_set(version: int, rules: str) -> RoutingRuleSet:
    return RoutingRuleSet(version, _RULES.validate_json(rules))
