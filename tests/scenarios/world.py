"""Central with stores that ship and are fetched from, and real store machines beside it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from central_server.records import OrderFilter
from central_server.services.catalogue_intake import StockItem
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import NewOrder
from central_server.services.transfer_receipts import SUFFIX
from central_server.services.vendors import VENDOR, SentBox, VendorDesk
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from store_client.services.drawer_book import entries_of
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.money_ledger import balances
from sync.domain.orders import Channel, PaymentPlace
from sync.domain.people import Role
from sync.protocol.rows import AssociateRow
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import World, whole_pickup
from tests.support.parcels import CARRIERS, parcel_order, whole_parcel
from tests.support.store_side import StoreSide


@dataclass
class Retail:
    """One retailer: central, and a machine for each store that a story needs."""

    world: World
    folder: Path
    sides: dict[str, StoreSide] = field(default_factory=dict)
    vendors: set[str] = field(default_factory=set)
    count: int = 0

    def __post_init__(self) -> None:
        self.world.parts.intake.carriers(CARRIERS)
        for number, name in enumerate(("S001", "S002", "S003"), 1):
            people = [AssociateRow(f"A{number}", "Rafael", Role.ASSOCIATE, "")]
            self.world.parts.intake.associates(name, people)

    def rules(self, *rules: RoutingRule) -> None:
        """Publish rules of routing."""
        publish(self.world, *rules)

    def room(self, store: str, orders: int) -> None:
        """Let a store take so many orders today."""
        day = RoutingRule("day", RoutingRuleKind.CAPACITY, locations=(store,), orders=orders)
        self.rules(day)

    def stock(self, store: str, units: int, sku: str = "SKU-1") -> None:
        """Set what a store has."""
        self.world.parts.intake.stock([StockItem(store, sku, units)], f"count-{self._next()}")

    def vendor(self, name: str) -> VendorDesk:
        """Let a location be a vendor's, without a machine; return the desk that it talks to."""
        with self.world.database.read() as view:
            place = view.locations.get_many([name])[name]
        self.world.parts.intake.locations([replace(place, kind=VENDOR)])
        self.vendors.add(name)
        return self.world.parts.central.vendors

    def store(self, name: str) -> StoreSide:
        """Return a store's machine, in step with central."""
        if name not in self.sides:
            clock = self.world.clock
            self.sides[name] = StoreSide(self.world, self.folder / name, name, clock=clock)
        self.sides[name].settle()
        return self.sides[name]

    def ship(
        self,
        units: int = 2,
        *,
        channel: Channel = Channel.WEB,
        payment: PaymentPlace = PaymentPlace.ONLINE,
    ) -> str:
        """Order something that is sent home; return the order."""
        new = parcel_order(("SKU-1", units))
        return self.order(replace(new, channel=channel, payment=payment))

    def pickup(self, units: int = 2, *, at: str = "S001", transfer: bool = False) -> str:
        """Order something that is fetched, paid; return the order."""
        return self.order(replace(self.world.new_order(("SKU-1", units), at=at), transfer=transfer))

    def reserve(self, units: int = 2, *, waiting_list: bool = False, transfer: bool = False) -> str:
        """Reserve something at the first store, to be paid there; return the order."""
        new = self.world.new_order(("SKU-1", units))
        new = replace(new, waiting_list=waiting_list, transfer=transfer)
        return self.order(replace(new, payment=PaymentPlace.IN_STORE))

    def moving(self, order_id: str) -> str:
        """Return the order by which stores send what another order waits for."""
        number = f"{self.world.order(order_id)['number']}-{SUFFIX}"
        found, _ = self.world.parts.central.reading.search(OrderFilter(number=number), None, 9)
        return str(found[0]["id"])

    def arrive(self, order_id: str, *, at: str = "S001") -> None:
        """Let what was sent to a store arrive there: counted on, and told to central."""
        supply = self.world.parts.central.supply
        for one in supply.coming("SKU-1"):
            on_hand, _ = self.world.stock(at)
            self.stock(at, on_hand + int(str(one["units"])))
            supply.close(str(one["id"]))

    def order(self, new: NewOrder) -> str:
        """Place an order; return its id."""
        identity = RequestIdentity("shop", f"cart-{self._next()}", "body")
        return self.world.parts.central.orders.place(new, identity).order_id

    def _next(self) -> int:
        self.count += 1
        return self.count

    def work(self, order_id: str) -> list[FulfillmentOrder]:
        """Return what stores still have to do for an order, by store."""
        return [one for one in self.world.fulfillments(order_id) if one.total("open")]

    def stores(self, order_id: str) -> list[str]:
        """Return which stores have work of an order."""
        return [one.location_id for one in self.work(order_id)]

    def do(self, store: str, operations: Iterable[Any]) -> None:
        """Do something at a store with the network cut, then let it sync."""
        side = self.store(store)
        side.cut()
        for one in operations:
            side.store.perform(one, by="A1", dev=f"{store}-1")
        side.settle()

    def finish(self, order_id: str) -> str:
        """Let every store do its part, offline, until customer or carrier has it.

        A vendor takes it on and sends it by its desk.
        """
        for part in self.work(order_id):
            if part.location_id in self.vendors:
                self._sent_by_vendor(part)
                continue
            whole = whole_pickup if part.shipment is None else whole_parcel
            self.do(part.location_id, whole(part))
        return str(self.world.order(order_id)["status"])

    def _sent_by_vendor(self, part: FulfillmentOrder) -> None:
        desk = self.world.parts.central.vendors
        assert part.id in [str(one["id"]) for one in desk.work(part.location_id)]
        desk.acknowledge(part.location_id, part.id)
        units = {line.line: line.allocated for line in part.lines if line.allocated}
        number = f"V-{part.id[-6:]}"
        box = SentBox(number, "swift", "standard", 500, units)
        desk.ship(part.location_id, part.id, box)

    def check(self) -> None:
        """Assert that books are right, and that stores and central say the same of goods and money.

        Every entry of central's money ledger sums to zero, stored value is what its entries say,
        and each store's own ledger is central's, account by account.
        """
        self.world.check_books()
        with self.world.database.read() as view:
            assert view.money.unbalanced() == []
            assert view.money.value_differences() == []
        for name, side in self.sides.items():
            side.settle()
            assert side.differences() == []
            entries = entries_of(side.store)
            here = balances(posting for entry in entries for posting in entry.postings)
            with self.world.database.read() as view:
                assert view.money.balances(name) == here
            assert sum(here.values()) == 0
