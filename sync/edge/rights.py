"""What this store granted central and what it sold: the journal's side of escrow."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from sync.domain.escrow import LeaseTerms
from sync.domain.stock_operations import GenerationClosed, RightsGranted, RightsRecalled
from sync.edge.sqlite import Connection
from sync.edge.verdicts import OUTSIDE_OF_ROWS

SKUS_PER_QUERY = 500
FLOOR_SOLD = "floor_sold"
_IS_SALE = "o.kind = 'floor_sold'"
"""Written out: SQLite takes a partial index only for a condition that it can read."""
Query = Callable[[str, Sequence[object]], list[Any]]


class GivenRights:
    """Reads and writes rights in journal.db; what writes is called inside `Journal.writing()`."""

    def __init__(
        self, connection: Connection, query: Query, epoch_after: Callable[[int], int]
    ) -> None:
        self._connection = connection
        self._query = query
        self._epoch_after = epoch_after

    def generation(self) -> int:
        """Return the generation of rights that is open."""
        return int(self._query("SELECT generation FROM progress WHERE id = 1", ())[0][0])

    def open_generation(self, generation: int) -> None:
        """Begin a generation; an older or the present one changes nothing."""
        self._connection.execute(
            "UPDATE progress SET generation = max(generation, ?) WHERE id = 1", (generation,)
        )

    def expect(self, generation: int) -> None:
        """Note that `generation` is to begin when all that central promised before is known.

        Until then what was granted stays central's: it may have promised it, and this
        store has not heard of it.
        """
        self._connection.execute(
            "UPDATE progress SET next_generation = max(next_generation, ?) WHERE id = 1",
            (generation,),
        )

    def expected(self) -> int | None:
        """Return the generation that is to begin, None where the open one goes on."""
        ((open_now, following),) = self._query(
            "SELECT generation, next_generation FROM progress WHERE id = 1", ()
        )
        return int(following) if following > open_now else None

    def central_life(self) -> int:
        """Return which life of central's the open generation was given to; 0 is not known."""
        return int(self._query("SELECT central_life FROM progress WHERE id = 1", ())[0][0])

    def keep_central_life(self, life: int) -> None:
        """Note that a life of central's was met, and what it has forgotten is provided for."""
        self._connection.execute("UPDATE progress SET central_life = ? WHERE id = 1", (life,))

    def terms(self) -> LeaseTerms:
        """Return the longest lease and confirmation time that central may go by still."""
        rows = self._query("SELECT lease_ms, confirm_ms FROM progress WHERE id = 1", ())
        return LeaseTerms(*rows[0])

    def keep_terms(self, terms: LeaseTerms) -> None:
        """Note by which lease and confirmation time this store goes, whatever its policy says."""
        self._connection.execute(
            "UPDATE progress SET lease_ms = ?, confirm_ms = ? WHERE id = 1",
            (terms.lease_ms, terms.confirm_ms),
        )

    def are_any_granted(self) -> bool:
        """Return whether anything was granted in the generation that is open."""
        return bool(
            self._query("SELECT 1 FROM rights JOIN progress USING (generation) LIMIT 1", ())
        )

    def granted(self, skus: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return (granted, seq of the last recall) in the open generation by SKU."""
        found: dict[str, tuple[int, int]] = {}
        for start in range(0, len(skus), SKUS_PER_QUERY):
            part = skus[start : start + SKUS_PER_QUERY]
            marks = ", ".join("?" * len(part))
            rows = self._query(
                "SELECT sku, granted, recalled_seq FROM rights JOIN progress USING (generation)"
                f" WHERE sku IN ({marks})",
                part,
            )
            found.update({sku: (units, seq) for sku, units, seq in rows})
        return found

    def keep_grants(self, generation: int, granted: Sequence[tuple[str, int]]) -> None:
        """Record totals granted in `generation`, together with their operation."""
        self._connection.executemany(
            "INSERT INTO rights (sku, generation, granted, recalled_seq) VALUES (?, ?, ?, 0)"
            " ON CONFLICT (sku) DO UPDATE SET granted = excluded.granted,"
            " recalled_seq = CASE WHEN generation = excluded.generation THEN recalled_seq ELSE 0"
            " END, generation = excluded.generation",
            [(sku, generation, units) for sku, units in granted],
        )

    def keep_recalls(self, skus: Sequence[str], seq: int) -> None:
        """Record that rights of these SKUs were asked back by operation `seq`."""
        self._connection.executemany(
            "UPDATE rights SET recalled_seq = ? WHERE sku = ?", [(seq, sku) for sku in skus]
        )

    def take_in(self, operation: object, seq: int) -> None:
        """Take in an operation of this store's that only central had, or the evidence.

        What central promised in later generations this store has not heard of yet, or it has
        forgotten it: rows come back from an image with the journal. None begins before
        that, and then it is one in which nothing was granted elsewhere.
        """
        open_now = self.generation()
        match operation:
            case RightsGranted(generation=generation) if generation > open_now:
                self.expect(generation + 1)
            case GenerationClosed(generation=generation) if generation >= open_now:
                self.expect(generation + 1)
            case _:
                self.replay(operation, seq)

    def replay(self, operation: object, seq: int) -> None:
        """Take in an operation of this store's own, of which its rows know what goes with it."""
        match operation:
            case RightsGranted(generation=generation, granted=units):
                self.open_generation(generation)
                known = self.granted([one.sku for one in units])
                totals = [(one.sku, max(one.units, known.get(one.sku, (0, 0))[0])) for one in units]
                if generation == self.generation():
                    self.keep_grants(generation, totals)
            case RightsRecalled(wanted=units):
                self.keep_recalls([one.sku for one in units], seq)
            case GenerationClosed(generation=generation):
                self.open_generation(generation + 1)
            case _:
                pass

    def count_sold(self, epoch: int, seq: int, effects: Sequence[tuple[str, int, int]]) -> None:
        """Add a sale to the running sums of its SKUs; places of sales only rise."""
        moved: Counter[str] = Counter()
        for sku, on_hand, _ in effects:
            moved[sku] += on_hand
        for sku, units in moved.items():
            row = self._connection.execute(
                "SELECT after_units FROM sold WHERE sku = ? ORDER BY seq DESC LIMIT 1", (sku,)
            ).fetchone()
            before = 0 if row is None else row[0]
            self._connection.execute(
                "INSERT INTO sold (sku, seq, epoch, before_units, after_units)"
                " VALUES (?, ?, ?, ?, ?)",
                (sku, seq, epoch, before, before + units),
            )

    def sold_after(self, sku: str, seq: int) -> int:
        """Return how far the book moved by sales of `sku` after operation `seq` (units)."""
        rows = self._query(
            "SELECT (SELECT after_units FROM sold WHERE sku = ?1 ORDER BY seq DESC LIMIT 1)"
            " - before_units FROM sold WHERE sku = ?1 AND seq > ?2 ORDER BY seq LIMIT 1",
            (sku, seq),
        )
        return int(rows[0][0]) if rows else 0

    def held_sales(self, skus: Sequence[str]) -> dict[str, list[tuple[int, int]]]:
        """Return (seq, how far the book moves) by SKU of sales that no row of central's includes.

        However far a row has come: it goes on behind what central holds in quarantine. Of
        what was settled since, the row that includes it may not be here yet.
        """
        rows = self._query(
            "SELECT s.sku, s.seq, s.after_units - s.before_units"
            " FROM verdicts INDEXED BY verdicts_held JOIN sold s USING (epoch, seq)"
            f" WHERE {OUTSIDE_OF_ROWS} AND status <> 'refused'"
            " AND s.sku IN (SELECT value FROM json_each(?))",
            (json.dumps(list(skus)),),
        )
        held: dict[str, list[tuple[int, int]]] = {}
        for sku, seq, units in rows:
            held.setdefault(sku, []).append((seq, units))
        return held

    def sold_among(self, skus: Sequence[str]) -> set[str]:
        """Return which of `skus` have journaled sales."""
        rows = self._query(
            "SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM sold WHERE sku = value)",
            (json.dumps(list(skus)),),
        )
        return {sku for (sku,) in rows}

    def count_sales(self) -> int:
        """Return how many sales are journaled."""
        rows = self._query(
            f"SELECT count(*) FROM operations o INDEXED BY operations_sold WHERE {_IS_SALE}", ()
        )
        return int(rows[0][0])

    def skus_sold(self) -> list[str]:
        """Return the SKUs with journaled sales, a step of the index each."""
        rows = self._query(
            "WITH RECURSIVE next (sku) AS (SELECT min(sku) FROM sold UNION ALL"
            " SELECT (SELECT min(sku) FROM sold WHERE sku > next.sku) FROM next"
            " WHERE sku IS NOT NULL) SELECT sku FROM next WHERE sku IS NOT NULL",
            (),
        )
        return [sku for (sku,) in rows]

    def skus_touched_after(self, seq: int) -> set[str]:
        """Return the SKUs whose stock operations after `seq` moved."""
        rows = self._query(
            # Left to itself, SQLite walks all of them in the order of their SKUs.
            "SELECT DISTINCT sku FROM stock_effects INDEXED BY stock_effects_by_seq"
            " WHERE (epoch, seq) > (?, ?)",
            (self._epoch_after(seq), seq),
        )
        return {sku for (sku,) in rows}
