"""What may be promised, where, and why."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from central_server.api.documented import KEYED, problems
from central_server.api.schemas import AvailabilityAnswer
from central_server.services.api_keys import KeyHolder
from central_server.web.auth import require
from central_server.web.deps import central_of
from sync.domain.orders import Channel

router = APIRouter(prefix="/v1/availability", tags=["availability"])

SKUS_MAX = 50
LOCATIONS_MAX = 50
Name = Annotated[str, Query(min_length=1, max_length=64)]


@router.get(
    "", response_model=AvailabilityAnswer, responses=problems(*KEYED, "unknown_sku", "not_found")
)
def get_availability(
    request: Request,
    holder: Annotated[KeyHolder, Depends(require("availability:read"))],
    sku: Annotated[list[Name], Query(min_length=1, max_length=SKUS_MAX)],
    location: Annotated[list[Name] | None, Query(max_length=LOCATIONS_MAX)] = None,
    channel: Channel = Channel.WEB,
) -> object:
    """Return the ATP of SKUs, term by term, with the age of each store's data.

    Without `location`, the 50 locations with most of the first SKU are answered.
    """
    return central_of(request).availability.explain(
        tuple(dict.fromkeys(sku)), tuple(dict.fromkeys(location or ())), channel
    )
