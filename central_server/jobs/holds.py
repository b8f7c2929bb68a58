"""Ends reservations that no store has ended, and serves waiting lists when stock has come."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from central_server.services.judging import Judging
from central_server.services.replication import Replication

if TYPE_CHECKING:
    from central_server.storage.unit import Unit

Work = Callable[[Replication], int]


class HoldKeeper:
    """Looks for holds that are over and for stock that somebody waits for."""

    def __init__(self, judging: Judging) -> None:
        self._database = judging.database
        self._judging = judging

    def run(self) -> int:
        """Expire and serve what is due, a location at a time; return how many reservations."""
        now = self._judging.clock.now_ms()
        with self._database.read() as view:
            over = {one.row.order.location_id for one in view.fulfillments.held_until(now)}
            waiting = {one.row.order.location_id for one in view.fulfillments.waiting()}
        expired = sum(self._work_at(place, now, Replication.expire) for place in sorted(over))
        served = sum(
            self._work_at(place, now, Replication.serve_waiting) for place in sorted(waiting)
        )
        return expired + served

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
