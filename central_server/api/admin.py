"""What only administrators do: let devices in, look after exceptions."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from central_server.api.documented import KEYED, problems
from central_server.api.schemas import EnrolmentCodeBody, EnrolmentCodeView, ExceptionPage
from central_server.services.api_keys import KeyHolder
from central_server.web.auth import require
from central_server.web.deps import central_of
from central_server.web.pagination import LIMIT_DEFAULT, LIMIT_MAX

router = APIRouter(prefix="/v1/admin", tags=["admin"])


@router.post(
    "/enrolment-codes",
    status_code=201,
    response_model=EnrolmentCodeView,
    responses=problems(*KEYED, "unknown_location"),
)
def create_enrolment_code(
    request: Request,
    body: EnrolmentCodeBody,
    holder: Annotated[KeyHolder, Depends(require("admin"))],
) -> object:
    """Make a one-time code with which one device may enrol at a location, for ten minutes."""
    return central_of(request).enrolment.create_code(body.location_id, replace=body.replace)


@router.get("/exceptions", response_model=ExceptionPage, responses=problems(*KEYED))
def list_exceptions(
    request: Request,
    holder: Annotated[KeyHolder, Depends(require("admin"))],
    owner: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
) -> object:
    """Return what is open and waits for a person, most urgent first: settle it and ask again."""
    return {"exceptions": central_of(request).exceptions.open(owner, limit)}
