"""Versions of rules, of promising or of routing: each is a draft, then active, then archived.

A published version holds from `effective_from_ms` until (and without)
`effective_until_ms`, so at any moment at most one does. What is published never
changes: a correction is a new version.

    publish at s   every version that began before s and would go on ends at s;
                   one that begins later still takes over then
    archive now    the version ends now; without a later one nothing holds. One that has not
                   begun never does, and the one that would have ended for it goes on
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeVar

R = TypeVar("R")
"""One rule, of promising or of routing."""
CLOCKS_APART_MS = 10_000
"""How far clocks of central's processes may be apart (README)."""


class VersionState(StrEnum):
    """Where a version stands."""

    DRAFT = "draft"
    ACTIVE = "active"
    """Published: it holds, or will at its time."""
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class RuleVersion(Generic[R]):
    """One version of all rules of a kind, and who made and published it."""

    version: int
    rules: tuple[R, ...]
    note: str
    created_by: str
    created_ms: int
    published_by: str = ""
    published_ms: int | None = None
    effective_from_ms: int | None = None
    effective_until_ms: int | None = None

    def state(self, now_ms: int) -> VersionState:
        """Return where it stands, derived from its times."""
        if self.published_ms is None and self.effective_until_ms is None:
            return VersionState.DRAFT
        end = self.effective_until_ms
        if end is not None and (end <= now_ms or end == self.effective_from_ms):
            return VersionState.ARCHIVED
        return VersionState.ACTIVE

    def is_in_force(self, now_ms: int) -> bool:
        """Return whether its rules hold."""
        start, end = self.effective_from_ms, self.effective_until_ms
        return start is not None and start <= now_ms and (end is None or now_ms < end)

    def has_held(self, now_ms: int) -> bool:
        """Return whether its rules hold, or once did: not where it was called off before."""
        start, end, said = self.effective_from_ms, self.effective_until_ms, self.published_ms
        if start is None or said is None or start > now_ms:
            return False
        return start != end or start <= said


def from_now_on(versions: Sequence[RuleVersion[R]], now_ms: int) -> int:
    """Return when what is published for now begins: behind whatever was, by any clock.

    Clocks of central's processes may be `CLOCKS_APART_MS` apart: what one that is ahead
    published for now would take over by itself a moment later.
    """
    begun = (
        one.effective_from_ms
        for one in versions
        if one.effective_from_ms is not None
        and one.published_ms is not None
        and one.effective_from_ms - one.published_ms <= CLOCKS_APART_MS
        and one.effective_from_ms <= now_ms + CLOCKS_APART_MS
    )
    return max([now_ms, *begun])


def published(
    versions: Sequence[RuleVersion[R]],
    draft: RuleVersion[R],
    start_ms: int,
    *,
    by: str,
    now_ms: int,
) -> list[RuleVersion[R]]:
    """Return what changes where `draft` is published to hold from `start_ms` on.

    `versions` are all that are published.
    """
    later = [one.effective_from_ms for one in versions
             if one.effective_from_ms is not None and one.effective_from_ms > start_ms
             and one.effective_from_ms != one.effective_until_ms]  # fmt: skip
    mine = replace(
        draft, published_by=by, published_ms=now_ms, effective_from_ms=start_ms,
        effective_until_ms=min(later, default=None),
    )  # fmt: skip
    ended = [
        replace(one, effective_until_ms=start_ms)
        for one in versions
        if one.effective_from_ms is not None
        and one.effective_from_ms <= start_ms
        and (one.effective_until_ms is None or one.effective_until_ms > start_ms)
    ]
    return [*ended, mine]


def archived(
    versions: Sequence[RuleVersion[R]], one: RuleVersion[R], now_ms: int
) -> list[RuleVersion[R]]:
    """Return what changes where a version is archived, that version last.

    `versions` are all that are published. A version that would begin later never
    does: whoever made room for it holds on in its place, so that no gap is left.
    """
    start = one.effective_from_ms
    if start is None or start <= now_ms:
        return [replace(one, effective_until_ms=now_ms)]
    going_on = [
        replace(before, effective_until_ms=one.effective_until_ms)
        for before in versions
        if before.effective_until_ms == start and before.effective_from_ms != start
    ]
    return [*going_on, replace(one, effective_until_ms=start)]
