"""Ends reservations that no store has ended, and serves waiting lists when stock has come."""

from central_server.jobs.deadlines import Deadlines
from central_server.services.judging import Judging
from central_server.services.replication import Replication


class HoldKeeper:
    """Looks for holds that are over and for stock that somebody waits for."""

    def __init__(self, judging: Judging) -> None:
        self._database = judging.database
        self._clock = judging.clock
        self._over = Deadlines(judging, Replication.expire, job="holds", words="was not ended")
        self._waiting = Deadlines(
            judging, Replication.serve_waiting, job="serving", words="was not served"
        )

    def run(self) -> int:
        """Expire and serve what is due, a location at a time; return how many reservations."""
        now = self._clock.now_ms()
        with self._database.read() as view:
            over = view.fulfillments.held_until(now)
            waiting = view.fulfillments.waiting()
        return self._over.run(over, now) + self._waiting.run(waiting, now)
