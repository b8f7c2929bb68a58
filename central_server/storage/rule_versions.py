"""Versions of rules and their audit: what rules of promising and of routing are kept by."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any, ClassVar, Generic

from pydantic import TypeAdapter
from sqlalchemy import Connection, Select, Table, bindparam, func, or_, select, text

from central_server.sourcing.rule_versions import R, RuleVersion
from central_server.storage.bulk import insert_many, is_postgresql, upsert_many

_COLUMNS = tuple(field.name for field in fields(RuleVersion))


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what with which version, and what they said about it."""

    at_ms: int
    actor: str
    action: str
    version: int
    note: str


_AUDIT = tuple(field.name for field in fields(AuditEntry))


def in_force(table: Table) -> Select[Any]:
    """Return the query for (version, rules) that hold at `now_ms`."""
    return select(table.c.version, table.c.rules).where(
        table.c.effective_from_ms <= bindparam("now_ms"),
        or_(
            table.c.effective_until_ms.is_(None),
            table.c.effective_until_ms > bindparam("now_ms"),
        ),
    )


class RuleVersions(Generic[R]):
    """A table of versions and the table of its audit; subclasses name them."""

    TABLE: ClassVar[Table]
    AUDIT: ClassVar[Table]
    ADAPTER: ClassVar[TypeAdapter[Any]]
    """Reads and writes the rules of a version as JSON."""
    LOCK: ClassVar[int]
    """Any number of its own: on PostgreSQL, who changes versions waits for others under it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self) -> None:
        """Let nobody else change versions until the commit."""
        if is_postgresql(self._connection):
            self._connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": self.LOCK})

    def get(self, version: int) -> RuleVersion[R] | None:
        """Return one version."""
        found = self._found(self._all().where(self.TABLE.c.version == version))
        return found[0] if found else None

    def newest(self, before: int | None, limit: int) -> list[RuleVersion[R]]:
        """Return versions below a number, the newest first."""
        wanted = self._all().order_by(self.TABLE.c.version.desc())
        if before is not None:
            wanted = wanted.where(self.TABLE.c.version < before)
        return self._found(wanted.limit(limit))

    def published(self) -> list[RuleVersion[R]]:
        """Return every version that was ever published, in the order of their times."""
        return self._found(
            self._all()
            .where(self.TABLE.c.published_ms.is_not(None))
            .order_by(self.TABLE.c.effective_from_ms, self.TABLE.c.version)
        )

    def _all(self) -> Select[Any]:
        return select(*(self.TABLE.c[name] for name in _COLUMNS))

    def _found(self, wanted: Select[Any]) -> list[RuleVersion[R]]:
        return [
            RuleVersion(version, self.ADAPTER.validate_json(rules), *rest)
            for version, rules, *rest in self._connection.execute(wanted)
        ]

    def next_version(self) -> int:
        """Return the number of the next version."""
        newest = self._connection.execute(select(func.max(self.TABLE.c.version))).scalar()
        return (newest or 0) + 1

    def save(self, versions: Sequence[RuleVersion[R]]) -> None:
        """Write versions."""
        rows = [
            (one.version, self.ADAPTER.dump_json(one.rules, exclude_defaults=True).decode(), *rest)
            for one in versions
            for rest in [astuple(one)[2:]]
        ]
        upsert_many(self._connection, self.TABLE, _COLUMNS, rows)

    def add_audit(self, at_ms: int, actor: str, action: str, version: int, note: str) -> None:
        """Append to the audit."""
        insert_many(self._connection, self.AUDIT, _AUDIT, [(at_ms, actor, action, version, note)])

    def audit(self, version: int | None, limit: int) -> list[AuditEntry]:
        """Return the audit of a version, or of all, the newest first."""
        table = self.AUDIT.c
        wanted = select(*(table[name] for name in _AUDIT)).order_by(table.id.desc()).limit(limit)
        if version is not None:
            wanted = wanted.where(table.version == version)
        return [AuditEntry(*row) for row in self._connection.execute(wanted)]
