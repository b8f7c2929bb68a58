"""The reckoning at the end of a test: nothing lost, nothing twice, both sides equal.

Central's tables are compared with three independent witnesses: what the
store's processes had acknowledged, the store's own journal, and the orders
that were placed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from central_server.storage.database import Database
from store_client.replica.store import Store
from sync.protocol.digest import differences
from tests.support.network import Size
from tests.support.real_central import RealCentral
from tests.support.real_store import RealStore

EPOCH = 1


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What a test's operations came to, counted at central."""

    operations: int
    """Of the store's journal."""
    acknowledged: int
    """Of those that a process had called done before it was killed."""
    lost: int
    """Of the journal's operations, those that central does not have as they were written."""
    unexplained: int
    """SKUs whose stock is not what each operation once makes of it: one more is seen here."""

    def words(self) -> str:
        """Return the figures as a part of a line."""
        return (
            f"{self.operations} operations, {self.acknowledged} of them acknowledged to an"
            f" associate; lost {self.lost}, applied twice {self.unexplained}"
        )


def reckon(
    central: RealCentral,
    store: RealStore,
    acknowledged: Mapping[int, str],
    placed: Sequence[dict],
    size: Size,
) -> Reckoning:
    """Assert that the store and central are one, operation by operation; return the count."""
    assert differences(store.digest(), central.digest("S001")) == []
    with store.opened() as files, central.opened() as parts:
        lost = _missing_at_central(parts.database, files, acknowledged)
        wrong = _stock_that_is_not_explained(parts.database, files, placed, size)
        _books_add_up(parts.database, files.location_id)
        count = files.journal.head().seq
    assert lost == [], "operations that central does not have as they were written"
    assert wrong == [], "stock that the store's journal does not explain"
    return Reckoning(count, len(acknowledged), len(lost), len(wrong))


def _missing_at_central(
    database: Database, store: Store, acknowledged: Mapping[int, str]
) -> list[int]:
    """Return operations that differ at central; assert that the journal is what was said."""
    head = store.journal.head()
    assert max(acknowledged, default=0) <= head.seq, "the store lost what it had acknowledged"
    with database.read() as view:
        known = {
            seq: view.journal.hash_at(store.replica_id, EPOCH, seq)
            for seq in range(1, head.seq + 1)
        }
        assert view.journal.hash_at(store.replica_id, EPOCH, head.seq + 1) is None
    lost = []
    for seq, found in known.items():
        here = store.journal.hash_at(seq)
        if seq in acknowledged:
            assert here is not None
            assert here.hex() == acknowledged[seq], f"operation {seq} is not what was said"
        if found is None or found != here:
            lost.append(seq)
    return lost


def _stock_that_is_not_explained(
    database: Database, store: Store, placed: Sequence[dict], size: Size
) -> list[tuple[str, int, int]]:
    """Return what is not: opening + what orders allocated + each journaled effect, once."""
    on_hand, allocated = Counter[str](), Counter[str]()
    for order in placed:
        for fulfillment in order["fulfillments"]:
            if fulfillment["location_id"] == store.location_id:
                for line in fulfillment["lines"]:
                    allocated[line["sku"]] += line["allocated"]
    for sku, moved, moved_allocated in _effects(store):
        on_hand[sku] += moved
        allocated[sku] += moved_allocated
    with database.read() as view:
        rows = view.stock.rows(store.location_id)
    return [
        (row.sku, row.on_hand, row.allocated)
        for row in rows
        if row.on_hand != size.on_hand + on_hand[row.sku] or row.allocated != allocated[row.sku]
    ]


def _effects(store: Store) -> list[tuple[str, int, int]]:
    return store.journal._all(
        "SELECT sku, sum(on_hand), sum(allocated) FROM stock_effects GROUP BY sku"
    )


def _books_add_up(database: Database, location_id: str) -> None:
    with database.read() as view:
        sums = view.stock_ledger.sums()
        for row in view.stock.rows(location_id):
            assert sums[location_id, row.sku] == (row.on_hand, row.allocated), row.sku
