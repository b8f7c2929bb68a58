"""Play a trace under a policy: floor sales, online orders, deliveries, picks, outages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

from tests.benchmarks.promise.cells import Cells
from tests.benchmarks.promise.learned import Learned
from tests.benchmarks.promise.outages import Outages
from tests.benchmarks.promise.policies import PICK_S, Kind, Policy
from tests.benchmarks.promise.rights import Escrow, LastKnown, Rights
from tests.benchmarks.promise.trace import DAY_S, WEEK_DAYS, Ask, Trace

LATE_S = 4 * 3600
DELIVERY_HOUR = 5
SAMPLE_S = 2 * 3600
SAMPLE_OF = 23
"""Every hour one cell in so many is looked at: prime, so each is seen at every hour."""


class Promise(NamedTuple):
    """One unit promised to a customer, at one store."""

    made_s: int
    first_s: int
    """When the customer was told first; later than that only for a promise that was moved."""
    cell: int


@dataclass(slots=True)
class Count:
    """What happened after the warm-up, in units."""

    asked: int = 0
    refused: int = 0
    """Nobody had a unit to promise."""
    sold: int = 0
    """Promised, picked."""
    broken: int = 0
    """Promised, and not there; or moved, and nobody else had one."""
    unplaced: int = 0
    """Of the broken ones: moved, and nobody else had one."""
    moved: int = 0
    late: int = 0
    """Sold, but the store that gave it heard of it more than four hours later."""
    floor_asked: int = 0
    floor_sold: int = 0
    floor_empty: int = 0
    floor_refused: int = 0
    """A unit lay there and was not sold (strict only)."""
    over: int = 0
    """Sold beyond the floor rights by a store that was away."""
    shown: float = 0.0
    """Units shown online, per sample of all cells."""
    shown_away: float = 0.0
    """Of these, at stores that are away."""
    phantom: float = 0.0
    """Of the shown ones, not there."""
    samples: float = 0.0


@dataclass(slots=True)
class Ledger:
    """The whole run, warm-up included: must add up."""

    opening: int = 0
    received: int = 0
    floor_sold: int = 0
    picked: int = 0
    promised: int = 0
    moved: int = 0
    lapsed: int = 0
    problems: list[str] = field(default_factory=list)


class Play:
    """One run. Everything follows from trace, outages and policy: nothing is drawn here."""

    def __init__(
        self, trace: Trace, outages: Sequence[Outages], policy: Policy, *, is_checked: bool = False
    ) -> None:
        self._trace, self._outages, self._policy = trace, outages, policy
        self._skus = trace.shape.skus
        self.cells = Cells(trace.level)
        self._learned = Learned(trace.shape, policy, outages) if policy.kind is Kind.SIZED else None
        self._rights: Rights = (
            Escrow(trace.shape, policy, self.cells, outages, self._learned)
            if policy.is_escrow
            else LastKnown(trace.shape, policy, self.cells, outages)
        )
        self._is_checked = is_checked and policy.is_escrow
        self._from_s = trace.shape.warm_up_weeks * WEEK_DAYS * DAY_S
        self._waiting: list[list[Promise]] = [[] for _ in outages]
        self._queue: list[tuple[int, int, str, int | Promise]] = []
        self._number = 0
        self.count = Count()
        self.ledger = Ledger(opening=sum(trace.level))

    def run(self) -> Count:
        """Play the whole trace; return what was counted after the warm-up."""
        self._schedule()
        for ask in self._trace.asks:
            self._until(ask.at_s)
            if ask.second < 0:
                self._floor_sale(ask)
            else:
                self._order(ask)
        self._until(None)
        return self.count

    def problems(self) -> list[str]:
        """Return what does not add up, and which rules of escrow were broken on the way."""
        ledger, found = self.ledger, list(self.ledger.problems)
        left = ledger.opening + ledger.received - ledger.floor_sold - ledger.picked
        if left != sum(self.cells.book):
            found.append(f"{left} units by the ledger, {sum(self.cells.book)} in the stores")
        if ledger.promised != ledger.picked + ledger.lapsed:
            found.append(f"{ledger.promised} promised, {ledger.picked} picked, {ledger.lapsed} not")
        if any(self.cells.promised):
            found.append(f"{sum(self.cells.promised)} promises are open at the end")
        return found

    def _schedule(self) -> None:
        shape = self._trace.shape
        for day in range(shape.days):
            self._add(day * DAY_S, "day", day)
            for store in range(shape.stores):
                if day % shape.cover_days == store % shape.cover_days:
                    self._add(day * DAY_S + DELIVERY_HOUR * 3600, "delivery", store)
        for at_s in range(self._from_s, shape.days * DAY_S, SAMPLE_S):
            self._add(at_s + at_s // SAMPLE_S * 61 % SAMPLE_S, "sample", at_s // SAMPLE_S)
        for store, outages in enumerate(self._outages):
            for start, stop in zip(outages.starts, outages.ends, strict=True):
                self._add(stop, "back", store)
                over_s = start + self._policy.rules.confirm_by_ms(0) // 1000
                if self._policy.is_escrow and over_s < stop:
                    self._add(over_s, "over", store)

    def _add(self, at_s: int, what: str, payload: int | Promise) -> None:
        self._number += 1
        heappush(self._queue, (at_s, self._number, what, payload))

    def _until(self, at_s: int | None) -> None:
        queue = self._queue
        while queue and (at_s is None or queue[0][0] <= at_s):
            now_s, _, what, payload = heappop(queue)
            if isinstance(payload, Promise):
                self._pick(payload, now_s)
            elif what == "day":
                if self._learned is not None:
                    self._learned.end_day(payload, now_s)
            elif what == "delivery":
                self._deliver(payload, now_s)
            elif what == "sample":
                self._sample(payload, now_s)
            elif what == "back":
                self._hear(payload, now_s)
            else:
                self._move(payload, now_s)

    def _floor_sale(self, ask: Ask) -> None:
        cell, counts = ask.store * self._skus + ask.sku, ask.at_s >= self._from_s
        self.count.floor_asked += counts
        if self.cells.book[cell] <= 0:
            self.count.floor_empty += counts
        elif not self._rights.may_sell(cell, ask.at_s):
            self.count.floor_refused += counts
        else:
            self.count.over += self._rights.sell(cell, ask.at_s) and counts
            self.count.floor_sold += counts
            self.ledger.floor_sold += 1
        self._check(cell)

    def _order(self, ask: Ask) -> None:
        counts = ask.at_s >= self._from_s
        self.count.asked += counts
        if self._place(ask.sku, (ask.store,), ask.at_s, ask.at_s):
            self.ledger.promised += 1
            return
        found = self._place(ask.sku, (ask.second,), ask.at_s, ask.at_s)
        self.ledger.promised += found
        self.count.refused += not found and counts
        if self._learned is not None:
            self._learned.turned_away(is_lost=not found)

    def _place(self, sku: int, stores: Sequence[int], at_s: int, first_s: int) -> bool:
        """Promise a unit at the first store that has one to promise."""
        for store in stores:
            cell = store * self._skus + sku
            if self._rights.available(cell, at_s) > 0:
                self._rights.promise(cell)
                promise = Promise(at_s, first_s, cell)
                if self._outages[store].silent_since(at_s) is None:
                    self._add(at_s + PICK_S, "pick", promise)
                else:
                    self._waiting[store].append(promise)
                self._check(cell)
                return True
        return False

    def _hear(self, store: int, now_s: int) -> None:
        """The store is back: it hears of its orders, and picks them."""
        for promise in self._waiting[store]:
            self._add(now_s + PICK_S, "pick", promise)
        self._waiting[store].clear()

    def _move(self, store: int, now_s: int) -> None:
        """Lease and acceptance are over: what the store has not confirmed goes elsewhere."""
        waiting, self._waiting[store] = self._waiting[store], []
        others = [other for other in range(len(self._outages)) if other != store]
        for promise in waiting:
            self._rights.move(promise.cell, now_s)
            self._check(promise.cell)
            self.ledger.moved += 1
            counts = promise.first_s >= self._from_s
            self.count.moved += counts
            if not self._place(promise.cell % self._skus, others, now_s, promise.first_s):
                self.count.broken += counts
                self.count.unplaced += counts
                self.ledger.lapsed += 1

    def _pick(self, promise: Promise, now_s: int) -> None:
        cell, counts = promise.cell, promise.first_s >= self._from_s
        if self.cells.book[cell] > 0:
            self._rights.pick(cell)
            self.ledger.picked += 1
            self.count.sold += counts
            self.count.late += counts and now_s - PICK_S - promise.first_s > LATE_S
        else:
            self._rights.give_up(cell, now_s)
            self.cells.happened(cell, now_s, 1)
            self.ledger.lapsed += 1
            self.count.broken += counts
        self._check(cell)

    def _deliver(self, store: int, now_s: int) -> None:
        for cell in range(store * self._skus, (store + 1) * self._skus):
            units = self._trace.level[cell] - self.cells.free(cell)
            if units > 0:
                self._rights.receive(cell, now_s, units)
                self.ledger.received += units
                self._check(cell)

    def _sample(self, number: int, now_s: int) -> None:
        away = [one.silent_since(now_s) is not None for one in self._outages]
        for cell in range(number % SAMPLE_OF, self._trace.shape.cells, SAMPLE_OF):
            shown = self._rights.available(cell, now_s)
            self.count.shown += shown
            self.count.phantom += max(0, shown - max(0, self.cells.free(cell)))
            self.count.shown_away += shown if away[cell // self._skus] else 0
        self.count.samples += 1 / SAMPLE_OF

    def _check(self, cell: int) -> None:
        if self._is_checked and (problem := self.cells.broken_rule(cell)):
            self.ledger.problems.append(f"cell {cell}: {problem}")
