"""Moves work elsewhere: promises that no machine confirmed, orders that nobody accepted in time."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from central_server.services.judging import Judging
from central_server.services.replication import Replication
from central_server.services.rights import keep_time

if TYPE_CHECKING:
    from central_server.storage.unit import Unit


Work = Callable[[Replication], int]


class PromiseKeeper:
    """Looks for promises that have lapsed, and for orders that lie idle."""

    def __init__(self, judging: Judging) -> None:
        self._database = judging.database
        self._judging = judging

    def run(self) -> int:
        """Move what has lapsed by now, a location at a time; return how many promises."""
        now = self._judging.clock.now_ms()
        self._database.write(lambda unit: keep_time(unit, now))
        with self._database.read() as view:
            lapsed = {one.row.order.location_id for one in view.fulfillments.lapsed(now)}
            idle = {one.row.order.location_id for one in view.fulfillments.idle(now)}
        moved = sum(self._work_at(place, now, Replication.lapse) for place in sorted(lapsed))
        return moved + sum(
            self._work_at(place, now, Replication.give_on_idle) for place in sorted(idle)
        )

    def _work_at(self, location_id: str, now_ms: int, work: Work) -> int:
        return self._database.write(lambda unit: self._work(unit, location_id, now_ms, work))

    def _work(self, unit: "Unit", location_id: str, now_ms: int, work: Work) -> int:
        location = unit.locations.get(location_id)
        assert location is not None
        applier = Replication(unit, self._judging, location, now_ms)
        count = work(applier)
        applier.flush()
        unit.after_commit(lambda: self._judging.pokes.publish(applier.heads))
        return count
