"""Locations, and how central hears from them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from central_server.api.documented import KEYED, problems
from central_server.api.escrow_schemas import EscrowBody, EscrowRuleView, EscrowView
from central_server.api.schemas import StorePage, StoreView
from central_server.services.api_keys import KeyHolder
from central_server.web.auth import require
from central_server.web.deps import central_of
from central_server.web.pagination import (
    CURSOR_LENGTH_MAX,
    LIMIT_DEFAULT,
    LIMIT_MAX,
    decode_cursor,
    encode_cursor,
)
from sync.protocol.digest import StoreDigest

router = APIRouter(prefix="/v1/stores", tags=["stores"])


@router.get("", response_model=StorePage, responses=problems(*KEYED, "cursor_invalid"))
def list_stores(
    request: Request,
    holder: Annotated[KeyHolder, Depends(require("stores:read"))],
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    cursor: Annotated[str | None, Query(max_length=CURSOR_LENGTH_MAX)] = None,
) -> object:
    """Return locations by id."""
    after = str(decode_cursor(cursor, str)[0]) if cursor else ""
    found, last = central_of(request).stores.page(after, limit)
    return {"stores": found, "next": encode_cursor(last) if last else None}


@router.get("/{store_id}", response_model=StoreView, responses=problems(*KEYED, "not_found"))
def get_store(
    request: Request,
    store_id: Annotated[str, Path(min_length=1, max_length=64)],
    holder: Annotated[KeyHolder, Depends(require("stores:read"))],
) -> object:
    """Return one location: last contact, backlog, app version, clock, open work."""
    return central_of(request).stores.one(store_id)


@router.get(
    "/{store_id}/digest", response_model=StoreDigest, responses=problems(*KEYED, "not_found")
)
def get_digest(
    request: Request,
    store_id: Annotated[str, Path(min_length=1, max_length=64)],
    holder: Annotated[KeyHolder, Depends(require("stores:read"))],
) -> object:
    """Return what central has of a store's orders and stock; `store-client digest` is its twin."""
    return central_of(request).stores.digest(store_id)


@router.get(
    "/{store_id}/escrow", response_model=EscrowView, responses=problems(*KEYED, "unknown_location")
)
def get_escrow(
    request: Request,
    store_id: Annotated[str, Path(min_length=1, max_length=64)],
    holder: Annotated[KeyHolder, Depends(require("stores:read"))],
) -> object:
    """Return how a store shares its stock, from when on otherwise, and how its lease stands."""
    return central_of(request).escrow.show(store_id)


@router.post(
    "/{store_id}/escrow",
    status_code=201,
    response_model=EscrowRuleView,
    responses=problems(*KEYED, "unknown_location", "not_a_store", "validation_failed"),
)
def add_escrow_rule(
    request: Request,
    store_id: Annotated[str, Path(min_length=1, max_length=64)],
    body: EscrowBody,
    holder: Annotated[KeyHolder, Depends(require("admin"))],
) -> object:
    """Let a store share its stock otherwise from a moment on; `*` is every store without a rule."""
    central = central_of(request)
    return central.escrow.add(body.rule(store_id, central.clock.now_ms()))
