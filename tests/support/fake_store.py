"""The store's data in memory: the surface of `store_client.ports.Store` by the real rules."""

from dataclasses import dataclass, field, replace
from threading import RLock

from store_client.services.desk import anything_goes
from sync.clock import Clock
from sync.domain.errors import OperationRefused
from sync.domain.exceptions import FollowUpOpened, check_closable, check_task
from sync.domain.flows import flow_named
from sync.domain.fulfillment import (
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentStatus,
    cancel_open,
)
from sync.domain.ids import pickup_code_hash
from sync.domain.people import Role
from sync.domain.stock_operations import FloorSold
from sync.domain.transitions import FulfillmentOperation, decide
from sync.protocol.rows import AssociateRow, StoreRow
from tests.support.fake_boards import FakeBoards
from tests.support.fake_sales import FakeSales
from tests.support.fake_till import FakeTill, Move

CLOSED = {
    FulfillmentStatus.PICKED_UP, FulfillmentStatus.REJECTED, FulfillmentStatus.CANCELLED,
    FulfillmentStatus.EXPIRED, FulfillmentStatus.REFUSED, FulfillmentStatus.CONVERTED,
    FulfillmentStatus.RELEASED,
}  # fmt: skip
LOCKED_MS = 30 * 60_000
FAILURES_MAX = 5


@dataclass(frozen=True)
class Hit:
    sku: str
    name: str
    brand: str = ""
    category: str = ""
    gtins: tuple[str, ...] = ()
    price_minor: int | None = None
    currency: str = "USD"
    on_hand: int | None = None
    allocated: int = 0
    available: int = 0
    aisle: str = ""
    online: int = 0


@dataclass(frozen=True)
class Locked:
    failures: int = 0
    until_ms: int = 0


@dataclass(frozen=True)
class State:
    last_contact_ms: int | None = None
    backlog: int = 0
    last_error: str = ""
    daemon_alive: bool = True
    quarantined: int = 0
    bootstrapped: bool = True
    halted: bool = False
    clock_offset_ms: int = 0
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fate:
    seq: int
    kind: str
    fulfillment_id: str
    order_number: str
    by: str
    at_ms: int
    state: str = "waiting"
    text: str = ""
    line: int | None = None
    quantity: int | None = None
    approved_by: str = ""
    device: str = ""


@dataclass(frozen=True)
class Item:
    id: str
    kind: str
    text: str
    opened_ms: int
    due_ms: int
    owner: str = "store"
    order_number: str = ""
    fulfillment_id: str = ""
    assignee: str = ""
    is_done: bool = False
    note: str = ""
    said: str = ""


@dataclass
class FakeStore(FakeBoards, FakeSales, FakeTill):
    """Implements `store_client.ports.Store`; `settle` and `cancel` play central."""

    clock: Clock
    row: StoreRow | None
    people: list[AssociateRow] = field(default_factory=list)
    orders: dict[str, FulfillmentOrder] = field(default_factory=dict)
    catalogue: list[Hit] = field(default_factory=list)
    location_id: str = "S001"
    replica_id: str = "R1"
    state: State = State()
    journal: list[Fate] = field(default_factory=list)
    performed: list[FulfillmentOperation] = field(default_factory=list)
    inbox: list[Item] = field(default_factory=list)
    locks: dict[str, Locked] = field(default_factory=dict)
    as_of_ms: int | None = None
    version: int = 0
    closed: bool = False
    sales: dict[str, FloorSold] = field(default_factory=dict)
    sold_by: list[tuple[str, str]] = field(default_factory=list)
    unacknowledged: set[str] = field(default_factory=set)
    alerts: list[str] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    voids: dict[tuple[str, int], str] = field(default_factory=dict)
    approvals: list[tuple[str, str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = RLock()

    def store_row(self) -> StoreRow | None:
        return self.row

    def perform(
        self, operation, *, by: str, dev: str, approval=None, judge=anything_goes
    ) -> FulfillmentOrder:
        with self.lock:
            order = self.orders.get(operation.fulfillment_id)
            if order is None:
                raise OperationRefused("this order is not here")
            judge(order)
            now_ms = self.clock.now_ms()
            outcome = decide(flow_named(order.flow), order, operation, now_ms)
            self.orders[order.id] = outcome.after
            self.performed.append(operation)
            self.note_approval(operation, by, approval)
            self.note_money(operation, by, dev)
            self.journal.append(
                Fate(
                    len(self.journal) + 1,
                    operation.kind,
                    order.id,
                    order.order_number,
                    by,
                    now_ms,
                    line=getattr(operation, "line", None),
                    quantity=getattr(operation, "quantity", None),
                    approved_by=approval.by if approval else "",
                    device=dev,
                )
            )
            self.state = replace(self.state, backlog=self.state.backlog + 1)
            self.version += 1
            return outcome.after

    def alert(self, text: str) -> None:
        if text not in self.alerts:
            self.alerts.append(text)

    def fulfillment(self, fulfillment_id: str) -> FulfillmentOrder | None:
        return self.orders.get(fulfillment_id)

    def products(self, text: str, limit: int = 20) -> list[Hit]:
        words = text.casefold().split()
        found = [
            hit
            for hit in self.catalogue
            if all(word in f"{hit.name} {hit.sku}".casefold() for word in words)
        ]
        return found[:limit]

    def product_by_code(self, code: str) -> list[Hit]:
        return [
            hit
            for hit in self.catalogue
            if code == hit.sku or code.lstrip("0") in {gtin.lstrip("0") for gtin in hit.gtins}
        ]

    def skus_of(self, code: str) -> list[str]:
        return [hit.sku for hit in self.product_by_code(code)]

    def stock_as_of_ms(self) -> int | None:
        return self.as_of_ms

    def associates(self) -> list[AssociateRow]:
        return self.people

    def lockout(self, associate_id: str) -> Locked:
        return self.locks.get(associate_id, Locked())

    def record_failure(self, associate_id: str, now_ms: int) -> Locked:
        failures = self.lockout(associate_id).failures + 1
        until_ms = now_ms + LOCKED_MS if failures >= FAILURES_MAX else 0
        self.locks[associate_id] = Locked(failures, until_ms)
        return self.locks[associate_id]

    def clear_failures(self, associate_id: str) -> None:
        self.locks.pop(associate_id, None)

    def exceptions(self) -> list[Item]:
        return sorted(self.inbox, key=lambda item: (item.due_ms, item.id))

    def resolve_exception(self, exception_id: str, note: str, *, by: str, dev: str) -> None:
        with self.lock:
            place, item = next((p, i) for p, i in enumerate(self.inbox) if i.id == exception_id)
            if item.owner != "store" or item.is_done:
                raise OperationRefused("there is nothing here for this store to do any more")
            check_closable(item.kind, note)
            self.inbox[place] = replace(item, is_done=True, note=note)
            number, about = len(self.journal) + 1, f"exception:{item.id}"
            now_ms = self.clock.now_ms()
            self.journal.append(Fate(number, "exception_resolved", about, "", by, now_ms))
            self.version += 1

    def record_task(self, operation, *, by: str, dev: str) -> None:
        check_task(operation)
        key, now_ms = operation.exception_id, self.clock.now_ms()
        with self.lock:
            if isinstance(operation, FollowUpOpened):
                item = Item(
                    key, "follow_up", operation.text, now_ms, operation.due_ms,
                    order_number=operation.order_number, fulfillment_id=operation.about,
                    assignee=operation.assignee,
                )  # fmt: skip
                self.inbox.append(item)
            else:
                given = operation.assignee
                self.inbox = [
                    replace(one, assignee=given) if one.id == key else one for one in self.inbox
                ]
            number = len(self.journal) + 1
            self.journal.append(Fate(number, operation.kind, f"exception:{key}", "", by, now_ms))
            self.version += 1

    def sync_state(self) -> State:
        return self.state

    def operations(self, limit: int = 200, offset: int = 0) -> list[Fate]:
        return self.journal[::-1][offset : offset + limit]

    def fates_of(self, fulfillment_id: str) -> list[Fate]:
        return [fate for fate in self.journal if fate.fulfillment_id == fulfillment_id]

    def change_token(self) -> tuple[int, ...]:
        return (self.version,)

    def close(self) -> None:
        self.closed = True

    # --- what central does ----------------------------------------------------------------

    def cancel(self, fulfillment_id: str) -> None:
        """Cancel everything that is open, as central does when a customer calls it off."""
        self.orders[fulfillment_id] = cancel_open(self.orders[fulfillment_id])
        self.version += 1

    def add(self, order: FulfillmentOrder) -> None:
        """Let an order arrive."""
        self.orders[order.id] = order
        self.version += 1

    def settle(self, state: str = "accepted", text: str = "") -> None:
        """Answer every waiting operation."""
        self.journal = [
            replace(fate, state=state, text=text) if fate.state == "waiting" else fate
            for fate in self.journal
        ]
        self.moves = [replace(move, is_known=True) for move in self.moves]
        self.state = replace(self.state, backlog=0)
        self.version += 1


# --- a small store ------------------------------------------------------------------------

MINUTE_MS = 60_000
NAMES = (
    "Marrowick Gooseneck Kettle 0.8 L Black",
    "Marrowick Gooseneck Kettle 1.2 L Steel",
    "Ostrand Linen Apron Sage",
    "Ostrand Linen Tea Towel, set of 3",
    "Pellam Cast Iron Skillet 26 cm",
    "Pellam Cast Iron Grill Pan 28 cm",
    "Quillon Desk Lamp, dimmable, Brass",
    "Tarn Trail Bottle 750 ml Blue",
)
CUSTOMERS = (
    "Rosa Eastman", "Ines Hale", "Kira Drake", "Finn Holt", "Björn Åkesson", "Mei Tanaka",
    "Oluwaseun Adeyemi-Brookes", "Zoë Fairweather", "Tom Weir", "Aisha Rahman",
)  # fmt: skip
CODE = "3FQ7Z0KD"
STORE = StoreRow(
    location_id="S001",
    name="Columbus Lantern Row",
    timezone="America/New_York",
    price_zone="US-EAST",
    spots=("A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4"),
    hours=((540, 1260),) * 6 + ((660, 1080),),
    closures=("2025-12-25",),
    hold_days=7,
)


def gtin_of(index: int) -> str:
    """Return a valid 14-digit GTIN for the product with this number."""
    body = f"020071000{index:04}"
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(body))
    return body + str(-total % 10)


def sku_of(index: int) -> str:
    return f"HS-{10001 + index}"


def make_catalogue(count: int = len(NAMES)) -> list[Hit]:
    return [
        Hit(
            sku_of(index),
            NAMES[index % len(NAMES)] + (f" #{index}" if index >= len(NAMES) else ""),
            brand=NAMES[index % len(NAMES)].split()[0],
            category="Kitchen",
            gtins=(gtin_of(index),),
            price_minor=4899 + 750 * (index % 9),
            on_hand=(5, 0, 12, 3, 1, 2, None, 8)[index % 8],
            allocated=(2, 0, 1, 3, 0, 1, 0, 0)[index % 8],
            available=(3, 0, 11, 0, 1, 1, 0, 8)[index % 8],
            aisle=f"{index % 6 + 1}-{'ABCD'[index % 4]}",
        )
        for index in range(count)
    ]


def make_order(
    number: int,
    now_ms: int,
    *,
    quantities: tuple[int, ...] = (2, 1),
    due_minutes: int = 90,
    proxy_name: str = "",
) -> FulfillmentOrder:
    key = f"01KBD0000000000000000{number:05}"
    lines = tuple(
        FulfillmentLine(
            place + 1, sku_of((number + place) % 8), NAMES[(number + place) % 8], quantity, 4899
        )
        for place, quantity in enumerate(quantities)
    )
    return FulfillmentOrder(
        id=key,
        order_id=f"O{number}",
        order_number=f"K7Q2-{number:04}",
        location_id="S001",
        flow="pickup",
        lines=lines,
        placed_at_ms=now_ms - 50 * MINUTE_MS,
        promised_by_ms=now_ms + due_minutes * MINUTE_MS,
        customer_name=CUSTOMERS[number % len(CUSTOMERS)],
        customer_hint="0142",
        proxy_name=proxy_name,
        pickup_code_hash=pickup_code_hash(key, CODE),
    )


def make_people(pin_hash: str = "") -> list[AssociateRow]:
    return [
        AssociateRow("A101", "Jonas V.", Role.MANAGER, pin_hash),
        AssociateRow("A102", "Devi D.", Role.LEAD, pin_hash),
        AssociateRow("A103", "Rafael C.", Role.ASSOCIATE, pin_hash),
        AssociateRow("A104", "Sofia V.", Role.ASSOCIATE, pin_hash),
        AssociateRow("A108", "Greta N.", Role.ASSOCIATE, pin_hash, active=False),
        AssociateRow("A109", "Amir L.", Role.AUDITOR, pin_hash),
    ]


def make_store(clock: Clock, orders: int = 0, pin_hash: str = "") -> FakeStore:
    now_ms = clock.now_ms()
    store = FakeStore(clock, STORE, make_people(pin_hash), catalogue=make_catalogue())
    store.state = State(last_contact_ms=now_ms - 3_000)
    store.as_of_ms = now_ms - 3_000
    for number in range(orders):
        store.add(make_order(number, now_ms, due_minutes=20 * number - 30))
    return store
