"""What the screens need of the store's data. `store_client.replica` implements it; tests fake it.

Rows are described, not defined: any object with these attributes will do, so
the replica and a test's fake never share a class.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sync.domain.escrow import Share
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.stock_operations import FloorSold
from sync.protocol.rows import AssociateRow, StoreRow


class BoardRow(Protocol):
    """One fulfillment order as a line of a list."""

    @property
    def id(self) -> str:
        """The fulfillment order's id."""
        ...

    @property
    def order_number(self) -> str:
        """The number that people read aloud."""
        ...

    @property
    def customer_name(self) -> str:
        """Who ordered."""
        ...

    @property
    def status(self) -> FulfillmentStatus:
        """Where it stands."""
        ...

    @property
    def promised_by_ms(self) -> int:
        """When it was promised to be ready."""
        ...

    @property
    def expires_at_ms(self) -> int | None:
        """Until when ready goods wait."""
        ...

    @property
    def staging_spot(self) -> str:
        """Where the goods lie."""
        ...

    @property
    def units_open(self) -> int:
        """Units that the customer still expects."""
        ...

    @property
    def units_to_pick(self) -> int:
        """Units still on the shelf."""
        ...

    @property
    def units_to_put_back(self) -> int:
        """Units in our hands that nobody expects."""
        ...

    @property
    def provisional(self) -> bool:
        """Whether a request in it still waits for central's answer."""
        ...


class ProductHit(Protocol):
    """A product found, with what this store knows of it."""

    @property
    def sku(self) -> str:
        """The SKU."""
        ...

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def brand(self) -> str:
        """Its brand."""
        ...

    @property
    def category(self) -> str:
        """Where it belongs."""
        ...

    @property
    def gtins(self) -> Sequence[str]:
        """Its barcodes, 14 digits each."""
        ...

    @property
    def price_minor(self) -> int | None:
        """Price in minor units; None where this store has none."""
        ...

    @property
    def currency(self) -> str:
        """ISO 4217 code of the price."""
        ...

    @property
    def on_hand(self) -> int | None:
        """Units in the book; None where the store never carried it."""
        ...

    @property
    def allocated(self) -> int:
        """Units promised to orders."""
        ...

    @property
    def available(self) -> int:
        """Units that nobody was promised."""
        ...

    @property
    def online(self) -> int:
        """Of the available units, those that central may promise."""
        ...

    @property
    def aisle(self) -> str:
        """Where it lies."""
        ...


class Lockout(Protocol):
    """Failed attempts on one key, and until when no more are taken."""

    @property
    def failures(self) -> int:
        """Attempts that failed in a row."""
        ...

    @property
    def until_ms(self) -> int:
        """No attempt before this time; 0 when not locked."""
        ...


class SyncState(Protocol):
    """How the connection to central stands."""

    @property
    def last_contact_ms(self) -> int | None:
        """When central last answered."""
        ...

    @property
    def backlog(self) -> int:
        """Operations that central does not have yet."""
        ...

    @property
    def last_error(self) -> str:
        """Why the last cycle failed, empty when it did not."""
        ...

    @property
    def daemon_alive(self) -> bool:
        """Whether anything is sending at all."""
        ...

    @property
    def quarantined(self) -> int:
        """Operations that central could not process."""
        ...

    @property
    def bootstrapped(self) -> bool:
        """Whether this store's data has arrived once."""
        ...

    @property
    def halted(self) -> bool:
        """Whether central refuses to go on with this installation."""
        ...

    @property
    def clock_offset_ms(self) -> int:
        """How far central's clock is ahead of this machine's."""
        ...

    @property
    def alerts(self) -> Sequence[str]:
        """What went wrong lately and was repaired, in words."""
        ...


class OperationFate(Protocol):
    """An operation of this store and what became of it."""

    @property
    def seq(self) -> int:
        """Its place in the journal."""
        ...

    @property
    def kind(self) -> str:
        """The operation's name on the wire."""
        ...

    @property
    def fulfillment_id(self) -> str:
        """What it is about."""
        ...

    @property
    def order_number(self) -> str:
        """The same, for people."""
        ...

    @property
    def quantity(self) -> int | None:
        """Units, where the operation has some."""
        ...

    @property
    def by(self) -> str:
        """The associate who did it."""
        ...

    @property
    def at_ms(self) -> int:
        """When, by this terminal's clock."""
        ...

    @property
    def state(self) -> str:
        """waiting, accepted, amended, refused or quarantined."""
        ...

    @property
    def text(self) -> str:
        """What was done, or what central said of it, in words."""
        ...


class InboxItem(Protocol):
    """Something that people of this store must look at."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def kind(self) -> str:
        """What happened, as in `sync.domain.exceptions`."""
        ...

    @property
    def owner(self) -> str:
        """Who has to act: store, or central where this store is only told."""
        ...

    @property
    def text(self) -> str:
        """What happened, in a sentence."""
        ...

    @property
    def opened_ms(self) -> int:
        """Since when."""
        ...

    @property
    def due_ms(self) -> int:
        """Until when it has to be settled."""
        ...

    @property
    def order_number(self) -> str:
        """The order that it is about, if it is about one."""
        ...

    @property
    def fulfillment_id(self) -> str:
        """The same, for opening it."""
        ...

    @property
    def assignee(self) -> str:
        """Who looks after it, if somebody is named."""
        ...

    @property
    def is_done(self) -> bool:
        """Whether somebody here said that it is done; central's row is still there."""
        ...

    @property
    def note(self) -> str:
        """What they said."""
        ...

    @property
    def said(self) -> str:
        """What central said to an earlier `done` that it did not take."""
        ...


class Store(Protocol):
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

    def perform(self, operation: Any, *, by: str, dev: str) -> FulfillmentOrder:
        """Record an operation durably and return the order after it, or raise."""
        ...

    def sell(
        self,
        sale: Any,
        *,
        by: str,
        dev: str,
        breaks: str = "",
        judge: Callable[[FloorSold], object] = ...,
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
