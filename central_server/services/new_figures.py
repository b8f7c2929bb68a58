"""Stock follows the safety stock and the percentage of its location, soon after they changed.

Whoever changes them notes what they were (`Locations.let_follow`). A SKU with a safety stock of
its own keeps it: one that its location did not have when stock may have been told. A fixed
floor is the new percentage of what is there; one that sizing has set is sizing's.
"""

from functools import partial
from typing import TYPE_CHECKING

from central_server.ports import Pokes
from central_server.records import Location
from sync.domain.escrow import fixed_floor
from sync.protocol.rows import Entity, StockRow, store_scope

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit


def follow_figures(database: "Database", pokes: Pokes) -> int:
    """Let stock follow, one location at a time; return how many SKUs of locations changed."""
    with database.read() as view:
        places = sorted(view.locations.to_follow())
    return sum(database.write(partial(_follow, pokes, place)) for place in places)


def _follow(pokes: Pokes, location_id: str, unit: "Unit") -> int:
    # Who tells stock holds the location, too: what it keeps is what stands there by now.
    place = unit.locations.lock([location_id])[location_id]
    told = unit.locations.to_follow().get(location_id, [])
    safeties = {safety for safety, _ in told}
    is_other_share = any(percent != place.floor_percent for _, percent in told)
    came = unit.supply.came_for_orders([location_id])

    def wanted(row: StockRow) -> tuple[int, int]:
        safety = place.safety_stock if row.safety_stock in safeties else row.safety_stock
        if not is_other_share or place.escrow.enabled:
            return row.floor, safety
        for_orders = came.get((location_id, row.sku), 0)
        return fixed_floor(row.on_hand - for_orders, place.floor_percent), safety

    skus = [row.sku for row in unit.stock.rows(location_id) if wanted(row) != _figures_of(row)]
    rows = unit.stock.lock_rows(location_id, skus).values() if skus else ()
    changed = {row.sku: wanted(row) for row in rows if wanted(row) != _figures_of(row)}
    if changed:
        unit.stock.set_figures(location_id, changed)
        _tell(unit, pokes, place, set(changed))
    unit.locations.followed(location_id)
    return len(changed)


def _figures_of(row: StockRow) -> tuple[int, int]:
    return row.floor, row.safety_stock


def _tell(unit: "Unit", pokes: Pokes, place: Location, skus: set[str]) -> None:
    feed = unit.feed_writer()
    for row in unit.stock.rows(place.id, skus):
        feed.put(store_scope(place.id), Entity.STOCK, row.sku, row)
    heads = feed.flush()
    unit.after_commit(lambda: pokes.publish(heads))
