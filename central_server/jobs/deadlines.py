"""Work that is due at locations: all of one location at once, and piece by piece if that fails."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from central_server.records import StoredFulfillment
from central_server.services.judging import Judging
from central_server.services.piecework import Piece, Piecework
from central_server.services.replication import Replication

if TYPE_CHECKING:
    from central_server.storage.unit import Unit

Work = Callable[[Replication, frozenset[str]], int]


class Deadlines:
    """One kind of what central does to orders when their time has come."""

    def __init__(self, judging: Judging, work: Work, *, job: str, words: str) -> None:
        self._judging = judging
        self._work = work
        self._pieces = Piecework(
            judging.database, judging.clock, judging.random, job=job, words=words
        )

    def run(self, due: Iterable[StoredFulfillment], now_ms: int) -> int:
        """Do it to what is due, in the order given within a location; return how many."""
        pieces = [
            Piece(one.row.order.id, one.row.order.order_id, one.row.order.location_id)
            for one in due
        ]
        pieces.sort(key=lambda piece: piece.location_id)
        places = (list(group) for _, group in groupby(pieces, lambda piece: piece.location_id))
        return self._pieces.in_groups(places, lambda group: self._at(group, now_ms))

    def _at(self, group: Sequence[Piece], now_ms: int) -> int:
        return self._judging.database.write(lambda unit: self._do(unit, group, now_ms))

    def _do(self, unit: "Unit", group: Sequence[Piece], now_ms: int) -> int:
        location = unit.locations.get(group[0].location_id)
        assert location is not None
        applier = Replication(unit, self._judging, location, now_ms)
        count = self._work(applier, frozenset(one.key for one in group))
        applier.flush()
        unit.after_commit(lambda: self._judging.pokes.publish(applier.heads))
        return count
