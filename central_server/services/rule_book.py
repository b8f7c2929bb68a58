"""Versions of rules as people work on them: draft, publish, archive, roll back, audit.

A draft may be saved with findings, so that work can be interrupted; it is published
only without any. What is published never changes.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, ClassVar, Generic

from central_server.services.errors import (
    ChangedSinceRead,
    NeedsApproval,
    NotFound,
    ReadItFirst,
    RulesInvalid,
    VersionFixed,
)
from central_server.services.order_views import Document
from central_server.services.times import rfc3339, rfc3339_or_none
from central_server.sourcing.rule_checks import Finding
from central_server.sourcing.rule_versions import (
    R,
    RuleVersion,
    VersionState,
    archived,
    from_now_on,
    published,
)
from sync.clock import Clock

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.rule_versions import AuditEntry, RuleVersions
    from central_server.storage.unit import Unit, View

_WRITING = frozenset({"drafted", "edited"})
AUDIT_MAX = 1000
READING_BYTES = 8


class RuleBook(ABC, Generic[R]):
    """Keeps versions of one kind of rules. Every change goes to the audit."""

    KIND: ClassVar[str]
    """What a version is called in words."""

    def __init__(
        self, database: "Database", clock: Clock, *, needs_second_person: bool = False
    ) -> None:
        """With `needs_second_person`, nobody publishes what they wrote themselves."""
        self._database = database
        self._clock = clock
        self._needs_second_person = needs_second_person

    @abstractmethod
    def versions(self, view: "View") -> "RuleVersions[R]":
        """Return where the versions are kept."""

    @abstractmethod
    def findings(self, view: "View", rules: Sequence[R]) -> list[Finding]:
        """Return what is wrong with rules, by what central knows."""

    @abstractmethod
    def rule_document(self, rule: R) -> Document:
        """Return a rule as the API shows it: what is not said is left out."""

    def draft(self, rules: Sequence[R], *, note: str, by: str) -> Document:
        """Make a draft; what is wrong with it is part of the answer."""
        now = self._clock.now_ms()

        def work(unit: "Unit") -> Document:
            self.versions(unit).lock()
            number = self.versions(unit).next_version()
            made = RuleVersion(number, tuple(rules), note, by, now)
            self._keep(unit, [made], "drafted", made.version, by, note)
            return self._document(made, now, self.findings(unit, made.rules))

        return self._database.write(work)

    def edit(
        self, version: int, rules: Sequence[R], *, note: str, by: str, reading: str = ""
    ) -> Document:
        """Replace the rules of a draft, those of `reading` if it is given.

        Raises `NotFound`, `VersionFixed`, and `ChangedSinceRead` where somebody else edited it
        meanwhile.
        """
        now = self._clock.now_ms()

        def work(unit: "Unit") -> Document:
            before = self._draft(unit, version, now)
            self._require_unchanged(unit, before, reading)
            changed = replace(before, rules=tuple(rules), note=note)
            self._keep(unit, [changed], "edited", version, by, note)
            return self._document(changed, now, self.findings(unit, changed.rules))

        return self._database.write(work)

    def publish(
        self, version: int, *, effective_from_ms: int | None, note: str, by: str, reading: str = ""
    ) -> Document:
        """Let a draft hold from a moment on, by default from now.

        `reading` names the rules that were read (`reading` of the version as it was shown).
        Raises `NotFound`, `VersionFixed`, `RulesInvalid` with all findings, `NeedsApproval`
        where somebody else has to do it, `ReadItFirst` where that one does not say what they
        approve, and `ChangedSinceRead`.
        """
        now = self._clock.now_ms()
        start = max(now, effective_from_ms or now)

        def work(unit: "Unit") -> Document:
            draft = self._draft(unit, version, now)
            self._require_second_person(unit, version, by)
            self._require_as_read(unit, draft, reading)
            self._require_sound(unit, draft.rules)
            return self._publish(unit, draft, start, "published", by, note)

        return self._database.write(work)

    def roll_back(self, version: int, *, note: str, by: str) -> Document:
        """Let what an earlier version said hold again from now, as a new version.

        It was approved once and needs no second person. Raises `NotFound`,
        `VersionFixed` for what never held, and `RulesInvalid`.
        """
        now = self._clock.now_ms()

        def work(unit: "Unit") -> Document:
            self.versions(unit).lock()
            found = self._one(unit, version)
            if not found.has_held(now):
                raise VersionFixed(version, "not one that ever held")
            self._require_sound(unit, found.rules)
            number = self.versions(unit).next_version()
            again = RuleVersion(number, found.rules, note or f"as version {version}", by, now)
            return self._publish(unit, again, now, f"rolled back to {version}", by, note)

        return self._database.write(work)

    def archive(self, version: int, *, note: str, by: str) -> Document:
        """End a version now, or throw a draft away. Raises `NotFound`, `VersionFixed`."""
        now = self._clock.now_ms()

        def work(unit: "Unit") -> Document:
            self.versions(unit).lock()
            found = self._one(unit, version)
            if found.state(now) is VersionState.ARCHIVED:
                raise VersionFixed(version, "archived")
            changed = archived(self.versions(unit).published(), found, now)
            self._keep(unit, changed, "archived", version, by, note)
            return self._document(changed[-1], now, [])

        return self._database.write(work)

    def show(self, version: int) -> Document:
        """Return one version with its rules, findings and audit. Raises `NotFound`."""
        now = self._clock.now_ms()
        with self._database.read() as view:
            found = self._one(view, version)
            findings = self.findings(view, found.rules)
            audit = self.versions(view).audit(version, 100)
        return {**self._document(found, now, findings), "audit": [_entry(one) for one in audit]}

    def page(self, before: int | None, limit: int) -> tuple[list[Document], int | None]:
        """Return versions, the newest first, and where the next page goes on."""
        now = self._clock.now_ms()
        with self._database.read() as view:
            found = self.versions(view).newest(before, limit + 1)
        shown = found[:limit]
        more = shown[-1].version if len(found) > limit else None
        return [_head(one, now) for one in shown], more

    def audit(self, limit: int) -> list[Document]:
        """Return who did what, the newest first."""
        with self._database.read() as view:
            return [_entry(one) for one in self.versions(view).audit(None, limit)]

    def _publish(
        self, unit: "Unit", draft: RuleVersion[R], start_ms: int, action: str, by: str, note: str
    ) -> Document:
        now = self._clock.now_ms()
        others = self.versions(unit).published()
        if start_ms <= now:
            start_ms = from_now_on(others, now)
        changed = published(others, draft, start_ms, by=by, now_ms=now)
        self._keep(unit, changed, action, draft.version, by, note)
        return self._document(changed[-1], now, [])

    def _require_second_person(self, unit: "Unit", version: int, by: str) -> None:
        if not self._needs_second_person:
            return
        audit = self.versions(unit).audit(version, AUDIT_MAX)
        if by in {one.actor for one in audit if one.action in _WRITING}:
            raise NeedsApproval(version, by)

    def _require_as_read(self, unit: "Unit", draft: RuleVersion[R], reading: str) -> None:
        if not reading and self._needs_second_person:
            raise ReadItFirst(draft.version, "If-Match, or --reading")
        self._require_unchanged(unit, draft, reading)

    def _require_unchanged(self, unit: "Unit", draft: RuleVersion[R], reading: str) -> None:
        now_reads = self._reading(draft)
        if reading in {"", now_reads}:
            return
        audit = self.versions(unit).audit(draft.version, AUDIT_MAX)
        last = next(one for one in audit if one.action in _WRITING)
        raise ChangedSinceRead(draft.version, last.actor, rfc3339(last.at_ms), now_reads)

    def _reading(self, one: RuleVersion[R]) -> str:
        """Return a name of exactly these rules: of other rules it is another."""
        said = json.dumps([self.rule_document(rule) for rule in one.rules], sort_keys=True)
        return blake2b(said.encode(), digest_size=READING_BYTES).hexdigest()

    def _require_sound(self, unit: "Unit", rules: Sequence[R]) -> None:
        if found := self.findings(unit, rules):
            raise RulesInvalid([asdict(one) for one in found])

    def _one(self, view: "View", version: int) -> RuleVersion[R]:
        found = self.versions(view).get(version)
        if found is None:
            raise NotFound(self.KIND, str(version))
        return found

    def _draft(self, unit: "Unit", version: int, now_ms: int) -> RuleVersion[R]:
        self.versions(unit).lock()
        found = self._one(unit, version)
        state = found.state(now_ms)
        if state is not VersionState.DRAFT:
            raise VersionFixed(version, state.value)
        return found

    def _keep(
        self,
        unit: "Unit",
        changed: Sequence[RuleVersion[R]],
        action: str,
        version: int,
        by: str,
        note: str,
    ) -> None:
        self.versions(unit).save(changed)
        self.versions(unit).add_audit(self._clock.now_ms(), by, action, version, note)

    def _document(self, one: RuleVersion[R], now_ms: int, findings: Sequence[Finding]) -> Document:
        return {
            **_head(one, now_ms),
            "reading": self._reading(one),
            "rules": [self.rule_document(rule) for rule in one.rules],
            "findings": [asdict(finding) for finding in findings],
        }


def _head(one: RuleVersion[R], now_ms: int) -> Document:
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


def _entry(one: "AuditEntry") -> Document:
    return {
        "at": rfc3339(one.at_ms), "by": one.actor, "action": one.action,
        "version": one.version, "note": one.note,
    }  # fmt: skip
