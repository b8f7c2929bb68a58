"""One transaction for many orders: read together, decided one by one in memory, written at once.

A `GroupUnit` looks like any other unit to the use cases that decide. Its repositories
answer from what `load` has read for all, and keep what they are given until `flush`.
An order that fails is taken back from memory: nothing of it was ever written.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from central_server.records import KeptAnswer, Order, OrderEvent, OutboxItem, Trace
from central_server.storage.bulk import find_among, find_many, insert_among
from central_server.storage.conflicts import Conflict
from central_server.storage.fulfillments import Fulfillments
from central_server.storage.held_capacity import HeldCapacity, Part
from central_server.storage.held_stock import HeldStock, NotInGroup
from central_server.storage.idempotency import IdempotencyKeys
from central_server.storage.known import (
    KnownCatalogue,
    KnownLeases,
    KnownLocations,
    KnownMeta,
    KnownRoutingRules,
    KnownRules,
    KnownSupply,
    Memory,
)
from central_server.storage.orders import Orders
from central_server.storage.outbox import Outbox
from central_server.storage.raw import Together, Values
from central_server.storage.tables import IDEMPOTENCY_KEYS
from central_server.storage.unit import Unit
from sync.hub.feed import FeedWriter
from sync.protocol.rows import Entity, FulfillmentRow, encode_body
from sync.protocol.session import ScopeHead

T = TypeVar("T")
_ANSWER = ("principal", "key", "body_hash", "status", "response", "created_ms")
_KEPT = ", ".join(f"idempotency_keys.{name}" for name in _ANSWER[:-1])


class _LateOrders(Orders):
    """Orders that are written by `flush`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.late: list[Order] = []
        self._numbers: set[str] = set()
        self.events_late: list[OrderEvent] = []
        self.traces_late: list[Trace] = []
        self._unsourced = Memory(super().unsourced)

    def number_taken(self, number: str) -> bool:
        """Say no: that numbers are unique is found out when they are written, once for all."""
        return number in self._numbers

    def unsourced(self, skus: Collection[str]) -> dict[str, int]:
        """Return the units by SKU that orders want and no fulfillment order carries."""
        return self._unsourced.get(skus)

    def insert_many(self, orders: Sequence[Order]) -> None:
        """Add orders; one that is to wait for goods is placed by itself."""
        if any(line.unsourced for order in orders for line in order.lines):
            raise NotInGroup
        self.late += orders
        self._numbers.update(order.number for order in orders)

    def append_events(self, events: Sequence[OrderEvent]) -> None:
        """Append entries to timelines."""
        self.events_late += events

    def add_trace(self, trace: Trace) -> None:
        """Keep why an order went where it went."""
        self.traces_late.append(trace)

    def forget(self, skus: Collection[str]) -> None:
        """Ask anew what is unsourced of these."""
        self._unsourced.forget(skus)

    def load(self, together: Together, skus: Collection[str]) -> None:
        """Ask what is unsourced of these."""
        super().ask_unsourced(together, skus, lambda found: self._unsourced.learn(skus, found))

    def flush(self, together: Together) -> None:
        """Write all of it."""
        super().insert_among(together, self.late, self.events_late, self.traces_late)


class _LateFulfillments(Fulfillments):
    """Fulfillment orders that are written by `flush`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.late: list[FulfillmentRow] = []
        self._bodies: dict[str, str] = {}
        self._times: dict[str, int] = {}

    def upsert_many(self, rows: Sequence[FulfillmentRow]) -> dict[str, str]:
        """Add fulfillment orders."""
        self.late += rows
        bodies = {row.order.id: encode_body(Entity.FULFILLMENT, row) for row in rows}
        self._bodies.update(bodies)
        return bodies

    def flush(self, together: Together) -> None:
        """Write them."""
        super().insert_among(together, self.late, self._bodies)

    def set_accept_by(self, times: Mapping[str, int]) -> None:
        """Set by when fulfillment orders have to be accepted."""
        self._times.update(times)

    def flush_times(self) -> None:
        """Write by when what was written has to be accepted."""
        super().set_accept_by(self._times)


class _LateOutbox(Outbox):
    """Side effects that are written by `flush`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.late: list[OutboxItem] = []

    def add(self, items: Sequence[OutboxItem]) -> None:
        """Add side effects."""
        self.late += items

    def flush(self, together: Together) -> None:
        """Write them."""
        super().insert_among(together, self.late)


class _LateKeys(IdempotencyKeys):
    """Answers, read for all requests at once and written by `flush`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._kept = Memory(self._read)
        self._claimed: dict[tuple[str, str], tuple[str, int]] = {}
        self._places: dict[tuple[str, str], int] = {}
        """Where in `late` an answer is, unless its order was taken back."""
        self.late: list[tuple[Any, ...]] = []

    def _read(self, keys: list[tuple[str, str]]) -> dict[tuple[str, str], KeptAnswer]:
        rows = find_many(self._connection, IDEMPOTENCY_KEYS, _ANSWER[:2], keys, what=_KEPT)
        return _answers(rows)

    def load(self, together: Together, keys: Sequence[tuple[str, str]]) -> None:
        """Ask what these requests got before."""
        find_among(
            together, IDEMPOTENCY_KEYS, _ANSWER[:2], keys, what=_KEPT,
            then=lambda rows: self._kept.learn(keys, _answers(rows)),
        )  # fmt: skip

    def claim(self, principal: str, key: str, body_hash: str, now_ms: int) -> KeptAnswer | None:
        """Return the answer that this key got before, or in this group; or take it."""
        at = self._places.get((principal, key), len(self.late))
        if at < len(self.late) and self.late[at][:2] == (principal, key):
            return KeptAnswer(*self.late[at][2:5])
        self._claimed[principal, key] = (body_hash, now_ms)
        return self._kept.one((principal, key))

    def keep(self, principal: str, key: str, status: int, response: str) -> None:
        """Keep the answer to the request that claimed the key."""
        body_hash, now_ms = self._claimed[principal, key]
        self._places[principal, key] = len(self.late)
        self.late.append((principal, key, body_hash, status, response, now_ms))

    def flush(self, together: Together) -> list[Values]:
        """Write them; the list gets one row for each, but for those that somebody else wrote."""
        return insert_among(
            together, IDEMPOTENCY_KEYS, _ANSWER, sorted(self.late),
            " ON CONFLICT (principal, key) DO NOTHING", "key",
        )  # fmt: skip


def _answers(rows: Iterable[Values]) -> dict[tuple[str, str], KeptAnswer]:
    return {(principal, key): KeptAnswer(*kept) for principal, key, *kept in rows}


class _LateFeed(FeedWriter):
    """Collects into its group's list; the group writes."""

    def __init__(self, unit: "GroupUnit") -> None:
        super().__init__(unit.feed)
        self._late = unit.rows_late

    def put_body(self, scope: str, entity: Entity, key: str, body: str) -> None:
        """Set the newest body of a row."""
        self._late.append((scope, entity, key, body))

    def flush(self) -> tuple[ScopeHead, ...]:
        """Leave it to the group."""
        return ()


class GroupUnit(Unit):
    """The unit of many orders."""

    def __init__(self, unit: Unit) -> None:
        """`unit` is the transaction's."""
        connection = unit.connection
        super().__init__(connection)
        self.callbacks = unit.callbacks
        self.rows_late: list[tuple[str, Entity, str, str]] = []
        self.catalogue = self._catalogue = KnownCatalogue(connection)
        self.locations = self._locations = KnownLocations(connection)
        self.leases = self._leases = KnownLeases(connection)
        self.supply = self._supply = KnownSupply(connection)
        self.promise_rules = self._rules = KnownRules(connection)
        self.meta = self._meta = KnownMeta(connection)
        self.routing_rules = self._routing_rules = KnownRoutingRules(connection)
        self.capacity = self._capacity = HeldCapacity(connection)
        self.orders = self._orders = _LateOrders(connection)
        self.stock = self._stock = HeldStock(unit.stock, connection, self._orders.forget)
        self.fulfillments = self._fulfillments = _LateFulfillments(connection)
        self.outbox = self._outbox = _LateOutbox(connection)
        self.idempotency = self._keys = _LateKeys(connection)

    def feed_writer(self) -> FeedWriter:
        """Return a writer whose rows are written with the group's."""
        return _LateFeed(self)

    def load(
        self,
        places: Collection[str],
        skus: Collection[str],
        keys: Collection[tuple[str, str]],
        now_ms: int,
    ) -> None:
        """Read what orders of `skus` at `places` will ask for, all at once.

        `keys` are principals and idempotency keys of their requests.
        """
        places, skus = sorted(places), sorted(skus)
        with Together(self.connection) as together:
            self._keys.load(together, list(dict.fromkeys(keys)))
            self._meta.load(together)
            self._rules.load(together, now_ms)
            self._routing_rules.load(together, now_ms)
            self._locations.load(together, places)
            self._leases.load(together, places)
            self._supply.load(together, skus)
            self._catalogue.load(together, places, skus)
            self._orders.load(together, skus)

    def hold(
        self,
        keys: Iterable[tuple[str, str]],
        network: Collection[str],
        parts: Collection[Part] = (),
    ) -> None:
        """Lock `parts` of days, what is kept of `network` SKUs in all, then positions.

        In this order, as every order does. `keys` are (location, SKU).
        """
        self._capacity.hold(parts)
        if network:
            self._stock.hold_network(network)
            self._supply.forget(network)
        keys = set(keys)
        skus = sorted({sku for _, sku in keys})
        with Together(self.connection) as together:
            self._stock.share_among(together, skus)
            self._stock.hold(together, keys)
            # Anew, and last: who gave up units here may have left them to wait, all at once.
            self._orders.load(together, skus)

    def start_over(self, why: str) -> NoReturn:
        """Leave the order to a transaction of its own. Raises `NotInGroup`."""
        raise NotInGroup(why)

    def attempt(self, command: Callable[["GroupUnit"], T]) -> T | Exception | None:
        """Run one order's part; what it did is taken back where it raises, and that returned.

        None: it needs what a group cannot give it, and is to be placed by itself. An error
        of the database is raised: it is the whole transaction's.
        """
        lists = self._lists()
        marks = [len(one) for one in lists]
        allocations = len(self._stock.allocations)
        try:
            return command(self)
        except DBAPIError:
            raise
        except Exception as problem:  # noqa: BLE001 - its caller gets it after the commit
            for one, mark in zip(lists, marks, strict=True):
                del one[mark:]
            self._stock.take_back(allocations)
            return None if isinstance(problem, NotInGroup) else problem

    def _lists(self) -> tuple[list[Any], ...]:
        return (
            self.rows_late, self.callbacks, self._orders.late, self._orders.events_late,
            self._orders.traces_late, self._fulfillments.late, self._outbox.late,
            self._keys.late, self._stock.entries, self._capacity.taken, self._capacity.claims,
        )  # fmt: skip

    def flush(self) -> tuple[ScopeHead, ...]:
        """Write everything, the feed last; return its heads. Raises `Conflict`."""
        with Together(self.connection) as together:
            self._orders.flush(together)
            self._fulfillments.flush(together)
            self._outbox.flush(together)
            self._stock.flush(together)
            self._capacity.flush(together)
            answered = self._keys.flush(together)
        self._fulfillments.flush_times()
        if len(answered) < len(self._keys.late):
            raise Conflict("another process placed the same order")
        writer = FeedWriter(self.feed)
        for scope, entity, key, body in self.rows_late:
            writer.put_body(scope, entity, key, body)
        return writer.flush()
