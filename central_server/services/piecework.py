"""Work that central does by itself, piece by piece: one that fails stops none of the others.

Each piece has a transaction of its own, or shares one with others as long as that goes
well. A piece that fails is tried again in the next run; until it is done, or not due any
more, it stands on the list of people, once. Where not even that can be written, the engine
is away, and the run raises.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from random import Random
from traceback import extract_tb
from typing import TYPE_CHECKING

from central_server.records import ExceptionFilter, ExceptionRecord
from central_server.services.exceptions import close_causes, exception_record
from sync.clock import Clock
from sync.domain.card_numbers import without_card_numbers
from sync.domain.exceptions import ExceptionKind
from sync.hub.feed import FeedWriter

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit

TEXT_MAX = 300
OPEN_MAX = 1000
"""So many are read of what is open; what is beyond is seen when some of these have ended."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of work, by what it is about."""

    key: str
    """Of the order, the part, the location or the message: its name in this job."""
    order_id: str = ""
    location_id: str = ""


Work = Callable[[Sequence[Piece]], int]
"""Does pieces in one transaction and returns how much was done."""


class Piecework:
    """One of central's jobs, and what of it could not be done."""

    def __init__(
        self, database: "Database", clock: Clock, random: Random, *, job: str, words: str
    ) -> None:
        """`job` names it in causes; `words` say what was not done: "was not released"."""
        self._database = database
        self._clock = clock
        self._random = random
        self._prefix = f"{ExceptionKind.WORK_FAILED}:{job}:"
        self._words = words

    def each(self, pieces: Iterable[Piece], work: Callable[[Piece], int]) -> int:
        """Do all pieces that are due, one by one; return how much was done."""
        return self.in_groups(([one] for one in pieces), lambda group: work(group[0]))

    def some(self, pieces: Iterable[Piece], work: Callable[[Piece], int]) -> int:
        """Do some of the pieces that are due, one by one; return how much was done."""
        return self._run(([one] for one in pieces), lambda group: work(group[0]), are_all=False)

    def in_groups(self, groups: Iterable[Sequence[Piece]], work: Work) -> int:
        """Do all groups that are due, each at once; where that fails, its pieces one by one."""
        return self._run(groups, work, are_all=True)

    def _run(self, groups: Iterable[Sequence[Piece]], work: Work, *, are_all: bool) -> int:
        """Do what is due and write down what failed.

        Where these `are_all`, what failed earlier and is not among them has come to an end.
        """
        done: set[str] = set()
        failed: dict[str, ExceptionRecord] = {}
        waiting = [list(group) for group in groups]
        waiting.reverse()
        count = 0
        while waiting:
            group = waiting.pop()
            try:
                count += work(group)
            except Exception as problem:  # noqa: BLE001 - a person hears of it; the others go on
                if len(group) > 1:
                    waiting += [[one] for one in reversed(group)]
                else:
                    failed[group[0].key] = self._record(group[0], problem)
            else:
                done.update(one.key for one in group)
        self._settle(done, failed, are_all=are_all)
        return count

    def _settle(self, done: set[str], failed: dict[str, ExceptionRecord], *, are_all: bool) -> None:
        wanted = ExceptionFilter(kind=ExceptionKind.WORK_FAILED.value)
        with self._database.read() as view:
            page, _ = view.exceptions.page(wanted, None, OPEN_MAX)
        known = {one.cause.removeprefix(self._prefix) for one in page
                 if one.cause.startswith(self._prefix)}  # fmt: skip
        over = (known if are_all else known & done) - failed.keys()
        news = [one for key, one in failed.items() if key not in known]
        if not over and not news:
            return
        causes = [self._prefix + key for key in sorted(over)]
        now = self._clock.now_ms()

        def write(unit: "Unit") -> None:
            unit.exceptions.open([self._named(unit, one) for one in news])
            feed = FeedWriter(unit.feed)
            close_causes(unit, feed, causes, now, note="It is done, or not due now.")
            feed.flush()

        self._database.write(write)

    def _record(self, piece: Piece, problem: Exception) -> ExceptionRecord:
        line = (str(problem).splitlines() or [""])[0]
        said = without_card_numbers(f"{self._words}: {type(problem).__name__}: {line}")
        record = exception_record(
            ExceptionKind.WORK_FAILED, said[:TEXT_MAX], cause=self._prefix + piece.key,
            now_ms=self._clock.now_ms(), random=self._random, location_id=piece.location_id,
            source=_place_of(problem),
        )  # fmt: skip
        return replace(record, order_id=piece.order_id)

    def _named(self, unit: "Unit", record: ExceptionRecord) -> ExceptionRecord:
        """Say which order, or which location, a failure is about, as people call them."""
        text = str(record.detail["text"])
        order = unit.orders.get(record.order_id) if record.order_id else None
        if order is not None:
            detail = {**record.detail, "order_number": order.number}
            return replace(record, detail={**detail, "text": f"Order {order.number} {text}"})
        subject = record.location_id or record.cause.removeprefix(self._prefix)
        return replace(record, detail={**record.detail, "text": f"{subject} {text}"})


def _place_of(problem: Exception) -> str:
    """Return where a program failed, as file and line."""
    frames = extract_tb(problem.__traceback__)
    return f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
