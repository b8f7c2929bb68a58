"""What the screens show of the store's data: the shapes of rows."""

from collections.abc import Sequence
from typing import Protocol

from sync.domain.fulfillment import FulfillmentStatus


class Holder(Protocol):
    """Who works on an order alone: the last to accept it, pick of it or undo a pick."""

    @property
    def by(self) -> str:
        """The associate's id."""
        ...

    @property
    def device(self) -> str:
        """The terminal's name."""
        ...

    @property
    def seq(self) -> int:
        """Which operation of the store says so."""
        ...

    @property
    def undid(self) -> bool:
        """Whether that undid a pick: where it was the last unit, nobody has the order."""
        ...


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

    @property
    def unpaid_minor(self) -> int | None:
        """Of a listed parcel that is paid here: what is not paid, or not clear, yet; else None."""
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
    def line(self) -> int | None:
        """Which line of the order, where it is about one."""
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
    def approved_by(self) -> str:
        """Who approved it with their PIN, where somebody had to."""
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
