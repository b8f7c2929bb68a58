"""Planted defects, to prove that the oracles see what they are there for. Never in the product."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from central_server.storage.database import Database
from central_server.storage.journal import SqlOperationJournal
from central_server.storage.orders import Orders
from central_server.storage.raw import Together
from central_server.storage.stock import Stock
from central_server.storage.tables import OP_LOG, ORDER_LINES
from central_server.storage.unit import Unit
from store_client.replica.views import Views
from store_client.services.desk import Judge, anything_goes
from sync.domain.exceptions import ExceptionKind
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.inventory import StockPosition
from sync.domain.people import Approval
from sync.domain.transitions import FulfillmentOperation
from sync.edge.evidence import Evidence
from sync.edge.journal import Journal
from sync.edge.lives import Life
from sync.hub.ports import JournalEntry, ReplicaState
from sync.protocol.session import PushAnswer
from tests.simulation.faults import CentralFuse
from tests.simulation.store import WatchedStore
from tests.simulation.world import Fittings

LEFT_TWICE = "O6 what left twice is said"
IMAGINED = 50
"""Units that a shelf is taken to have too many."""


@dataclass(frozen=True)
class Defect:
    """A world with one thing wrong, and the oracles that see it."""

    name: str
    fittings: Fittings
    oracles: tuple[str, ...]
    """Beginnings of the names of those that may see it first."""


class _Spoiled:
    """A writer whose units are made wrong before their command runs."""

    def __init__(self, inner: Any, spoil: Callable[[Unit], None]) -> None:
        self._inner = inner
        self._spoil = spoil

    def write(self, command: Callable[[Unit], Any]) -> tuple[Any, Unit]:
        def spoiled(unit: Unit) -> Any:
            self._spoil(unit)
            return command(unit)

        return self._inner.write(spoiled)

    def close(self) -> None:
        self._inner.close()


def _with_units(spoil: Callable[[Unit], None]) -> Fittings:
    def opened(url: str, fuse: CentralFuse) -> Database:
        database = Database.open(url, hook=fuse.hook, inline=True)
        database._writer = _Spoiled(database._writer, spoil)
        return database

    return Fittings(open_database=opened)


class _ForgetsDuplicates(SqlOperationJournal):
    """Does not remember the last operation that it took."""

    def lock_replica(self, replica_id: str) -> ReplicaState | None:
        state = super().lock_replica(replica_id)
        if state is None or state.last_seq == 0:
            return state
        before = self.hash_at(replica_id, state.epoch, state.last_seq - 1)
        if before is None:
            return state
        return replace(state, last_seq=state.last_seq - 1, last_hash=before)

    def append(self, state: ReplicaState, entries: Sequence[JournalEntry], now_ms: int) -> None:
        for entry in entries:
            self._connection.execute(
                OP_LOG.delete().where(
                    OP_LOG.c.replica_id == state.replica_id, OP_LOG.c.seq == entry.seq
                )
            )
        super().append(state, entries, now_ms)


class _ForgetsLedger(Stock):
    """Moves stock without an entry, now and then."""

    def append_ledger(self, entries: Sequence[Any]) -> None:
        super().append_ledger([one for one in entries if one.on_hand == 0])


class _CountsTwice(Orders):
    """Keeps units as carried by nobody that somebody carries now."""

    def set_line_counts(self, counts: Mapping[tuple[str, int], tuple[int, int]]) -> None:
        lines = ORDER_LINES.c
        rows = self._connection.execute(
            select(lines.order_id, lines.line, lines.quantity, lines.unsourced).where(
                lines.order_id.in_({order_id for order_id, _ in counts})
            )
        )
        before = {(order_id, line): (wanted, units) for order_id, line, wanted, units in rows}
        kept = {}
        for key, (units, dropped) in counts.items():
            wanted, known = before[key]
            kept[key] = (max(units, min(known, wanted - dropped)), dropped)
        super().set_line_counts(kept)


class _LosesOne(Orders):
    """Forgets one of the units that nobody carries."""

    def set_line_counts(self, counts: Mapping[tuple[str, int], tuple[int, int]]) -> None:
        super().set_line_counts(
            {key: (max(0, units - 1), dropped) for key, (units, dropped) in counts.items()}
        )


class _PromisesTooMuch(Stock):
    """Takes every shelf for fuller than it is."""

    def position(self, row: Sequence[Any], now_ms: int) -> StockPosition:
        found = super().position(row, now_ms)
        return replace(found, on_hand=found.on_hand + IMAGINED)

    def allocate(self, rows: Sequence[tuple[str, str, int, int]]) -> None:
        super().allocate([(place, sku, units, 0) for place, sku, units, _ in rows])

    def allocate_among(
        self, together: Together, rows: Sequence[tuple[str, str, int, int]], entries: Sequence[Any]
    ) -> None:
        rights = [(place, sku, units, 0) for place, sku, units, _ in rows]
        super().allocate_among(together, rights, entries)


class _ShowsBeforeItCommits(WatchedStore):
    """Tells the associate that it is done, and then a full journal takes it back."""

    def perform(
        self,
        operation: FulfillmentOperation,
        *,
        by: str,
        dev: str,
        approval: Approval | None = None,
        judge: Judge = anything_goes,
    ) -> FulfillmentOrder:
        after = super().perform(operation, by=by, dev=dev, approval=approval, judge=judge)
        head = self.journal.head().seq
        if head % 7 == 0:
            connection = self.journal._connection
            connection.execute("DELETE FROM operations WHERE seq = ?", (head,))
        return after


class _ForgetsVerdicts(Journal):
    """Takes every operation that central has for plainly accepted."""

    def settle(self, answer: PushAnswer, life: Life | None = None, now_ms: int = 0) -> None:
        super().settle(answer.model_copy(update={"verdicts": ()}), life, now_ms)


class _Optimistic(WatchedStore):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.journal.__class__ = _ForgetsVerdicts


class _TellsNobody(Journal):
    def _add_fresh(self, evidence: Evidence) -> None:
        """Leave it to the next start to write down what was done."""


class _Silent(WatchedStore):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.journal.__class__ = _TellsNobody


class _LastWriteWins(Views):
    """Shows central's row as it is, without what was done here since."""

    def refold(self, connection: Any, keys: Any) -> None:
        super().refold(connection, sorted(keys)[1:])


class _Overwriting(WatchedStore):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._views.__class__ = _LastWriteWins


def _no_exceptions(unit: Unit) -> None:
    unit.exceptions.open = lambda records: ()  # type: ignore[method-assign]


def _asks_nobody(unit: Unit) -> None:
    write = unit.exceptions.open
    unit.exceptions.open = lambda records: write(  # type: ignore[method-assign]
        [one for one in records if one.kind != ExceptionKind.RECEIPT_LATE]
    )


def _journal_forgets(unit: Unit) -> None:
    unit.journal = _ForgetsDuplicates(unit.connection)


def _ledger_forgets(unit: Unit) -> None:
    unit.stock = _ForgetsLedger(unit.connection)


def _promises(unit: Unit) -> None:
    unit.stock = _PromisesTooMuch(unit.connection)


def _counts_twice(unit: Unit) -> None:
    unit.orders = _CountsTwice(unit.connection)


def _loses_one(unit: Unit) -> None:
    unit.orders = _LosesOne(unit.connection)


ALL = (
    Defect("central forgets the last operation", _with_units(_journal_forgets), ("O1", "O2", "O8")),
    Defect("stock moves without the ledger", _with_units(_ledger_forgets), ("O2",)),
    Defect("what is not there is promised", _with_units(_promises), ("O3", "G1")),
    Defect("a unit counts twice", _with_units(_counts_twice), (LEFT_TWICE,)),
    Defect("a unit is nobody's", _with_units(_loses_one), (LEFT_TWICE,)),
    Defect("conflicts are not written down", _with_units(_no_exceptions), ("O6",)),
    Defect("nobody asks after late goods", _with_units(_asks_nobody), ("O6 late goods",)),
    Defect("done is said too early", Fittings(store_class=_ShowsBeforeItCommits), ("O5",)),
    Defect("verdicts are forgotten", Fittings(store_class=_Optimistic), ("O1",)),
    Defect("the other disk has gaps", Fittings(store_class=_Silent), ("O5 the other disk",)),
    Defect("the last write wins", Fittings(store_class=_Overwriting), ("O4",)),
)
