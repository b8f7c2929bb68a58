"""Operations that only shipping has: boxes, labels, manifests, the carrier."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from sync.domain.operations import LineQuantity


@dataclass(frozen=True, slots=True)
class BoxPacked:
    """Units were packed into a box, and it was weighed."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    box: int
    weight_grams: int
    lines: tuple[LineQuantity, ...]
    kind: Literal["box_packed"] = "box_packed"


@dataclass(frozen=True, slots=True)
class BoxUnpacked:
    """A box was emptied: its label is void, its goods are in hand again."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    box: int
    kind: Literal["box_unpacked"] = "box_unpacked"


@dataclass(frozen=True, slots=True)
class LabelPrinted:
    """A box got a label under a number that the store was given ahead, or wrote down by hand."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    box: int
    carrier: str
    service: str
    number: str
    kind: Literal["label_printed"] = "label_printed"


@dataclass(frozen=True, slots=True)
class LabelRequested:
    """A request: buy a label for a box. Central asks the carrier; the number comes by the feed."""

    is_request: ClassVar[bool] = True
    fulfillment_id: str
    box: int
    carrier: str
    service: str
    kind: Literal["label_requested"] = "label_requested"


@dataclass(frozen=True, slots=True)
class LabelVoided:
    """The label of a box is torn off, or nobody waits for it any more."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    box: int
    kind: Literal["label_voided"] = "label_voided"


@dataclass(frozen=True, slots=True)
class Manifested:
    """A box is on the list that the carrier signs."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    box: int
    manifest: str
    kind: Literal["manifested"] = "manifested"


@dataclass(frozen=True, slots=True)
class HandedToCarrier:
    """The carrier took a box."""

    is_request: ClassVar[bool] = False
    fulfillment_id: str
    box: int
    kind: Literal["handed_to_carrier"] = "handed_to_carrier"


OPERATIONS: tuple[type, ...] = (
    BoxPacked,
    BoxUnpacked,
    LabelPrinted,
    LabelRequested,
    LabelVoided,
    Manifested,
    HandedToCarrier,
)
"""What the flow adds to the common vocabulary."""
