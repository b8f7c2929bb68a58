"""Weekly demand by place and SKU: what weeks of supply are reckoned by.

    weekly = units sold at the till and handed over in the last `WEEKS` / `WEEKS`

All of the window counts, also weeks in which nothing was sold.
"""

from typing import TYPE_CHECKING

from sync.clock import Clock

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit

WEEKS = 8
WEEK_MS = 7 * 86_400_000
MILLI = 1000


class WeeklyDemand:
    """Reckons demand, a location at a time."""

    def __init__(self, database: "Database", clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def run(self) -> int:
        """Reckon every location's demand; return how many SKUs' changed."""
        since = self._clock.now_ms() - WEEKS * WEEK_MS
        with self._database.read() as view:
            places = [one.id for one in view.locations.all()]
        return sum(self._reckon(place, since) for place in places)

    def _reckon(self, location_id: str, since_ms: int) -> int:
        return self._database.write(lambda unit: _reckon(unit, location_id, since_ms))


def _reckon(unit: "Unit", location_id: str, since_ms: int) -> int:
    found = unit.demand.sold(location_id, since_ms)
    kept = unit.demand.weekly_at(location_id)
    wanted = {sku: max(0, units * MILLI // WEEKS) for sku, units in found.items()}
    changed = {
        sku: wanted.get(sku, 0)
        for sku in wanted.keys() | kept.keys()
        if wanted.get(sku, 0) != kept.get(sku, 0)
    }
    if changed:
        unit.demand.set_weekly(location_id, changed)
        unit.promise_rules.bump()
    return len(changed)
