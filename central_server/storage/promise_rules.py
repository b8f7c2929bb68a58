"""Versions of the rules of promising, and the revision that readers look at."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from pydantic import TypeAdapter
from sqlalchemy import BigInteger, bindparam, func, select, union_all

from central_server.sourcing.promise_rules import NO_RULES, PromiseRule, RuleSet
from central_server.sourcing.rule_versions import RuleVersion
from central_server.storage.prepared import Prepared
from central_server.storage.promise_tables import (
    PROMISE_REVISION,
    PROMISE_RULE_AUDIT,
    PROMISE_RULES,
)
from central_server.storage.raw import Together
from central_server.storage.rule_versions import RuleVersions, in_force
from central_server.storage.tables import LOCATIONS, PRODUCTS

_RULES: TypeAdapter[tuple[PromiseRule, ...]] = TypeAdapter(tuple[PromiseRule, ...])
_IN_FORCE = Prepared(lambda _: in_force(PROMISE_RULES))
_BEGINS, _ENDS = PROMISE_RULES.c.effective_from_ms, PROMISE_RULES.c.effective_until_ms
_NOW = bindparam("now_ms", type_=BigInteger)
_CHANGES = Prepared(
    lambda _: select(
        func.min(
            union_all(
                select(_BEGINS.label("at_ms")).where(_BEGINS > _NOW),
                select(_ENDS).where(_BEGINS <= _NOW, _ENDS > _NOW),
            )
            .subquery()
            .c.at_ms
        )
    )
)
_REVISION = Prepared(lambda _: select(PROMISE_REVISION.c.revision))


class PromiseRules(RuleVersions[PromiseRule]):
    """The tables `promise_rules`, `promise_rule_audit` and `promise_revision`."""

    TABLE = PROMISE_RULES
    AUDIT = PROMISE_RULE_AUDIT
    ADAPTER = _RULES
    LOCK = 5_140_171_204

    def in_force(self, now_ms: int) -> RuleSet:
        """Return the rules that hold at a moment; those of one version are read once."""
        row = _IN_FORCE.row(self._connection, now_ms=now_ms)
        return NO_RULES if row is None else _rule_set(*row)

    def ask(self, together: Together, now_ms: int, then: Callable[[RuleSet], None]) -> None:
        """Ask for `in_force` among others."""
        _IN_FORCE.ask(
            together, lambda rows: then(_rule_set(*rows[0]) if rows else NO_RULES), now_ms=now_ms
        )

    def next_change_ms(self, now_ms: int) -> int | None:
        """Return when another version takes over by its time, or one ends.

        One that was archived by a clock that is ahead ends later than its revision says.
        """
        found: int | None = _CHANGES.value(self._connection, now_ms=now_ms)
        return found

    def save(self, versions: Sequence[RuleVersion[PromiseRule]]) -> None:
        """Write versions; who reads promises from memory looks again."""
        super().save(versions)
        self.bump()

    def bump(self) -> None:
        """Say that something has changed that promises depend on."""
        rising = PROMISE_REVISION.c.revision + 1
        self._connection.execute(PROMISE_REVISION.update().values(revision=rising))

    def revision(self) -> int:
        """Return a number that rises with each `bump`."""
        return int(_REVISION.value(self._connection) or 0)

    def names(self) -> tuple[set[str], set[str]]:
        """Return the categories of products and the regions of locations."""
        categories = self._connection.execute(select(PRODUCTS.c.category).distinct()).scalars()
        regions = self._connection.execute(select(LOCATIONS.c.region).distinct()).scalars()
        return set(categories), set(regions)


@lru_cache(maxsize=64)
def _rule_set(version: int, rules: str) -> RuleSet:
    return RuleSet(version, _RULES.validate_json(rules))
