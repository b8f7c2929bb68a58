"""Moves work elsewhere: promises that no machine confirmed, orders that nobody accepted in time."""

from central_server.jobs.deadlines import Deadlines
from central_server.services.judging import Judging
from central_server.services.replication import Replication
from central_server.services.rights import keep_time


class PromiseKeeper:
    """Looks for promises that have lapsed, and for orders that lie idle."""

    def __init__(self, judging: Judging) -> None:
        self._database = judging.database
        self._clock = judging.clock
        words = "was not moved"
        self._lapsed = Deadlines(judging, Replication.lapse, job="lapsed", words=words)
        self._idle = Deadlines(judging, Replication.give_on_idle, job="idle", words=words)

    def run(self) -> int:
        """Move what has lapsed by now, a location at a time; return how many promises."""
        self._database.write(lambda unit: keep_time(unit, self._clock))
        now = self._clock.now_ms()
        with self._database.read() as view:
            lapsed = view.fulfillments.lapsed(now)
            idle = view.fulfillments.idle(now)
        return self._lapsed.run(lapsed, now) + self._idle.run(idle, now)
