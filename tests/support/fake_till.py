"""The part of the store in memory that begins orders and takes money, by the real rules."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from threading import RLock
from typing import Any

from store_client.replica.till import NotFree, check_turn
from sync.clock import Clock
from sync.domain.escrow import Share
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.money_operations import CardSettled
from sync.domain.paying import begun
from sync.domain.reserve_operations import ReservationMade
from sync.edge.journal_reading import MONEY_KINDS


@dataclass(frozen=True)
class Move:
    seq: int
    by: str
    device: str
    at_ms: int
    operation: Any
    is_known: bool = False


class FakeTill(ABC):
    """What `FakeStore` does at the counter; its fields are that one's."""

    central_ahead_ms = 0
    """How far central's clock is ahead of this machine's."""

    lock: RLock
    clock: Clock
    version: int
    location_id: str
    orders: dict[str, FulfillmentOrder]
    moves: list[Move]
    voids: dict[tuple[str, int], str]
    catalogue: list[Any]

    @abstractmethod
    def share(self, sku: str) -> Share | None:
        """Return how a SKU is divided; see `FakeSales`."""

    def begin_order(self, operation, *, by: str, dev: str) -> FulfillmentOrder:
        with self.lock:
            if isinstance(operation, ReservationMade):
                for one in operation.reserved:
                    share = self.share(one.sku)
                    free = 0 if share is None else max(0, share.floor)
                    if one.quantity > free:
                        raise NotFree({one.sku: one.quantity - free})
            order = begun(operation, self.location_id, self.clock.now_ms())
            self.orders[order.id] = order
            self.version += 1
            return order

    def note_money(self, operation, by: str, dev: str) -> None:
        """Remember an operation that moves money."""
        if operation.kind in MONEY_KINDS:
            number = len(self.moves) + 1
            self.moves.append(Move(number, by, dev, self.clock.now_ms(), operation))

    @abstractmethod
    def note_approval(self, operation, by: str, approval) -> None:
        """Remember who approved an operation; see `FakeSales`."""

    def record_money(
        self, operation, *, by: str, dev: str, approval=None, judge=lambda _: None
    ) -> None:
        with self.lock:
            known = [move.operation for move in self.moves if move.device == dev]
            if isinstance(operation, CardSettled) and operation in known:
                return
            check_turn(operation, [move.operation for move in self.moves])
            judge(operation)
            self.note_approval(operation, by, approval)
            self.note_money(operation, by, dev)
            self.version += 1

    def begin_void(self, fulfillment_id: str, tender: int, *, dev: str, judge) -> None:
        with self.lock:
            judge(self.orders[fulfillment_id])
            self.voids.setdefault((fulfillment_id, tender), dev)

    def end_void(self, fulfillment_id: str, tender: int) -> None:
        self.voids.pop((fulfillment_id, tender), None)

    def voids_begun(self, fulfillment_id: str) -> dict[int, str]:
        return {tender: dev for (key, tender), dev in self.voids.items() if key == fulfillment_id}

    def money_moves(self) -> list[Move]:
        return list(self.moves)

    def currency(self) -> str:
        return next((hit.currency for hit in self.catalogue), "")

    def central_now_ms(self) -> int:
        return self.clock.now_ms() + self.central_ahead_ms

    def knows_central_time(self) -> bool:
        return True
