"""A store with real files, a central in memory, and whatever stands between them."""

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from store_client.replica.store import Store
from sync.domain.flows import flow_named
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.operations import Operation
from sync.domain.people import Role
from sync.edge.daemon import RoundReport, SyncDaemon
from sync.protocol.endpoint import SyncEndpoint
from sync.protocol.rows import AssociateRow, Entity, PriceRow, ProductRow, StockRow, StoreRow
from sync.transport.faulty import Faults, FaultyEndpoint
from tests.support.builders import ManualClock, daemon_of, enrolled_store
from tests.support.memory_central import MemoryCentral

SCOPE = "store:S001"


def a_central() -> MemoryCentral:
    """Return a central that knows replica R1, its store, some products and their stock."""
    central = MemoryCentral()
    central.enrol("R1")
    row = StoreRow("S001", "Main Street", "America/New_York", "US", spots=("A1",))
    central.put(SCOPE, Entity.STORE, "S001", row)
    kim = AssociateRow("A1", "Kim", Role.ASSOCIATE, "hash")
    central.put(SCOPE, Entity.ASSOCIATE, "A1", kim)
    for number in range(1, 4):
        sku = f"SKU-{number}"
        product = ProductRow(sku, f"Blue lamp {number}", gtins=(f"{number:014d}",))
        central.put("catalogue", Entity.PRODUCT, sku, product)
        central.put("prices:US", Entity.PRICE, sku, PriceRow(sku, 1000 + number, "USD"))
        central.stock[sku] = StockRow(sku, 20, 0)
        central.put(SCOPE, Entity.STOCK, sku, central.stock[sku])
    return central


@dataclass
class World:
    """One store and one central. `endpoint` is what the daemon speaks to."""

    folder: Path
    central: MemoryCentral = field(default_factory=a_central)
    clock: ManualClock = field(default_factory=ManualClock)
    key: str = ""
    endpoint: SyncEndpoint | None = None

    def __post_init__(self) -> None:
        self.faulty = FaultyEndpoint(self.central, Random(7), Faults())
        self.endpoint = self.endpoint or self.faulty
        self.store: Store
        self.daemon: SyncDaemon
        self.open()

    def open(self) -> None:
        self.store = enrolled_store(self.folder, self.clock, key=self.key)
        assert self.endpoint is not None
        self.daemon = daemon_of(self.store, self.endpoint, self.clock)

    def reopen(self, *, forget: bool = False) -> None:
        """Open the files again, as a new process does; perhaps without replica.db."""
        self.store.close()
        if forget:
            for file in self.folder.glob("replica.db*"):
                file.unlink()
        self.open()

    def round(self) -> RoundReport:
        self.clock.advance(1000)
        return self.daemon.run_once()

    def perform(self, operation: Operation) -> None:
        self.store.perform(operation, by="A1", dev="T1")

    def view(self, key: str) -> FulfillmentOrder:
        """Return an order as the store sees it; it must be there."""
        order = self.store.fulfillment(key)
        assert order is not None
        return order

    def quiet(self) -> None:
        """Do rounds on a good line until nothing is left to say."""
        self.faulty.faults = Faults()
        self.faulty.restore()
        self.faulty.deliver_late()
        self.central.cut = False
        reports = [self.round() for _ in range(3)]
        assert reports[-1].ok, reports

    def scopes(self) -> dict[str, tuple[int, int, int]]:
        rows = self.store._database.all("SELECT scope, rev, checksum, rows_live FROM scopes")
        return {scope: (rev, checksum, alive) for scope, rev, checksum, alive in rows}

    def check_equal(self) -> None:
        """Both sides have the same, and each operation counted once."""
        central, store = self.central, self.store
        for order in central.orders.values():
            view = store.fulfillment(order.id)
            assert view == order
            status = flow_named(order.flow).status_of(order)
            (row,) = store.find_orders(order.id)
            assert (row.status, row.units_open) == (status, order.total("open"))
        assert {row[0]: row[1:] for row in store.stock_rows()} == {
            sku: (row.on_hand, row.allocated) for sku, row in central.stock.items()
        }
        for hit in store.products("lamp"):
            stock = central.stock.get(hit.sku)
            known = (None, 0) if stock is None else (stock.on_hand, stock.allocated)
            assert (hit.on_hand, hit.allocated) == known
        for scope, state in self.scopes().items():
            head = central.feed.scope(scope)
            assert state == (head.rev, head.checksum, head.rows_live)
        self.check_once()

    def check_once(self) -> None:
        """Central has every operation of the journal just once, byte for byte, in order."""
        journal, central = self.store.journal, self.central.journal
        ours = journal.lines_after(0, 10**6, 10**9)
        theirs = [entry.line for _, entry in sorted(central.entries.items())]
        assert list(ours) == theirs
        assert len(set(self.central.applied)) == len(self.central.applied)
        assert journal.acked_seq() == journal.head().seq == len(ours)


class Refusing:
    """The endpoint, raising what it is told to, for the calls it is told to."""

    def __init__(self, world: World, *calls: str) -> None:
        self._inner = world.central
        self.problem: Exception | None = None
        self.calls = calls
        self.told: list[str] = []

    def __getattr__(self, name: str):
        def call(*arguments: object) -> object:
            self.told.append(name)
            if self.problem is not None and name in self.calls:
                raise self.problem
            return getattr(self._inner, name)(*arguments)

        return call


def refusing(world: World, problem: Exception | None, *calls: str) -> Refusing:
    endpoint = Refusing(world, *calls)
    endpoint.problem = problem
    world.daemon = daemon_of(world.store, endpoint, world.clock)
    return endpoint
