"""What waits for people: exceptions, and operations of stores in quarantine."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from central_server.api.documented import KEYED, problems
from central_server.api.exception_schemas import (
    AssignBody,
    ExceptionPage,
    ExceptionQuery,
    ExceptionView,
    HeldPage,
    HeldQuery,
    NoteBody,
    SettledView,
    SkipBody,
)
from central_server.records import ExceptionFilter
from central_server.services.api_keys import KeyHolder
from central_server.web.auth import require
from central_server.web.deps import central_of
from central_server.web.pagination import decode_cursor, encode_cursor
from sync.domain.ids import OpId

router = APIRouter(prefix="/v1/admin", tags=["exceptions"])

Admin = Annotated[KeyHolder, Depends(require("admin"))]
ExceptionId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z\-]+$")]
ReplicaId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z\-_.]+$")]
Number = Annotated[int, Path(ge=1, le=2**62)]
STATES = {"open": True, "closed": False, "all": None}
_SETTLING = ("not_found", "already_settled", "waits_behind")


@router.get(
    "/exceptions", response_model=ExceptionPage, responses=problems(*KEYED, "cursor_invalid")
)
def list_exceptions(
    request: Request, holder: Admin, query: Annotated[ExceptionQuery, Query()]
) -> object:
    """Return what waits for a person, the most urgent first."""
    after = decode_cursor(query.cursor, int, str) if query.cursor else None
    wanted = ExceptionFilter(
        owner=query.owner,
        kind=query.kind,
        location_id=query.location,
        order_id=query.order,
        is_open=STATES[query.state],
    )
    place = None if after is None else (int(after[0]), str(after[1]))
    found, last = central_of(request).exceptions.page(wanted, place, query.limit)
    return {"exceptions": found, "next": encode_cursor(*last) if last else None}


@router.get(
    "/exceptions/{exception_id}",
    response_model=ExceptionView,
    responses=problems(*KEYED, "not_found"),
)
def get_exception(request: Request, exception_id: ExceptionId, holder: Admin) -> object:
    """Return one exception, open or closed, with what was done about it."""
    return central_of(request).exceptions.one(exception_id)


@router.post(
    "/exceptions/{exception_id}/resolve",
    response_model=ExceptionView,
    responses=problems(
        *KEYED, "not_found", "already_closed", "not_ended_by_people", "note_missing"
    ),
)
def resolve_exception(
    request: Request, exception_id: ExceptionId, holder: Admin, body: NoteBody
) -> object:
    """Close an exception and say what was done. The same again gives the same answer."""
    return central_of(request).exceptions.resolve(exception_id, note=body.note, by=holder.name)


@router.post(
    "/exceptions/{exception_id}/assign",
    response_model=ExceptionView,
    responses=problems(*KEYED, "not_found", "already_closed", "already_assigned", "not_assignable"),
)
def assign_exception(
    request: Request, exception_id: ExceptionId, holder: Admin, body: AssignBody
) -> object:
    """Give an exception to its store or back to central, to a person or to nobody."""
    return central_of(request).exceptions.assign(
        exception_id, owner=body.owner, assignee=body.assignee, take_over=body.take_over
    )


@router.get("/quarantine", response_model=HeldPage, responses=problems(*KEYED, "cursor_invalid"))
def list_quarantine(
    request: Request, holder: Admin, query: Annotated[HeldQuery, Query()]
) -> object:
    """Return operations of stores that central could not process, and those that wait behind."""
    after = decode_cursor(query.cursor, str, int, int) if query.cursor else None
    place = None if after is None else OpId(str(after[0]), int(after[1]), int(after[2]))
    found, last = central_of(request).quarantine.page(query.location, place, query.limit)
    following = encode_cursor(last.replica_id, last.epoch, last.seq) if last else None
    return {"operations": found, "next": following}


@router.post(
    "/quarantine/{replica_id}/{epoch}/{seq}/retry",
    response_model=SettledView,
    responses=problems(*KEYED, *_SETTLING),
)
def retry_operation(
    request: Request, replica_id: ReplicaId, epoch: Number, seq: Number, holder: Admin
) -> object:
    """Judge an operation again, and those that wait behind it. Repeating it is harmless."""
    op_id = OpId(replica_id, epoch, seq)
    return central_of(request).quarantine.retry(op_id, by=holder.name)


@router.post(
    "/quarantine/{replica_id}/{epoch}/{seq}/skip",
    response_model=SettledView,
    responses=problems(*KEYED, *_SETTLING),
)
def skip_operation(
    request: Request, replica_id: ReplicaId, epoch: Number, seq: Number, holder: Admin,
    body: SkipBody,
) -> object:  # fmt: skip
    """Set an operation aside for good, for a reason that its store reads; the rest goes on."""
    op_id = OpId(replica_id, epoch, seq)
    return central_of(request).quarantine.skip(op_id, by=holder.name, reason=body.reason)
