"""Bodies of the API that versions of rules share, of promising and of routing."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Header
from pydantic import BaseModel, Field

from central_server.api.schemas import Body, Moment

Names = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
                  Field(max_length=1000)]  # fmt: skip
Note = Annotated[str, Field(max_length=1000)]


def milliseconds(moment: datetime | None) -> int | None:
    """Return an instant in milliseconds UTC; None stays None."""
    return None if moment is None else int(moment.timestamp() * 1000)


class PublishBody(Body):
    """From when on a version holds, by default from now, and why."""

    effective_from: Moment | None = None
    note: Note = ""


class NoteBody(Body):
    """Why."""

    note: Note = ""


class RuleFinding(BaseModel):
    """What is wrong with a rule, and what to do."""

    rule: str
    field: str
    text: str


AsRead = Annotated[str, Header(alias="If-Match", max_length=64)]


def reading_of(if_match: str) -> str:
    """Return what a header names: a reading, with or without the quotes of an entity tag."""
    return if_match.strip().removeprefix("W/").strip('"')


class RuleVersionHead(BaseModel):
    """A version without its rules."""

    version: int
    state: str
    in_force: bool
    effective_from: str | None
    effective_until: str | None
    note: str
    created_by: str
    created_at: str
    published_by: str
    published_at: str | None
    rule_count: int


class RuleVersionPage(BaseModel):
    """Versions, the newest first; `next` is the `before` of the next page."""

    versions: list[RuleVersionHead]
    next: int | None


class RuleAuditEntry(BaseModel):
    """Who did what with which version, and what they said about it."""

    at: str
    by: str
    action: str
    version: int
    note: str


class RuleAudit(BaseModel):
    """The audit, the newest first."""

    audit: list[RuleAuditEntry]


class RuleVersionView(RuleVersionHead):
    """A version with its rules and what is wrong with them."""

    rules: list[dict[str, Any]]
    reading: str
    """Names exactly these rules: who approves or replaces them sends it in `If-Match`."""
    findings: list[RuleFinding]
    audit: list[RuleAuditEntry] | None = None
