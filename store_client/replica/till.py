"""The part of a store that begins orders at its counter and takes money."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence

from store_client.replica.journaling import Journaling
from store_client.replica.models import MoneyMove, SyncState
from store_client.replica.sales import no_judge
from store_client.replica.shares import Shares
from store_client.replica.views import Views
from sync.domain.errors import OperationRefused
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.inventory import StockEffect, StockReason
from sync.domain.money_operations import (
    CardSettled,
    DrawerCounted,
    DrawerOpened,
    MoneyOperation,
)
from sync.domain.people import Approval
from sync.domain.reserve_operations import ReservationMade, WaitRequested
from sync.protocol.verdicts import VerdictStatus

MONEY_OPERATIONS_MAX = 5_000


class NotFree(OperationRefused):
    """The store has not so many units that nobody was promised."""

    code = "not_free"

    def __init__(self, shortfall: dict[str, int]) -> None:
        self.shortfall = shortfall
        missing = ", ".join(f"{units} × {sku}" for sku, units in sorted(shortfall.items()))
        self.why = f"Not free in this store: {missing} too many."
        self.todo = "Take fewer, or put the customer on the waiting list."
        super().__init__(f"{self.why} {self.todo}")


class OutOfTurn(OperationRefused):
    """A drawer is opened that is open, or counted that is not: somebody else was quicker."""

    code = "out_of_turn"

    def __init__(self, why: str, todo: str) -> None:
        self.why = why
        self.todo = todo
        super().__init__(f"{why} {todo}")


def check_turn(operation: MoneyOperation, known: Sequence[object]) -> None:
    """Refuse what does not follow from the operations on a drawer that are `known`, oldest first.

    Two sessions of one drawer at once would each have the other's money.
    """
    if isinstance(operation, CardSettled):
        return
    turns = [
        one
        for one in known
        if isinstance(one, DrawerOpened | DrawerCounted) and one.drawer == operation.drawer
    ]
    is_open = bool(turns) and isinstance(turns[-1], DrawerOpened)
    if isinstance(operation, DrawerOpened) and is_open:
        raise OutOfTurn("This drawer is open already.", "Count it before it is opened anew.")
    if not isinstance(operation, DrawerOpened) and not is_open:
        raise OutOfTurn("This drawer is not open.", "Somebody has counted it: open it first.")


class Till(Journaling):
    """Writes what begins at the counter and what moves money, and reads the latter."""

    shares: Shares
    _views: Views
    _boot_id: str

    @abstractmethod
    def sync_state(self) -> SyncState:
        """Return how the store stands with central; see `Store`."""

    def begin_order(
        self, operation: ReservationMade | WaitRequested, *, by: str, dev: str
    ) -> FulfillmentOrder:
        """Journal an order that begins at the counter, and return it. Durable when this returns.

        A reservation ties only units that are this store's to give: raises `NotFree`
        where there are not so many. A place on the waiting list ties none.
        """
        key = operation.fulfillment_id
        with self.journal.writing():
            self._views.catch_up()
            effects: list[StockEffect] = []
            if isinstance(operation, ReservationMade):
                self._refuse_beyond(operation)
                effects = [
                    StockEffect(one.sku, 0, one.quantity, StockReason.ALLOCATED)
                    for one in operation.reserved
                ]
            self._append(operation, by, dev, effects, at_ms=self.clock.now_ms())
        self._views.catch_up()
        order = self._views.order(key)
        if order is None:
            raise OperationRefused("this reservation cannot be shown")
        return order

    def _refuse_beyond(self, operation: ReservationMade) -> None:
        wanted: dict[str, int] = {}
        for one in operation.reserved:
            wanted[one.sku] = wanted.get(one.sku, 0) + one.quantity
        free = {share.sku: max(0, share.floor) for share in self.shares.shares(list(wanted))}
        short = {sku: units - free.get(sku, 0) for sku, units in wanted.items()}
        short = {sku: units for sku, units in short.items() if units > 0}
        if short:
            raise NotFree(short)

    def record_money(
        self,
        operation: MoneyOperation,
        *,
        by: str,
        dev: str,
        approval: Approval | None = None,
        judge: Callable[[MoneyOperation], object] = no_judge,
    ) -> None:
        """Journal an operation on a drawer, or on a card that settled. Durable on return.

        What became of one card is written down once by a terminal, however often it is told.
        What `judge` asks of the store is asked while no other terminal can write.
        """
        with self.journal.writing():
            known = [(one.device, one.operation) for one in self.money_moves()]
            if isinstance(operation, CardSettled) and (dev, operation) in known:
                return
            check_turn(operation, [done for _, done in known])
            judge(operation)
            self._append(operation, by, dev, (), at_ms=self.clock.now_ms(), approval=approval)

    def begin_void(
        self,
        fulfillment_id: str,
        tender: int,
        *,
        dev: str,
        judge: Callable[[FulfillmentOrder], object],
    ) -> None:
        """Note durably that a payment terminal is asked to give a tender back.

        `judge` sees the order while no other terminal can write, and may call it off.
        """
        with self.journal.writing():
            self._views.catch_up()
            order = self._views.order(fulfillment_id)
            if order is None:
                raise OperationRefused("this order is not at this store any more")
            judge(order)
            self.journal.begin_void(fulfillment_id, tender, dev)

    def end_void(self, fulfillment_id: str, tender: int) -> None:
        """Forget that a tender is being given back: that is recorded, or was not done."""
        self.journal.end_void(fulfillment_id, tender)

    def voids_begun(self, fulfillment_id: str) -> Mapping[int, str]:
        """Return the tenders of an order that are being given back, each with its terminal."""
        return self.journal.voids_begun(fulfillment_id)

    def money_moves(self) -> Sequence[MoneyMove]:
        """Return the newest operations that move money, oldest first.

        Left out is what central refused; marked is what it has taken. What it holds back has
        moved all the same: the money lies in the drawer, the card is charged.
        """
        return [
            MoneyMove(
                entry.seq, entry.by, device, entry.at_ms, entry.record.op,
                verdict is not None and verdict.status is not VerdictStatus.QUARANTINED,
            )
            for entry, device, verdict in self.journal.money_history(MONEY_OPERATIONS_MAX)
            if entry.record is not None
            and (verdict is None or verdict.status is not VerdictStatus.REFUSED)
        ]  # fmt: skip

    def knows_central_time(self) -> bool:
        """Return whether `central_now_ms` stands on what nobody can set."""
        token = self.shares.token()
        elapsed = self.clock.monotonic_ms() - token.mono_ms
        return bool(token.token_ms) and token.boot_id == self._boot_id and elapsed >= 0

    def central_now_ms(self) -> int:
        """Return what central's clock shows now, as well as this machine can tell.

        Within a boot by the monotonic clock since central's newest time was heard, which
        nobody can set; after a reboot by the wall clock with its known offset, and never
        before what was heard already.
        """
        token = self.shares.token()
        if self.knows_central_time():
            return token.token_ms + self.clock.monotonic_ms() - token.mono_ms
        guessed = self.clock.now_ms() + self.sync_state().clock_offset_ms
        return max(token.token_ms, guessed)
