"""New devices introduce themselves."""

from fastapi import APIRouter, Request

from central_server.api.documented import problems
from central_server.web.deps import central_of
from central_server.web.problems import require_storable
from sync.protocol.session import EnrolAnswer, EnrolRequest

router = APIRouter(prefix="/v1/devices", tags=["devices"])


@router.post(
    "/enrol",
    status_code=201,
    response_model=EnrolAnswer,
    responses=problems("enrolment_refused", "validation_failed", "bad_request"),
)
def enrol(request: Request, body: EnrolRequest) -> object:
    """Exchange a one-time code and a public key for a place at a location."""
    require_storable(body)
    return central_of(request).enrolment.enrol(body)
