"""What the terminal puts on paper, in its own words; adapters make files or drive printers.

No printer stops nobody: what cannot be put on paper is said, and the work goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

GRAMS_A_KILO = 1000


@dataclass(frozen=True, slots=True)
class ParcelLabel:
    """What stands on a box."""

    number: str
    carrier: str
    """Its name for people."""
    service: str
    to: tuple[str, ...]
    """The address, a line each."""
    sender: str
    order_number: str
    box: int
    boxes: int
    weight_grams: int

    @property
    def weight(self) -> str:
        """The weight as people write it, such as `1.25 kg`."""
        return f"{self.weight_grams / GRAMS_A_KILO:.2f} kg"


@dataclass(frozen=True, slots=True)
class SlipLine:
    """What lies in a box."""

    quantity: int
    sku: str
    name: str


@dataclass(frozen=True, slots=True)
class PackingSlip:
    """What is put into a box for whoever opens it."""

    order_number: str
    box: int
    store: str
    to: tuple[str, ...]
    lines: tuple[SlipLine, ...]
    rest: int
    """Units of the order that come in other boxes."""


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One box on a manifest."""

    number: str
    order_number: str
    box: int
    weight_grams: int
    postal_code: str


@dataclass(frozen=True, slots=True)
class ManifestSheet:
    """The list that a carrier signs."""

    name: str
    carrier: str
    store: str
    made: str
    """When, in the store's time."""
    rows: tuple[ManifestRow, ...]


class PaperProblem(Exception):
    """It is not on paper; the message says why."""


class Paper(Protocol):
    """Puts things on paper. May raise `PaperProblem`; asking again is always allowed."""

    def label(self, label: ParcelLabel) -> Sequence[Path]:
        """Make a label; return the files, if any."""
        ...

    def has_label(self, number: str) -> bool:
        """Return whether the label of that number was made once."""
        ...

    def slip(self, slip: PackingSlip) -> Sequence[Path]:
        """Make a packing slip."""
        ...

    def manifest(self, sheet: ManifestSheet) -> Sequence[Path]:
        """Make a manifest."""
        ...


class NoPaper:
    """Where nothing is printed: implements `Paper` by making nothing."""

    def label(self, label: ParcelLabel) -> Sequence[Path]:
        """Make no label."""
        del label
        return ()

    def has_label(self, number: str) -> bool:
        """Miss no label."""
        del number
        return True

    def slip(self, slip: PackingSlip) -> Sequence[Path]:
        """Make no packing slip."""
        del slip
        return ()

    def manifest(self, sheet: ManifestSheet) -> Sequence[Path]:
        """Make no manifest."""
        del sheet
        return ()


NO_PAPER: Paper = NoPaper()
"""Where nothing is printed."""
