"""What may be promised, where, and why."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from central_server.api.availability_schemas import AvailabilityAnswer, BasketAnswer, FeedPage
from central_server.api.documented import KEYED, problems
from central_server.api.schemas import QUANTITY_MAX, Day
from central_server.services.api_keys import KeyHolder
from central_server.services.availability import SERVICE, Question
from central_server.services.baskets import Basket
from central_server.services.order_capture import NewLine
from central_server.services.places import RADIUS_KM, Where
from central_server.services.promises import Ask
from central_server.sourcing.promise_rules import Method
from central_server.web.auth import require
from central_server.web.deps import central_of
from central_server.web.pagination import CURSOR_LENGTH_MAX, decode_cursor, encode_cursor
from central_server.web.problems import ProblemError
from sync.domain.orders import Channel

router = APIRouter(prefix="/v1/availability", tags=["availability"])

SKUS_MAX = 50
LOCATIONS_MAX = 50
DEGREES_MAX = 180.0
POINT = r"^-?\d{1,3}(\.\d{1,12})?,-?\d{1,3}(\.\d{1,12})?$"


FEED_LIMIT_MAX = 5_000


class FeedChannel(StrEnum):
    """Channels whose availability is published."""

    WEB = Channel.WEB.value
    MARKETPLACE = Channel.MARKETPLACE.value


class Scope(StrEnum):
    """Of what the answer is: of single places, or of all together."""

    STORES = "stores"
    NETWORK = "network"


Name = Annotated[str, Query(min_length=1, max_length=64)]
Units = Annotated[int, Query(ge=1, le=QUANTITY_MAX)]


@router.get(
    "", response_model=AvailabilityAnswer, responses=problems(*KEYED, "unknown_sku", "not_found")
)
def get_availability(
    request: Request,
    holder: Annotated[KeyHolder, Depends(require("availability:read"))],
    sku: Annotated[list[Name], Query(min_length=1, max_length=SKUS_MAX)],
    location: Annotated[list[Name] | None, Query(max_length=LOCATIONS_MAX)] = None,
    *,
    scope: Scope = Scope.STORES,
    near: Annotated[str | None, Query(pattern=POINT, max_length=64)] = None,
    radius_km: Annotated[float, Query(gt=0, le=20_040)] = RADIUS_KM,
    channel: Channel = Channel.WEB,
    method: Method = Method.PICKUP,
    service: Annotated[str, Query(min_length=1, max_length=32)] = SERVICE,
    dates: bool = False,
    explain: bool = False,
    need_by: Day | None = None,
) -> object:
    """Return the ATP of up to 50 SKUs for a channel, with the age of each store's data.

    At the named locations, at those around `near` (latitude,longitude), at the 50 with most
    of the first SKU where nothing is named, or with `scope=network` of all places together; with
    `dates` that says by when by each method, too, and how old what is known is.
    With `explain` each number is a sum whose parts name the rule that asks for them. With
    `need_by` (YYYY-MM-DD) nothing is promised that is ready, or delivered, after that day.
    """
    if need_by is not None and scope is Scope.NETWORK:
        raise ProblemError(
            "validation_failed", "/query/need_by: days are those of single places, not of a network"
        )
    question = Question(
        tuple(dict.fromkeys(sku)), tuple(dict.fromkeys(location or ())),
        _point(near) if near else None, radius_km, scope is Scope.NETWORK,
        Ask(channel.value, method.value), explain, service, dates, need_by=need_by,
    )  # fmt: skip
    return central_of(request).availability.answer(question)


@router.get(
    "/basket",
    response_model=BasketAnswer,
    responses=problems(*KEYED, "unknown_sku", "not_found"),
)
def get_basket(
    request: Request,
    holder: Annotated[KeyHolder, Depends(require("availability:read"))],
    sku: Annotated[list[Name], Query(min_length=1, max_length=SKUS_MAX)],
    quantity: Annotated[list[Units], Query(min_length=1, max_length=SKUS_MAX)],
    location: Annotated[list[Name] | None, Query(max_length=LOCATIONS_MAX)] = None,
    *,
    near: Annotated[str | None, Query(pattern=POINT, max_length=64)] = None,
    radius_km: Annotated[float, Query(gt=0, le=20_040)] = RADIUS_KM,
    channel: Channel = Channel.WEB,
    service: Annotated[str, Query(min_length=1, max_length=32)] = SERVICE,
) -> object:
    """Return where all of a basket can be fetched, and how it is sent to `near`, each with a date.

    `sku` and `quantity` are given as often as each other, in the same order.
    """
    if len(sku) != len(quantity):
        raise ProblemError("validation_failed", "/query/quantity: one for each sku")
    lines = tuple(NewLine(one, units) for one, units in zip(sku, quantity, strict=True))
    where = Where(tuple(dict.fromkeys(location or ())), _point(near) if near else None, radius_km)
    return central_of(request).baskets.answer(Basket(lines, where, channel.value, service))


@router.get(
    "/feed",
    response_model=FeedPage,
    responses=problems(*KEYED, "cursor_invalid", "cursor_expired", "not_found"),
)
def get_feed(
    request: Request,
    holder: Annotated[KeyHolder, Depends(require("availability:read"))],
    channel: FeedChannel = FeedChannel.WEB,
    method: Method = Method.PICKUP,
    location: Annotated[str, Query(max_length=64)] = "",
    after: Annotated[str | None, Query(max_length=CURSOR_LENGTH_MAX)] = None,
    limit: Annotated[int, Query(ge=1, le=FEED_LIMIT_MAX)] = FEED_LIMIT_MAX,
) -> object:
    """Return SKUs whose availability crossed a threshold after the cursor.

    Of the network; with `location` of that place, if settings say that it has a feed of its own.

    Without `after` the whole feed: SKUs that were never available are not in it. Keep `next`
    and ask again with it, at once while `more`; it is of this feed and of no other.
    """
    asked = (channel.value, method.value, location)
    known = None
    if after is not None:
        life, rev, *feed_of = decode_cursor(after, int, int, str, str, str)
        if tuple(feed_of) != asked:
            raise ProblemError("cursor_invalid", "this cursor is of another feed")
        known = (int(life), int(rev))
    feed = central_of(request).availability_feed
    page, last = feed.page(channel.value, method.value, known, limit, location_id=location)
    return {**page, "next": encode_cursor(*last, *asked)}


def _point(text: str) -> tuple[float, float]:
    latitude, longitude = map(float, text.split(","))
    if abs(latitude) > DEGREES_MAX / 2 or abs(longitude) > DEGREES_MAX:
        raise ProblemError("validation_failed", "/query/near: no such point on the globe")
    return latitude, longitude
