"""Which of what cannot be split a shipment may have, where a part of a day is short of room.

The solver counts a whole item as one unit, a day counts its goods. So a way becomes several
options, of which a plan opens at most one: each names the whole items that it may have. With
these and a limit in the solver's units no shipment has more goods than fit; and whatever
fits is possible by one of them, as long as no more than `ALL_MAX` such items are at the place.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from central_server.sourcing.engine.items import Item
from central_server.sourcing.engine.problem import Offer

ALL_MAX = 6
"""Of so many whole items every combination is an option; of more, as many as there are items."""


class Share(NamedTuple):
    """What a shipment may have at most."""

    row: Sequence[Offer]
    cap: int | None
    """In the solver's units; None: all of the row."""
    cells: Sequence[int]
    """Which cells of the whole row these are."""


def shares(row: Sequence[Offer], items: Sequence[Item], room: int | None) -> Iterator[Share]:
    """Return what a shipment may have of a row, in so much room (None: any)."""
    goods: dict[int, int] = {}
    for number, _, units in row:
        goods[number] = goods.get(number, 0) + (
            items[number].units if items[number].is_whole else units
        )
    if room is None or sum(goods.values()) <= room:
        yield Share(row, None, range(len(row)))
        return
    heavy = {number: units for number, units in goods.items()
             if items[number].is_whole and units > 1}  # fmt: skip
    light = sum(goods.values()) - sum(heavy.values())
    for chosen in _fitting(heavy, room):
        left = room - sum(heavy[number] for number in chosen)
        others = (units for number, units in heavy.items() if number not in chosen)
        if any(units + light <= left for units in others):
            continue  # with that one, too, everything else still fits
        cells = [place for place, (number, _, _) in enumerate(row)
                 if number in chosen or number not in heavy]  # fmt: skip
        if cells:
            yield Share([row[place] for place in cells], len(chosen) + left, cells)


def _fitting(heavy: Mapping[int, int], room: int) -> Iterator[frozenset[int]]:
    """Return combinations that fit, none twice."""
    names = list(heavy)
    if len(names) <= ALL_MAX:
        for count in range(len(names), -1, -1):
            for chosen in combinations(names, count):
                if sum(heavy[number] for number in chosen) <= room:
                    yield frozenset(chosen)
        return
    found = (_filled([*names[start:], *names[:start]], heavy, room) for start in range(len(names)))
    yield from dict.fromkeys(found)


def _filled(names: Sequence[int], heavy: Mapping[int, int], room: int) -> frozenset[int]:
    """Return those that fit, taken one after the other."""
    chosen = []
    for number in names:
        if heavy[number] <= room:
            room -= heavy[number]
            chosen.append(number)
    return frozenset(chosen)
