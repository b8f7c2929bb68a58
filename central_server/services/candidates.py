"""Locations as routing sees them, with what may be promised there by the rules in force."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from central_server.records import Location
from central_server.services.promises import ANYBODY, Ask, Promises
from central_server.services.promising import candidate
from central_server.sourcing.promise_terms import Promise
from central_server.sourcing.routing import Candidate

if TYPE_CHECKING:
    from central_server.storage.unit import View


def one_candidate(
    view: "View",
    location: Location,
    wanted: Mapping[str, int],
    now_ms: int,
    ask: Ask = ANYBODY,
    promises: Promises | None = None,
) -> Candidate:
    """Return one location with what may be promised there of the wanted SKUs.

    `promises` are what this transaction knows already.
    """
    promises = promises or Promises(view, now_ms)
    promised = promises.at(tuple(wanted), ask, [location.id])
    found = promised.get(location.id, {})
    return candidate(location, _free(found), is_offered=_offers(found))


def all_candidates(
    view: "View", wanted: Mapping[str, int], now_ms: int, ask: Ask = ANYBODY
) -> list[Candidate]:
    """Return every location that has any of the wanted SKUs, with what may be promised there."""
    promised = Promises(view, now_ms).at(tuple(wanted), ask)
    return [
        Candidate(
            location_id, latitude, longitude, _offers(promised[location_id]),
            _free(promised[location_id]),
        )
        for location_id, latitude, longitude, _ in view.locations.points(tuple(promised))
    ]  # fmt: skip


def _free(found: Mapping[str, Promise]) -> dict[str, int]:
    return {sku: one.quantity for sku, one in found.items()}


def _offers(found: Mapping[str, Promise]) -> bool:
    """Return whether a location offers anything of it: if not, its stock is not the reason."""
    return any(one.is_offered for one in found.values())
