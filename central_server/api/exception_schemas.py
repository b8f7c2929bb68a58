"""Bodies of what waits for people. Times are RFC 3339 UTC."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from central_server.api.schemas import Body
from central_server.web.pagination import CURSOR_LENGTH_MAX, LIMIT_DEFAULT, LIMIT_MAX
from sync.domain.exceptions import NOTE_LENGTH_MAX, ExceptionKind, ExceptionOwner

Words = Annotated[str, Field(min_length=1, max_length=NOTE_LENGTH_MAX)]


class ExceptionQuery(Body):
    """What a list asks for; all that is given must hold."""

    owner: ExceptionOwner | None = None
    kind: ExceptionKind | None = None
    location: Annotated[str | None, Field(max_length=64)] = None
    order: Annotated[str | None, Field(max_length=64)] = None
    """The order's id."""
    state: Literal["open", "closed", "all"] = "open"
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Annotated[str | None, Field(max_length=CURSOR_LENGTH_MAX)] = None


class NoteBody(Body):
    """What was done."""

    note: Words


class AssignBody(Body):
    """Who is to act. What is left out stays as it is."""

    owner: ExceptionOwner | None = None
    """`central`, or `store` for the people of the store that it is about."""
    assignee: Annotated[str | None, Field(max_length=64)] = None
    """A person's name; empty gives it back to everybody."""
    take_over: bool = False
    """Whether to take it from the person who looks after it now."""


class HeldQuery(Body):
    """What a list of the quarantine asks for."""

    location: Annotated[str | None, Field(max_length=64)] = None
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Annotated[str | None, Field(max_length=CURSOR_LENGTH_MAX)] = None


class SkipBody(Body):
    """Why an operation is set aside. Its store reads it."""

    reason: Words


class ExceptionView(BaseModel):
    """Something that a person has to settle, or has settled."""

    id: str
    kind: str
    state: str
    owner: str
    assignee: str
    title: str
    text: str
    to_do: str
    ends_by_itself: bool
    """Whether it ends when its cause is gone, and not by anybody's word."""
    order_id: str
    order_number: str
    fulfillment_id: str
    location_id: str
    source: str
    """The operation, replica or decision that led to it."""
    opened_at: str
    due_at: str
    closed_at: str | None
    closed_by: str
    note: str


class ExceptionPage(BaseModel):
    """Exceptions, the most urgent first, and the cursor of the next page."""

    exceptions: list[ExceptionView]
    next: str | None


class HeldView(BaseModel):
    """An operation of a store, as it came, with what central made of it."""

    replica_id: str
    epoch: int
    seq: int
    location_id: str
    kind: str
    aggregate: str
    order_number: str
    by: str
    at: str
    """When it was done, by the store's clock."""
    received_at: str
    status: str
    code: str
    text: str
    waits_behind: int | None
    """The operation of the same replica that has to be settled first."""
    exception_id: str
    line: str
    """What the store sent, byte for byte where it is text."""


class HeldPage(BaseModel):
    """Operations in quarantine by replica and place, and the cursor of the next page."""

    operations: list[HeldView]
    next: str | None


class VerdictView(BaseModel):
    """What became of one operation."""

    epoch: int
    seq: int
    status: str
    code: str
    text: str


class SettledView(BaseModel):
    """The operation as it stands now, and every verdict of its replica that has changed."""

    operation: HeldView
    settled: list[VerdictView]
