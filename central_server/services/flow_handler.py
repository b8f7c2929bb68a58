"""What a flow adds at central: what follows from an operation, beyond the rule itself.

Handlers decide on values and hand their wishes to `FollowUps`, which keeps them
in memory until the whole push is written. So a handler that raises has changed
nothing, and the operation goes to quarantine by itself.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from central_server.services.notice import Notice
from sync.domain.exceptions import ExceptionKind, ExceptionOwner
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.tenders import TenderKind
from sync.domain.transitions import Consequence, FulfillmentOperation, Outcome


@dataclass(frozen=True, slots=True)
class Step:
    """One operation that was just judged."""

    before: FulfillmentOrder
    operation: FulfillmentOperation
    outcome: Outcome
    by: str
    at_ms: int
    """The store's claim."""
    now_ms: int
    """Central's time."""

    @property
    def is_late(self) -> bool:
        """Whether central had decided otherwise before it heard."""
        return bool(self.outcome.consequences)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fulfillment order is done."""

    location_id: str
    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Moved:
    """Units found another location."""

    order: FulfillmentOrder
    place: Place
    pickup_code: str
    """In clear: for the customer's message only."""


@dataclass(frozen=True, slots=True)
class Reshipped:
    """Units of a parcel order found other locations, and some perhaps none."""

    parts: tuple[Moved, ...]
    missing: Mapping[int, int]
    """Units by line that nobody can send."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What was true of units that a location had given up, and has after all."""

    dropped: int = 0
    """Were not wanted any more: their customer has been told so, and gets the money back."""
    doubled: int = 0
    """Are more than was ordered: others had been asked for them."""


class FollowUps(Protocol):
    """What a handler may ask for. Everything happens with the push, or not at all."""

    def place(self, location_id: str) -> Place:
        """Return a location's name and time zone."""
        ...

    def re_source(self, order: FulfillmentOrder, units: Mapping[int, int]) -> Moved | None:
        """Find another location for units (by line) that `order` gave up; None if there is none."""
        ...

    def re_ship(self, order: FulfillmentOrder, units: Mapping[int, int]) -> Reshipped:
        """Find other locations to send units (by line) that `order` gave up, several if needed."""
        ...

    def pause(self, order: FulfillmentOrder, skus: Collection[str], until_ms: int) -> None:
        """Do not ask this location until then: for these SKUs, or for this order if none."""
        ...

    def free(self, order: FulfillmentOrder) -> None:
        """Give back what an order that has ended took of its location's day."""
        ...

    def side_effect(self, kind: str, name: str, payload: Mapping[str, object]) -> None:
        """Let something leave after the commit, once for this operation and `name`."""
        ...

    def leave_unsourced(self, order: FulfillmentOrder, units: Mapping[int, int]) -> None:
        """Keep units (by line) on the order as wanted, but carried by nobody."""
        ...

    def take_back(self, order: FulfillmentOrder, units: Mapping[int, int]) -> TakenBack:
        """Take units (by line) off what nobody carries, or got: `order` has them after all."""
        ...

    def drop_unsourced(self, order: FulfillmentOrder) -> None:
        """Give up all units of the order that nobody carries: the customer gave them up."""
        ...

    def decide(self, operation: FulfillmentOperation) -> None:
        """Let central decide something by the rules of the flow, right after this operation."""
        ...

    def redeem(
        self, account: str, means: TenderKind, currency: str, amount_minor: int, *, is_fact: bool
    ) -> int:
        """Take an amount from stored value; return how much is missing.

        A fact is taken whatever there is, anything else only where nothing is missing.
        """
        ...

    def give_back_value(self, account: str, currency: str, amount_minor: int) -> None:
        """Put an amount back on stored value."""
        ...

    def event(self, order: FulfillmentOrder, kind: str, text: str) -> None:
        """Add a line to the order's timeline: something that central decided."""
        ...

    def exception(
        self,
        order: FulfillmentOrder,
        kind: ExceptionKind,
        text: str,
        owner: ExceptionOwner | None = None,
        taken_over_by: str = "",
    ) -> None:
        """Open something that a person has to settle: the kind says who else, and until when.

        `taken_over_by` is the fulfillment order that it names: it is over when that gives up.
        """
        ...

    def pickup_qr(self, order: FulfillmentOrder) -> str:
        """Return what the customer's QR code says, where a message told it; else nothing."""
        ...

    def reaches_customer(self, order: FulfillmentOrder) -> bool:
        """Return whether there is an address to write to."""
        ...

    def mail(
        self, order: FulfillmentOrder, compose: Callable[[], Notice], *, only_while: str = ""
    ) -> None:
        """Write to the customer; with `only_while`, only if that is the status after the push.

        `compose` is called at the end of the push, and not at all for a message
        that is not due any more.
        """
        ...

    def correct(
        self, order: FulfillmentOrder, kinds: Collection[str], compose: Callable[[], Notice]
    ) -> None:
        """Call off the newest message of these kinds; where it may have left, write this one."""
        ...


class FlowHandler(Protocol):
    """One flow's part at central."""

    @property
    def flow(self) -> str:
        """The flow's name in `sync.domain.flows`."""
        ...

    @property
    def kinds(self) -> frozenset[str]:
        """Operations after which something may follow; `follow` is called for these only."""
        ...

    def follow(self, step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
        """Ask for what follows from `step` and return what to tell the associate."""
        ...
