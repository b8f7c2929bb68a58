"""Moves promises elsewhere that a store did not confirm in time."""

from typing import TYPE_CHECKING

from central_server.services.judging import Judging
from central_server.services.replication import Replication
from central_server.services.rights import keep_time

if TYPE_CHECKING:
    from central_server.storage.unit import Unit


class PromiseKeeper:
    """Looks for promises that have lapsed."""

    def __init__(self, judging: Judging) -> None:
        self._database = judging.database
        self._judging = judging

    def run(self) -> int:
        """Move what has lapsed by now, a location at a time; return how many promises."""
        now = self._judging.clock.now_ms()
        self._database.write(lambda unit: keep_time(unit, now))
        with self._database.read() as view:
            places = sorted({one.row.order.location_id for one in view.fulfillments.lapsed(now)})
        return sum(self._lapse_at(place, now) for place in places)

    def _lapse_at(self, location_id: str, now_ms: int) -> int:
        return self._database.write(lambda unit: self._lapse(unit, location_id, now_ms))

    def _lapse(self, unit: "Unit", location_id: str, now_ms: int) -> int:
        location = unit.locations.get(location_id)
        assert location is not None
        applier = Replication(unit, self._judging, location, now_ms)
        count = applier.lapse()
        applier.flush()
        unit.after_commit(lambda: self._judging.pokes.publish(applier.heads))
        return count
