"""Reading a journal: what is pending, what became of each operation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

from sync.domain.stock_operations import SkuUnits
from sync.domain.transitions import Consequence
from sync.edge import sale_numbers
from sync.edge.journal_part import JournalPart
from sync.edge.last_sessions import OF_SESSION, TURNS, last_sessions
from sync.edge.lives import Life
from sync.edge.verdicts import OUTSIDE_OF_ROWS
from sync.protocol.lines import OperationRecord, chain, decode_line, genesis
from sync.protocol.verdicts import Verdict, VerdictStatus

MONEY_KINDS = (
    "tender_taken", "card_asked", "card_answered", "value_asked", "tender_returned",
    "reservation_converted", "drawer_opened", "cash_moved", "drawer_counted", "card_settled",
)  # fmt: skip
"""Of operations that the tender report and the ledger are made of. The index names them."""
RIGHTS_KINDS = ("rights_granted", "rights_recalled", "generation_closed")
OF_MONEY = ", ".join(f"'{kind}'" for kind in MONEY_KINDS)
_MONEY = (
    "SELECT o.seq, v.status, v.code, v.text, v.consequences,"
    " o.line, o.kind, o.aggregate, o.actor, o.at_ms, o.epoch"
    " FROM operations o INDEXED BY operations_of_money LEFT JOIN verdicts v"
    f" USING (epoch, seq) WHERE o.kind IN ({OF_MONEY})"
)


@dataclass(frozen=True, slots=True)
class JournaledOperation:
    """One operation with its place."""

    seq: int
    line: bytes
    kind: str
    aggregate: str
    by: str
    at_ms: int
    record: OperationRecord | None
    """None where a newer version of this program wrote what this one cannot read."""


class JournalReading(JournalPart):
    """The part of a journal that answers questions. Places order operations across epochs."""

    def acked_seq(self) -> int:
        """Return up to which operation central has everything, verdicts stored here."""
        return int(self._one("SELECT acked_seq FROM progress WHERE id = 1")[0])

    def pending(
        self, after: Mapping[str, int], begun: Mapping[str, int] = MappingProxyType({})
    ) -> dict[str, list[OperationRecord | None]]:
        """Return by aggregate its operations after a seq (`after`) that count, oldest first.

        What central holds back of epochs before that one (`begun`) counts too: the row went
        on behind it, without it (see `Lives.begun_by`). Left out are what central refused (a
        row may begin later than that) and aggregates without any. None stands for an
        operation that a newer version of this program wrote. At most as many aggregates as
        fit one statement.
        """
        rows = self._all(
            # Left to itself, SQLite walks all of the journal after `seq` by the primary key.
            "SELECT o.aggregate, o.epoch, o.seq, o.line, v.status IS 'quarantined'"
            " FROM operations o"
            " INDEXED BY operations_by_aggregate LEFT JOIN verdicts v USING (epoch, seq)"
            f" WHERE o.aggregate IN ({', '.join('?' * len(after))})"
            " AND (o.seq > ? OR v.status IS 'quarantined') AND v.status IS NOT 'refused'"
            " ORDER BY o.aggregate, o.epoch, o.seq",
            (*after, min(after.values(), default=0)),
        )
        found: dict[str, list[OperationRecord | None]] = {}
        for aggregate, epoch, seq, line, is_held in rows:
            if seq > after[aggregate] or (is_held and epoch < begun.get(aggregate, 0)):
                found.setdefault(aggregate, []).append(_read(line))
        return found

    def aggregates_after(self, seq: int) -> set[str]:
        """Return which aggregates have operations after `seq`."""
        rows = self._all(
            "SELECT DISTINCT aggregate FROM operations WHERE epoch >= ? AND seq > ?",
            (self.lives.at(seq + 1).epoch, seq),
        )
        return {aggregate for (aggregate,) in rows}

    def first_answer(self, aggregate: str) -> VerdictStatus | None:
        """Return what central said of the first operation about `aggregate` that is held.

        None while central has not answered, and where no operation is held.
        """
        row = self._one(
            "SELECT o.seq, v.status FROM operations o LEFT JOIN verdicts v USING (epoch, seq)"
            " WHERE o.aggregate = ? ORDER BY o.epoch, o.seq LIMIT 1",
            (aggregate,),
        )
        if row is None or (row[1] is None and row[0] > self.acked_seq()):
            return None
        return VerdictStatus.ACCEPTED if row[1] is None else VerdictStatus(row[1])

    def held_back(self, kinds: Sequence[str]) -> list[str]:
        """Return what operations of these kinds are about that central holds in quarantine."""
        rows = self._all(
            "SELECT DISTINCT o.aggregate FROM verdicts v JOIN operations o USING (epoch, seq)"
            f" WHERE v.status = 'quarantined' AND o.kind IN ({', '.join('?' * len(kinds))})",
            tuple(kinds),
        )
        return [aggregate for (aggregate,) in rows]

    def outside_of_rows(self) -> set[str]:
        """Return what operations are about that central has, and that none of its rows includes."""
        rows = self._all(
            "SELECT DISTINCT aggregate FROM verdicts INDEXED BY verdicts_held"
            " JOIN operations USING (epoch, seq)"
            f" WHERE {OUTSIDE_OF_ROWS} AND status <> 'refused'"
        )
        return {aggregate for (aggregate,) in rows}

    def moved_outside(self, aggregates: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
        """Return (SKU, how far on hand moved) by aggregate, of all that central's rows may lack.

        That is what is not answered, and what central holds back. An order without any such
        operation is left out; what was done to the others counts as it was done: there is no
        row any more to fold it over.
        """
        rows = self._all(
            "SELECT o.aggregate, e.sku, sum(e.on_hand) FROM operations o"
            " INDEXED BY operations_by_aggregate LEFT JOIN verdicts v USING (epoch, seq)"
            " LEFT JOIN stock_effects e USING (epoch, seq)"
            " WHERE o.aggregate IN (SELECT value FROM json_each(?)) AND v.status IS NOT 'refused'"
            f" AND (o.seq > ? OR {OUTSIDE_OF_ROWS}) GROUP BY o.aggregate, e.sku",
            (json.dumps(list(aggregates)), self.acked_seq()),
        )
        moved: dict[str, list[tuple[str, int]]] = {}
        for aggregate, sku, on_hand in rows:
            moved.setdefault(aggregate, []).extend([(sku, on_hand)] if on_hand else [])
        return moved

    def held_under_former_names(self, kind: str, aggregates: Sequence[str]) -> list[str]:
        """Return on which of these all operations of a kind are held, and of former names.

        Of its present name central holds what follows as well: saying it again helps nothing.
        """
        rows = self._all(
            "SELECT o.aggregate FROM operations o INDEXED BY operations_by_aggregate"
            " LEFT JOIN verdicts v USING (epoch, seq)"
            " WHERE o.aggregate IN (SELECT value FROM json_each(?)) AND o.kind = ?"
            " GROUP BY o.aggregate HAVING min(v.status IS 'quarantined' AND o.epoch < ?)",
            (json.dumps(list(aggregates)), kind, self.lives.present.epoch),
        )
        return [aggregate for (aggregate,) in rows]

    def holds_rights(self) -> bool:
        """Return whether central holds rights back that were granted or ended under this name."""
        kinds = ", ".join(f"'{kind}'" for kind in RIGHTS_KINDS)
        row = self._one(
            "SELECT 1 FROM verdicts INDEXED BY verdicts_held JOIN operations USING (epoch, seq)"
            f" WHERE {OUTSIDE_OF_ROWS} AND status = 'quarantined' AND epoch >= ?"
            f" AND kind IN ({kinds}) LIMIT 1",
            (self.lives.present.epoch,),
        )
        return row is not None

    def held(self, life: Life, *, settled_too: bool) -> list[tuple[int, bytes]]:
        """Return (seq, line) of an epoch's operations in quarantine; also of those that were."""
        rows = self._all(
            "SELECT o.seq, o.line FROM verdicts v JOIN operations o USING (epoch, seq)"
            " WHERE (v.status = 'quarantined' OR v.late AND ?) AND epoch = ? ORDER BY o.seq",
            (settled_too, life.epoch),
        )
        return [(seq, bytes(line)) for seq, line in rows]

    def acknowledged(self, life: Life) -> list[tuple[int, bytes]]:
        """Return (seq, line) of an epoch's operations that are kept and that central has had."""
        rows = self._all(
            "SELECT seq, line FROM operations WHERE epoch = ? AND seq <= ? ORDER BY seq",
            (life.epoch, self.acked_seq()),
        )
        return [(seq, bytes(line)) for seq, line in rows]

    def digest_of_held(self) -> str:
        """Return what differs when other operations are outside of central's rows; "" if none."""
        places = self._all(
            f"SELECT epoch, seq FROM verdicts INDEXED BY verdicts_held WHERE {OUTSIDE_OF_ROWS}"
            " ORDER BY epoch, seq",
        )
        return blake2b(repr(places).encode(), digest_size=8).hexdigest() if places else ""

    def history(
        self, limit: int, offset: int, aggregate: str | None = None
    ) -> list[tuple[JournaledOperation, Verdict | None]]:
        """Return operations, newest first, with their verdict; None while central has not answered.

        A plainly accepted operation has a verdict without text.
        """
        condition = "" if aggregate is None else "WHERE o.aggregate = ?"
        index = "" if aggregate is None else "INDEXED BY operations_by_aggregate"
        parameters = () if aggregate is None else (aggregate,)
        rows = self._all(
            "SELECT o.seq, v.status, v.code, v.text, v.consequences,"
            " o.line, o.kind, o.aggregate, o.actor, o.at_ms"
            f" FROM operations o {index} LEFT JOIN verdicts v USING (epoch, seq)"
            f" {condition} ORDER BY o.epoch DESC, o.seq DESC LIMIT ? OFFSET ?",
            (*parameters, limit, offset),
        )
        acked = self.acked_seq()
        return [(_journaled(row[0], *row[5:]), _verdict(row[:5], acked)) for row in rows]

    def last_of(
        self, aggregates: Sequence[str], kinds: Sequence[str]
    ) -> dict[str, JournaledOperation]:
        """Return the newest operation of these kinds on each of the aggregates that has one.

        At most as many aggregates and kinds as fit one statement.
        """
        rows = self._all(
            "SELECT o.seq, o.line, o.kind, o.aggregate, o.actor, o.at_ms"
            " FROM operations o INDEXED BY operations_by_aggregate"
            f" WHERE o.aggregate IN ({', '.join('?' * len(aggregates))})"
            f" AND o.kind IN ({', '.join('?' * len(kinds))}) ORDER BY o.epoch, o.seq",
            (*aggregates, *kinds),
        )
        newest = {row[3]: row for row in rows}
        return {aggregate: _journaled(*row) for aggregate, row in newest.items()}

    def follow_ups(self, after_seq: int) -> list[str]:
        """Return the aggregates of follow-ups opened after `after_seq`, or not accepted yet."""
        rows = self._all(
            "SELECT o.aggregate FROM operations o LEFT JOIN verdicts v USING (epoch, seq)"
            " WHERE o.kind = 'follow_up_opened'"
            " AND (o.seq > min(?, ?) OR v.status = 'quarantined')"
            " AND coalesce(v.status, '') <> 'refused'",
            (after_seq, self.acked_seq()),
        )
        return [aggregate for (aggregate,) in rows]

    def money_history(self, limit: int) -> list[tuple[JournaledOperation, str, Verdict | None]]:
        """Return the newest operations that move money, oldest first, with device and verdict.

        Beside the `limit` newest those of the last session of each drawer.
        """
        rows = self._all(f"{_MONEY} ORDER BY o.epoch DESC, o.seq DESC LIMIT ?", (limit,))
        if len(rows) == limit:
            rows += self._of_last_sessions(rows[-1][-1], rows[-1][0])
        acked = self.acked_seq()
        found = []
        for row in reversed(rows):
            entry = _journaled(row[0], *row[5:-1])
            device = "" if entry.record is None else entry.record.dev
            found.append((entry, device, _verdict(row[:5], acked)))
        return found

    def _of_last_sessions(self, epoch: int, seq: int) -> list[Any]:
        """Return what of the last session of each drawer is before that place, newest first."""
        earlier: list[Any] = []
        for drawer in last_sessions(self._all(TURNS)):
            if drawer.begin < (epoch, seq):
                earlier += self._all(
                    f"{_MONEY} AND (epoch, seq) < (?, ?) AND {OF_SESSION}",
                    (epoch, seq, *drawer.given),
                )
        return sorted(earlier, key=lambda row: (row[-1], row[0]), reverse=True)

    def count_verdicts(self, status: VerdictStatus) -> int:
        """Return how many operations got this verdict (not counted: plainly accepted)."""
        return int(self._one("SELECT count(*) FROM verdicts WHERE status = ?", (status.value,))[0])

    def knows(self, aggregate: str) -> bool:
        """Return whether anything about `aggregate` was journaled, in any epoch.

        Of a sale also where that is forgotten (`sale_numbers.KEEP_DAYS`).
        """
        found = self._one(
            "SELECT 1 FROM operations WHERE aggregate = ?1"
            " UNION ALL SELECT 1 FROM sale_numbers WHERE aggregate = ?1 LIMIT 1",
            (aggregate,),
        )
        return found is not None

    def forgotten_sale(self, aggregate: str) -> tuple[SkuUnits, ...] | None:
        """Return what a sale was of whose operation is forgotten; None for no such one."""
        row = self._one("SELECT items FROM sale_numbers WHERE aggregate = ?", (aggregate,))
        return None if row is None else sale_numbers.items_of(row[0])

    def first_line(self, aggregate: str) -> bytes | None:
        """Return the first line about `aggregate` that is held, of any epoch."""
        row = self._one(
            "SELECT line FROM operations WHERE aggregate = ? ORDER BY epoch, seq LIMIT 1",
            (aggregate,),
        )
        return None if row is None else bytes(row[0])

    def first_seq(self, aggregate: str, kind: str) -> int | None:
        """Return the seq of the first operation of `kind` on `aggregate`."""
        row = self._one(
            "SELECT min(seq) FROM operations WHERE aggregate = ? AND kind = ?", (aggregate, kind)
        )
        return None if row[0] is None else int(row[0])

    def broken(self) -> str:
        """Return what is wrong with the file or its chains, in words; nothing if it is whole."""
        found = self._one("PRAGMA quick_check")[0]
        if found != "ok":
            return f"the file is damaged: {found}"
        acked = self.acked_seq()
        for life in self.lives:
            rows = self._all(
                "SELECT seq, line, hash FROM operations WHERE epoch = ? ORDER BY seq",
                (life.epoch,),
            )
            current, expected = genesis(life.replica_id, life.epoch), life.base + 1
            for seq, line, hashed in rows:
                # What is held back is kept while its neighbours are forgotten.
                is_first = seq == rows[0][0]
                is_after_forgotten = seq > expected and (is_first or seq <= acked)
                current = hashed if is_after_forgotten else chain(current, line)
                if current != hashed or (seq != expected and not is_after_forgotten):
                    return f"operation {seq} breaks the chain"
                expected = seq + 1
        return ""


def _read(line: bytes) -> OperationRecord | None:
    try:
        return decode_line(line)
    except ValueError:
        return None


def _journaled(
    seq: int, line: bytes, kind: str, aggregate: str, by: str, at_ms: int
) -> JournaledOperation:
    return JournaledOperation(seq, line, kind, aggregate, by, at_ms, _read(line))


def _verdict(row: Sequence[Any], acked_seq: int) -> Verdict | None:
    seq, status, code, text, consequences = row
    if status is None:
        if seq > acked_seq:
            return None
        return Verdict(seq=seq, status=VerdictStatus.ACCEPTED)
    listed = tuple(Consequence(**item) for item in json.loads(str(consequences)))
    return Verdict(seq=seq, status=status, code=code, text=text, consequences=listed)
