"""Moves promises elsewhere that a store did not confirm in time."""

from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING

from central_server.ports import Pokes
from central_server.services.flow_handler import FlowHandler
from central_server.services.replication import Replication
from central_server.services.rights import keep_time
from sync.clock import Clock

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit


class PromiseKeeper:
    """Looks for promises that have lapsed."""

    def __init__(
        self,
        database: "Database",
        handlers: Iterable[FlowHandler],
        *,
        clock: Clock,
        random: Random,
        pokes: Pokes,
        promise_ms: int,
    ) -> None:
        self._database = database
        self._handlers = tuple(handlers)
        self._clock = clock
        self._random = random
        self._pokes = pokes
        self._promise_ms = promise_ms

    def run(self) -> int:
        """Move what has lapsed by now, a location at a time; return how many promises."""
        now = self._clock.now_ms()
        self._database.write(lambda unit: keep_time(unit, now))
        with self._database.read() as view:
            places = sorted({one.row.order.location_id for one in view.fulfillments.lapsed(now)})
        return sum(self._lapse_at(place, now) for place in places)

    def _lapse_at(self, location_id: str, now_ms: int) -> int:
        return self._database.write(lambda unit: self._lapse(unit, location_id, now_ms))

    def _lapse(self, unit: "Unit", location_id: str, now_ms: int) -> int:
        location = unit.locations.get(location_id)
        assert location is not None
        applier = Replication(
            unit, self._handlers, location, now_ms=now_ms, random=self._random,
            promise_ms=self._promise_ms,
        )  # fmt: skip
        count = applier.lapse()
        applier.flush()
        unit.after_commit(lambda: self._pokes.publish(applier.heads))
        return count
