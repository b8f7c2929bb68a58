"""Operations on fulfillment orders: what a store did (facts) or asks for (requests).

Past tense, one frozen dataclass each, told apart by `kind`. Flows share this
vocabulary; a flow's table says which of them it knows. A fact is never refused
by central. A request may be. Operations on stock are in `stock_operations`.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from sync.domain.fulfillment import PickupProof, RefusalReason, ShortReason
from sync.domain.waves import PickMode


@dataclass(frozen=True, slots=True)
class PromiseConfirmed:
    """The store's machine knows of the promise and keeps its units. Made by no person."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    kind: Literal["promise_confirmed"] = "promise_confirmed"


@dataclass(frozen=True, slots=True)
class FulfillmentAccepted:
    """The store took the work on."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    kind: Literal["fulfillment_accepted"] = "fulfillment_accepted"


@dataclass(frozen=True, slots=True)
class WaveAssigned:
    """The order is picked in this wave, by this person; an empty wave takes it out of its wave."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    wave: str
    picker: str = ""
    tote: int = 0
    mode: PickMode = PickMode.SORT_WHILE_PICK
    kind: Literal["wave_assigned"] = "wave_assigned"


@dataclass(frozen=True, slots=True)
class UnitsSorted:
    """Units that were picked among those of other orders lie in the tote of theirs now."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    line: int
    quantity: int
    kind: Literal["units_sorted"] = "units_sorted"


@dataclass(frozen=True, slots=True)
class LinePicked:
    """Units were taken from the shelf."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    line: int
    quantity: int
    gtin: str = ""
    """The barcode that was scanned, empty when the line was confirmed by hand."""
    kind: Literal["line_picked"] = "line_picked"


@dataclass(frozen=True, slots=True)
class LineUnpicked:
    """A pick was undone: the units are back on the shelf and still to be picked."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    line: int
    quantity: int
    kind: Literal["line_unpicked"] = "line_unpicked"


@dataclass(frozen=True, slots=True)
class LineShortPicked:
    """The store cannot give these units; central sources them elsewhere."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    line: int
    quantity: int
    reason: ShortReason
    kind: Literal["line_short_picked"] = "line_short_picked"


@dataclass(frozen=True, slots=True)
class FulfillmentRejected:
    """The store declines everything that is still open; central sources it elsewhere."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    reason: ShortReason
    kind: Literal["fulfillment_rejected"] = "fulfillment_rejected"


@dataclass(frozen=True, slots=True)
class Staged:
    """The goods were packed and lie at a named spot of the hold shelf."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    spot: str
    kind: Literal["staged"] = "staged"


@dataclass(frozen=True, slots=True)
class MarkedReady:
    """The customer may come; central tells them."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    ready_at_ms: int
    expires_at_ms: int
    kind: Literal["marked_ready"] = "marked_ready"


@dataclass(frozen=True, slots=True)
class Unstaged:
    """Staged or marked ready by mistake: the goods are off the hold shelf, and still in hand."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    kind: Literal["unstaged"] = "unstaged"


@dataclass(frozen=True, slots=True)
class LineQuantity:
    """A number of units of one line."""

    line: int
    quantity: int


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The goods left with the customer or with somebody they sent."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    lines: tuple[LineQuantity, ...]
    proof: PickupProof
    kind: Literal["handed_over"] = "handed_over"


@dataclass(frozen=True, slots=True)
class LineRefused:
    """The customer at the counter does not want these units."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    line: int
    quantity: int
    reason: RefusalReason
    kind: Literal["line_refused"] = "line_refused"


@dataclass(frozen=True, slots=True)
class HoldExpired:
    """Nobody came in time: what waited is released."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    kind: Literal["hold_expired"] = "hold_expired"


@dataclass(frozen=True, slots=True)
class PutBack:
    """Units that nobody expects any more are back on the shelf."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    line: int
    quantity: int
    kind: Literal["put_back"] = "put_back"


@dataclass(frozen=True, slots=True)
class ExtensionRequested:
    """A request: may the goods wait longer? Central decides, by its limit and its clock."""

    is_request: ClassVar[bool] = True
    fulfillment_id: str
    expires_at_ms: int
    kind: Literal["extension_requested"] = "extension_requested"


Operation = (
    PromiseConfirmed
    | FulfillmentAccepted
    | WaveAssigned
    | UnitsSorted
    | LinePicked
    | LineUnpicked
    | LineShortPicked
    | FulfillmentRejected
    | Staged
    | MarkedReady
    | Unstaged
    | HandedOver
    | LineRefused
    | HoldExpired
    | PutBack
    | ExtensionRequested
)
"""The common vocabulary. `sync.domain.flows` adds what single flows bring with them."""


def kind_of(operation: type) -> str:
    """Return the kind that a class of operations stands for."""
    return str(operation.__dataclass_fields__["kind"].default)  # type: ignore[attr-defined]


def aggregate_of(operation: object) -> str:
    """Return what an operation is about: later ones on the same thing wait behind a stuck one."""
    found = getattr(operation, "fulfillment_id", None)
    return str(operation.aggregate if found is None else found)  # type: ignore[attr-defined]
