"""Everything that one connection can read or write, repository by repository."""

from collections.abc import Callable
from typing import NoReturn

from sqlalchemy import Connection

from central_server.storage.associates import Associates
from central_server.storage.availability_feed import AvailabilityFeed
from central_server.storage.capacity import Capacity
from central_server.storage.catalogue import Catalogue
from central_server.storage.conflicts import Conflict
from central_server.storage.customers import Customers
from central_server.storage.demand import Demand
from central_server.storage.exceptions import Exceptions
from central_server.storage.feed import SqlFeedStore
from central_server.storage.fulfillments import Fulfillments
from central_server.storage.holds import Holds
from central_server.storage.idempotency import IdempotencyKeys
from central_server.storage.imports import ImportJobs
from central_server.storage.journal import SqlOperationJournal
from central_server.storage.keys import ApiKeys
from central_server.storage.learned import Learned
from central_server.storage.leases import Leases
from central_server.storage.locations import Locations
from central_server.storage.meta import Meta
from central_server.storage.money import Money
from central_server.storage.orders import Orders
from central_server.storage.outbox import Outbox
from central_server.storage.promise_rules import PromiseRules
from central_server.storage.promise_signs import PromiseSigns
from central_server.storage.replicas import Replicas
from central_server.storage.routing_rules import RoutingRules
from central_server.storage.runs import Runs
from central_server.storage.shipping import Shipping
from central_server.storage.stock import Stock
from central_server.storage.stock_ledger import StockLedger
from central_server.storage.supply import Supply
from sync.hub.feed import FeedWriter


class View:
    """The repositories over one connection, all in the same snapshot."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.meta = Meta(connection)
        self.locations = Locations(connection)
        self.catalogue = Catalogue(connection)
        self.stock = Stock(connection)
        self.stock_ledger = StockLedger(connection)
        self.demand = Demand(connection)
        self.runs = Runs(connection)
        self.supply = Supply(connection)
        self.leases = Leases(connection)
        self.promise_signs = PromiseSigns(connection)
        self.availability_feed = AvailabilityFeed(connection)
        self.promise_rules = PromiseRules(connection)
        self.routing_rules = RoutingRules(connection)
        self.capacity = Capacity(connection)
        self.holds = Holds(connection)
        self.learned = Learned(connection)
        self.orders = Orders(connection)
        self.shipping = Shipping(connection)
        self.fulfillments = Fulfillments(connection)
        self.customers = Customers(connection)
        self.associates = Associates(connection)
        self.replicas = Replicas(connection)
        self.journal = SqlOperationJournal(connection)
        self.feed = SqlFeedStore(connection)
        self.exceptions = Exceptions(connection)
        self.idempotency = IdempotencyKeys(connection)
        self.keys = ApiKeys(connection)
        self.outbox = Outbox(connection)
        self.imports = ImportJobs(connection)
        self.money = Money(connection)


class Unit(View):
    """One use case's transaction: a `View` that may write, and what to do once it is durable."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.callbacks: list[Callable[[], None]] = []

    def start_over(self, why: str) -> NoReturn:
        """End this transaction, which is run again: somebody was faster. Raises `Conflict`.

        For what only locks could show, where another order of locks would be needed to go on.
        SQLite has one writer: nobody is faster there.
        """
        raise Conflict(why)

    def feed_writer(self) -> FeedWriter:
        """Return a writer of this transaction's feed rows."""
        return FeedWriter(self.feed)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` after the commit, in the caller's thread; never after a rollback."""
        self.callbacks.append(callback)
