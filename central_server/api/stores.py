"""Locations, and how central hears from them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from central_server.api.documented import KEYED, problems
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
