"""What only administrators do: let devices in. Exceptions and quarantine have their own module."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from central_server.api.documented import KEYED, problems
from central_server.api.schemas import EnrolmentCodeBody, EnrolmentCodeView
from central_server.services.api_keys import KeyHolder
from central_server.web.auth import require
from central_server.web.deps import central_of

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
