"""Money that stores take, for finance: gift cards, store credit, tender reports."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from central_server.api.documented import KEYED, problems
from central_server.api.money_schemas import (
    BlockBody,
    CodeBody,
    IssueBody,
    IssuedView,
    ReportQuery,
    TenderReportView,
    ValueView,
)
from central_server.api.rule_schemas import milliseconds
from central_server.services.api_keys import KeyHolder
from central_server.web import idempotency
from central_server.web.auth import require
from central_server.web.deps import central_of

router = APIRouter(prefix="/v1/admin", tags=["money"])

Admin = Annotated[KeyHolder, Depends(require("admin"))]
ISSUING = "POST /v1/admin/stored-values"
LocationId = Annotated[str, Path(min_length=1, max_length=64)]


@router.post(
    "/stored-values",
    response_model=IssuedView,
    status_code=201,
    responses=problems(
        *KEYED, "idempotency_key_missing", "idempotency_key_invalid", "idempotency_key_reused"
    ),
    openapi_extra=idempotency.PARAMETERS,
)
def issue_stored_value(
    request: Request, response: Response, holder: Admin, body: IssueBody
) -> object:
    """Issue a gift card or credit. Its code is kept nowhere; the same key tells it again."""
    identity = idempotency.identify(request, body, holder.id, ISSUING)
    document, is_replayed = central_of(request).tills.issue_once(
        identity, body.means, body.amount_minor, body.currency, holder.name
    )
    response.headers[idempotency.REPLAYED_HEADER] = "true" if is_replayed else "false"
    return document


@router.post(
    "/stored-values/lookup", response_model=ValueView, responses=problems(*KEYED, "not_found")
)
def look_up_stored_value(request: Request, holder: Admin, body: CodeBody) -> object:
    """Return what is left on a gift card or credit, and what moved on it."""
    return central_of(request).tills.statement(body.code.get_secret_value())


@router.post(
    "/stored-values/block",
    response_model=ValueView,
    responses=problems(*KEYED, "not_found", "nothing_to_block"),
)
def block_stored_value(request: Request, holder: Admin, body: BlockBody) -> object:
    """Block one, as when it was stolen: what is on it is set aside, and it pays nothing."""
    code = body.code.get_secret_value()
    return central_of(request).tills.block(code, note=body.note, by=holder.name)


@router.post(
    "/stored-values/unblock", response_model=ValueView, responses=problems(*KEYED, "not_found")
)
def unblock_stored_value(request: Request, holder: Admin, body: BlockBody) -> object:
    """Give back what was set aside. Where nothing is, nothing changes."""
    code = body.code.get_secret_value()
    return central_of(request).tills.unblock(code, note=body.note, by=holder.name)


@router.get(
    "/locations/{location_id}/tenders",
    response_model=TenderReportView,
    responses=problems(*KEYED, "unknown_location"),
)
def tender_report(
    request: Request,
    location_id: LocationId,
    holder: Admin,
    query: Annotated[ReportQuery, Query()],
) -> object:
    """Return what a store took in a time: by account, associate and drawer, balanced."""
    since_ms, before_ms = milliseconds(query.since), milliseconds(query.before)
    assert since_ms is not None
    assert before_ms is not None
    found = central_of(request).tills.report(location_id, since_ms, before_ms)
    return {**found, "since": found["from"]}
