"""The rules of promising as people work on them: draft, preview, publish, archive, audit.

A draft may be saved with findings, so that work can be interrupted; it is published
only without any. What is published never changes.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from central_server.services.errors import NotFound, RulesInvalid, VersionFixed
from central_server.services.order_views import Document
from central_server.services.times import rfc3339, rfc3339_or_none
from central_server.sourcing.promise_rules import PromiseRule
from central_server.sourcing.rule_checks import Finding, Known, check
from central_server.sourcing.rule_versions import (
    RuleVersion,
    VersionState,
    archived,
    published,
)
from sync.clock import Clock

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.promise_rules import AuditEntry
    from central_server.storage.unit import Unit, View

KIND = "version of promise rules"


class PromiseRuleBook:
    """Keeps versions of rules. Every change goes to the audit."""

    def __init__(self, database: "Database", clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def draft(self, rules: Sequence[PromiseRule], *, note: str, by: str) -> Document:
        """Make a draft; what is wrong with it is part of the answer."""
        now = self._clock.now_ms()

        def work(unit: "Unit") -> Document:
            unit.promise_rules.lock()
            number = unit.promise_rules.next_version()
            made = RuleVersion(number, tuple(rules), note, by, now)
            self._keep(unit, [made], "drafted", made.version, by, note)
            return _document(made, now, findings_of(unit, made.rules))

        return self._database.write(work)

    def edit(self, version: int, rules: Sequence[PromiseRule], *, note: str, by: str) -> Document:
        """Replace the rules of a draft. Raises `NotFound`, `VersionFixed`."""
        now = self._clock.now_ms()

        def work(unit: "Unit") -> Document:
            changed = replace(self._draft(unit, version, now), rules=tuple(rules), note=note)
            self._keep(unit, [changed], "edited", version, by, note)
            return _document(changed, now, findings_of(unit, changed.rules))

        return self._database.write(work)

    def publish(
        self, version: int, *, effective_from_ms: int | None, note: str, by: str
    ) -> Document:
        """Let a draft hold from a moment on, by default from now.

        Raises `NotFound`, `VersionFixed`, and `RulesInvalid` with all findings.
        """
        now = self._clock.now_ms()
        start = max(now, effective_from_ms or now)

        def work(unit: "Unit") -> Document:
            draft = self._draft(unit, version, now)
            if findings := findings_of(unit, draft.rules):
                raise RulesInvalid([asdict(one) for one in findings])
            changed = published(unit.promise_rules.published(), draft, start, by=by, now_ms=now)
            self._keep(unit, changed, "published", version, by, note)
            return _document(changed[-1], now, [])

        return self._database.write(work)

    def archive(self, version: int, *, note: str, by: str) -> Document:
        """End a version now, or throw a draft away. Raises `NotFound`, `VersionFixed`."""
        now = self._clock.now_ms()

        def work(unit: "Unit") -> Document:
            unit.promise_rules.lock()
            found = _one(unit, version)
            if found.state(now) is VersionState.ARCHIVED:
                raise VersionFixed(version, "archived")
            changed = archived(unit.promise_rules.published(), found, now)
            self._keep(unit, changed, "archived", version, by, note)
            return _document(changed[-1], now, [])

        return self._database.write(work)

    def show(self, version: int) -> Document:
        """Return one version with its rules, findings and audit. Raises `NotFound`."""
        now = self._clock.now_ms()
        with self._database.read() as view:
            found = _one(view, version)
            findings = findings_of(view, found.rules)
            audit = view.promise_rules.audit(version, 100)
        return {**_document(found, now, findings), "audit": [_entry(one) for one in audit]}

    def page(self, before: int | None, limit: int) -> tuple[list[Document], int | None]:
        """Return versions, the newest first, and where the next page goes on."""
        now = self._clock.now_ms()
        with self._database.read() as view:
            found = view.promise_rules.newest(before, limit + 1)
        shown = found[:limit]
        more = shown[-1].version if len(found) > limit else None
        return [_head(one, now) for one in shown], more

    def audit(self, limit: int) -> list[Document]:
        """Return who did what, the newest first."""
        with self._database.read() as view:
            return [_entry(one) for one in view.promise_rules.audit(None, limit)]

    def _draft(self, unit: "Unit", version: int, now_ms: int) -> RuleVersion:
        unit.promise_rules.lock()
        found = _one(unit, version)
        state = found.state(now_ms)
        if state is not VersionState.DRAFT:
            raise VersionFixed(version, state.value)
        return found

    def _keep(
        self,
        unit: "Unit",
        versions: Sequence[RuleVersion],
        action: str,
        version: int,
        by: str,
        note: str,
    ) -> None:
        unit.promise_rules.save(versions)
        unit.promise_rules.add_audit(self._clock.now_ms(), by, action, version, note)


def findings_of(view: "View", rules: Sequence[PromiseRule]) -> list[Finding]:
    """Return what is wrong with rules, by what central knows."""
    skus = {sku for rule in rules for sku in rule.skus}
    places = {place for rule in rules for place in (*rule.locations, *rule.except_locations)}
    categories, regions = view.promise_rules.names()
    known = Known(
        view.catalogue.categories(skus), categories,
        {one.id for one in view.locations.places(places)}, regions,
    )  # fmt: skip
    return check(rules, known)


def _one(view: "View", version: int) -> RuleVersion:
    found = view.promise_rules.get(version)
    if found is None:
        raise NotFound(KIND, str(version))
    return found


def _head(one: RuleVersion, now_ms: int) -> Document:
    return {
        "version": one.version,
        "state": one.state(now_ms).value,
        "in_force": one.is_in_force(now_ms),
        "effective_from": rfc3339_or_none(one.effective_from_ms),
        "effective_until": rfc3339_or_none(one.effective_until_ms),
        "note": one.note,
        "created_by": one.created_by,
        "created_at": rfc3339(one.created_ms),
        "published_by": one.published_by,
        "published_at": rfc3339_or_none(one.published_ms),
        "rule_count": len(one.rules),
    }


def _document(one: RuleVersion, now_ms: int, findings: Sequence[Finding]) -> Document:
    return {
        **_head(one, now_ms),
        "rules": [rule_document(rule) for rule in one.rules],
        "findings": [asdict(finding) for finding in findings],
    }


def rule_document(rule: PromiseRule) -> Document:
    """Return a rule as the API shows it: what is not said is left out."""
    values = asdict(rule)
    for name in ("effective_from", "effective_until"):
        values[name] = rfc3339_or_none(values.pop(f"{name}_ms"))
    shown = {name: value for name, value in values.items() if value not in (None, (), "")}
    return {**shown, "kind": rule.kind.value, "level": rule.level.value}


def _entry(one: "AuditEntry") -> Document:
    return {
        "at": rfc3339(one.at_ms), "by": one.actor, "action": one.action,
        "version": one.version, "note": one.note,
    }  # fmt: skip
