"""What a wave is at one moment: its totes, and the places to walk to. Values, of its orders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from store_client.services.pick_path import UNKNOWN, Shelf, walk_key
from sync.domain.flows import flow_named, status_of
from sync.domain.fulfillment import FulfillmentLine, FulfillmentOrder
from sync.domain.waves import PickMode


class WaveName(NamedTuple):
    """Which wave: names count within a flow."""

    flow: str
    name: str


@dataclass(frozen=True, slots=True)
class Tote:
    """One order of a wave: what is picked for it goes into the tote of this number."""

    number: int
    order: FulfillmentOrder


@dataclass(frozen=True, slots=True)
class PickRow:
    """One place to walk to: all units of a SKU that the wave wants."""

    sku: str
    name: str
    shelf: Shelf
    to_pick: int
    picked: int
    totes: tuple[tuple[int, int], ...]
    """(tote, units still to be picked for it)."""
    to_sort: tuple[tuple[int, int], ...] = ()
    """(tote, units still to be sorted into it), of those that are picked."""

    @property
    def units_to_sort(self) -> int:
        """Units that are picked and lie in no tote."""
        return sum(count for _, count in self.to_sort)


class LeftOut(NamedTuple):
    """An order that was asked for and is not in the wave, and why: no sentence, no full stop."""

    order_id: str
    number: str
    why: str


NAMED_MAX = 2
"""So many orders are named that are left out for the same reason; the others are counted."""


def left_out_words(left_out: Sequence[LeftOut]) -> str:
    """Return which orders are left out and why, each reason once; empty where none are."""
    numbers: dict[str, list[str]] = {}
    for one in left_out:
        numbers.setdefault(one.why, []).append(one.number)
    said = []
    for why, found in numbers.items():
        more = f" and {len(found) - NAMED_MAX} more" if len(found) > NAMED_MAX else ""
        said.append(f"{', '.join(found[:NAMED_MAX])}{more} ({why})")
    return f"{'; '.join(said)}." if said else ""


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave as it stands."""

    key: WaveName
    picker: str
    mode: PickMode
    totes: tuple[Tote, ...]
    rows: tuple[PickRow, ...]
    left_out: tuple[LeftOut, ...] = ()
    """Which of the orders that were asked for are not in it; only said as it begins."""

    @property
    def name(self) -> str:
        """What people call it."""
        return self.key.name

    @property
    def to_pick(self) -> int:
        """Units still on the shelves."""
        return sum(row.to_pick for row in self.rows)

    @property
    def to_sort(self) -> int:
        """Units on the cart that lie in no tote."""
        return sum(row.units_to_sort for row in self.rows)

    @property
    def picked(self) -> int:
        """Units off the shelves."""
        return sum(row.picked for row in self.rows)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is to be picked or sorted."""
        return not self.to_pick and not self.to_sort

    @property
    def ended(self) -> tuple[Tote, ...]:
        """Totes of which something has to go back."""
        return tuple(tote for tote in self.totes if tote.order.total("to_put_back"))


def wave_of(
    key: WaveName, orders: Sequence[FulfillmentOrder], shelves: Mapping[str, Shelf]
) -> Wave:
    """Return the wave that these orders (one at least) say they are in.

    Who picks it is said by what is still to be picked or sorted, else by the first order.
    """
    totes = tuple(
        Tote(order.wave.tote if order.wave else 0, order)
        for order in sorted(orders, key=lambda one: (one.wave.tote if one.wave else 0, one.id))
    )
    wanted: dict[str, list[tuple[Tote, FulfillmentLine]]] = {}
    for tote in totes:
        for line in tote.order.lines:
            if line.open or line.held:
                wanted.setdefault(line.sku, []).append((tote, line))
    rows = [_row(sku, found, shelves.get(sku, UNKNOWN)) for sku, found in wanted.items()]
    rows.sort(key=lambda row: (_rank(row), walk_key(row.shelf, row.sku)))
    # Taking a wave over cannot name anybody on what is picked: that keeps who picked it.
    open_ones = [tote.order for tote in totes if is_walked(tote.order)]
    first = (open_ones or orders)[0].wave
    picker, mode = (first.picker, first.mode) if first else ("", PickMode.SORT_WHILE_PICK)
    return Wave(key, picker, mode, totes, tuple(rows))


def is_walked(order: FulfillmentOrder) -> bool:
    """Return whether the table of its flow lets a person be named who picks or sorts it."""
    row = flow_named(order.flow).index.get(("wave_assigned", status_of(order)))
    return row is not None and row.late is None


def is_in_wave(order: FulfillmentOrder) -> bool:
    """Return whether something of the order is to be picked or sorted in a wave."""
    return order.wave is not None and bool(order.total("to_pick") or order.units_to_sort)


def wave_words(order: FulfillmentOrder, picker: str) -> str:
    """Return with whom the order is picked, as long as something of it is to be picked."""
    wave = order.wave
    if wave is None or not is_in_wave(order):
        return ""
    return f"In wave {wave.name}, picked by {picker}, tote {wave.tote}"


def _row(sku: str, found: Sequence[tuple[Tote, FulfillmentLine]], shelf: Shelf) -> PickRow:
    sorting = [(tote.number, tote.order.to_sort(line)) for tote, line in found]
    return PickRow(
        sku, found[0][1].name, shelf,
        sum(line.to_pick for _, line in found), sum(line.held for _, line in found),
        tuple((tote.number, line.to_pick) for tote, line in found if line.to_pick),
        tuple((tote, count) for tote, count in sorting if count),
    )  # fmt: skip


def _rank(row: PickRow) -> int:
    """Return 0 for what is to be picked, 1 for what is to be sorted, 2 for what is done."""
    if row.to_pick:
        return 0
    return 1 if row.to_sort else 2
