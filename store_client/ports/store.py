"""What the screens ask of the store's data, and have it do."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from store_client.devices import TillStore
from store_client.ports.seen import (
    BoardRow,
    Holder,
    InboxItem,
    Lockout,
    OperationFate,
    ProductHit,
    SyncState,
)
from sync.domain.escrow import Share
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.people import Approval
from sync.domain.stock_operations import FloorSold
from sync.protocol.rows import AssociateRow, StoreRow


class Store(TillStore, Protocol):
    """This store's data: local, durable, never waiting for a network."""

    @property
    def location_id(self) -> str:
        """Which store this is."""
        ...

    @property
    def replica_id(self) -> str:
        """Which installation this is."""
        ...

    def store_row(self) -> StoreRow | None:
        """Return what the store must know of itself."""
        ...

    def perform(
        self,
        operation: Any,
        *,
        by: str,
        dev: str,
        approval: Approval | None = None,
        judge: Callable[[FulfillmentOrder], object] = ...,
    ) -> FulfillmentOrder:
        """Record an operation durably and return the order after it, or raise.

        `judge` sees the order while no other terminal can write, and may raise: nothing has
        happened then.
        """
        ...

    def sell(
        self,
        sale: Any,
        *,
        by: str,
        dev: str,
        breaks: str = "",
        judge: Callable[[FloorSold], object] = ...,
        approval: Approval | None = None,
    ) -> FloorSold | None:
        """Record a sale durably; None where that transaction is known. `judge` may call it off."""
        ...

    def sale(self, transaction: str) -> FloorSold | None:
        """Return the sale of that number as it was recorded."""
        ...

    def share(self, sku: str) -> Share | None:
        """Return how a SKU is divided between walk-in customers, central and promises."""
        ...

    def promises_of(self, sku: str) -> Sequence[FulfillmentOrder]:
        """Return the orders for which units of a SKU still lie on the shelf."""
        ...

    def is_unacknowledged(self, fulfillment_id: str) -> bool:
        """Return whether central may have moved an order, for all that the store knows."""
        ...

    def alert(self, text: str) -> None:
        """Leave a note for people, once."""
        ...

    def fulfillment(self, fulfillment_id: str) -> FulfillmentOrder | None:
        """Return one fulfillment order as it stands here."""
        ...

    def board(
        self, flow: str, *, include_closed: bool = False, limit: int = 500, offset: int = 0
    ) -> Sequence[BoardRow]:
        """Return the orders of a flow, most urgent first."""
        ...

    def over(self, flow: str, now_ms: int) -> Sequence[str]:
        """Return the ids of the open orders of a flow whose time to be paid is over."""
        ...

    def spots_used(self, without: str = "") -> dict[str, int]:
        """Return how many open orders lie at each spot; the order `without` is not counted."""
        ...

    def orders_at(self, spot: str) -> Sequence[BoardRow]:
        """Return the open orders that lie at a spot, however its name is written."""
        ...

    def noted(self, flow: str, note: str) -> Sequence[str]:
        """Return the ids of the open orders of a flow that carry a note of that name."""
        ...

    def carriers(self, flow: str) -> Mapping[str, str]:
        """Return by order which carrier is to take it, of the open orders of a flow."""
        ...

    def holders(self, fulfillment_ids: Sequence[str]) -> Mapping[str, Holder]:
        """Return by order who took it on, picked or unpicked last, unless a wave came after it."""
        ...

    def counts(self, flow: str) -> dict[FulfillmentStatus, int]:
        """Return how many orders of a flow have each status."""
        ...

    def find_orders(self, text: str, limit: int = 20) -> Sequence[BoardRow]:
        """Return orders by number or customer's name."""
        ...

    def products(self, text: str, limit: int = 20) -> Sequence[ProductHit]:
        """Return products by words of their name, brand, category, SKU or barcode."""
        ...

    def product_by_code(self, code: str) -> Sequence[ProductHit]:
        """Return products by barcode (padded in any way) or SKU."""
        ...

    def skus_of(self, code: str) -> Sequence[str]:
        """Return the SKUs that a barcode (padded in any way) or SKU stands for."""
        ...

    def stock_as_of_ms(self) -> int | None:
        """Return how old the stock figures are."""
        ...

    def associates(self) -> Sequence[AssociateRow]:
        """Return who may sign in here."""
        ...

    def lockout(self, associate_id: str) -> Lockout:
        """Return the failed attempts on a key."""
        ...

    def record_failure(self, associate_id: str, now_ms: int) -> Lockout:
        """Count a failed attempt durably."""
        ...

    def clear_failures(self, associate_id: str) -> None:
        """Forget the failed attempts on a key."""
        ...

    def exceptions(self) -> Sequence[InboxItem]:
        """Return what people of this store must look at, the most urgent first."""
        ...

    def resolve_exception(self, exception_id: str, note: str, *, by: str, dev: str) -> None:
        """Record durably that an exception is done, or raise."""
        ...

    def record_task(self, operation: Any, *, by: str, dev: str) -> None:
        """Record durably what is to be done, who is to do it, or that it is done, or raise."""
        ...

    def sync_state(self) -> SyncState:
        """Return how the connection stands."""
        ...

    def operations(self, limit: int = 200, offset: int = 0) -> Sequence[OperationFate]:
        """Return this store's operations, newest first."""
        ...

    def fates_of(self, fulfillment_id: str) -> Sequence[OperationFate]:
        """Return the operations on one order."""
        ...

    def change_token(self) -> tuple[int, ...]:
        """Return a value that differs when anything changed."""
        ...

    def close(self) -> None:
        """Close the files."""
        ...
