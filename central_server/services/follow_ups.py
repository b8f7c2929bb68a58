"""What handlers asked for during one push, kept in memory until it is written.

The one thing that is done at once is a reservation elsewhere: it is a
conditional update, and the next operation of the same push must see it. If the
operation that asked for it fails after all, the reservation is given back.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from central_server.records import (
    ExceptionRecord,
    LedgerEntry,
    Location,
    Order,
    OrderEvent,
    OrderHead,
    OutboxItem,
    Trace,
)
from central_server.services.candidates import moved
from central_server.services.capacity import Claim, Days
from central_server.services.exceptions import TAKEN_OVER_BY, exception_record
from central_server.services.flow_handler import Moved, Place, Reshipped, TakenBack
from central_server.services.money import MoneyOfPush
from central_server.services.need_by import Late, is_for_want_of_time
from central_server.services.notice import TELLS_CODE, Notice
from central_server.services.parcel_routing import ParcelRouting, pickup_accept_by
from central_server.services.pending_mail import PendingMail
from central_server.services.promises import Ask, reserve
from central_server.services.promising import assign, by_sku, trace_document
from central_server.services.shipping import assign_part, barred, divide, told_until_ms
from central_server.services.transfer_receipts import going_to
from central_server.services.uncarried import Uncarried
from central_server.shipping_records import RoutingPause
from central_server.sourcing.routing import Demand, DemandLine, RoutingRules, SourcingPlan
from sync.domain.errors import InvariantViolated
from sync.domain.exceptions import ExceptionKind, ExceptionOwner
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.ids import new_id, pickup_code_matches, read_pickup_qr
from sync.domain.inventory import StockReason
from sync.domain.orders import OrderProgress, progress_of
from sync.domain.tenders import TenderKind
from sync.domain.transitions import FulfillmentOperation

if TYPE_CHECKING:
    from central_server.storage.unit import Unit

OWNER = "central"
ROUTING_TRIES = 5


@dataclass(frozen=True, slots=True)
class _Mark:
    """How much had been asked for before one operation."""

    sizes: tuple[int, ...]
    counts: dict[tuple[str, int], tuple[int, int]]
    moves: int


class PushFollowUps:
    """Implements `FollowUps` for one push."""

    def __init__(self, unit: "Unit", random: Random, promise_ms: int) -> None:
        self._unit = unit
        self._heads: dict[str, OrderHead] = {}
        self._orders: dict[str, Order] = {}
        self._random = random
        self._promise_ms = promise_ms
        self._locations: dict[str, Location] = {}
        self._now_ms = 0
        self._source = ""
        self.siblings: dict[str, list[FulfillmentOrder]] = {}
        """All fulfillment orders of an order, as they were before the push."""
        self.rows: Mapping[str, FulfillmentOrder] = {}
        """Fulfillment orders as they are now, by id."""
        self.assigned: list[FulfillmentOrder] = []
        self.begun: list[Order] = []
        """Orders that begin with this push, at a store's counter."""
        self.events: list[OrderEvent] = []
        self.told: dict[str, Mapping[str, object]] = {}
        self.exceptions: list[ExceptionRecord] = []
        self.mails: list[PendingMail] = []
        self.traces: list[Trace] = []
        self.pauses: list[RoutingPause] = []
        self.effects: list[OutboxItem] = []
        self.undone: list[str] = []
        """Orders whose cancellation came too late: their goods had left."""
        self.accept_by: dict[str, int] = {}
        """By when what was assigned has to be accepted, where rules say so."""
        self.freed: list[str] = []
        """Fulfillment orders that give back what they took of a location's day."""
        self.uncarried = Uncarried(self.order)
        self.money = MoneyOfPush(unit)
        self._decisions: list[FulfillmentOperation] = []
        self.is_reserving = False

    def begin(self, source: str, now_ms: int) -> _Mark:
        """Start the follow-ups of one operation, `source`; return the mark to roll back to."""
        self._source = source
        self._now_ms = now_ms
        sizes = tuple(len(one) for one in self._lists())
        return _Mark(sizes, self.uncarried.mark(), self.money.mark())

    def roll_back(self, mark: _Mark) -> None:
        """Forget what was asked for since `mark` and give back what was reserved."""
        for order in self.assigned[mark.sizes[0] :]:
            effects: dict[str, tuple[int, int]] = {}
            for line in order.lines:
                effects[line.sku] = (0, effects.get(line.sku, (0, 0))[1] - line.allocated)
            ledger = [
                LedgerEntry(
                    order.location_id, sku, 0, units, StockReason.RELEASED,
                    self._source, self._now_ms,
                )
                for sku, (_, units) in effects.items()
            ]  # fmt: skip
            self._unit.stock.apply_effects(order.location_id, effects, ledger)
        self._unit.capacity.release([one.id for one in self.assigned[mark.sizes[0] :]])
        for kept, size in zip(self._lists(), mark.sizes, strict=True):
            del kept[size:]
        self.uncarried.roll_back(mark.counts)
        self.money.roll_back(mark.moves)
        self._decisions.clear()

    def _lists(self) -> tuple[list[object], ...]:
        return (  # type: ignore[return-value]
            self.assigned, self.events, self.exceptions, self.mails, self.traces,
            self.pauses, self.effects, self.freed, self.undone,
        )  # fmt: skip

    def add_heads(self, heads: Mapping[str, OrderHead]) -> None:
        """Make orders known, whose rows are locked."""
        self._heads.update(heads)

    def begin_order(self, order: Order, fulfillment: FulfillmentOrder) -> None:
        """Make an order known that begins with this push."""
        ordered = sum(line.quantity for line in order.lines)
        unsourced = sum(line.unsourced for line in order.lines)
        self._heads[order.id] = OrderHead(
            order.id, order.status, order.customer_email, ordered, unsourced, 0
        )
        self._orders[order.id] = order
        self.siblings[order.id] = [fulfillment]
        self.begun.append(order)

    def decide(self, operation: FulfillmentOperation) -> None:
        """Let central decide something right after the operation that is judged now."""
        self._decisions.append(operation)

    def take_decisions(self) -> list[FulfillmentOperation]:
        """Return what is to be decided now, once."""
        found, self._decisions = self._decisions, []
        return found

    def redeem(
        self, account: str, means: TenderKind, currency: str, amount_minor: int, *, is_fact: bool
    ) -> int:
        """Take an amount from stored value; return how much is missing."""
        return self.money.redeem(
            account, means, currency, amount_minor, self._source, self._now_ms, is_fact=is_fact
        )

    def give_back_value(self, account: str, currency: str, amount_minor: int) -> None:
        """Put an amount back on stored value."""
        self.money.give_back(account, currency, amount_minor, self._source, self._now_ms)

    def head(self, order_id: str) -> OrderHead:
        """Return the head of the order that a fulfillment order is part of."""
        found = self._heads.get(order_id)
        if found is None:
            raise InvariantViolated(f"a fulfillment order of an unknown order {order_id}")
        return found

    def order(self, order_id: str) -> Order:
        """Return the whole order, read when first asked for; its row is locked already."""
        if order_id not in self._orders:
            found = self._unit.orders.get(order_id)
            if found is None:
                raise InvariantViolated(f"a fulfillment order of an unknown order {order_id}")
            self._orders[order_id] = found
        return self._orders[order_id]

    def location(self, location_id: str) -> Location:
        """Return a location, read once a push."""
        if location_id not in self._locations:
            found = self._unit.locations.get(location_id)
            if found is None:
                raise InvariantViolated(f"unknown location {location_id}")
            self._locations[location_id] = found
        return self._locations[location_id]

    def place(self, location_id: str) -> Place:
        """Return a location's name and time zone."""
        location = self.location(location_id)
        return Place(location.id, location.name, location.timezone)

    def re_source(self, order: FulfillmentOrder, units: Mapping[int, int]) -> Moved | None:
        """Find another location for units that `order` gave up, and reserve them there."""
        with self._reserving():
            return self._re_sourced(order, units)

    def _re_sourced(self, order: FulfillmentOrder, units: Mapping[int, int]) -> Moved | None:
        whole = self.order(order.order_id)
        if not order.total("open"):
            self.freed.append(order.id)
        wanted = by_sku(whole, units)
        carriers = {one.location_id for one in self._carriers(order) if one.total("short")}
        days, count = Days(self._unit, self._now_ms), sum(wanted.values())
        late = Late(self._unit, whole, count, days, self._now_ms, self._promise_ms)
        rules = RoutingRules(excluded=frozenset({order.location_id, *carriers}))
        for _ in range(ROUTING_TRIES):
            plan = self._routed(whole, units, replace(rules, late=late.anywhere))
            if plan.location_id is None:
                return None
            claim, is_free = days.take(plan.location_id, count)
            if not is_free:
                full = days.full([one.location_id for one in plan.trace], count)
                rules = replace(rules, full=rules.full | full | {plan.location_id})
                continue
            ask = self._ask(whole)
            is_kept = plan.is_late or late.makes(plan.location_id, claim)
            if is_kept and reserve(
                self._unit, plan.location_id, wanted, self._source, self._now_ms, ask
            ):
                return self._moved(whole, self.location(plan.location_id), units, claim)
            days.give_back(plan.location_id, claim)
        return None

    def _carriers(self, order: FulfillmentOrder) -> list[FulfillmentOrder]:
        """Return all fulfillment orders of the order, those made in this push too."""
        new = [one for one in self.assigned if one.order_id == order.order_id]
        return [*self.siblings.get(order.order_id, ()), *new]

    def _routed(self, whole: Order, units: Mapping[int, int], rules: RoutingRules) -> SourcingPlan:
        lines = tuple(
            DemandLine(line.line, line.sku, units[line.line])
            for line in whole.lines
            if units.get(line.line)
        )
        chosen = self.location(whole.pickup_location_id)
        demand = Demand(chosen.id, chosen.latitude, chosen.longitude, lines)
        ask = self._ask(whole)
        plan = moved(self._unit, whole, demand, rules, self._now_ms, ask)
        if is_for_want_of_time(plan):
            rules = replace(rules, late=frozenset())
            plan = moved(self._unit, whole, demand, rules, self._now_ms, ask)
            plan = replace(plan, is_late=plan.location_id is not None)
        document = trace_document(plan, f"given up: {self._source}", whole.need_by)
        self.traces.append(Trace(whole.id, self._now_ms, document))
        return plan

    def pickup_qr(self, order: FulfillmentOrder) -> str:
        """Return what the customer's QR code says, where a message told it; else nothing."""
        told = self._unit.outbox.newest([f"{kind}:{order.id}" for kind in sorted(TELLS_CODE)])
        found = "" if told is None else str(told.payload.get("qr", ""))
        code = read_pickup_qr(found)[1]
        return found if pickup_code_matches(order.id, code, order.pickup_code_hash) else ""

    def _ask(self, whole: Order) -> Ask:
        return Ask(whole.channel, chosen=whole.pickup_location_id, is_moved=True)

    def _moved(
        self, whole: Order, location: Location, units: Mapping[int, int], claim: Claim | None
    ) -> Moved:
        begins_ms = claim.starts_ms if claim else 0
        assignment = assign(
            whole, location, units, self._now_ms, self._random, promise_ms=self._promise_ms,
            lease=self._unit.leases.get(location.id), begins_ms=begins_ms,
        )  # fmt: skip
        self.assigned.append(assignment.order)
        if claim is not None:
            made = assignment.order.id
            self._unit.capacity.claim(made, location.id, claim.starts_ms, claim.use)
        accept_by = pickup_accept_by(self._unit, whole, location, units, self._now_ms, begins_ms)
        if accept_by is not None:
            self.accept_by[assignment.order.id] = accept_by
        place = Place(location.id, location.name, location.timezone)
        return Moved(assignment.order, place, assignment.pickup_code)

    @contextmanager
    def _reserving(self) -> Iterator[None]:
        """Mark that units may be reserved without an order; where that fails, it stays so."""
        self.is_reserving = True
        yield
        self.is_reserving = False

    def re_ship(self, order: FulfillmentOrder, units: Mapping[int, int]) -> Reshipped:
        """Find other locations to send units that `order` gave up, and reserve them there."""
        with self._reserving():
            return self._re_shipped(order, units)

    def _re_shipped(self, order: FulfillmentOrder, units: Mapping[int, int]) -> Reshipped:
        whole = self.order(order.order_id)
        skus = by_sku(whole, units)
        excluded = barred(self._unit, whole.id, skus, self._now_ms, self.pauses)
        here, told = self.location(order.location_id), self.told.get(order.id)
        found = divide(
            self._unit, whole, units, excluded | {order.location_id} | going_to(self._unit, whole),
            source=self._source, is_moved=True,
            routing=ParcelRouting(self._unit, self._now_ms, self._promise_ms),
            promised_by_ms=told_until_ms(self._unit, order, here, self._now_ms, told),
        )  # fmt: skip
        self.traces += found.traces
        if not order.total("open"):
            self.freed.append(order.id)
        moved = []
        for part in found.parts:
            made = assign_part(
                self._unit, whole, part, self._now_ms, self._random, self._promise_ms
            )
            self.assigned.append(made.order)
            self.told[made.order.id] = part.told(made.order.id)
            if part.accept_by_ms is not None:
                self.accept_by[made.order.id] = part.accept_by_ms
            place = Place(part.location.id, part.location.name, part.location.timezone)
            moved.append(Moved(made.order, place, ""))
        return Reshipped(tuple(moved), found.missing)

    def pause(self, order: FulfillmentOrder, skus: Collection[str], until_ms: int) -> None:
        """Do not ask this location until then: for these SKUs, or for this order if none."""
        about = [("", sku) for sku in sorted(skus)] or [(order.order_id, "")]
        self.pauses += [
            RoutingPause(order.location_id, order_id, sku, until_ms, self._source)
            for order_id, sku in about
        ]

    def free(self, order: FulfillmentOrder) -> None:
        """Give back what an order that has ended took of its location's day."""
        self.freed.append(order.id)

    def side_effect(self, kind: str, name: str, payload: Mapping[str, object]) -> None:
        """Let something leave after the commit, once for this operation and `name`."""
        self.effects.append(
            OutboxItem(
                new_id(self._now_ms, self._random), kind, f"{kind}:{self._source}:{name}",
                payload, self._now_ms,
            )
        )  # fmt: skip

    def leave_unsourced(self, order: FulfillmentOrder, units: Mapping[int, int]) -> None:
        """Keep units on the order as wanted, but carried by nobody."""
        self.uncarried.leave(order.order_id, units)

    def take_back(self, order: FulfillmentOrder, units: Mapping[int, int]) -> TakenBack:
        """Take units off what nobody carries, and off what was given up: `order` has them."""
        others = [one for one in self._carriers(order) if one.id != order.id]
        carriers = [order, *(self.rows.get(one.id, one) for one in others)]
        return self.uncarried.take_back(order.order_id, units, carriers)

    def drop_unsourced(self, order: FulfillmentOrder) -> None:
        """Give up all units of the order that nobody carries."""
        self.uncarried.drop(order.order_id)

    def no_more_unsourced(self) -> list[str]:
        """Return the orders whose counts changed, and of which somebody carries all now."""
        return sorted(
            key
            for key, (units, _) in self.uncarried.shifts().items()
            if not self.head(key).unsourced + units
        )

    def progress(self, parts: Mapping[str, Sequence[FulfillmentOrder]]) -> dict[str, OrderProgress]:
        """Return how far orders are after what was asked for so far; `parts` carry them, by id."""
        shifts, found = self.uncarried.shifts(), {}
        for order_id, carried in parts.items():
            head = self.head(order_id)
            unsourced, dropped = shifts.get(order_id, (0, 0))
            found[order_id] = progress_of(
                head.ordered, head.unsourced + unsourced, head.dropped + dropped, carried
            )
        return found

    def event(self, order: FulfillmentOrder, kind: str, text: str) -> None:
        """Add a line to the order's timeline."""
        plain = {"fulfillment_id": order.id, "location_id": order.location_id}
        data = self.told.get(order.id, plain)
        self.events.append(
            OrderEvent(order.order_id, self._now_ms, kind, text, actor=OWNER, data=data)
        )

    def exception(
        self,
        order: FulfillmentOrder,
        kind: ExceptionKind,
        text: str,
        owner: ExceptionOwner | None = None,
        taken_over_by: str = "",
    ) -> None:
        """Open something that a person has to settle; see `FollowUps`."""
        self._open(order, kind, text, self._source, self._now_ms)
        last = self.exceptions[-1]
        if owner is not None:
            last = replace(last, owner=owner.value)
        if taken_over_by:
            last = replace(last, detail={**last.detail, TAKEN_OVER_BY: taken_over_by})
        self.exceptions[-1] = last

    def reaches_customer(self, order: FulfillmentOrder) -> bool:
        """Return whether there is an address to write to."""
        return bool(self.head(order.order_id).customer_email)

    def mail_failed(self, mail: PendingMail, problem: str) -> None:
        """Let a person tell the customer what a message could not."""
        text = f"A message to the customer could not be written: {problem}"
        self._open(mail.order, ExceptionKind.MAIL_FAILED, text, mail.source, mail.now_ms)

    def _open(
        self, order: FulfillmentOrder, kind: ExceptionKind, text: str, source: str, now_ms: int
    ) -> None:
        self.exceptions.append(
            exception_record(
                kind, text, cause=f"{kind}:{order.id}:{source}", now_ms=now_ms,
                random=self._random, order=order, source=source,
            )
        )  # fmt: skip

    def mail(
        self, order: FulfillmentOrder, compose: Callable[[], Notice], *, only_while: str = ""
    ) -> None:
        """Write to the customer, if there is an address."""
        to = self.head(order.order_id).customer_email
        if to:
            pending = PendingMail(compose, to, self._source, order, only_while, self._now_ms)
            self.mails.append(pending)

    def correct(
        self, order: FulfillmentOrder, kinds: Collection[str], compose: Callable[[], Notice]
    ) -> None:
        """Write instead of a message of these kinds, where it has left already."""
        before = len(self.mails)
        self.mail(order, compose)
        self.mails[before:] = [
            replace(one, corrects=frozenset(kinds)) for one in self.mails[before:]
        ]
