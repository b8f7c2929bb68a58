"""How the pick list of a wave looks: where to walk, what to take, and into which totes."""

from collections.abc import Sequence

from store_client.services import waves
from store_client.widgets.work_list import Cell, Column, Looks


def _cells(row: waves.PickRow) -> Sequence[Cell]:
    todo, sorting = bool(row.to_pick), bool(row.to_sort)
    asked = row.totes if todo else row.to_sort
    totes = " ".join(f"{tote}:{count}" for tote, count in asked)
    mark = f"{row.to_pick}" if todo else f"sort {row.units_to_sort}" if sorting else "✓"
    is_open = todo or sorting
    return (
        Cell(row.shelf.words, "" if row.shelf.aisle else "dim", bold=todo),
        Cell(row.name, "" if is_open else "dim", bold=is_open),
        Cell(mark, "work" if is_open else "good", bold=True),
        Cell(totes or "–", "" if is_open else "dim"),
        Cell(row.sku, "dim"),
    )


LOOKS = Looks(
    (
        Column("AISLE", 8),
        Column("ITEM", 28, share=3),
        Column("PICK", 6, right=True),
        Column("TOTE:UNITS", 16, share=1),
        Column("SKU", 10, leaves=1),
    ),
    key=lambda row: row.sku,
    cells=_cells,
    empty="Everything of this wave is picked.",
)
