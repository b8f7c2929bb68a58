"""Versions of the rules of promising, their audit, and the revision that readers look at."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, bindparam, func, or_, select, text

from central_server.sourcing.promise_rules import NO_RULES, PromiseRule, RuleSet
from central_server.sourcing.rule_versions import RuleVersion
from central_server.storage.bulk import insert_many, is_postgresql, upsert_many
from central_server.storage.prepared import Prepared
from central_server.storage.promise_tables import (
    PROMISE_REVISION,
    PROMISE_RULE_AUDIT,
    PROMISE_RULES,
)
from central_server.storage.tables import LOCATIONS, PRODUCTS

_RULES: TypeAdapter[tuple[PromiseRule, ...]] = TypeAdapter(tuple[PromiseRule, ...])
_COLUMNS = tuple(field.name for field in fields(RuleVersion))
_TABLE = PROMISE_RULES.c
_IN_FORCE = Prepared(
    lambda _: select(_TABLE.version, _TABLE.rules).where(
        _TABLE.effective_from_ms <= bindparam("now_ms"),
        or_(_TABLE.effective_until_ms.is_(None), _TABLE.effective_until_ms > bindparam("now_ms")),
    )
)
_CHANGES = Prepared(
    lambda _: select(func.min(_TABLE.effective_from_ms)).where(
        _TABLE.effective_from_ms > bindparam("now_ms"),
    )
)
_REVISION = Prepared(lambda _: select(PROMISE_REVISION.c.revision))
_LOCK = 5_140_171_204
"""Any number: on PostgreSQL, who changes versions of rules waits for others under it."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what with which version, and what they said about it."""

    at_ms: int
    actor: str
    action: str
    version: int
    note: str


class PromiseRules:
    """The tables `promise_rules`, `promise_rule_audit` and `promise_revision`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def in_force(self, now_ms: int) -> RuleSet:
        """Return the rules that hold at a moment; those of one version are read once."""
        row = _IN_FORCE.row(self._connection, now_ms=now_ms)
        return NO_RULES if row is None else _rule_set(*row)

    def next_change_ms(self, now_ms: int) -> int | None:
        """Return when another version takes over by its time."""
        found: int | None = _CHANGES.value(self._connection, now_ms=now_ms)
        return found

    def lock(self) -> None:
        """Let nobody else change versions until the commit."""
        if is_postgresql(self._connection):
            self._connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})

    def get(self, version: int) -> RuleVersion | None:
        """Return one version."""
        found = self._found(select(*(_TABLE[name] for name in _COLUMNS))
                            .where(_TABLE.version == version))  # fmt: skip
        return found[0] if found else None

    def newest(self, before: int | None, limit: int) -> list[RuleVersion]:
        """Return versions below a number, the newest first."""
        wanted = select(*(_TABLE[name] for name in _COLUMNS)).order_by(_TABLE.version.desc())
        if before is not None:
            wanted = wanted.where(_TABLE.version < before)
        return self._found(wanted.limit(limit))

    def published(self) -> list[RuleVersion]:
        """Return every version that was ever published, in the order of their times."""
        return self._found(
            select(*(_TABLE[name] for name in _COLUMNS))
            .where(_TABLE.published_ms.is_not(None))
            .order_by(_TABLE.effective_from_ms, _TABLE.version)
        )

    def _found(self, wanted: Any) -> list[RuleVersion]:
        return [
            RuleVersion(version, _RULES.validate_json(rules), *rest)
            for version, rules, *rest in self._connection.execute(wanted)
        ]

    def next_version(self) -> int:
        """Return the number of the next version."""
        newest = self._connection.execute(select(func.max(_TABLE.version))).scalar()
        return (newest or 0) + 1

    def save(self, versions: Sequence[RuleVersion]) -> None:
        """Write versions; who reads promises from memory looks again."""
        rows = [
            (one.version, _RULES.dump_json(one.rules, exclude_defaults=True).decode(), *rest)
            for one in versions
            for rest in [astuple(one)[2:]]
        ]
        upsert_many(self._connection, PROMISE_RULES, _COLUMNS, rows)
        self.bump()

    def bump(self) -> None:
        """Say that something has changed that promises depend on."""
        rising = PROMISE_REVISION.c.revision + 1
        self._connection.execute(PROMISE_REVISION.update().values(revision=rising))

    def revision(self) -> int:
        """Return a number that rises with each `bump`."""
        return int(_REVISION.value(self._connection) or 0)

    def add_audit(self, at_ms: int, actor: str, action: str, version: int, note: str) -> None:
        """Append to the audit."""
        columns = tuple(field.name for field in fields(AuditEntry))
        row = (at_ms, actor, action, version, note)
        insert_many(self._connection, PROMISE_RULE_AUDIT, columns, [row])

    def audit(self, version: int | None, limit: int) -> list[AuditEntry]:
        """Return the audit of a version, or of all, the newest first."""
        table = PROMISE_RULE_AUDIT.c
        columns = (table.at_ms, table.actor, table.action, table.version, table.note)
        wanted = select(*columns).order_by(table.id.desc()).limit(limit)
        if version is not None:
            wanted = wanted.where(table.version == version)
        return [AuditEntry(*row) for row in self._connection.execute(wanted)]

    def names(self) -> tuple[set[str], set[str]]:
        """Return the categories of products and the regions of locations."""
        categories = self._connection.execute(select(PRODUCTS.c.category).distinct()).scalars()
        regions = self._connection.execute(select(LOCATIONS.c.region).distinct()).scalars()
        return set(categories), set(regions)


@lru_cache(maxsize=64)
def _rule_set(version: int, rules: str) -> RuleSet:
    return RuleSet(version, _RULES.validate_json(rules))
