"""The reckoning at the end of a test: nothing lost, nothing twice, both sides equal.

Central's tables are compared with three independent witnesses: what the
store's processes had acknowledged, the store's own journal, and the orders
that were placed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from central_server.storage.database import Database
from store_client.replica.store import Store
from sync.protocol.digest import differences
from tests.support.network import Size
from tests.support.real_central import RealCentral
from tests.support.real_store import RealStore

EPOCH = 1


def reckon(
    central: RealCentral,
    store: RealStore,
    acknowledged: Mapping[int, str],
    placed: Sequence[dict],
    size: Size,
) -> None:
    """Assert that the store and central are one, operation by operation."""
    assert differences(store.digest(), central.digest("S001")) == []
    with store.opened() as files, central.opened() as parts:
        _operations_are_there_once(parts.database, files, acknowledged)
        _stock_is_explained(parts.database, files, placed, size)
        _books_add_up(parts.database, files.location_id)


def _operations_are_there_once(
    database: Database, store: Store, acknowledged: Mapping[int, str]
) -> None:
    head = store.journal.head()
    assert max(acknowledged, default=0) <= head.seq, "the store lost what it had acknowledged"
    with database.read() as view:
        known = {
            seq: view.journal.hash_at(store.replica_id, EPOCH, seq)
            for seq in range(1, head.seq + 1)
        }
        assert view.journal.hash_at(store.replica_id, EPOCH, head.seq + 1) is None
    for seq, found in known.items():
        assert found == store.journal.hash_at(seq), f"operation {seq} differs at central"
        if seq in acknowledged:
            assert found is not None
            assert found.hex() == acknowledged[seq], f"operation {seq} is not what was said"


def _stock_is_explained(
    database: Database, store: Store, placed: Sequence[dict], size: Size
) -> None:
    """Stock at central = opening + what orders allocated + each journaled effect, once."""
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
    wrong = [
        (row.sku, row.on_hand, row.allocated)
        for row in rows
        if row.on_hand != size.on_hand + on_hand[row.sku] or row.allocated != allocated[row.sku]
    ]
    assert wrong == [], "stock that the store's journal does not explain"


def _effects(store: Store) -> list[tuple[str, int, int]]:
    return store.journal._all(
        "SELECT sku, sum(on_hand), sum(allocated) FROM stock_effects GROUP BY sku"
    )


def _books_add_up(database: Database, location_id: str) -> None:
    with database.read() as view:
        sums = view.stock.ledger_sums()
        for row in view.stock.rows(location_id):
            assert sums[location_id, row.sku] == (row.on_hand, row.allocated), row.sku
